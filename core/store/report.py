"""What a load did, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class LoadReport:
    """One load; rows_read == stored + duplicate + sum(rejected.values())."""

    format: str
    files: tuple[str, ...]
    rows_read: int  # candidate events of the source
    stored: int  # events that the store did not hold before
    duplicate: int  # events equal in every column to one that is stored
    rejected: dict[str, int]  # rows by reason
    started: str  # ISO 8601, UTC
    seconds: float
    first_day: str | None  # first and last local day among the events read, ISO 8601
    last_day: str | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        return {**asdict(self), "files": list(self.files), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LoadReport:
        """The inverse of `as_dict`."""
        return cls(**{**values, "files": tuple(values["files"]), "notes": tuple(values["notes"])})


@dataclass(frozen=True)
class Progress:
    """How far a load is."""

    done: float  # 0–1
    rows: int  # source rows read so far
    seconds: float  # since the load began
    remaining: float | None  # estimated seconds; None while there is nothing to estimate from
    stage: str  # "reading", "sorting 2025-03", …


@dataclass
class Meter:
    """Turns shares of work into `Progress` with an estimate."""

    listener: Callable[[Progress], None] | None
    clock: Callable[[], float]
    began: float = field(init=False)
    first: float | None = field(default=None, init=False)  # share already done when this run began

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def seconds(self) -> float:
        """Seconds since the load began."""
        return self.clock() - self.began

    def start_at(self, done: float) -> None:
        """Note the share that an earlier run did: the estimate must not count it as speed."""
        self.first = done

    def report(self, done: float, rows: int, stage: str) -> None:
        """Tell the listener, if there is one."""
        if self.listener is None:
            return
        if self.first is None:
            self.first = 0.0
        done = min(max(done, 0.0), 1.0)
        seconds = self.seconds
        gained = done - self.first
        remaining = seconds / gained * (1 - done) if gained > 0 else None
        self.listener(Progress(done, rows, seconds, remaining, stage))
