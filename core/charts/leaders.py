"""What leads at each place, on the map: colours of categories, and what is taken there instead."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.analyses.leaders import SAME
from core.charts.look import Look
from core.charts.map_cells import CellLayer, Legend
from core.charts.numbers import short

#: Leaders with a colour of their own; all others share the last one.
OWN_COLOURS = 7
OTHERS = "others"
#: What leads where nothing does.
NOTHING = "nothing"
LETTERS = 44
#: Columns of one side, as people call them.
COLUMNS = {
    "region": "Place", "hour": "Hour", "title_{}": "Leads by the model", "category_{}": "Category",
    "chance_{}": "Chance", "above_{}": "× anywhere", "taken_title_{}": "Most taken now",
    "taken_by_{}": "By shoppers", "leader_by_{}": "Took the leader", "sure_{}": "Differ beyond chance",
}  # fmt: skip
#: What they are called instead where the leader is what is most above usual.
ABOVE_COLUMNS = {
    "title_{}": "Stands out by the model", "taken_title_{}": "Stands out in what is taken now"
}  # fmt: skip


@dataclass(frozen=True)
class Ranked:
    """How it is told what leads, by one way to rank."""

    leads: str
    nothing_leads: str
    more: str  # what something else is that is held against the leader
    taken: str  # of what is taken, {} being the event


RANKED = {
    "most": Ranked("leads", "nothing leads", "is taken more", "Most {} now"),
    "above": Ranked(
        "stands out most", "nothing stands out", "stands out more among what is taken", "Stands out in {} now"
    ),
}


def leaders_layer(
    table: pa.Table, side: str, event: str, style: Look, rank: str = "most"
) -> tuple[CellLayer, tuple[str, ...]]:
    """Cells of the `leaders` table of one hour, of side a or b, and which of them to outline: where
    something else is taken more (stands out more, by rank=above), beyond chance. `event` is what the model
    foretells.

    A leader has the colour of its category where the log has several, else its own.
    """
    rows = table.to_pylist()
    sorts = _sorts(rows, side)
    counts = Counter(sorts)
    named = [name for name, _ in counts.most_common(OWN_COLOURS)]
    place = {name: at for at, name in enumerate(named)}
    entries = [
        (style.categorical[at], f"{short(name, LETTERS)} ({counts[name]:,})") for at, name in enumerate(named)
    ]
    if rest := len(rows) - sum(counts[name] for name in named):
        entries.append((style.categorical[OWN_COLOURS], f"{OTHERS} ({rest:,})"))
    outlined = tuple(row["cell"] for row in rows if row[f"sure_{side}"])
    note = ""
    if outlined:
        note = f"outlined: something else {RANKED[rank].more} there, beyond chance (false discoveries at 5 %)"
    layer = CellLayer(
        cells=tuple(row["cell"] for row in rows),
        lat=np.array([row["lat"] for row in rows], float),
        lon=np.array([row["lon"] for row in rows], float),
        classes=np.array([place.get(name, OWN_COLOURS) for name in sorts], np.int64),
        height=np.zeros(len(rows)),
        text=tuple(_lines(row, side, event, RANKED[rank]) for row in rows),
        captions=("", "Leads: ", "", ""),
        legend=Legend("Leads by the model", tuple(entries), note, ordered=False),
    )  # fmt: skip
    return layer, outlined


def in_a_sentence(table: pa.Table, side: str, rank: str = "most") -> str:
    """What the map shows, in one sentence, and of which cells each number is; "" for an empty table."""
    rows = table.to_pylist()
    if not rows:
        return ""
    said, places = RANKED[rank], "cells" if rows[0]["cell"] is not None else "places"
    led = [row for row in rows if row[f"leader_{side}"] is not None]
    counts = Counter(_title(row, side) for row in led)
    told = f"{said.nothing_leads} in any of {len(rows):,} {places}"
    told = told[0].upper() + told[1:]
    if counts:
        name, most = counts.most_common(1)[0]
        told = f"{name} {said.leads} in {most:,} of {len(rows):,} {places}"
        if all(abs((row[f"above_{side}"] or 1) - 1) < SAME for row in led):
            told = f"Places say nothing to this model: {name} leads wherever one looks"
        elif len(counts) > 1:
            told += f", {len(counts) - 1:,} other{'s' if len(counts) > 2 else ''} elsewhere"
        if none := len(rows) - len(led):
            told += f", {said.nothing_leads} in {none:,}"
    known = [row for row in led if row[f"differs_{side}"] is not None]
    if known:
        other, sure = (sum(row[f"{word}_{side}"] for row in known) for word in ("differs", "sure"))
        little = len(led) - len(known)
        if len(known) == 1 and little:
            found = f"something else {said.more}, {'' if sure else 'not '}beyond chance"
            what = found if other else "the same leads"
            return f"{told}; enough is taken to tell in one of them alone (too little in {little:,}): {what}."
        of = f"{len(known):,}"
        if little:
            of = f"the {of} {places} where enough is taken to tell (too little in {little:,})"
        told += f"; something else {said.more} in {other:,} of {of}, beyond chance in "
        told += f"{sure:,}" if sure else "none"
    return f"{told}."


def in_columns(table: pa.Table, side: str, rank: str = "most") -> pa.Table:
    """One side of the `leaders` table in words of people, for a log without a map; without empty columns, and
    with numbers as the map says them.
    """
    of_category = any(_of_category(row, side) for row in table.to_pylist())
    names = COLUMNS | {"chance_{}": "Expected a shopper" if of_category else "Chance, %"}
    names |= ABOVE_COLUMNS if rank == "above" else {}
    times = {"chance_{}": 1.0 if of_category else 100.0, "above_{}": 1.0}
    kept = {}
    for name, label in names.items():
        if name.format(side) in table.column_names:
            values = table[name.format(side)]
            if name in times:
                values = pc.round(pc.multiply(values.cast(pa.float64()), times[name]), 2)
            kept[label] = values
    return pa.table({label: values for label, values in kept.items() if values.null_count < len(values)})


def _title(row: dict[str, Any], side: str) -> str:
    """What leads; NOTHING where rules leave none, or nothing stands out."""
    return str(row[f"title_{side}"] or NOTHING)


def _sorts(rows: list[dict[str, Any]], side: str) -> list[str]:
    categories = [row[f"category_{side}"] for row in rows]
    if len({name for name in categories if name}) > 1 or all(categories):
        return [
            str(name or ("no category" if row[f"leader_{side}"] else NOTHING))
            for name, row in zip(categories, rows, strict=True)
        ]
    return [_title(row, side) for row in rows]


def _lines(row: dict[str, Any], side: str, event: str, said: Ranked) -> tuple[str, str, str, str]:
    other = "b" if side == "a" else "a"
    leads = ", ".join(filter(None, (short(_title(row, side), LETTERS), _chance(row, side))))
    by, mine = row[f"taken_by_{side}"], row[f"leader_by_{side}"]
    taken = f"No {event} of enough shoppers to tell"
    if by is not None:
        taken = (
            f"{said.taken.format(event)}: {short(str(row[f'taken_title_{side}']), LETTERS)}, {by:,} shoppers"
        )
        if row[f"differs_{side}"]:
            taken += f" (the leader: {'hidden' if mine is None else f'{mine:,}'})"
    title = _title(row, other)
    moved = title != _title(row, side)
    return (
        row["region"] or row["cell"],
        leads,
        taken,
        f"In {other.upper()}: {short(title, LETTERS)}" if moved else "",
    )


def _of_category(row: dict[str, Any], side: str) -> bool:
    """Whether a category leads, and not an item."""
    return row[f"leader_{side}"] is not None and row[f"leader_{side}"] == row[f"category_{side}"]


def _chance(row: dict[str, Any], side: str) -> str:
    chance, above = row[f"chance_{side}"], row[f"above_{side}"]
    if chance is None:
        return ""
    said = f"{chance:.2f} expected a shopper" if _of_category(row, side) else f"{100 * chance:.2f} %"
    return said if above is None else f"{said}, {above:.2f} × anywhere"
