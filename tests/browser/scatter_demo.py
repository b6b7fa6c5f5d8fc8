"""A page with one scatter of made-up paths, for tests and for looking at; `?n=100000&deep=1` and the like.

Words of the address: `n` points, `deep=1` in three dimensions, `scale=1` coloured by a measure,
`lit=1` as if a search had found some.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import streamlit as st

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.charts.look import Look  # noqa: E402
from pages.parts import chart_frame  # noqa: E402
from pages.parts.scatter import Group, Points, clear, inside, scatter  # noqa: E402

LABELS = (
    "Search, look, buy at once",
    "Compare many and leave",
    "Cart filled over several days",
    "Return to one product",
    "Support after the purchase",
)
STEPS = ("view", "search", "cart", "checkout", "purchase", "review", "support")


@st.cache_data(show_spinner=False)
def points(n: int, look: Look, deep: bool, measure: bool, found: bool) -> Points:
    """Paths in five groups of several lumps each, and a tenth in none."""
    chance = np.random.default_rng(7)
    dimensions = 3 if deep else 2
    lumps = chance.normal(0, 4, (22, dimensions))
    lump = chance.choice(22, n, p=chance.dirichlet(np.full(22, 3.0)))
    spread = chance.uniform(0.2, 0.75, 22)[lump, None]
    xy = lumps[lump] + chance.normal(0, 1, (n, dimensions)) * spread * chance.gamma(2, 0.5, (n, 1))
    group = (lump % 5).astype(np.uint8)
    alone = chance.random(n) < 0.1
    xy[alone] += chance.normal(0, 1.6, (int(alone.sum()), dimensions))
    group[alone] = 255
    lengths = chance.geometric(0.16, n).clip(2, 60)
    steps = chance.choice(len(STEPS), (n, 8), p=[0.4, 0.2, 0.15, 0.08, 0.09, 0.04, 0.04]).astype(np.uint8)
    steps[np.arange(8) >= lengths[:, None]] = 255
    minutes = np.cumsum(chance.lognormal(1.5, 2, (n, 8)), axis=1).astype(np.float32)
    minutes -= minutes[:, :1]
    groups = tuple(map(Group, LABELS, look.categorical))
    if measure:
        ramp = look.sequential[1:]
        groups = tuple(Group(f"{2 + 3 * i} to {4 + 3 * i} steps", colour) for i, colour in enumerate(ramp))
        group = np.minimum((lengths - 2) // 3, len(groups) - 1).astype(np.uint8)
    return Points(
        xy.astype(np.float32),
        group,
        np.minimum(lengths * 4, 255).astype(np.uint8),
        groups,
        steps,
        minutes,
        STEPS,
        ("2 steps", "20 and more") if measure else None,
        (steps == STEPS.index("support")).any(axis=1) if found else None,
        lengths,
    )


def on(word: str) -> bool:
    """Whether the address says so."""
    return st.query_params.get(word) == "1"


@st.fragment
def picture() -> None:
    """The scatter, and what the server makes of a pick."""
    drawn = points(
        int(st.query_params.get("n", "20000")), chart_frame.style(), on("deep"), on("scale"), on("lit")
    )
    picked = scatter(drawn, key="demo", alt="Made-up paths in five groups")
    st.button("Draw again")
    st.button("Clear from here", on_click=clear, args=("demo",))
    count = int(inside(drawn, picked).sum()) if picked else 0
    st.markdown(f"Picked: {picked.kind if picked else 'nothing'}, {picked.group if picked else -1}, {count}")


if __name__ == "__main__":  # as Streamlit runs it
    st.set_page_config(layout="wide")
    picture()
