"""Recommendations: what would we show, to whom, and why? And what if the place, hour or price differed?

A demo lead, and a merchandiser beside them, ask
1. what would we recommend to this shopper, this path or nobody in particular → list A, the chance and the
   reason of each item;
2. what if it were elsewhere, later, on a phone, cheaper, sold out, or they looked for something → list B
   beside it, lines from place to place, what rose and what fell;
3. why → what adds to an item's score, and what changed it; the parts sum to the whole.
All of it is what the model estimates, no experiment; the caption says of which model.
"""

from __future__ import annotations

import streamlit as st

from core.analyses import Answer
from core.charts.what_if import moves, shares
from core.errors import CartscapeError
from core.events import NONE
from core.recommender.acts import HOURS_A_SLOT
from core.recommender.models import open_model
from core.recommender.reasons import REASONS
from core.recommender.versions import promoted
from core.scope import Scope
from pages.parts import ask, page, state, states, train_button
from pages.parts.chart_frame import Export, frame, plot, style

SIDES = {"a": "A", "b": "B"}
SHOWN = 10
DEEP = "100"
#: A working day and a weekend of the calendar, for the hours that a person chooses.
DAYS = {"Working day": "2026-01-05", "Weekend": "2026-01-10"}
HOURS = {
    f"{day}T{hour:02d}:00": f"{name}, {hour}–{hour + HOURS_A_SLOT} h"
    for name, day in DAYS.items()
    for hour in range(0, 24, HOURS_A_SLOT)
}
AS_USUAL = "As usual"


def main() -> None:
    """Draw the page."""
    page.toolbar("Recommendations", None, choose_measure=False)
    if promoted(ask.store()) is None:
        train_button.offer()
        return
    if not _opens():
        train_button.offer(again=True)
        return
    _whose()
    sides = st.columns(2, gap="small")
    for column, side in zip(sides, SIDES, strict=True):
        with column, st.container(border=True):
            _side(side)
    try:
        answer = ask.ask("what-if", Scope(), **_options())
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    command = ask.command("what-if", Scope(), **_options())
    figure = moves(answer.table, SHOWN, style())

    def draw() -> None:
        plot(figure, "moves", answer.title, alt=f"Items of list A and list B, best first. {answer.of}.")

    frame(
        "moves", answer, command, draw, Export(figure), title="What we would show",
        hint="Change the place, the hour or a price in B and see what moves. "
        "Chances are the model's estimates, not an experiment.",
    )  # fmt: skip
    _why(answer.table.to_pylist(), command, answer)


def _opens() -> bool:
    """Whether the promoted model can be opened; else it says why not."""
    try:
        with st.spinner("Reading what the shop knows; the first time takes some seconds"):
            open_model(ask.store())
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return False
    return True


def _whose() -> None:
    """Who is recommended to: a shopper, a path made by hand, or nobody."""
    titles = open_model(ask.store()).titled
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if alone := ask.store().k == 1:
            _text("whose", "Shopper", "Pseudonym or id; empty for nobody in particular", 280)
        chosen = [part.partition(":")[2].strip() for part in state.text("did").split(",") if part.strip()]
        st.session_state["path_items"] = [item for item in chosen if item in titles]
        st.multiselect(
            f"{'Or a' if alone else 'A'} path made by hand: items looked at, the last one last",
            list(titles),
            key="path_items",
            format_func=lambda item: titles.get(item, item),
            placeholder="Choose items",
            on_change=lambda: state.set_text(
                "did", ", ".join(f"{_looked()}:{item}" for item in st.session_state["path_items"])
            ),
        )


def _looked() -> str:
    kinds = ask.events()
    return "view" if "view" in kinds else kinds[0]


def _side(side: str) -> None:
    """What one side changes; B starts from what A says."""
    name = SIDES[side]
    st.markdown(f"**{name}**" + ("" if side == "a" else ", else as A"))
    with st.container(horizontal=True, gap="small"):
        offered = {"region": _labels("region"), "at": HOURS, "device": _labels("device")}
        for (word, names), label in zip(offered.items(), ("Place", "Hour", "Device"), strict=True):
            if names:
                _choice(f"{side}_{word}", label, names)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _text(f"{side}_phrase", "They look for", "waterproof hiking shoes", 200)
        _one_item(side)


