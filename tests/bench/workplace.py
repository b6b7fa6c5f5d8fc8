"""Where the bench keeps its stores and results, and how it runs and measures another process."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIBRARIES = ("duckdb", "pyarrow", "numpy", "numba", "ibis-framework", "streamlit")


@dataclass(frozen=True)
class Workplace:
    """A folder outside the repository; results of a section stay there until it runs again."""

    cache: Path
    events: int

    @property
    def home(self) -> Path:
        """The home folder of the stores of this size."""
        return self.cache / f"{self.events}"

    @property
    def store(self) -> Path:
        return self.home / "sample"

    @property
    def log_file(self) -> Path:
        """The log as one Parquet file, as another system would hand it over."""
        return self.home / "log.parquet"

    def result(self, section: str) -> dict[str, Any] | None:
        """What the section found when it last ran, or None."""
        path = self.home / f"{section}.json"
        found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
        return found

    def keep(self, section: str, result: dict[str, Any]) -> dict[str, Any]:
        """Keep a section's result."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / f"{section}.json").write_text(json.dumps(result, indent=1))
        return result


@dataclass(frozen=True)
class Run:
    """A process that ended well."""

    seconds: float
    peak_mb: float  # largest resident set of the process, MiB
    output: str


class _PeakWatch(threading.Thread):
    """Follows a process's own high-water mark until it ends.

    Not `ru_maxrss`: Linux carries the parent's peak over fork and exec, so that a small child of a
    large process is reported as large.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0
        self._status = Path(f"/proc/{pid}/status")

    def run(self) -> None:
        """Read the mark every 20 ms; a process that has ended has none."""
        while (mark := self._mark()) is not None:
            self.peak_mb = mark
            time.sleep(0.02)

    def _mark(self) -> float | None:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def run(*words: object, environment: dict[str, str] | None = None) -> Run:
    """Run a command from the repository's root to its end; raises with its last words where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        list(map(str, words)),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    watch = _PeakWatch(process.pid)
    watch.start()
    output = process.stdout.read()
    process.wait()
    watch.join()
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, words))} ended with {process.returncode}; its words are above."
        )
    return Run(time.monotonic() - began, watch.peak_mb, output)


def core(*words: object) -> Run:
    """Run `python -m core`."""
    return run(sys.executable, "-m", "core", *words)


def machine() -> str:
    """Processor, cores, memory and versions, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}; {versions}"
    )


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile; `share` is 0–1."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
