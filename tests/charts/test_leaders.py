"""The map of leaders: colours by category, outlines where something else is taken, one sentence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.charts.leaders import OTHERS, in_a_sentence, in_columns, leaders_layer
from core.charts.look import LIGHT

CELLS = ("842ab57ffffffff", "842ab09ffffffff", "842a9ddffffffff")


def row(cell: str, name: str, taken: str | None = None, sure: bool | None = None) -> dict[str, Any]:
    side = {
        "leader": name, "title": name, "category": name, "chance": 0.31, "above": 1.2, "taken": taken,
        "taken_title": taken, "taken_by": 5 if taken else None, "leader_by": 2, "sure": sure,
        "differs": None if taken is None else taken != name,
    }  # fmt: skip
    return {"cell": cell, "lat": 40.0, "lon": -83.0, "region": "Ohio", "hour": None} | {
        f"{word}_{letter}": value for word, value in side.items() for letter in "ab"
    }


def test_colours_outlines_and_hover() -> None:
    rows = [
        row(CELLS[0], "Shoes", "Baby", True),
        row(CELLS[1], "Shoes", "Shoes", False),
        row(CELLS[2], "Baby"),
    ]
    layer, outlined = leaders_layer(pa.Table.from_pylist(rows), "a", "click", LIGHT)
    assert outlined == (CELLS[0],) and layer.classes.tolist() == [0, 0, 1]
    assert [label for _, label in layer.legend.entries] == ["Shoes (2)", "Baby (1)"]
    assert "outlined: something else is taken more there" in layer.legend.note
    assert "false discoveries at 5 %" in layer.legend.note
    assert "Most click now: Baby, 5 shoppers (the leader: 2)" in layer.note(0)
    assert "0.31 expected a shopper, 1.20 × anywhere" in layer.note(1)
    assert "No click of enough shoppers to tell" in layer.note(2)


def test_what_is_rare_shares_a_colour() -> None:
    rows = [row(CELLS[at % 3], f"kind {at}") for at in range(9)]
    layer, _ = leaders_layer(pa.Table.from_pylist(rows), "a", "click", LIGHT)
    assert layer.legend.entries[-1] == (LIGHT.categorical[-1], f"{OTHERS} (2)")
    assert len({colour for colour, _ in layer.legend.entries}) == 8


def test_the_sentence_counts() -> None:
    rows = [
        row(CELLS[0], "Shoes", "Baby", True),
        row(CELLS[1], "Shoes", "Shoes", False),
        row(CELLS[2], "Baby"),
    ]
    assert in_a_sentence(pa.Table.from_pylist(rows), "b") == (
        "Shoes leads in 2 of 3 cells, 1 other elsewhere; something else is taken more in 1 of the 2 cells "
        "where enough is taken to tell (too little in 1), beyond chance in 1."
    )
    assert "taken more in 1 of 2, beyond" in in_a_sentence(pa.Table.from_pylist(rows[:2]), "b")
    assert in_a_sentence(pa.Table.from_pylist(rows[::2]), "b").endswith(
        "enough is taken to tell in one of them alone (too little in 1): something else is taken more, "
        "beyond chance."
    )


def test_what_stands_out_is_not_said_to_be_taken_more() -> None:
    table = pa.Table.from_pylist([row(CELLS[0], "Shoes", "Baby", True) | {"leader_by_a": 9}])
    assert in_a_sentence(table, "a", "above") == (
        "Shoes stands out most in 1 of 1 cells; something else stands out more among what is taken in 1 of "
        "1, beyond chance in 1."
    )
    layer, _ = leaders_layer(table, "a", "click", LIGHT, "above")
    assert "something else stands out more among what is taken there" in layer.legend.note
    assert "Stands out in click now: Baby, 5 shoppers (the leader: 9)" in layer.note(0)
    assert "Stands out in what is taken now" in in_columns(table, "a", "above").column_names


def test_cells_where_nothing_leads_are_counted_by_themselves() -> None:
    none = dict.fromkeys(("leader_a", "title_a", "category_a", "chance_a", "above_a", "differs_a", "sure_a"))
    rows = [row(CELLS[0], "Shoes", "Baby", False), row(CELLS[1], "Baby") | none, row(CELLS[2], "Dog") | none]
    assert in_a_sentence(pa.Table.from_pylist(rows), "a", "above") == (
        "Shoes stands out most in 1 of 3 cells, nothing stands out in 2; something else stands out more "
        "among what is taken in 1 of 1, beyond chance in none."
    )
    said = in_a_sentence(pa.Table.from_pylist(rows[1:]), "a", "above")
    assert said == "Nothing stands out in any of 2 cells."


def test_places_that_say_nothing_are_said_so() -> None:
    rows = [row(CELLS[at], "Shoes") | {"above_a": 1.0} for at in range(2)]
    assert in_a_sentence(pa.Table.from_pylist(rows), "a") == (
        "Places say nothing to this model: Shoes leads wherever one looks."
    )


def test_a_place_where_rules_leave_nothing_is_drawn() -> None:
    none = dict.fromkeys(("leader_a", "title_a", "category_a", "chance_a", "above_a"))
    layer, _ = leaders_layer(
        pa.Table.from_pylist([row(CELLS[0], "Shoes"), row(CELLS[1], "Shoes") | none]), "a", "click", LIGHT
    )
    assert "nothing" in layer.note(1) and "Shoes" in layer.note(0)


def test_a_log_without_a_map_has_a_table_in_words() -> None:
    its = row(CELLS[0], "Shoes", "Baby", True) | {"cell": None, "lat": None, "lon": None}
    assert in_columns(pa.Table.from_pylist([its]), "a").to_pylist() == [{
        "Place": "Ohio", "Leads by the model": "Shoes", "Category": "Shoes", "Expected a shopper": 0.31,
        "× anywhere": 1.2, "Most taken now": "Baby", "By shoppers": 5, "Took the leader": 2,
        "Differ beyond chance": True,
    }]  # fmt: skip
    item = its | {"leader_a": "P1", "chance_a": 0.12346, "above_a": None}
    (found,) = in_columns(pa.Table.from_pylist([item]), "a").to_pylist()
    assert found["Chance, %"] == 12.35 and "× anywhere" not in found and "Expected a shopper" not in found
