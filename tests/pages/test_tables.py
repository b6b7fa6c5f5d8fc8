"""Tables of the pages: shares are written as shares with enough figures, an empty table is a sentence."""

from __future__ import annotations

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import tables

WAYS = pa.table(
    {
        "way": ["view → purchase"], "steps": [2], "count": [4], "shoppers": [4],
        "share": [4 / 109_715], "low": [1.4e-5], "high": [9.4e-5],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("names", "shares"),
    [
        (("way", "share", "low", "high"), ["share", "low", "high"]),
        (("next", "probability", "low", "high", "buys", "buys_low", "buys_high", "steps"),
         ["probability", "low", "high", "buys", "buys_low", "buys_high"]),
        (("without", "with", "gain", "low", "high", "chain_without"),
         ["without", "with", "gain", "low", "high", "chain_without"]),
        (("share", "odds_ratio", "low", "high"), ["share"]),  # an interval of a ratio
        (("conversion", "expected", "low", "high", "previous_conversion"),
         ["conversion", "previous_conversion"]),  # in whatever unit is asked for
    ],
)  # fmt: skip
def test_which_columns_are_shares(names: tuple[str, ...], shares: list[str]) -> None:
    table = pa.table({name: pa.array([0.5]) for name in names})
    assert tables.shares_of(table) == shares


def test_counts_are_no_shares() -> None:
    assert tables.shares_of(pa.table({"bought": pa.array([3]), "followed": pa.array([0.2])})) == ["followed"]


def test_shares_and_their_intervals_are_written_alike() -> None:
    config = tables.columns(WAYS)
    formats = {config[name]["type_config"]["format"] for name in ("share", "low", "high")}
    assert formats == {"%.3g %%"}
    row = tables.in_per_cent(WAYS).to_pylist()[0]
    assert row["share"] == pytest.approx(0.003646, rel=1e-3) and row["low"] == pytest.approx(0.0014)
    assert row["count"] == 4


def _draw() -> None:
    import pyarrow as pa

    from pages.parts import tables

    tables.show(pa.table({"way": pa.array([], pa.string()), "count": pa.array([], pa.int64())}), "none")


def test_an_empty_table_is_a_sentence() -> None:
    test = AppTest.from_function(_draw).run()
    assert not test.dataframe and [words.value for words in test.markdown] == [tables.EMPTY]
