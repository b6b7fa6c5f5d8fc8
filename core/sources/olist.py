"""The `olist` format: a Brazilian marketplace's orders, every step of an order an event.

| event | one for each | time | quantity |
|---|---|---|---|
| purchase | order item (or order, where its items are missing) | purchase | 1 |
| approved, shipped, delivered | order that has the date | that date | |
| cancelled | item of an order that is canceled or unavailable | a second after its last date | −1 |
| review | review | when it was answered | |

Steps of an order as a whole carry the item and the category that all its items share, if they do.
Equal steps, as of two pieces of one product, are told apart by a microsecond each, so that each is an
event.
Times are São Paulo's. A customer's place is the median point of the zip prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from core.errors import CartscapeError
from core.events import ITEMS, REVIEWS
from core.sources import values
from core.sources.brazil import STATES
from core.sources.files import SourceFile
from core.sources.olist_tables import FILES, JOINED_NEEDS, load_joined, load_published
from core.sources.raw import Broken, RawFile, broken_rejects
from core.sources.reader import Chunk, Described
from core.sources.stream import fingerprint, open_raw, own_connection
from core.sources.times import time
from core.sources.validate import Recipe, contract_sql, latest, prepared, split
from core.sources.values import Column, Value, literal

__all__ = ["JOINED_NEEDS", "is_olist_file", "open_olist"]

CHUNK_ROWS = 262_144
_USERS = ("customer_unique_id",)

_NOTES = (
    "Times are read as America/Sao_Paulo unless another zone is given.",
    "Hours are those of the customer's state.",
    "Prices are in BRL, without freight. A cancelled order's items come back a second after its last date.",
    "A customer's place is the median point of the zip prefix.",
)

#: Every step of every order, in the order of the files. Times stay text, for the contract to judge.
_CANDIDATES = """
WITH items AS (
    SELECT i.*, category FROM o_order_items i LEFT JOIN o_categories c ON c.product_id = i.product_id
), shared AS (
    SELECT order_id, CASE WHEN count(DISTINCT product_id) = 1 THEN any_value(product_id) END AS product_id,
        CASE WHEN count(DISTINCT category) = 1 AND count(category) = count(*) THEN any_value(category) END
            AS category
    FROM items GROUP BY order_id
), sold AS (
    SELECT o.*, i.product_id, category, price, COALESCE(i.line, o.line) AS row_line,
        COALESCE(i.file, o.file) AS row_file
    FROM o_orders o LEFT JOIN items i USING (order_id)
), steps AS (
    SELECT order_id, customer_id, 1 AS step, 'purchase' AS event, order_purchase_timestamp AS time,
        0 AS later, product_id, category, price, 1 AS quantity, order_status, NULL AS review_id,
        row_line, row_file, TRUE AS known
    FROM sold
    UNION ALL
    SELECT order_id, NULL, 1, 'purchase', NULL, 0, product_id, category, price, 1, NULL, NULL,
        i.line, i.file, FALSE
    FROM items i ANTI JOIN o_orders USING (order_id)
    UNION ALL
    SELECT order_id, customer_id, step, event, time, 0, s.product_id, s.category, NULL, NULL, order_status,
        NULL, line, file, TRUE
    FROM o_orders o CROSS JOIN LATERAL (VALUES (2, 'approved', order_approved_at),
        (3, 'shipped', order_delivered_carrier_date), (4, 'delivered', order_delivered_customer_date)
    ) dated(step, event, time) LEFT JOIN shared s USING (order_id)
    WHERE time IS NOT NULL
    UNION ALL
    SELECT order_id, customer_id, 5, 'cancelled', greatest(order_purchase_timestamp, order_approved_at,
        order_delivered_carrier_date, order_delivered_customer_date), 1000000,
        product_id, category, price, -1, order_status, NULL, row_line, row_file, TRUE
    FROM sold WHERE lower(order_status) IN ('canceled', 'unavailable')
    UNION ALL
    SELECT order_id, customer_id, 6, 'review', COALESCE(review_answer_timestamp, review_creation_date), 0,
        s.product_id, s.category, NULL, NULL, order_status, review_id, r.line, r.file, o.order_id IS NOT NULL
    FROM o_order_reviews r LEFT JOIN o_orders o USING (order_id) LEFT JOIN shared s USING (order_id)
)
SELECT row_number() OVER (ORDER BY step, row_file, row_line, order_id) - 1 AS n, order_id, event, time,
    later + row_number() OVER (
        PARTITION BY customer_unique_id, event, time, product_id, price ORDER BY row_line, order_id
    ) - 1 AS shift,
    product_id, category, price, quantity, order_status, review_id, known, customer_unique_id, lat, lon,
    customer_city, customer_state, row_file, row_line
