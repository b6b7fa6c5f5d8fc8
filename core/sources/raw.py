"""What every file kind gives a format: bounded chunks of raw columns with line numbers."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from core.sources.files import SourceFile
from core.sources.reader import REJECTS

#: What stands in a broken row's text where the shopper's id stood.
HIDDEN = "…"
UNCLOSED = "unclosed quote"
#: Characters of a broken row's text that are kept.
MOST_TEXT = 2_000


@dataclass(frozen=True)
class Broken:
    """A row that could not be split into its columns."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class RawChunk:
    """A bounded part of a file: columns as the file has them, one line number a row."""

    table: pa.Table
    lines: pa.Array  # int64, one a row of `table`
    broken: tuple[Broken, ...]

    @property
    def empty(self) -> bool:
        """Whether it holds no row, not even a broken one."""
        return not self.table.num_rows and not self.broken


@dataclass(frozen=True)
class Part:
    """A chunk that is read only when it is wanted, so that a resumed load can pass it by."""

    read: Callable[[], RawChunk]
    done: float  # share of the file up to this part's end, 0–1


class RawFile(Protocol):
    """A file of one kind. `schema` names its columns; parts have the same bounds on every run."""

    file: SourceFile
    delimiter: str | None  # of a text file; None where a row is not split by one

    @property
    def schema(self) -> pa.Schema:
        """Columns and their types."""
        ...

    def parts(self) -> Iterator[Part]:
        """The file's rows, in order."""
        ...

    def head(self) -> RawChunk:
        """The first rows, to recognise formats and styles by; without any where the file has none."""
        ...


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names that differ in more than case: SQL cannot tell `Price` from `price`."""
    taken: set[str] = set()
    result = []
    for number, given in enumerate(names, 1):
        base = given.strip() or f"column_{number}"
        name, again = base, 2
        while name.casefold() in taken:
            name, again = f"{base}_{again}", again + 1
        taken.add(name.casefold())
        result.append(name)
    return result


def broken_rejects(raw: RawFile, broken: Sequence[Broken], user_columns: Sequence[str]) -> pa.Table:
    """Rejects (REJECTS) of rows that have no columns, with the shopper's id taken out of their text.

    Where columns are too many or too few, the id may sit at its place counted from either end, or
    between the two: all of that is hidden.
    """
    users: list[str | None] = []
    rows: list[str] = []
    for row in broken:
        user, text = _without_user(raw, row, user_columns)
        users.append(user)
        text = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
        rows.append(json.dumps({"text": text}, ensure_ascii=False))
    return pa.table(
        [
            pa.array([raw.file.name] * len(rows), pa.string()),
            pa.array([row.line for row in broken], pa.int64()),
            pa.array([row.reason for row in broken], pa.string()),
            pa.array(users, pa.string()),
            pa.array(rows, pa.string()),
        ],
        schema=REJECTS,
    )


def _without_user(raw: RawFile, row: Broken, user_columns: Sequence[str]) -> tuple[str | None, str]:
    text = row.text
    if raw.delimiter is None:
        return _without_key(text, user_columns)
    try:
        # After an unclosed quote, all the columns would be one.
        fields = [] if row.reason == UNCLOSED else next(csv.reader([text], delimiter=raw.delimiter), [])
    except csv.Error:
        fields = []
    fields = fields or text.split(raw.delimiter)
    user = None
    hidden = list(fields)
    for column in user_columns:
        place = raw.schema.names.index(column)
        places = sorted((place, len(fields) - len(raw.schema.names) + place))
        user = user or next((told for i in (place, *places) if (told := _told(fields, i))), None)
        for index in range(places[0], places[1] + 1):
            if _told(fields, index):
                hidden[index] = HIDDEN
    return user, raw.delimiter.join(hidden)


def _told(fields: Sequence[str], index: int) -> str:
    """What a field says; nothing where there is no such field."""
    return fields[index].strip().strip('"') if 0 <= index < len(fields) else ""


def _without_key(text: str, user_columns: Sequence[str]) -> tuple[str | None, str]:
    """The same for a line of broken JSON, where the shopper's id follows its name."""
    user = None
    for column in user_columns:
        value = re.compile(rf'("{re.escape(column)}"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}}\s]+)')
        if found := value.search(text):
            user = user or found[2].strip('"') or None
            text = value.sub(rf'\1"{HIDDEN}"', text)
    return user, text
