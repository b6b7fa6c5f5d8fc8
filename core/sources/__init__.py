"""Input formats: each file becomes events, rejects with reasons, and tables beside the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from core.errors import WrongCall
from core.events import SOURCE_EVENTS
from core.sources.detect import detect
from core.sources.events import open_events
from core.sources.files import SourceFile, list_files
from core.sources.flat import Flat, open_flat
from core.sources.ga4 import GA4
from core.sources.olist import open_olist
from core.sources.online_retail import ONLINE_RETAIL
from core.sources.reader import REJECTS, Chunk, Described, Reader
from core.sources.rees46 import REES46
from core.sources.retailrocket import open_retailrocket
from core.sources.stream import open_raw
from core.sources.times import check_zone
from core.sources.trivago import TRIVAGO

__all__ = ["FORMATS", "Chunk", "Described", "FormatInfo", "Reader", "columns_of", "open_source", "preview"]

_Open = Callable[[Sequence[SourceFile], str, duckdb.DuckDBPyConnection, bool], Reader]


@dataclass(frozen=True)
class FormatInfo:
    """One input format, as the command line and the upload form offer it."""

    name: str
    summary: str
    zone: str  # of times without a zone, where the caller gives none


FORMATS: dict[str, FormatInfo] = {
    info.name: info
    for info in (
        FormatInfo("events", "one event a row, under usual or mapped column names", "UTC"),
        FormatInfo(
            "olist",
            "the Brazilian marketplace's folder of CSVs, or their joined Parquet",
            "America/Sao_Paulo",
        ),
        FormatInfo("trivago", "hotel search sessions of the RecSys Challenge 2019", "UTC"),
        FormatInfo("online-retail", "invoice lines of UCI's Online Retail I and II", "Europe/London"),
        FormatInfo("retailrocket", "events.csv, with item properties and the category tree beside it", "UTC"),
        FormatInfo("rees46", "a shop's monthly CSVs of views, carts and purchases", "UTC"),
        FormatInfo("ga4", "Google Analytics 4 as exported to BigQuery, in Parquet or JSON lines", "UTC"),
    )
}
_FLAT: dict[str, Flat] = {flat.name: flat for flat in (TRIVAGO, ONLINE_RETAIL, REES46, GA4)}


def open_source(
    paths: Sequence[Path],
    format: str = "auto",  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    tz: str | None = None,
    *,
    connection: duckdb.DuckDBPyConnection,
) -> Reader:
    """A reader of the given files or folders.

    `mapping` (contract field → column) belongs to the `events` format and chooses it where the
    format is `auto`. `tz` is the zone of times without one. The connection is used through cursors
    of its own and stays as it is.

    Raises WrongCall for an unknown format, path, field, column or zone; CartscapeError for files
    of which nothing can be loaded.
    """
    return _open(paths, format, mapping or {}, tz, connection, small=False)


def preview(
    paths: Sequence[Path],
    format: str = "auto",  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    *,
    connection: duckdb.DuckDBPyConnection,
    rows: int = 20,
    tz: str | None = None,
) -> tuple[Described, pa.Table, pa.Table]:
    """(what was recognised, up to `rows` first events, up to `rows` first rejects).

    Raises as `open_source` does, and as reading does.
    """
    reader = _open(paths, format, mapping or {}, tz, connection, small=True)
    nothing = Chunk(SOURCE_EVENTS.empty_table(), REJECTS.empty_table(), 1.0)
    # A first chunk may hold the column names alone.
    chunk = next((chunk for chunk in reader.chunks() if chunk.rows_read), nothing)
    return reader.described, chunk.events.slice(0, rows), chunk.rejects.slice(0, rows)


def columns_of(paths: Sequence[Path], *, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The column names of the first file, for a form that maps them; raises as `open_source` does."""
    return tuple(open_raw(list_files(paths)[0], connection).schema.names)


def _open(
    paths: Sequence[Path],
    name: str,
    mapping: Mapping[str, str],
    tz: str | None,
    connection: duckdb.DuckDBPyConnection,
    small: bool,
) -> Reader:
    if name != "auto" and name not in FORMATS:
        raise WrongCall(f"There is no format {name!r}; the formats are auto, {', '.join(FORMATS)}.")
    if mapping and name not in ("auto", "events"):
        raise WrongCall(f"The {name} format has fixed columns; --map is for the events format.")
    files = list_files(paths)
    if name == "auto":
        name = "events" if mapping else detect(files, connection)
    zone = check_zone(tz or FORMATS[name].zone)
    return _opener(name, mapping)(files, zone, connection, small)


def _opener(name: str, mapping: Mapping[str, str]) -> _Open:
    if name in _FLAT:
        return partial(open_flat, _FLAT[name])
    if name == "olist":
        return open_olist
    if name == "retailrocket":
        return open_retailrocket
    return partial(open_events, mapping)
