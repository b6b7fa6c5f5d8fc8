"""Questions that the shop is asked, and its answers, from `faq.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyarrow as pa

from core.events import FAQ


def faq() -> pa.Table:
    """Return the questions and answers."""
    rows = tomllib.loads((Path(__file__).parent / "faq.toml").read_text())["faq"]
    return pa.Table.from_pylist(rows, schema=FAQ)
