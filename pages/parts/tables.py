"""Tables as the pages show them: columns named for people, numbers in their unit, sparklines drawn."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
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
_FORMATS = {"count": "localized", "share": "percent", "money": "%,.2f"}


def columns(table: pa.Table) -> dict[str, Any]:
    """Streamlit's column configuration for a table of an analysis."""
    config: dict[str, Any] = {}
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
        elif name in ("contribution", "share"):
            config[name] = st.column_config.NumberColumn(_words(name), format="percent")
        elif name == "day":
            config[name] = st.column_config.DateColumn("Day", format="YYYY-MM-DD")
        elif pa.types.is_floating(field.type):
            config[name] = st.column_config.NumberColumn(NAMES.get(name) or _words(name), format="%.4g")
        else:
            config[name] = st.column_config.Column(NAMES.get(name) or _words(name))
    return config


def show(table: pa.Table, key: str) -> None:
    """The table, scrolling where it is long."""
    st.dataframe(
        table,
        key=key,
        column_config=columns(table),
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
