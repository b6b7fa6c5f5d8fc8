"""`make` as a person uses it; needs make and the environment that `make test` has made."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_make_alone_explains_each_target_of_the_readme() -> None:
    told = set(re.findall(r"^  make (\w+) {2,}\S", make().stdout, re.MULTILINE))
    assert {"setup", "run", "test", "lint", "format", "bench", "lock", "clean"} <= told


def test_run_on_a_port_in_use_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = make("run", f"PORT={port}")
    assert done.returncode != 0
    assert f"Port {port} is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_setup_without_a_python_is_a_sentence() -> None:
    done = make("--dry-run", "--always-make", "setup", "PYTHON=")
    assert "Cartscape needs Python 3.11" in done.stdout


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_name_no_place(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line.lstrip()[0] != "#"]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+]+( ; .+)?", line), line


def test_both_lists_agree_where_they_overlap() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text().splitlines()
        return dict(line.split("==") for line in lines if re.match(r"\w", line))

    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {k: v for k, v in dev.items() if k in run} == {k: run[k] for k in dev if k in run}
