"""The manifest: which files make up the store, and everything it remembers about its loads.

It is the only file that changes in place; whoever reads it sees one whole generation of the store.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import CartscapeError, WrongCall
from core.store.files import write_durably
from core.store.report import LoadReport

NAME = "manifest.json"
VERSION = 2  # since 2 it knows a journal


@dataclass(frozen=True)
class Part:
    """One immutable file of the store."""

    file: str  # path below the store's folder
    rows: int
    size: int  # bytes
    digest: str
    first_day: str | None = None  # local days of the events in it
    last_day: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One generation of a store."""

    kind: str  # "log" or "sample"
    default_tz: str
    secret_check: str  # of the secret that its pseudonyms were made under
    seed: int = 0  # of a sample
    generation: int = 0
    written: str = ""  # ISO 8601, UTC
    months: dict[str, Part] = field(default_factory=dict)  # "2025-03" → events of that UTC month
    side: dict[str, Part] = field(default_factory=dict)  # side table → its rows
    rejects: tuple[Part, ...] = ()
    reports: tuple[LoadReport, ...] = ()
    previous: tuple[str, ...] = ()  # files of the generation before, kept for those who still read it
    journal: int = 0  # last segment of the journal that the months hold
    journal_before: int = 0  # the same of the generation before

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of this generation, as paths below the store's folder."""
        return tuple(p.file for p in (*self.months.values(), *self.side.values(), *self.rejects))

    @property
    def events(self) -> int:
        """Number of events."""
        return sum(p.rows for p in self.months.values())

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last local day with an event."""
        spans = [(p.first_day, p.last_day) for p in self.months.values() if p.first_day and p.last_day]
        return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None

    def following(self, **changes: Any) -> Manifest:
        """The next generation."""
        return replace(
            self,
            generation=self.generation + 1,
            written=datetime.now(UTC).isoformat(timespec="microseconds"),
            previous=tuple(sorted(set(self.files))),
            journal_before=self.journal,
            **changes,
        )

    def save(self, folder: Path) -> None:
        """Make this the store's generation, in one step."""
        values = {"version": VERSION, **asdict(self)}
        values["reports"] = [r.as_dict() for r in self.reports]
        write_durably(folder / NAME, json.dumps(values, indent=1, sort_keys=True).encode())

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the store's manifest; raises a sentence when it is missing, damaged or newer."""
        path = folder / NAME
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise WrongCall(
                f"{folder} holds no store; load a log into it with `python -m core ingest`, "
                "or name another folder."
            ) from None
        except NotADirectoryError:
            raise WrongCall(f"{folder} is a file, not the folder of a store; name a folder.") from None
        except OSError as error:
            raise CartscapeError(
                f"The store's {path} cannot be read ({error.strerror}); give this user the right to read it."
            ) from error
        except ValueError as error:
            raise _damaged(path) from error
        if not isinstance(values, dict) or not isinstance(values.get("version"), int):
            raise _damaged(path)
        if values["version"] > VERSION:
            raise CartscapeError(
                f"The store {folder} was written by a newer Cartscape (its version {values['version']}, "
                f"known here up to {VERSION}); update Cartscape to open it."
            )
        try:
            del values["version"]
            values["months"] = {m: Part(**p) for m, p in sorted(values["months"].items())}
            values["side"] = {t: Part(**p) for t, p in values["side"].items()}
            values["rejects"] = tuple(Part(**p) for p in values["rejects"])
            values["reports"] = tuple(LoadReport.from_dict(r) for r in values["reports"])
            values["previous"] = tuple(values["previous"])
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as error:
            raise _damaged(path) from error


def _damaged(path: Path) -> CartscapeError:
    return CartscapeError(
        f"{path} is damaged, so the store cannot be opened; restore it from a backup, "
        "or remove the folder and load the log anew."
    )
