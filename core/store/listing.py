"""The stores under a home folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import CartscapeError
from core.store.manifest import NAME, Manifest


@dataclass(frozen=True)
class StoreInfo:
    """One store, as its manifest describes it."""

    name: str
    path: Path
    kind: str
    events: int
    first_day: str | None
    last_day: str | None
    error: str | None = None  # a sentence when it cannot be opened


def list_stores(home: Path) -> list[StoreInfo]:
    """The stores below `home`, by name. Never raises: a broken store carries a sentence."""
    home = Path(home).absolute()
    try:
        folders = sorted(p for p in home.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError:
        return []
    return [_describe(f) for f in folders if (f / NAME).exists() or (f / "events").exists()]


def _describe(folder: Path) -> StoreInfo:
    try:
        manifest = Manifest.load(folder)
    except CartscapeError as error:
        return StoreInfo(folder.name, folder, "log", 0, None, None, str(error))
    first, last = manifest.days or (None, None)
    return StoreInfo(folder.name, folder, manifest.kind, manifest.events, first, last)
