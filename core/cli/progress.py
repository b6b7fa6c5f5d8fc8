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
#: Share of a load and the build after it that the load usually takes.
LOADING = 0.7


#: Puts one state of the work before the reader: the stage, the share done, the words.
Show = Callable[[str, float, str], None]


class Teller:
    """Takes what a load (`of_load`) and the build after it (`of_build`) tell while they work.

    The two are one piece of work to whoever waits: its share only rises, and is whole once the build
    is. A build alone has all of it.
    """

    def __init__(self, show: Show) -> None:
        self._show = show
        self._before = 0.0  # share of the work that comes before the build
        self._done = 0.0
        self._build_began: float | None = None

    def of_load(self, step: Progress) -> None:
        self._before = LOADING
        remaining = step.remaining
        if remaining is not None:
            remaining += (step.seconds + remaining) * (1 - LOADING) / LOADING
        self._tell(step.stage, LOADING * step.done, step.rows, remaining)

    def of_build(self, done: float, stage: str) -> None:
        now = time.monotonic()
        if self._build_began is None:
            self._build_began = now
        spent = now - self._build_began
        remaining = spent * (1 - done) / done if done >= ESTIMABLE and spent > 1 else None
        self._tell(stage, self._before + (1 - self._before) * done, 0, remaining)

    def _tell(self, stage: str, done: float, rows: int, remaining: float | None) -> None:
        self._done = max(done, self._done)
        self._show(stage, self._done, words(self._done, rows, remaining))


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
