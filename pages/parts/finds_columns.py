"""How the columns of what was found, and of what was not, are named and written."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.charts.numbers import SYMBOLS
from pages.parts import ask


def found() -> dict[str, Any]:
    """Columns of the items and searches near a text."""
    price = f"{SYMBOLS.get(ask.currency() or '', '')}%,.2f"
    return {
        "title": st.column_config.TextColumn("Item or search", width=300),
        "similarity": _similarity(
            "Similarity", "Cosine between what it says and what you wrote: 1 is the same"
        ),
        "kind": st.column_config.TextColumn("Kind", width=52),
        "shoppers": _count("Shoppers"),
        "events": _count("Events"),
        "purchases": _count("Bought"),
        "price": st.column_config.NumberColumn("Price", format=price, width=66),
        "category": st.column_config.TextColumn("Category", width=110),
        "counted": st.column_config.CheckboxColumn(
            "Counts", width=58, help="Near enough to count as what was looked for; the pictures are of these"
        ),
    }


def lost() -> dict[str, Any]:
    """Columns of searches and what follows them."""
    return {
        "query": st.column_config.TextColumn("Search", width=160),
        "unmet_searches": _count(
            "Not followed",
            "Searches that no event with an item followed before their session's next search",
            84,
        ),
        "shoppers": _count("Shoppers"),
        "followed": _share("Followed", "Share of the searches that an event with an item followed"),
        "similarity": _similarity("Nearest item", "Cosine with the item that is nearest in meaning"),
        "why": st.column_config.TextColumn("Why", width=104),
        "best_title": st.column_config.TextColumn("It is", width=170),
        "bought": _share("Bought", "Share of the searches whose session went on to a purchase"),
        "searches": _count("Searches"),
    }


def _similarity(label: str, about: str) -> Any:
    return st.column_config.ProgressColumn(
        label, min_value=0, max_value=1, format="%.2f", width=96, help=about
    )


def _count(label: str, about: str | None = None, width: int = 66) -> Any:
    return st.column_config.NumberColumn(label, format="localized", width=width, help=about)


def _share(label: str, about: str) -> Any:
    return st.column_config.NumberColumn(label, format="percent", width=66, help=about)
