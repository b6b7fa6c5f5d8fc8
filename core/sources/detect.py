"""Which format a set of files is, by file names and column names."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from core.errors import CartscapeError
from core.sources.files import SourceFile
from core.sources.olist import JOINED_NEEDS, is_olist_file
from core.sources.stream import open_raw

#: Columns that only this format has together; asked in this order.
_SIGNS: dict[str, tuple[frozenset[str], ...]] = {
    "olist": (frozenset(JOINED_NEEDS),),
    "trivago": (frozenset({"user_id", "session_id", "timestamp", "action_type", "reference"}),),
    "online-retail": (
        frozenset({"Invoice", "StockCode", "InvoiceDate", "Quantity"}),
        frozenset({"InvoiceNo", "StockCode", "InvoiceDate", "Quantity"}),
    ),
    "retailrocket": (frozenset({"timestamp", "visitorid", "event", "itemid", "transactionid"}),),
    "rees46": (
        frozenset({"event_time", "event_type", "product_id", "category_code", "user_id", "user_session"}),
    ),
    "ga4": (frozenset({"event_timestamp", "event_name", "user_pseudo_id"}),),
}


def detect(files: Sequence[SourceFile], connection: duckdb.DuckDBPyConnection) -> str:
    """The format of the files: the first whose signs one of them shows, else `events`.

    Raises CartscapeError where the files show the signs of different formats.
    """
    if any(is_olist_file(file) for file in files):
        return "olist"
    found: dict[str, str] = {}
    for file in files:
        columns = set(open_raw(file, connection).schema.names)
        for name, signs in _SIGNS.items():
            if any(sign <= columns for sign in signs):
                found.setdefault(name, file.name)
                break
    if len(found) > 1:
        which = ", ".join(f"{file} is {name}" for name, file in found.items())
        raise CartscapeError(f"The files are of different formats ({which}); load them one by one.")
    return next(iter(found), "events")
