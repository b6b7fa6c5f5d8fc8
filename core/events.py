"""The event contract: the one definition of the log's columns, types and units.

Every source yields these columns, every store holds them, every mart reads them.
"""

from __future__ import annotations

import pyarrow as pa

#: H3 resolution of the stored cell; coarser parents are bit arithmetic (see `core.space.cells`).
CELL_RESOLUTION = 9

#: How a missing region, category, device … is written in a scope, a table and a picture.
NONE = "(none)"

PURCHASE = "purchase"
#: Events whose price × quantity is revenue. Returns and cancellations carry a negative quantity,
#: so that the sum over these events is revenue net of them.
MONEY_EVENTS = (PURCHASE, "return", "cancelled")

#: Events of one moment are told in this order, any others after them.
USUAL_ORDER = (
    "browse", "search", "impression", "view", "click", "wishlist", "cart", "remove", "checkout", "purchase",
    "approved", "shipped", "delivered", "cancelled", "return", "review",
)  # fmt: skip

#: A session without an id of its own ends after this long without an event.
SESSION_GAP_MINUTES = 30

PRICE = pa.decimal128(18, 4)

EVENTS = pa.schema(
    [
        pa.field("event_id", pa.uint64(), nullable=False),  # stable hash of the row
        pa.field("ts", pa.timestamp("us"), nullable=False),  # UTC
        pa.field("tz", pa.string(), nullable=False),  # IANA zone of the place
        pa.field("user_id", pa.string(), nullable=False),  # pseudonym
        pa.field("session_id", pa.string(), nullable=False),
        pa.field("event", pa.string(), nullable=False),  # lower case, open set
        pa.field("item_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("query", pa.string()),  # what was searched
        pa.field("price", PRICE),  # of one piece, in `currency`
        pa.field("quantity", pa.int64()),
        pa.field("currency", pa.string()),  # ISO 4217
        pa.field("lat", pa.float64()),  # WGS84 degrees
        pa.field("lon", pa.float64()),
        pa.field("cell", pa.uint64()),  # H3 at CELL_RESOLUTION
        pa.field("region", pa.string()),  # admin-1 name or code; a country where that is all there is
        pa.field("city", pa.string()),
        pa.field("device", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("shown", pa.list_(pa.string())),  # items shown beside it, in order
        pa.field("shown_prices", pa.list_(pa.float64())),  # of each of them, in `currency`
    ]
)

#: What the store derives; a source yields the rest (`tz` and `session_id` may then be null).
DERIVED = ("event_id", "cell")

#: Came later than logs that were stored without it: it is no part of what makes a row that row, so that
#: a file loaded again is known again, and a store without it reads as one that has none.
LATER = ("shown_prices",)

#: What a source yields: `user_id` is still the source's own id, `tz` and `session_id` may be null.
SOURCE_EVENTS = pa.schema([pa.field(f.name, f.type) for f in EVENTS if f.name not in DERIVED])

ITEMS = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("description", pa.string()),
        pa.field("category", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("price", PRICE),
    ]
)

REVIEWS = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string()),
        pa.field("user_id", pa.string()),  # pseudonym, as in the log
        pa.field("ts", pa.timestamp("us")),
        pa.field("rating", pa.int8()),  # 1–5
        pa.field("text", pa.string()),
        pa.field("language", pa.string()),  # ISO 639-1
    ]
)

STOCK = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("on_hand", pa.int64(), nullable=False),  # pieces at the day's end
    ]
)

CAMPAIGNS = pa.schema(
    [
        pa.field("campaign", pa.string(), nullable=False),
        pa.field("region", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),  # treated or control
        pa.field("start", pa.date32(), nullable=False),
        pa.field("end", pa.date32(), nullable=False),  # inclusive
        pa.field("category", pa.string()),
    ]
)

FAQ = pa.schema(
    [
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
    ]
)

#: The tables beside the log, by name; each may be absent. The key is what makes a row one row.
SIDE_TABLES: dict[str, pa.Schema] = {
    "items": ITEMS,
    "reviews": REVIEWS,
    "stock": STOCK,
    "campaigns": CAMPAIGNS,
    "faq": FAQ,
}
SIDE_KEYS: dict[str, tuple[str, ...]] = {
    "items": ("item_id",),
    "reviews": ("review_id",),
    "stock": ("item_id", "day"),
    "campaigns": ("campaign", "region"),
    "faq": ("question",),
}
