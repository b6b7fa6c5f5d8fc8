"""In which currency is the money of a log?"""

from __future__ import annotations

from core.store import Store


def currency(store: Store) -> str | None:
    """The ISO 4217 code that all priced events share; None where there is none, or more than one.

    Revenue is summed as it stands: a log in several currencies has money without a symbol.
    """
    rows = store.cursor().execute("SELECT min(currency), max(currency) FROM events").fetchall()
    lowest, highest = rows[0]
    return str(lowest) if lowest is not None and lowest == highest else None
