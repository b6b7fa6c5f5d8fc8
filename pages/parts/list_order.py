"""A list as it was shown, in the order of a model of lists: what would stand first, why, and was it taken?

A merchandiser of a shop that shows lists, and a demo lead, ask
1. where did what was taken stand, and where would it stand → the title, and lines from place to place;
2. why does an item stand there → what adds to its score;
3. what if the visit had gone another way → another path, device or price of the same list.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses import Answer
from core.charts.what_if import called, moves, shares
from core.errors import CartscapeError
from core.recommender.shown_features import GROUPS
from core.recommender.versions import Version
from core.scope import Scope
from pages.parts import ask, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

#: Places that are drawn; what comes from below them comes from the edge.
DRAWN = 25
SIDES = ("as shown", "in the model's order")
#: What is asked: a word of the view, a word of the analysis.
ASKED = {"listed": "shown", "did": "path", "a_device": "device", "a_price": "price"}


def draw(version: Version) -> None:
    """Draw a list in the order of a version that orders lists."""
    known = _of_log(version.about.event)
    _controls(known)
    options = {asked: said for word, asked in ASKED.items() if (said := state.text(word))}
    if "shown" not in options:
        asked = "Write the items of a list above, in the order in which they are shown."
        shared = "On shared data no session's list can be chosen." if ask.store().k > 1 else ""
        states.notice(
            "Choose a list above, or write the items of one in the order in which they are shown."
            if known
            else f"{asked} {shared}"
        )
        return
    try:
        answer = ask.ask("recommended", Scope(), **options)
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    taken = next((row["taken"] for row in known if _words(row)["listed"] == options["shown"]), None)
    rows = [_drawn(row, taken) for row in answer.table.to_pylist()]
    title = _title(rows)
    figure = moves(rows, min(len(rows), DRAWN), style(), SIDES)
    reciprocal = version.about.metrics.get("mrr")
    measured = (
        ""
        if reciprocal is None
        else f" Over the last sessions its MRR was {reciprocal:.3f}{_as_shown(version)}."
    )
    frame(
        "order", answer, ask.command("recommended", Scope(), **options),
        lambda: plot(figure, "order", title, alt=f"{title}. {answer.of}."), Export(figure), title=title,
        hint="The model knows the whole log, what was done after this list too." + measured,
    )  # fmt: skip
    _why(answer, rows)


def _as_shown(version: Version) -> str:
    least = version.about.metrics.get("mrr_as_shown")
    return "" if least is None else f", as shown {least:.3f}"


def _of_log(event: str) -> list[dict[str, Any]]:
    """The last lists of the log; none on shared data, where nobody's session is told."""
    if ask.store().k > 1:
        return []
    try:
        return ask.ask("shown-lists", Scope(), event=event).table.to_pylist()
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return []


def _controls(known: list[dict[str, Any]]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if known:
            names = {number: _named(row) for number, row in enumerate(known)}
            now = {word: state.text(word) for word in ("listed", "did", "a_device", "a_price")}
            st.session_state["list_of_log"] = next(
                (n for n, row in enumerate(known) if _words(row) == now), None
            )
            st.selectbox(
                "A list of the last sessions", list(names), key="list_of_log", format_func=names.__getitem__,
                placeholder="written below", width=420,
                on_change=lambda: _take(known),
            )  # fmt: skip
        page.write("a_device", "Device", "mobile", 120)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        page.write("listed", "Items, in the order in which they are shown", "5478442, 42988, 1257598", 520)
        page.write("did", "What the visit did before", "view:42988, view:42988", 360)
        page.write("a_price", "Prices", "42988=79, 5478442=120", 220)


def _take(known: list[dict[str, Any]]) -> None:
    number = st.session_state["list_of_log"]
    for word, said in (_words(known[number]) if number is not None else dict.fromkeys(ASKED, "")).items():
        state.set_text(word, said)


def _words(row: dict[str, Any]) -> dict[str, str]:
    """What asks for a list of the log, in words of the view."""
    priced = zip(row["shown"], row["prices"], strict=True)
    return {
        "listed": ",".join(row["shown"]),
        "did": ",".join(row["path"]),
        "a_device": row["device"] or "",
        "a_price": ",".join(f"{item}={price:g}" for item, price in priced if price),
    }


def _named(row: dict[str, Any]) -> str:
    return (
        f"{row['shown_at']:%-d %b %Y %H:%M} UTC: {len(row['shown'])} items, taken at place {row['stood']}, "
        f"after {len(row['path'])} steps"
    )


def _drawn(row: dict[str, Any], taken: str | None) -> dict[str, Any]:
    """A row of an order as `moves` takes it."""
    return {
        "item_id": row["item_id"], "title": row["title"], "place_a": row["stood"], "place_b": row["place"],
        "moved": row["stood"] - row["place"], "chance_a": None, "chance_b": row["chance"], "reason_a": None,
        "reason_b": row["reason"], "because": None, "taken": row["item_id"] == taken,
    }  # fmt: skip


def _title(rows: list[dict[str, Any]]) -> str:
    its = next((row for row in rows if row["taken"]), None)
    if its is None:
        first = rows[0]
        return f"{called(first)} would stand first of {len(rows)}; it stood at place {first['place_a']}"
    if its["place_a"] == its["place_b"]:
        return f"What was taken stood at place {its['place_a']}, and would stand there too"
    return f"What was taken stood at place {its['place_a']}, and would stand at place {its['place_b']}"


def _why(answer: Answer, rows: list[dict[str, Any]]) -> None:
    titles = {str(row["item_id"]): called(row) for row in rows}
    chosen = st.selectbox(
        "Why does it stand where it does?", list(titles), format_func=titles.__getitem__, width=460
    )
    row = next(row for row in answer.table.to_pylist() if row["item_id"] == chosen)
    figure = shares(row, GROUPS, "adds_", style())
    title = f"What adds to its score: {row['reason']}"
    options = {asked: said for word, asked in ASKED.items() if (said := state.text(word))}
    frame(
        "why", answer, ask.command("recommended", Scope(), **options),
        lambda: plot(figure, f"why_{chosen}", title, alt=f"{title}. {row['title']}."), Export(figure),
        title=title,
    )  # fmt: skip