FROM steps LEFT JOIN o_buyers USING (customer_id) ORDER BY n
"""

_ITEMS = """
SELECT product_id AS item_id, NULL AS title, NULL AS description, category, NULL AS brand, price
FROM (SELECT product_id, category FROM o_categories
    UNION ALL SELECT DISTINCT product_id, NULL FROM o_order_items ANTI JOIN o_categories USING (product_id)
    WHERE product_id IS NOT NULL)
LEFT JOIN (SELECT product_id, quantile_disc(TRY_CAST(price AS DECIMAL(18, 4)), 0.5) AS price
    FROM o_order_items GROUP BY product_id) USING (product_id)
ORDER BY item_id
"""

#: One review may be of several orders; then each gets an id of its own.
_REVIEWS = """
SELECT CASE WHEN count(*) OVER (PARTITION BY review_id) > 1 THEN concat(review_id, ':', order_id)
        ELSE review_id END AS review_id,
    s.product_id AS item_id, customer_unique_id AS user_id, {when} AS ts,
    CASE WHEN TRY_CAST(review_score AS INTEGER) BETWEEN 1 AND 5 THEN TRY_CAST(review_score AS TINYINT) END
        AS rating,
    nullif(concat_ws(chr(10), review_comment_title, review_comment_message), '') AS text, 'pt' AS language
FROM o_order_reviews JOIN o_orders USING (order_id) LEFT JOIN o_buyers USING (customer_id)
LEFT JOIN (SELECT order_id, any_value(product_id) AS product_id FROM o_order_items GROUP BY order_id
    HAVING count(DISTINCT product_id) = 1) s USING (order_id)
