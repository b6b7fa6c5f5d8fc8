"""Two lists side by side: what rises, falls, comes and goes; bars of reasons, the largest first."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.charts.look import LIGHT
from core.charts.what_if import called, changes, moves, shares, words


def row(title: str, a: int | None, b: int | None) -> dict[str, Any]:
    return {
        "title": title, "place_a": a, "place_b": b, "moved": a - b if a and b else None,
        "chance_a": 0.0123 if a else None, "chance_b": 0.0456 if b else None,
        "reason_a": "its words" if a else None, "reason_b": "its price" if b else None,
        "because": "its price",
    }  # fmt: skip


def test_lines_go_from_place_to_place_in_the_colour_of_their_way() -> None:
    rows = [
        row("rises", 3, 1),
        row("falls", 1, 3),
        row("stays", 2, 2),
        row("comes", 9, 4),
        row("goes", 4, None),
    ]
    figure = moves(rows, 4, LIGHT)
    lines = {trace.text[0].split("</b>")[0].removeprefix("<b>"): trace for trace in figure.data}
    assert {name: tuple(trace.y) for name, trace in lines.items()} == {
        "rises": (3, 1), "falls": (1, 3), "stays": (2, 2), "comes": (5, 4), "goes": (4, 5),
    }  # fmt: skip
    colours = {name: trace.line.color for name, trace in lines.items()}
    assert colours["rises"] == colours["comes"] == LIGHT.up and colours["falls"] == LIGHT.down
    assert colours["stays"] == colours["goes"] == LIGHT.muted
    told = [note.text for note in figure.layout.annotations]
    assert any("▲2" in text and "4.56 %" in text for text in told)
    assert any("▼2" in text for text in told)
    assert sum("goes" in text for text in told) == 1


def test_what_rules_did_is_marked_and_told() -> None:
    put_in = row("pinned", None, 1) | {"rule_a": None, "rule_b": "put in by 'a <b> rule'"}
    gone = row("gone", 1, None) | {"rule_a": None, "rule_b": "kept out by 'x'"}
    figure = moves([put_in, gone], 2, LIGHT)
    marks = [note.text for note in figure.layout.annotations]
    assert sum("<i>put in</i>" in text for text in marks) == 1
    assert not any("kept out" in text for text in marks)  # it stands on the side of A alone
    told = {trace.text[0].split("</b>")[0].removeprefix("<b>"): trace.text[0] for trace in figure.data}
    assert "B: put in by &#x27;a &lt;b&gt; rule&#x27;" in told["pinned"]
    assert "B: kept out by &#x27;x&#x27;" in told["gone"]


def test_reasons_are_bars_the_largest_first() -> None:
    names = {"words": "its words", "next step": "what comes next", "price": "its price"}
    figure = shares({"adds_words": -0.5, "adds_next_step": 2.0, "adds_price": 0.004}, names, "adds_", LIGHT)
    bar = figure.data[0]
    assert list(bar.customdata) == ["what comes next", "its words"] and list(bar.x) == [2.0, -0.5]
    assert list(figure.layout.yaxis.ticktext) == ["what comes next", "its words"]
    assert list(bar.marker.color) == [LIGHT.up, LIGHT.down]


def test_words_are_bars_in_the_order_of_the_text_equal_ones_apart() -> None:
    table = pa.table({"word": ["warm", "socks", "warm"], "start": [0, 5, 11], "adds": [0.2, -0.1, 0.05]})
    bar = words(table, LIGHT).data[0]
    assert list(bar.customdata) == ["warm", "socks", "warm"] and list(bar.y) == [0, 1, 2]
    assert list(bar.marker.color) == [LIGHT.up, LIGHT.down, LIGHT.up]
    assert list(bar.text) == ["+0.200", "-0.100", "+0.050"]


def test_what_rounds_to_nothing_is_no_change() -> None:
    assert not changes({"title": "x", "change": 0.004, "change_price": 0.004, "change_words": None})
    assert changes({"change_price": -0.006})


def test_an_item_without_a_title_is_called_by_its_category_and_small_chances_keep_two_digits() -> None:
    its = row("044f05bc9de36e8a", 1, 1) | {"item_id": "044f05bc9de36e8a", "category": "telephony"}
    assert called(its) == "telephony, 044f05bc…"
    assert called(its | {"category": None}) == "044f05bc9de36e8a"
    told = str(moves([its | {"chance_a": 0.000123, "chance_b": 0.0123}], 10, LIGHT))
    assert "0.012 %" in told and "1.23 %" in told and "telephony, 044f05bc…" in told
