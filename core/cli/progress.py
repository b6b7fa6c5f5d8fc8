"""Progress of long work on standard error: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from core.store import Progress

#: Seconds between two lines where there is no terminal.
PAUSE = 5.0
#: Share of the work after which an estimate means something.
ESTIMABLE = 0.05


#: Puts one state of the work before the reader: the stage, the share done, the words.
Show = Callable[[str, float, str], None]


class Teller:
    """Takes what a load (`of_load`) or a build (`of_build`) tells while it works."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._build_began: float | None = None

    def of_load(self, step: Progress) -> None:
        self._show(step.stage, step.done, words(step.done, step.rows, step.remaining))

    def of_build(self, done: float, stage: str) -> None:
        now = time.monotonic()
        if self._build_began is None:
            self._build_began = now
        spent = now - self._build_began
        remaining = spent * (1 - done) / done if done >= ESTIMABLE and spent > 1 else None
        self._show(stage, done, words(done, 0, remaining))


@contextmanager
def shown() -> Iterator[Teller]:
    """What the work tells the teller appears on standard error."""
    if not sys.stderr.isatty():
        yield Teller(_Lines())
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}")
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0, words="")

        def show(stage: str, done: float, words: str) -> None:
            bar.update(task, completed=done, description=stage, words=words)

        yield Teller(show)


class _Lines:
    """Prints at once, then every few seconds."""

    def __init__(self) -> None:
        self.due = 0.0

    def __call__(self, stage: str, _done: float, words: str) -> None:
        now = time.monotonic()
        if now >= self.due:
            self.due = now + PAUSE
            print(f"{stage}: {words}", file=sys.stderr, flush=True)


def words(done: float, rows: int, remaining: float | None) -> str:
    """`40 % · 1,234,567 rows · about 12 s left`."""
    parts = [f"{done * 100:.0f} %"]
    if rows:
        parts.append(f"{rows:,} rows")
    if remaining is not None and done < 1:
        parts.append(f"about {span(remaining)} left")
    return " · ".join(parts)


def span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
