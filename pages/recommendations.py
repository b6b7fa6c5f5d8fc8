"""Recommendations: what would we show, to whom, and why? And what if the place, hour or price differed?

A demo lead, and a merchandiser beside them, ask
1. what would we recommend to this shopper, this path or nobody in particular → list A, the chance and the
   reason of each item;
2. what if it were elsewhere, later, on a phone, cheaper, sold out, or they looked for something → list B
   beside it, lines from place to place, what rose and what fell;
3. why → what adds to an item's score, and what changed it; the parts sum to the whole; which of its words
   speak for it; who took it after a path like this; the smallest change that would put it first;
4. what leads where, at which hour, and what is taken there now → the map;
5. what would a cohort take, region by region, and how far can that be trusted → the preview and its replay;
6. what comes next on a path, how does it come to a purchase, what to show on the way → next step.
All but the last is what the model estimates, no experiment; the caption says of which model.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses.asked_words import words_of_b
from core.charts.what_if import moves
from core.errors import CartscapeError
from core.events import NONE
from core.recommender.models import open_model
from core.recommender.season import MONTHS, without_season
from core.recommender.versions import open_version, promoted, versions
from core.scope import Scope
from pages.parts import (
    ask,
    cohort_preview,
    leaders_map,
    list_order,
    next_step,
    page,
    place_picker,
    state,
    states,
    tables,
    train_button,
)  # fmt: skip
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.week_hours import week_hours
from pages.parts.why import why

SIDES = {"a": "A", "b": "B"}
SHOWN = 10
PARTS = {"list": "One list", "map": "On the map", "cohort": "For a cohort", "next": "Next step"}
AS_USUAL = "As usual"
#: Seconds after which a shopper's lists show what the API was told meanwhile.
FOLLOWED = 2.0
#: What a side changes: its label, and pixels that the longest value needs.
CONTROLS = {
    "region": ("Place", 140), "at": ("Hour", 185), "month": ("Season", 130), "device": ("Device", 115),
    "rules": ("Rules", 110),
}  # fmt: skip


def main() -> None:
    """Draw the page."""
    page.toolbar("Recommendations", {"part": PARTS}, choose_measure=False)
    if state.view("part") == "next":
        next_step.draw()
        return
    if state.view("part") != "cohort" and set(state.scope().words()) - {"from", "to", "compare"}:
        st.caption("Of the whole log: the scope above narrows For a cohort and Next step, not this.")
    if promoted(ask.store()) is None or not versions(ask.store()):
        train_button.offer()
        return
    try:
        version = open_version(ask.store())
        if not version.orders_lists:
            with st.spinner("Reading what the shop knows; the first time takes some seconds"):
                open_model(ask.store())
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        train_button.offer(again=True)
        return
    if version.orders_lists:
        if state.view("part") == "list":
            list_order.draw(version)
        else:
            states.notice("The model in use puts lists in order; it recommends nothing to look at here.")
        return
    if state.view("part") != "cohort":  # whose members it is about
        _whose()
    sides = st.columns(2, gap="small")
    for column, side in zip(sides, SIDES, strict=True):
        with column, st.container(border=True):
            _side(side)
    if state.view("part") == "map":
        leaders_map.draw(_options())
        return
    if state.view("part") == "cohort":
        cohort_preview.draw(_options())
        return
    try:
        answer = ask.ask("what-if", Scope(), **_options())
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    command = ask.command("what-if", Scope(), **_options())
    figure = moves(answer.table.to_pylist(), SHOWN, style())

    def draw() -> None:
        plot(figure, "moves", answer.title, alt=f"Items of list A and list B, best first. {answer.of}.")

    frame(
        "moves", answer, command, draw, Export(figure), title=_title(answer.table.to_pylist()),
        hint="Change the place, the hour or a price in B and see what moves. "
        "Chances are the model's estimates, not an experiment.",
    )  # fmt: skip
    if state.text("whose"):
        _follow(ask.store().journal.state)
    if _rules():
        _effects()
    why(answer.table.to_pylist(), answer, command, _of_b())


def _title(rows: list[dict[str, Any]]) -> str:
    """What B changes in the list, in a sentence."""
    before, after = (
        {row["item_id"]: row[f"place_{side}"] for row in rows if (row[f"place_{side}"] or SHOWN + 1) <= SHOWN}
        for side in ("a", "b")
    )
    if before == after:
        differs = any(state.text(f"b_{word}") for word in (*CONTROLS, "point", "phrase", "price", "out"))
        return "What we would show" + (": the same list in B" if differs else "")
    new = len(after.keys() - before.keys())
    moved = sum(after[item] != before[item] for item in after.keys() & before.keys())
    said = [f"brings in {new} of {len(after)}"] * bool(new) + [f"moves {moved}"] * bool(moved)
    return f"What we would show: B {' and '.join(said)}"


@st.fragment(run_every=FOLLOWED)
def _follow(seen: tuple[int, int]) -> None:
    """Draw the page anew once the API has been told of something since."""
    if ask.store().journal.state != seen:
        st.rerun()


def _effects() -> None:
    """What rules put in, raised, lowered and kept out."""
    answer = ask.ask("rule-effects", Scope(), **_options())

    def draw() -> None:
        if answer.table.num_rows:
            tables.show(answer.table, key="rule_effects_rows")
        else:
            st.markdown("No rule changes these lists.")

    frame(
        "rule_effects", answer, ask.command("rule-effects", Scope(), **_options()), draw, Export(),
        hint="Rules are written on the page Models; Rules: Off shows what the model alone would say.",
    )  # fmt: skip


def _whose() -> None:
    """Who is recommended to: a shopper, a path made by hand, or nobody."""
    titles = open_model(ask.store()).titled
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if alone := ask.store().k == 1:
            page.write("whose", "Shopper", "Pseudonym or id; empty for nobody in particular", 280)
        chosen = [part.partition(":")[2].strip() for part in state.text("did").split(",") if part.strip()]
        st.session_state["path_items"] = [item for item in chosen if item in titles]
        st.multiselect(
            f"{'Or a' if alone else 'A'} path made by hand: items "
            f"{'looked at' if _looked() == 'view' else f'of a {_looked()}'}, the last one last",
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
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        offered = {"region": _labels("region"), "at": week_hours(), "month": _months()}
        offered |= {"device": _labels("device")}
        offered |= {"rules": {"on": "On", "off": "Off"}} if _rules() else {}
        for word, names in offered.items():
            if names:
                _choice(f"{side}_{word}", *CONTROLS[word], names)
        place_picker.pick(side)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        page.write(f"{side}_phrase", "They look for", "waterproof hiking shoes", 200)
        _one_item(side)


def _rules() -> bool:
    """Whether any rule is on."""
    return any(ask.ask("rules", Scope()).table["on"].to_pylist())


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


def _months() -> dict[str, str]:
    """The months that may be chosen; none where the model knows nothing of seasons."""
    if without_season(open_model(ask.store())):
        return {}
    return {str(number): name for number, name in enumerate(MONTHS, 1)}


def _choice(word: str, label: str, width: int, names: dict[str, str]) -> None:
    key = f"choice_{word}"
    said = state.text(word)
    names = names | {said: said.replace("T", " ")} if said and said not in names else names
    st.session_state[key] = said
    st.selectbox(
        label, ["", *names], key=key, width=width,
        format_func=lambda value: names.get(value, AS_USUAL),
        on_change=lambda: _chosen(word, st.session_state[key]),
    )  # fmt: skip


def _chosen(word: str, value: str) -> None:
    state.set_text(word, value)
    if word.endswith("_region"):
        state.set_text(word.replace("region", "point"), "")


def _options() -> dict[str, str]:
    """The words of the analysis; an empty one is what is usual."""
    words = {"shopper": state.text("whose"), "path": state.text("did"), "n": str(SHOWN)}
    for side, before in (("a", ""), ("b", "b_")):
        for word in ("region", "at", "month", "device", "phrase", "price", "out", "rules"):
            words[before + word] = state.text(f"{side}_{word}")
        words[f"{before}lat"], _, words[f"{before}lon"] = state.text(f"{side}_point").partition(",")
    return {word: value for word, value in words.items() if value}


def _of_b() -> dict[str, str]:
    """What B asks, as one list."""
    return {word: value for word, value in words_of_b(_options()).items() if word != "n"}


main()
