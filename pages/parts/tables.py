"""Tables as the pages show them: columns named for people, numbers in their unit, sparklines drawn."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from core.analyses.measures import MEASURES, Measure
from core.charts.numbers import SYMBOLS

#: Pixels of a row at the theme's size of letters.
ROW = 31
MOST_ROWS_SHOWN = 12

NAMES = {
    "rank": "#",
    "cell": "H3 cell",
    "lat": "Latitude",
    "lon": "Longitude",
    "spark": "Over time",
    "spark_previous": "Compared, over time",
    "unit": None,
    "z": "Gi* z-score",
    "p": "Gi* p-value",
    "trend": "Mann-Kendall trend",
    "trend_p": "Trend p-value",
}
#: Three figures of a per cent, so that 4 of 109,715 are no 0 %; `show` hands over per cent.
SHARE_FORMAT = "%.3g %%"
_FORMATS = {"count": "localized", "share": SHARE_FORMAT, "money": "%,.2f"}

#: Columns of fractional numbers that are shares of 1, whatever stands before or behind their names.
SHARES = {
    "contribution", "share", "share_trained", "probability", "buys", "without", "with", "gain",
    "chain_without", "chain_with", "difference", "followed", "bought", "taken", "converted", "of_first",
    "of_previous", "chance", "conversion_without", *(m.name for m in MEASURES.values() if m.unit == "share"),
}  # fmt: skip
EMPTY = "There is nothing to list: the scope has none, or none that may be shown."


def columns(table: pa.Table) -> dict[str, Any]:
    """Streamlit's column configuration for a table of an analysis, as `in_per_cent` makes it."""
    config: dict[str, Any] = {}
    shares = shares_of(table)
    for field in table.schema:
        name = field.name
        base = name.removeprefix("previous_")
        if name in NAMES and NAMES[name] is None:
            config[name] = None
        elif pa.types.is_list(field.type):
            config[name] = st.column_config.LineChartColumn(NAMES.get(name, _words(name)), width="small")
        elif base in MEASURES:
            measure = MEASURES[base]
            label = measure.label if name == base else f"{measure.label}, compared"
            config[name] = st.column_config.NumberColumn(label, format=_FORMATS[measure.unit])
        elif name in shares:
            config[name] = st.column_config.NumberColumn(_words(name), format=SHARE_FORMAT)
        elif name == "day":
            config[name] = st.column_config.DateColumn("Day", format="YYYY-MM-DD")
        elif pa.types.is_floating(field.type):
            config[name] = st.column_config.NumberColumn(NAMES.get(name) or _words(name), format="%.4g")
        else:
            config[name] = st.column_config.Column(NAMES.get(name) or _words(name))
    return config


def shares_of(table: pa.Table) -> list[str]:
    """The columns of a table that are shares; the ends of an interval are what stands before them is."""
    found: list[str] = []
    before = ""
    for field in table.schema:
        if field.name in ("low", "high"):
            is_share = before in found
        else:
            before = field.name
            bare = before.removeprefix("previous_").removeprefix("other_")
            is_share = bare.removesuffix("_low").removesuffix("_high") in SHARES
        if is_share and pa.types.is_floating(field.type):
            found.append(field.name)
    return found


def in_per_cent(table: pa.Table) -> pa.Table:
    """The table with its shares times 100."""
    for name in shares_of(table):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, pc.multiply(table[name], 100.0))
    return table


def show(table: pa.Table, key: str, empty: str = EMPTY, **widths: int) -> None:
    """The table, scrolling where it is long; where it has no row, a sentence in its place. `widths` are
    pixels of columns by their names; others are as wide as what is in them.
    """
    if not table.num_rows:
        st.markdown(empty)
        return
    st.dataframe(
        in_per_cent(table),
        key=key,
        column_config={
            name: column | {"width": widths[name]} if name in widths else column
            for name, column in columns(table).items()
        },
        hide_index=True,
        height=height_of(table.num_rows),
        placeholder="–",
    )


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def height_of(rows: int, most: int = MOST_ROWS_SHOWN * ROW) -> int:
    """Pixels for a table's rows and its head, `most` at most: it scrolls beyond."""
    return min((rows + 1) * ROW + 2, most)


def region_columns(measure: Measure, currency: str | None, *, lines: bool) -> dict[str, Any]:
    """Columns of the region table: the measure, its change, and events over time where there are `lines`."""
    formats = {"count": "%,d", "share": "percent", "money": f"{SYMBOLS.get(currency or '', '')}%,.0f"}
    return {
        "region": st.column_config.TextColumn("Region", width=104),
        "value": st.column_config.NumberColumn(measure.label, format=formats[measure.unit], width=66),
        "change": st.column_config.NumberColumn(
            "Change", format="%+.1f %%", width=66, help="Against the compared period"
        ),
        "spark": st.column_config.BarChartColumn(
            "Over time", help="Events; left out where too few shoppers came on some day", width=80, y_min=0
        )
        if lines
        else None,
    }