WHERE review_id IS NOT NULL ORDER BY review_id
"""


def is_olist_file(file: SourceFile) -> bool:
    """Whether the name is one of the published ones that hold orders."""
    return file.stem in FILES and file.stem.startswith("olist_")


def open_olist(
    files: Sequence[SourceFile], zone: str, connection: duckdb.DuckDBPyConnection, small: bool = False
) -> OlistReader:
    """A reader of the published files, or of their join alone. Raises CartscapeError where the
    orders or the customers are missing.
    """
    published = {FILES[file.stem]: file for file in files if file.stem in FILES}
    if "orders" in published and "customers" in published:
        used, joined = list(published.values()), None
    else:
        joined = next((file for file in files if _is_joined(file, connection)), None)
        if joined is None:
            raise CartscapeError(
                f"{files[0].path.parent} lacks olist_orders_dataset.csv or olist_customers_dataset.csv "
                "(plain or gzipped); the olist format needs both, or the Parquet file that joins them."
            )
        used = [joined]
    notes = list(_NOTES)
    unused = [file.name for file in files if file not in used]
    if unused:
        notes.append(f"Not read, as the other files hold all that is needed: {', '.join(unused)}.")
    if joined is None:
        absent = [name for name, table in FILES.items() if table not in published]
        if absent:
            notes.append(f"Absent, so what they hold is missing: {', '.join(absent)}.")
    described = Described("olist", tuple(file.name for file in used), _MAPPING, (), tuple(notes))
    return OlistReader(described, used, published if joined is None else {}, connection, zone, small)


def _is_joined(file: SourceFile, connection: duckdb.DuckDBPyConnection) -> bool:
    return set(JOINED_NEEDS) <= set(open_raw(file, connection).schema.names)


_MAPPING = {
    "ts": "order_purchase_timestamp",
    "user_id": "customer_unique_id",
    "event": "order_status",
    "item_id": "product_id",
    "category": "product_category_name",
    "price": "price",
    "region": "customer_state",
    "city": "customer_city",
}


class OlistReader:
    """A Reader over the tables of one export. `published` is empty where `files` holds the join."""

    def __init__(
        self,
        described: Described,
        files: Sequence[SourceFile],
        published: dict[str, SourceFile],
        connection: duckdb.DuckDBPyConnection,
        zone: str,
        small: bool,
    ) -> None:
        self.described = described
        self._files = files
        self._published = published
        self._connection = connection
        self._zone = zone
        self._rows = 2_000 if small else CHUNK_ROWS

    def _load(self) -> tuple[duckdb.DuckDBPyConnection, list[tuple[RawFile, Broken]]]:
        connection = own_connection(self._connection, self._zone)
        if self._published:
            return connection, load_published(self._published, connection)
        return connection, load_joined(self._files[0], connection)

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """The steps of all orders; rows that could not be split come with the first chunk."""
        connection, broken = self._load()
        connection.execute(f"CREATE OR REPLACE TEMP TABLE o_candidates AS {_CANDIDATES}")
        candidates = (
            connection.sql("SELECT * EXCLUDE (n, row_line) FROM o_candidates LIMIT 0").to_arrow_table().schema
        )
        sql = contract_sql(candidates, _recipe(candidates, self._zone))
        total = connection.sql("SELECT count(*) FROM o_candidates").fetchall()[0][0]
        first = [
            broken_rejects(raw, [row], [c for c in _USERS if c in raw.schema.names]) for raw, row in broken
        ]
        for number, start in enumerate(range(0, max(total, 1), self._rows)):
            if number < skip:
                continue
            part = connection.sql(
                "SELECT * EXCLUDE n FROM o_candidates WHERE n >= $start AND n < $stop ORDER BY n",
                params={"start": start, "stop": start + self._rows},
            ).to_arrow_table()
            connection.register("raw", prepared(part.drop_columns("row_line"), part.column("row_line")))
            events, rejects = split(connection.sql(sql, params={"latest": latest()}).to_arrow_table())
            connection.unregister("raw")
            if number == 0 and first:
                rejects = pa.concat_tables([*first, rejects])
            yield Chunk(events, rejects, min((start + self._rows) / max(total, 1), 1.0))

    def side_tables(self) -> dict[str, pa.Table]:
        """Products as items, and reviews in Portuguese."""
        connection, _ = self._load()
        when = time(
            Column("COALESCE(review_answer_timestamp, review_creation_date)", pa.string(), cleaned=True),
            self._zone,
        )
        return {
            "items": connection.sql(_ITEMS).to_arrow_table().cast(ITEMS),
            "reviews": connection.sql(_REVIEWS.format(when=when.sql)).to_arrow_table().cast(REVIEWS),
        }

    def fingerprint(self) -> str:
        """Over the files and the zone."""
        return fingerprint(self._files, self.described.format, self._zone)


def _recipe(schema: pa.Schema, zone: str) -> Recipe:
    def named(name: str) -> Column:
        return Column.named(name, schema)

    when = time(named("time"), zone)
    state = f"upper({values.text(named('customer_state'))})"
    names = (
        "MAP {" + ", ".join(f"{literal(code)}: {literal(name)}" for code, (name, _) in STATES.items()) + "}"
    )
    zones = "MAP {" + ", ".join(f"{literal(code)}: {literal(tz)}" for code, (_, tz) in STATES.items()) + "}"
    return Recipe(
        values={
            "ts": Value(f"({when.sql}) + to_microseconds(shift)", when.given),
            "tz": Value(f"COALESCE({zones}[{state}], {literal(zone)})"),
            "user_id": Value(values.text(named("customer_unique_id"))),
            "event": Value("event"),
            "item_id": Value(values.text(named("product_id"))),
            "category": Value(values.text(named("category"))),
            "price": values.decimal(named("price")),
            "quantity": Value("quantity"),
            "lat": Value("lat"),
            "lon": Value("lon"),
            "region": Value(f"COALESCE({names}[{state}], {state})"),
            "city": Value(values.text(named("customer_city"))),
        },
        user_columns=_USERS,
        internal=("shift", "known", "row_file"),
        refuse=(("NOT known", "unknown order"),),
        event_names=False,
        file="row_file",
        fixed={"currency": "BRL"},
    )
