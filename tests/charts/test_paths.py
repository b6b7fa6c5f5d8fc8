"""Flows: what is hidden is not drawn, and what may only be said roughly is drawn and says so."""

from __future__ import annotations

import pyarrow as pa

from core.charts.look import LIGHT
from core.charts.paths import edges_of, nodes_of, rough_nodes, sankey

ROWS = [
    {"level": 0, "source": "purchase", "target": "approved", "users": None, "users_about": 1200},
    {"level": 0, "source": "purchase", "target": "purchase", "users": 118, "users_about": None},
    {"level": 0, "source": "review", "target": "approved", "users": None, "users_about": None},
    {"level": 1, "source": "approved", "target": "(end)", "users": 1207, "users_about": None},
]


def test_a_flow_that_is_told_roughly_is_drawn_with_its_rough_width() -> None:
    table = pa.Table.from_pylist(ROWS)
    drawn = [(a[1], b[1], row["value"]) for a, b, row in edges_of(table, "users", back=False)]
    assert drawn == [
        ("purchase", "approved", 1200), ("purchase", "purchase", 118), ("approved", "(end)", 1207),
    ]  # fmt: skip
    assert rough_nodes(table, "users", back=False) == {(0, "purchase"), (1, "approved")}
    assert nodes_of(table, "users", back=False)[0, "purchase"] == 1318
    option = sankey(table, "users", back=False, style=LIGHT)["series"][0]
    labels = {node["label"]["formatter"] for node in option["data"]}
    assert labels == {"purchase  ≈ 1.32k", "approved  ≈ 1.21k", "purchase  118", "(end)  1.21k"}
    assert [link.get("tooltip") is not None for link in option["links"]] == [True, False, False]
