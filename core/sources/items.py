"""The items beside a log, gathered from the log's own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb
import pyarrow as pa

from core.events import ITEMS
from core.sources.raw import RawFile
from core.sources.values import with_clean

_TEXTS = ("title", "description", "category", "brand")

#: SQL of item_id and of any of ITEMS' columns, over `raw`.
Expressions = Callable[[RawFile], Mapping[str, str]]


def gather_items(
    raws: Sequence[RawFile], connection: duckdb.DuckDBPyConnection, expressions: Expressions
) -> dict[str, pa.Table]:
    """{"items": one row an item}: of each text the most common, of the price the median.

    Reads the files once more, and keeps only what is distinct in each chunk.
    """
    columns = ", ".join(f"{name} VARCHAR" for name in _TEXTS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE seen (item_id VARCHAR, {columns}, price DECIMAL(18, 4), lines BIGINT)"
    )
    for raw in raws:
        found = expressions(raw)
        picked = ", ".join(found.get(name, "NULL") for name in ("item_id", *_TEXTS, "price"))
        query = f"INSERT INTO seen SELECT {picked}, count(*) FROM raw GROUP BY ALL"
        for part in raw.parts():
            connection.register("raw", with_clean(part.read().table))
            connection.execute(query)
            connection.unregister("raw")
    table = connection.sql(_ITEMS).to_arrow_table()
    connection.execute("DROP TABLE seen")
    return {"items": table.cast(ITEMS)}


def _most_common(name: str) -> str:
    return f"""{name}s AS (
        SELECT item_id, first({name} ORDER BY total DESC, {name}) AS {name} FROM (
            SELECT item_id, {name}, sum(lines) AS total FROM seen WHERE {name} IS NOT NULL GROUP BY ALL
        ) GROUP BY item_id
    )"""


_ITEMS = f"""
WITH {", ".join(_most_common(name) for name in _TEXTS)}, running AS (
    SELECT item_id, price, sum(sum(lines)) OVER (PARTITION BY item_id ORDER BY price) AS upto,
        sum(sum(lines)) OVER (PARTITION BY item_id) AS total
    FROM seen WHERE price > 0 GROUP BY item_id, price
), prices AS (
    SELECT item_id, min(price) AS price FROM running WHERE 2 * upto >= total GROUP BY item_id
)
SELECT item_id, {", ".join(_TEXTS)}, price
FROM (SELECT DISTINCT item_id FROM seen WHERE item_id IS NOT NULL)
{" ".join(f"LEFT JOIN {name}s USING (item_id)" for name in (*_TEXTS, "price"))}
ORDER BY item_id
"""
