"""Why an item stands where it does: what adds up, its words, those who took it, what would lift it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.analyses import Answer
from core.analyses.why_words import SILENT
from core.charts.numbers import exact, short
from core.charts.what_if import called, changes, shares, words
from core.errors import CartscapeError
from core.recommender.reasons import REASONS
from core.scope import Scope
from pages.parts import ask, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.path_line import path_line

#: How deep an item is looked for in a list.
DEEP = "100"
VIEWS = {
    "score": "What adds up", "words": "Its words", "takers": "Who took it", "change": "What would lift it",
}  # fmt: skip
#: Letters of a title in a path.
LETTERS = 40
#: Of a change's kind, what is said before it.
_WOULD = {"step": "with", "hour": "on a", "price": "", "stock": "with", "place": "", "device": ""}


def why(rows: list[dict[str, Any]], both: Answer, command: str, of_b: dict[str, str]) -> None:
    """Of an item that is chosen among `rows`, those of what-if's answer `both`; `of_b` is what B asks."""
    titles = {str(row["item_id"]): called(row) for row in rows}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = st.selectbox(
            "Why does it stand where it does?", list(titles), format_func=titles.__getitem__, width=460
        )
        views = {
            "score": "What adds up",
            "words": "Its words",
            "takers": "Who took it",
            "change": "What would lift it",
        }
        view = page.choose("why", "What is told of it", views)
    row = next(row for row in rows if row["item_id"] == chosen)
    try:
        if view == "score":
            _score(chosen, row, both, command, of_b)
        elif view == "words":
            _words(chosen, of_b)
        elif view == "takers":
            _takers(chosen, of_b)
        else:
            _change(chosen, of_b)
    except CartscapeError as error:
        states.notice(states.plain(str(error)))


def _score(chosen: str, row: dict[str, Any], both: Answer, command: str, of_b: dict[str, str]) -> None:
    options = of_b | {"n": DEEP}
    # Its rules are those of a longer list; what they do here was told above.
    single = replace(ask.ask("recommended", Scope(), **options), notes=())
    its = next((one for one in single.table.to_pylist() if one["item_id"] == chosen), None)
    parts = []
    if its is not None:
        told = ask.command("recommended", Scope(), **options)
        parts.append(("why", "What adds to its score in B", its, "adds_", single, told))
    if changes(row):
        parts.append(("change", "What B changes in its score", row, "change_", both, command))
    elif row["change"]:
        states.notice("B changes next to nothing in its score.")
    columns = st.columns(len(parts) or 1, gap="small")
    for column, (key, title, values, prefix, of, told) in zip(columns, parts, strict=False):
        figure = shares(dict(values), REASONS, prefix, style())
        with column:

            def draw(figure: object = figure, key: str = key, title: str = title) -> None:
                plot(figure, f"{key}_{chosen}", title, alt=f"{title}: {row['title']}")

            frame(key, of, told, draw, Export(figure), title=title)


def _words(chosen: str, of_b: dict[str, str]) -> None:
    options = of_b | {"item": chosen}
    with st.spinner("Asking the encoder, word by word; the first time takes some seconds"):
        answer = ask.ask("why-words", Scope(), **options)
    if SILENT in answer.notes:
        states.notice(states.plain(SILENT))
        return
    figure = words(answer.table, style())
    frame(
        "why_words", answer, ask.command("why-words", Scope(), **options),
        lambda: plot(figure, f"words_{chosen}", answer.title, alt=f"What each word adds. {answer.of}."),
        Export(figure), title="Which of its words speak for it in B",
        hint="In the order of its text, against usual words; the sum is its words in What adds up.",
    )  # fmt: skip


def _takers(chosen: str, of_b: dict[str, str]) -> None:
    options = of_b | {"item": chosen}
    if ask.store().k > 1:  # nobody's path is told
        _before(options)
        return
    left, right = st.columns([5, 4], gap="small")
    with left:
        try:
            _nearest(options)
        except CartscapeError as error:
            states.notice(states.plain(str(error)))
    with right:
        _before(options)


def _before(options: dict[str, str]) -> None:
    answer = ask.ask("taken-after", Scope(), **options)
    found = answer.table.to_pylist()
    rows = [
        {"Looked at before": row["title"]}
        | ({"In B's path": row["asked"]} if any(one["asked"] for one in found) else {})
        | {"Shoppers": row["shoppers"], "Share": exact(row["share"], "share")}
        for row in found
    ]

    def draw() -> None:
        if rows:
            st.dataframe(rows, hide_index=True, width="stretch")
        else:
            st.markdown("Of nothing that they had looked at before are there enough to be shown.")

    frame(
        "taken_after", answer, ask.command("taken-after", Scope(), **options), draw, Export(),
        title="What its takers had looked at before",
    )  # fmt: skip


def _nearest(options: dict[str, str]) -> None:
    answer = ask.ask("past-buyers", Scope(), **options)

    def draw() -> None:
        for row in answer.table.to_pylist():
            names = [short(title, LETTERS) for title in row["titles"]]
            line = path_line(row["events"], row["minutes"], len(row["events"]), names)
            st.markdown(f":small[{row['likeness']:.2f} alike] {line}")

    frame(
        "past_buyers", answer, ask.command("past-buyers", Scope(), **options), draw, Export(),
        title="Past paths most like this one that took it",
    )  # fmt: skip


def _change(chosen: str, of_b: dict[str, str]) -> None:
    options = of_b | {"item": chosen}
    with st.spinner("Trying one change after another"):
        answer = ask.ask("smallest-change", Scope(), **options)
    rows = answer.table.to_pylist()

    def draw() -> None:
        for number, row in enumerate(rows):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                stands = "**first**" if row["first"] else f"at place {row['place']}"
                said = f"{_WOULD[row['kind']]} {states.plain(row['change'])}".strip()
                chance = f":small[(chance {exact(row['chance'], 'share')})]"
                st.markdown(f"{said[0].upper()}{said[1:]} it would stand {stands} {chance}")
                label = "Try in both" if row["kind"] == "step" else "Try in B"
                st.button(label, key=f"try_{number}", on_click=_try, args=(row["words"],), type="tertiary")

    frame(
        "smallest_change", answer, ask.command("smallest-change", Scope(), **options), draw, Export(),
        title="The smallest change of each kind that would lift it in B",
        hint="One thing is changed at a time. It is what the model would say, not what people would do.",
    )  # fmt: skip


def _try(changed: list[str]) -> None:
    for word, _, value in (pair.partition("=") for pair in changed):
        if word == "path":
            state.set_text("did", value)
        elif word in ("price", "out"):  # the page tries one item at a time, the last that is named
            state.set_text(f"b_{word}", value.rpartition(", ")[2])
        elif word in ("region", "at", "device"):
            state.set_text(f"b_{word}", value)
