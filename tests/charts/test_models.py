"""The training curve: two lines over epochs, as the table has them."""

from __future__ import annotations

import pyarrow as pa

from core.charts.look import LIGHT
from core.charts.models import curve


def test_a_curve_has_a_line_of_what_was_learnt_from_and_one_of_what_was_held_out() -> None:
    rows = [{"epoch": e, "learning": 0.5 - e / 10, "validation": 0.6 - e / 20} for e in range(3)]
    lines = {trace.name.split(":")[0]: trace for trace in curve(pa.Table.from_pylist(rows), LIGHT).data}
    assert list(lines) == ["Learning", "Validation"]
    for name, trace in lines.items():
        assert list(trace.x) == [0, 1, 2]
        assert list(trace.y) == [row[name.lower()] for row in rows]
    assert lines["Validation"].line.color == LIGHT.accent