def _labels(name: str) -> dict[str, str]:
    return {label: label for label in sorted(ask.labels(name)) if label != NONE}


def _one_item(side: str) -> None:
    """One item that is sold at another price, or not at all."""
    titles = open_model(ask.store()).titled
    price, out = state.text(f"{side}_price"), state.text(f"{side}_out")
    item, _, number = price.rpartition("=") if price else (out, "", "")
    keys = {name: f"{side}_one_{name}" for name in ("item", "price")}
    st.session_state[keys["item"]] = item if item in titles else None
    st.session_state[keys["price"]] = _price(number)

    def changed() -> None:
        chosen, tried = (st.session_state[keys[name]] for name in ("item", "price"))
        state.set_text(f"{side}_price", f"{chosen}={tried:.2f}" if chosen and tried else "")
        state.set_text(f"{side}_out", chosen if chosen and not tried else "")

    st.selectbox(
        "One item", list(titles), key=keys["item"], format_func=titles.__getitem__, placeholder="as it is",
        on_change=changed, width=190, help="Sold out, unless it is given a price",
    )  # fmt: skip
    st.number_input(
        "at a price of", 0.01, None, key=keys["price"], placeholder="none: sold out", on_change=changed,
        disabled=not item, width=150,
    )  # fmt: skip


def _price(text: str) -> float | None:
    try:
        return float(text) if float(text) > 0 else None
    except ValueError:
        return None


def _choice(word: str, label: str, names: dict[str, str]) -> None:
    key = f"choice_{word}"
    st.session_state[key] = state.text(word) if state.text(word) in names else ""
    st.selectbox(
        label, ["", *names], key=key, width=158,
        format_func=lambda value: names.get(value, AS_USUAL),
        on_change=lambda: state.set_text(word, st.session_state[key]),
    )  # fmt: skip


def _text(word: str, label: str, example: str, width: int) -> None:
    key = f"text_{word}"
    st.session_state[key] = state.text(word)
    st.text_input(
        label, key=key, placeholder=example, width=width,
        on_change=lambda: state.set_text(word, st.session_state[key].strip()),
    )  # fmt: skip


def _options() -> dict[str, str]:
    """The words of the analysis; an empty one is what is usual."""
    words = {"shopper": state.text("whose"), "path": state.text("did"), "n": str(SHOWN)}
    for side, before in (("a", ""), ("b", "b_")):
        for word in ("region", "at", "device", "phrase", "price", "out"):
            words[before + word] = state.text(f"{side}_{word}")
    return {word: value for word, value in words.items() if value}


def _why(rows: list[dict[str, object]], command: str, answer: Answer) -> None:
    """What adds to one item's score in A or B, and what changed between them."""
    titles = {str(row["item_id"]): str(row["title"]) for row in rows}
    chosen = st.selectbox("Why does it stand where it does?", list(titles), format_func=titles.__getitem__)
    row = next(row for row in rows if row["item_id"] == chosen)
    options = _of_b() | {"n": DEEP}
    single = ask.ask("recommended", Scope(), **options)
    its = next((one for one in single.table.to_pylist() if one["item_id"] == chosen), None)
    parts = []
    if its is not None:
        told = ask.command("recommended", Scope(), **options)
        parts.append(("why", "What adds to its score in B", its, "adds_", single, told))
    if row["change"]:
        parts.append(("change", "What B changes in its score", row, "change_", answer, command))
    columns = st.columns(len(parts) or 1, gap="small")
    for column, (key, title, values, prefix, of, told) in zip(columns, parts, strict=False):
        figure = shares(dict(values), REASONS, prefix, style())
        with column:

            def draw(figure: object = figure, key: str = key, title: str = title) -> None:
                plot(figure, f"{key}_{chosen}", title, alt=f"{title}: {titles[chosen]}")

            frame(key, of, told, draw, Export(figure), title=title)


def _of_b() -> dict[str, str]:
    """What B asks, as one list."""
    words = _options()
    plain = {word: value for word, value in words.items() if not word.startswith("b_") and word != "n"}
    return plain | {word[2:]: value for word, value in words.items() if word.startswith("b_")}


main()
