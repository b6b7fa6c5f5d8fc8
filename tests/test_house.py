"""The house stays in order: imports point down, pages stay thin, files can be read in one sitting."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings

ROOT = Path(__file__).parents[1]

#: From the ground up; a room imports itself and the rooms before it.
ROOMS = (
    "errors",
    "garbage",
    "jobs",
    "events",
    "settings",
    "scope",
    "space",
    "sources",
    "store",
    "marts",
    "paths",
    "encoder",
    "journeys",
    "recommender",
    "analyses",
    "charts",
    "api",
    "cli",
)

CODE = [
    *sorted(path for folder in ("core", "pages", "data") for path in (ROOT / folder).rglob("*.py")),
    ROOT / "app.py",
]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room(parts: tuple[str, ...]) -> str:
    return parts[1].removesuffix(".py")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in CODE if name(p).startswith("core/")], ids=name)
def test_imports_point_down(path: Path) -> None:
    mine = room(path.relative_to(ROOT).parts)
    if mine in ("__init__", "__main__"):
        return
    for module in imports(path):
        if module.startswith("core."):
            theirs = room(tuple(module.split(".")))
            assert ROOMS.index(theirs) <= ROOMS.index(mine), f"{mine} imports {theirs}"


@pytest.mark.parametrize("path", [p for p in CODE if name(p).startswith("core/")], ids=name)
def test_the_engine_knows_no_browser(path: Path) -> None:
    assert not [m for m in imports(path) if m.split(".")[0] in ("streamlit", "pages", "app")]


@pytest.mark.parametrize("path", [p for p in CODE if name(p).startswith(("pages/", "app.py"))], ids=name)
def test_pages_hold_no_sql_and_no_models(path: Path) -> None:
    assert not [m for m in imports(path) if m.split(".")[0] in ("duckdb", "torch", "ibis", "numba")]
    assert not re.search(r"\bSELECT\b.*\bFROM\b", path.read_text())


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for setting in Settings.model_fields:
        assert f"CARTSCAPE_{setting.upper()}" in readme
