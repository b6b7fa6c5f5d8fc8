"""Small named documents that people keep with a log, such as cohorts: a file each, safe under two editors.

Whoever saves or deletes says which revision they had seen. If another revision is there by then, nothing
is written and a sentence says so; nobody's work is lost without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError, WrongCall
from core.store.files import alone, room_on_disk, write_durably

LONGEST_NAME = 200


@dataclass(frozen=True)
class Document:
    """One document as it was saved."""

    name: str
    body: dict[str, Any]
    revision: int = 0  # counts its savings; 0 was never saved
    written: str = ""  # ISO 8601, UTC
    table: str = ""  # file beside it that holds its table


#: Told what is there and what will be, None for nothing, before anything is written.
Told = Callable[[Document | None, Document | None], None]


def _nobody(_old: Document | None, _new: Document | None) -> None:
    """Where nobody keeps an account of changes."""


class Documents:
    """The documents of one kind in one store. `one` is what a single one is called in a sentence."""

    def __init__(self, folder: Path, one: str) -> None:
        self.folder = folder
        self.one = one

    @property
    def state(self) -> tuple[tuple[str, int], ...]:
        """Changes whenever a document does."""
        try:
            with os.scandir(self.folder) as entries:
                found = [(e.name, e.stat().st_mtime_ns) for e in entries if e.name.endswith(".json")]
        except FileNotFoundError:
            return ()
        return tuple(sorted(found))

    def all(self) -> list[Document]:
        """Every document, by name. Raises a sentence where one is damaged."""
        found = [self._read(self.folder / name) for name, _ in self.state]
        return sorted((d for d in found if d), key=lambda d: d.name.casefold())

    def get(self, name: str) -> Document:
        """The document of that name; raises `WrongCall` naming those that exist."""
        found = self._read(self._path(name))
        if found is None:
            names = [d.name for d in self.all()]
            known = f"there are {', '.join(names[:12])}" if names else "none has been saved yet"
            raise WrongCall(f"There is no {self.one} {name!r} in this log; {known}.")
        return found

    def table(self, document: Document) -> pa.Table:
        """The table that was saved with a document."""
        return pq.read_table(self.folder / document.table)

    def save(
        self, name: str, body: dict[str, Any], seen: int = 0, table: pa.Table | None = None,
        told: Told = _nobody,
    ) -> Document:  # fmt: skip
        """Save a document; `seen` is the revision that the editor had before them, 0 for a new one.

        `told` hears of the change once it may be made, before it is.

        Raises `WrongCall` for a name that cannot be, and `CartscapeError` where somebody else saved or
        deleted it meanwhile.
        """
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or any(c < " " for c in name):
            raise WrongCall(
                f"A {self.one} needs a name of 1 to {LONGEST_NAME} letters, without line breaks; "
                "choose another."
            )
        path = self._path(name)
        with room_on_disk(self.folder), alone(self.folder / ".lock"):
            old = self._read(path)
            self._expect(name, old, seen)
            beside = "" if table is None else f"{path.stem}-{seen + 1}.parquet"
            now = datetime.now(UTC).isoformat(timespec="seconds")
            new = Document(name, body, seen + 1, now, beside)
            told(old, new)
            if table is not None:
                sink = pa.BufferOutputStream()
                pq.write_table(table, sink)
                write_durably(self.folder / beside, sink.getvalue().to_pybytes())
            write_durably(path, json.dumps(asdict(new), ensure_ascii=False, indent=1).encode())
            self._drop_table(old, keep=beside)
        return new

    def rename(self, name: str, to: str, seen: int) -> Document:
        """Give a document that the editor saw at revision `seen` another name; raises as `save` does."""
        old = self.get(name)
        table = self.table(old) if old.table else None
        new = self.save(to, old.body, 0, table)
        try:
            self.delete(name, seen)
        except CartscapeError:
            self.delete(to, new.revision)  # somebody else changed it meanwhile: theirs stands
            raise
        return new

    def delete(self, name: str, seen: int, told: Told = _nobody) -> None:
        """Delete a document that the editor saw at this revision; `told` as in `save`."""
        path = self._path(name)
        with alone(self.folder / ".lock"):
            old = self._read(path)
            self._expect(name, old, seen)
            told(old, None)
            path.unlink(missing_ok=True)
            self._drop_table(old)

    def _expect(self, name: str, old: Document | None, seen: int) -> None:
        there = old.revision if old else 0
        if there == seen:
            return
        if old is None:
            raise CartscapeError(
                f"The {self.one} {name!r} was deleted by somebody else; save it under a new name to keep it."
            )
        if not seen:
            raise CartscapeError(f"There is a {self.one} {name!r} already; choose another name.")
        raise CartscapeError(
            f"The {self.one} {name!r} was changed by somebody else at {old.written}; "
            "look at it as it is now, then change it again."
        )

    def _read(self, path: Path) -> Document | None:
        try:
            return Document(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CartscapeError(
                f"{path} is damaged; restore it from a backup, or delete the file."
            ) from error

    def _drop_table(self, old: Document | None, keep: str = "") -> None:
        if old and old.table and old.table != keep:
            (self.folder / old.table).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.strip().encode()).hexdigest()[:24]}.json"
