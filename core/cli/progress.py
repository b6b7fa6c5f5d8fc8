"""Progress of long work on standard error: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

#: Seconds between two lines where there is no terminal.
PAUSE = 5.0


class Step(Protocol):
    """What a load or a build tells while it works (`core.store.Progress`)."""

    done: float
    rows: int
    seconds: float
    remaining: float | None
    stage: str


@contextmanager
def shown() -> Iterator[Callable[[Step], None]]:
    """A function to hand to long work; what it is told appears on standard error."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}")
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0, words="")
        yield lambda step: bar.update(task, completed=step.done, description=step.stage, words=words(step))


class _Lines:
    """Prints at once where a stage begins, then every few seconds."""

    def __init__(self) -> None:
        self.stage = ""
        self.last = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.stage == self.stage and now - self.last < PAUSE:
            return
        self.stage, self.last = step.stage, now
        print(f"{step.stage}: {words(step)}", file=sys.stderr, flush=True)


def words(step: Step) -> str:
    """`40 % · 1,234,567 rows · about 12 s left`."""
    parts = [f"{step.done:.0%}".replace("%", " %")]
    if step.rows:
        parts.append(f"{step.rows:,} rows")
    if step.remaining is not None:
        parts.append(f"about {span(step.remaining)} left")
    return " · ".join(parts)


def span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
