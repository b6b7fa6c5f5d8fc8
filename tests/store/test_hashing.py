"""The row hash: fixed for ever, and different where a row differs."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from core.store.hashing import row_hashes

texts = st.one_of(st.none(), st.sampled_from(["", "a", "ab", "b"]))
row = st.tuples(
    texts,
    texts,
    st.one_of(st.none(), st.integers(-2, 2)),
    st.one_of(st.none(), st.sampled_from([0.0, 1.5, -1.5])),
    st.one_of(st.none(), st.sampled_from([Decimal("0.5"), Decimal("-0.5")])),
    st.one_of(st.none(), st.lists(texts, max_size=3)),
)
TYPES = [pa.string(), pa.string(), pa.int64(), pa.float64(), pa.decimal128(18, 4), pa.list_(pa.string())]


def arrays(rows: Sequence[tuple[object, ...]]) -> list[pa.Array]:
    return [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), TYPES, strict=True)]


def test_hashes_do_not_change_with_the_version_of_anything() -> None:
    rows = [
        ("anna", None, 7, 1.5, Decimal("9.99"), ["x", None]),
        (None, "", None, None, None, None),
        ("Ünal", "b", -1, -0.0, Decimal("-1.5"), []),
    ]
    assert row_hashes(arrays(rows)).tolist() == [
        928347429285406945,
        14703070923556512977,
        14385179646462616726,
    ]


@given(st.lists(row, min_size=1, max_size=30))
def test_rows_share_a_hash_exactly_when_they_are_equal(rows: list[tuple[object, ...]]) -> None:
    hashes = row_hashes(arrays(rows)).tolist()
    keys = [repr(r) for r in rows]
    assert len(set(zip(hashes, keys, strict=True))) == len(set(hashes)) == len(set(keys))


@given(st.lists(row, min_size=2, max_size=20), st.integers(0, 5))
def test_a_row_has_its_hash_wherever_it_stands(rows: list[tuple[object, ...]], at: int) -> None:
    whole = row_hashes(arrays(rows))
    at = min(at, len(rows) - 1)
    assert row_hashes([a.slice(at) for a in arrays(rows)]).tolist() == whole[at:].tolist()


def test_dictionaries_hash_as_their_text() -> None:
    plain = pa.array(["a", None, "b", "a"])
    assert np.array_equal(row_hashes([plain]), row_hashes([plain.dictionary_encode()]))
