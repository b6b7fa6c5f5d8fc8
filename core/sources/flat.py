"""What the formats with fixed column names share: finding their columns and opening their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from core.errors import CartscapeError
from core.sources.files import SourceFile
from core.sources.raw import RawFile
from core.sources.reader import Described
from core.sources.stream import SideTables, StreamReader, open_raw, with_rows
from core.sources.validate import Recipe
from core.sources.values import ABSENT, Column, Value


@dataclass(frozen=True)
class Flat:
    """A format in which one file row is one event row."""

    name: str
    needs: tuple[str, ...]  # columns, without which a file is not this format
    mapping: Mapping[str, str]  # contract field → source column, as the report shows it
    recipe: Callable[[RawFile, str], Recipe]
    notes: tuple[str, ...]
    side_tables: SideTables | None = None
    shapes: Mapping[str, object] | None = None  # JSON structures of nested columns


def open_flat(
    flat: Flat,
    files: Sequence[SourceFile],
    zone: str,
    connection: duckdb.DuckDBPyConnection,
    small: bool = False,
) -> StreamReader:
    """A reader of files of one fixed format. Raises CartscapeError where columns are missing."""
    raws = with_rows([open_raw(file, connection, flat.shapes, small) for file in files])
    for raw in raws:
        check_columns(raw, flat.needs, flat.name)
    present = raws[0].schema.names
    used = set(flat.mapping.values())
    described = Described(
        format=flat.name,
        files=tuple(raw.file.name for raw in raws),
        mapping={field: column for field, column in flat.mapping.items() if column in present},
        unmapped=tuple(name for name in present if name not in used),
        notes=flat.notes,
    )
    recipes = [flat.recipe(raw, zone) for raw in raws]
    return StreamReader(described, raws, recipes, connection, zone, flat.side_tables)


def check_columns(raw: RawFile, needs: Sequence[str], name: str) -> None:
    """Raises CartscapeError, naming them, where a file lacks columns of its format."""
    missing = [column for column in needs if column not in raw.schema.names]
    if missing:
        raise CartscapeError(
            f"{raw.file.path} lacks {', '.join(missing)}, which the {name} format needs; "
            f"check the file, or leave --format out to have its format recognised."
        )


def first_of(schema: pa.Schema, *names: str) -> Column | None:
    """The first of these columns that a file has."""
    return next((Column.named(name, schema) for name in names if name in schema.names), None)


def parsed(column: Column | None, parse: Callable[[Column], Value | str]) -> Value:
    """A column's value, absent where the file has no such column."""
    if column is None:
        return ABSENT
    value = parse(column)
    return Value(value) if isinstance(value, str) else value
