"""The sample as a source: exact counts, the contract's columns, same seed same bytes, resumable."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import SIDE_TABLES, SOURCE_EVENTS
from core.sources.reader import REJECTS
from data.sample import STORIES, TYPE_NAMES, sample_reader, shopper_types
from data.sample.generator import SHOPPERS_PER_BLOCK, SampleReader

#: More than one block.
MANY = 300_000


def digest(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


@pytest.fixture(scope="module")
def reader() -> SampleReader:
    return sample_reader(MANY, seed=3)


@pytest.fixture(scope="module")
def chunks(reader: SampleReader) -> list[pa.Table]:
    return [chunk.events for chunk in reader.chunks()]


def test_chunks_hold_exactly_the_events_in_the_contracts_schema(
    reader: SampleReader, chunks: list[pa.Table]
) -> None:
    assert len(chunks) == -(-reader.shoppers // SHOPPERS_PER_BLOCK) == 2
    assert sum(table.num_rows for table in chunks) == MANY
    for table in chunks:
        assert table.schema == SOURCE_EVENTS
        table.validate(full=True)
        assert table.num_rows <= 500_000
    for name in (
        "ts",
        "tz",
        "user_id",
        "session_id",
        "event",
        "lat",
        "lon",
        "region",
        "city",
        "device",
        "channel",
    ):
        assert all(table[name].null_count == 0 for table in chunks)


def test_chunk_says_how_far_it_is_and_rejects_nothing(reader: SampleReader) -> None:
    done = []
    for chunk in sample_reader(2_000, seed=3).chunks():
        assert chunk.rejects.schema == REJECTS
        assert chunk.rows_read == chunk.events.num_rows == 2_000
        done.append(chunk.done)
    assert done == [1.0]
    assert reader.described.format == "sample"


def test_same_seed_gives_the_same_bytes_and_skips_to_the_same_chunk(chunks: list[pa.Table]) -> None:
    again = sample_reader(MANY, seed=3)
    [last] = [chunk.events for chunk in again.chunks(skip=1)]
    assert digest(last) == digest(chunks[1])
    assert digest(next(again.chunks()).events) == digest(chunks[0])
    assert list(again.chunks(skip=2)) == []


def test_side_tables_do_not_depend_on_what_was_read_before(
    reader: SampleReader, chunks: list[pa.Table]
) -> None:
    after = reader.side_tables()
    unread = sample_reader(MANY, seed=3).side_tables()
    resumed = sample_reader(MANY, seed=3)
    list(resumed.chunks(skip=1))
    for name, table in after.items():
        assert digest(table) == digest(unread[name]) == digest(resumed.side_tables()[name]), name


def test_side_tables_follow_the_contract(reader: SampleReader) -> None:
    tables = reader.side_tables()
    assert set(tables) == set(SIDE_TABLES)
    for name, table in tables.items():
        assert table.schema == SIDE_TABLES[name]
        table.validate(full=True)
    assert tables["items"].num_rows == 4_000
    assert tables["stock"].num_rows == 4_000 * 181
    assert tables["faq"].num_rows == 40


def test_another_seed_gives_another_marketplace_with_the_same_stories() -> None:
    one, other = (sample_reader(2_000, seed=seed) for seed in (3, 4))
    assert digest(next(one.chunks()).events) != digest(next(other.chunks()).events)
    assert one.fingerprint() != other.fingerprint() != sample_reader(3_000, seed=4).fingerprint()
    titles = [set(made.side_tables()["items"]["title"].to_pylist()) for made in (one, other)]
    assert titles[0] != titles[1]
    ids = [set(made.side_tables()["items"]["item_id"].to_pylist()) for made in (one, other)]
    for story in STORIES.values():
        if "item_id" in story.truth:
            assert all(story.truth["item_id"] in known for known in ids)


@given(events=st.integers(1, 4_000), seed=st.integers(0, 2**31))
def test_any_number_of_events_is_exact(events: int, seed: int) -> None:
    # One world for all seeds keeps this quick; what depends on the seed here is the block's own numbers.
    reader = SampleReader(events, seed)
    reader.__dict__["_world"] = sample_reader(1, seed=3)._world
    assert sum(chunk.events.num_rows for chunk in reader.chunks()) == events


def test_fewer_than_one_event_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        sample_reader(0)


def test_shoppers_grow_with_events_and_every_one_has_a_type(chunks: list[pa.Table]) -> None:
    types = shopper_types(3, MANY)
    assert types.num_rows == MANY // 20
    assert set(types["type"].to_pylist()) == set(TYPE_NAMES)
    seen = {name for table in chunks for name in table["user_id"].unique().to_pylist()}
    assert seen <= set(types["user_id"].to_pylist())
    assert len(seen) > 0.99 * types.num_rows


def test_small_marketplace_keeps_its_shape() -> None:
    [chunk] = sample_reader(50_000).chunks()
    assert chunk.events.num_rows == 50_000
    assert len(chunk.events["user_id"].unique()) == 2_500
    assert len(chunk.events["region"].unique()) >= 48
    assert len(chunk.events["category"].drop_null().unique()) == 28
