"""How the columns of what was found, and of what was not, are named and written."""

from __future__ import annotations

from typing import Any

import streamlit as st


#: Both tables fit beside their map in a window 1,280 pixels wide; "View as table" has the other columns.
def found() -> dict[str, Any]:
    """Columns of the items and searches near a text."""
    return {
        "title": st.column_config.TextColumn("Item or search", width=272),
        "kind": st.column_config.TextColumn("Kind", width=52),
        "similarity": _similarity(
            "Similarity", "Cosine between what it says and what you wrote: 1 is the same"
        ),
        "counted": st.column_config.CheckboxColumn(
            "Counts", width=56, help="Near enough to count as what was looked for; the pictures are of these"
        ),
        "shoppers": _count("Shoppers", "Who had any event with the item, or made the search"),
        "purchases": _count("Bought", "Purchases of the item", 60),
    }


def lost() -> dict[str, Any]:
    """Columns of searches and what follows them."""
    return {
        "query": st.column_config.TextColumn("Search", width=150),
        "unmet_searches": _count(
            "Not followed",
            "Searches that no event with an item followed before their session's next search",
            80,
        ),
        "shoppers": _count("Shoppers"),
        "followed": _share("Followed", "Share of the searches that an event with an item followed"),
        "bought": _share(
            "Bought",
            "Share of the searches whose session went on to a purchase of anything, also after another "
            "search: it may be more than is followed",
        ),
        "why": st.column_config.TextColumn(
            "Why", width=96,
            help="No item is like it, or items are there and people do not click them",
        ),
        "best_title": st.column_config.TextColumn("Nearest item", width=112, help="Nearest in meaning"),
    }  # fmt: skip


def _similarity(label: str, about: str) -> Any:
    return st.column_config.ProgressColumn(
        label, min_value=0, max_value=1, format="%.2f", width=90, help=about
    )


def _count(label: str, about: str | None = None, width: int = 66) -> Any:
    return st.column_config.NumberColumn(label, format="localized", width=width, help=about)


def _share(label: str, about: str) -> Any:
    return st.column_config.NumberColumn(label, format="%.1f %%", width=62, help=about)
