"""One marketplace of the default size, asked by plain SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from data.sample import sample_reader, shopper_types
from tests.conftest import SAMPLE_SEED

EVENTS = 1_000_000

#: SQL and its values to a list of rows.
Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Ask the marketplace: tables `log` (with `local`, `day` in the place's own zone) and the side tables."""
    reader = sample_reader(EVENTS, SAMPLE_SEED)
    source = pa.concat_tables(chunk.events for chunk in reader.chunks())
    connection = duckdb.connect()
    connection.register("source", source)
    connection.execute(
        "create table log as select *, timezone(tz, ts at time zone 'UTC') as local, local::date as day "
        "from source"
    )
    for name, table in reader.side_tables().items():
        connection.register(name, table)
    connection.register("types", shopper_types(SAMPLE_SEED, EVENTS))
    return lambda sql, *values: connection.execute(sql, list(values)).fetchall()
