"""Search by meaning: who looks for this, where and when, what is there for them, and what is not?

A merchandiser asks
1. who looks for waterproof hiking shoes, and what do we have → the items and searches nearest in meaning, as
   a table with their similarity, and how many shoppers stand behind them, each a click away from a cohort;
2. where and when → a map, hours of the week, and regions, categories, devices or weeks as bars, coloured
   where their share is surely above or below that of all;
3. what do people look for that we do not have, and where → searches that lead to no item, with the nearest
   item and why, and a map and bars of where they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import streamlit as st

from core.analyses import ANALYSES, Answer
from core.analyses.meaning import meaning_of
from core.analyses.similar import rule_of as looked_for
from core.analyses.unmet import rule_of as searched_for
from core.analyses.whom import narrowed
from core.charts.finds import any_unmet, found_rows, lost_rows, nearest, told_by, unmet_names
from core.charts.hours import hours_heatmap
from core.charts.map import legend_html, map_deck
from core.charts.map_cells import CellLayer, demand_layer
from core.charts.map_image import map_png, map_svg
from core.charts.meaning import MOST, lift_bars, lift_layer, view_of
from core.charts.numbers import short
from core.errors import CartscapeError
from core.scope import OFF, Scope
from pages.parts import ask, cohort_maker, dates, encode_button, finds_columns, page, state, states, tables
from pages.parts.chart_frame import Export, frame, plot, style

EXAMPLES = ("waterproof hiking shoes", "gift for a new baby", "quiet kitchen machine")
FOUND = {"both": "Items and searches", "items": "Items", "queries": "Searches"}
WHOM = {"region": "By region", "category": "By category", "device": "By device", "week": "By week"}
LOST = {"unmet": "Unmet searches", "all": "All searches"}
SHADES = {"count": "How many", "lift": "Against elsewhere"}
COLOURED = "Blue is surely above the share of all, orange below."
#: Pixels of a table beside a map, and the width that a map has at least.
HEIGHT, WIDTH = 420, 500
MOST_LOST = "200"


def main() -> None:
    """Draw the page."""
    its = meaning_of(ask.store())
    missing = its.missing()
    finds = not missing and bool(state.text("need"))
    more = ({"found": FOUND} if finds else {}) | ({"shade": SHADES} if finds and ask.has_places() else {})
    page.toolbar("Search by meaning", more, choose_measure=False, instead=_search_box)
    cohort_maker.said()
    if not its.wanted.size:
        states.notice(
            "This log has neither items with a text nor searches, so nothing can be found by its meaning. "
            "Load it again with a column of searches (query), or with a table of items that have titles."
        )
        return
    if missing:
        encode_button.offer(missing)
    elif not finds:
        states.notice(
            "Write what somebody may look for, in any words: " + _examples() + ". What the shop has and what "
            "people search for is found by its meaning, not by its letters.",
            ":material/manage_search:",
        )
    else:
        _told(_found)
    _told(lambda: _lost(missing))


def _told(draw: Callable[[], None]) -> None:
    """One part of the page: where it cannot be drawn, it says why, and the others stay."""
    try:
        draw()
    except CartscapeError as error:
        states.notice(states.plain(str(error)))


def _examples() -> str:
    return ", ".join(f"“{example}”" for example in EXAMPLES)


def _search_box() -> None:
    st.session_state["text_need"] = state.text("need")
    st.text_input(
        "What do they look for?",
        key="text_need",
        placeholder=f"What do they look for? For example: {EXAMPLES[0]}",
        label_visibility="collapsed",
        icon=":material/manage_search:",
        width=420,
        on_change=lambda: state.set_text("need", st.session_state["text_need"].strip()),
    )


def _asked(name: str, scope: Scope, options: dict[str, str], missing: int = 0) -> Answer:
    """The answer; asked anew while texts are missing, as they may be encoded meanwhile."""
    if missing:
        return ANALYSES[name].run(ask.store(), scope, **options)
    return ask.ask(name, scope, **options)


def _scope() -> Scope:
    return replace(state.scope(), compare=OFF)


# -- what is found ------------------------------------------------------------------------------


def _found() -> None:
    scope = _scope()
    options = {"text": state.text("need"), "of": state.view("found")}
    answer = _asked("similar", scope, options)
    left, right = st.columns([4, 3], gap="small")
    with left:
        _finds(answer, scope, options)
    with right:
        _map(scope, options)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="whom_controls"):
        st.markdown("**When, and who are they?**", width="content")
        offered = {word: name for word, name in WHOM.items() if word == "week" or ask.values(word) > 1}
        by = page.choose("whom", "Bars", offered)
    left, right = st.columns([4, 3], gap="small")
    with left:
        _hours(scope, options)
    with right:
        _whom(scope, options, by)


def _finds(answer: Answer, scope: Scope, options: dict[str, str]) -> None:
    rows = found_rows(answer.table)
    counted = answer.table.filter(answer.table["counted"])
    key = f"finds_{_turn(options)}"

    def draw() -> None:
        told = st.dataframe(
            rows, key=key, hide_index=True, height=HEIGHT - 60, placeholder="–", on_select="rerun",
            selection_mode="multi-row", column_config=finds_columns.found(),
        )  # fmt: skip
        picked = told["selection"]["rows"]
        chosen = answer.table.take(picked) if picked else counted
        names = chosen["title"].to_pylist()
        words = f"look for {_several(names)}" if picked else f"look for “{short(options['text'], 40)}”"
        suggestion = f"Look for {short(names[0] if picked else options['text'], 40)}"
        pairs = _pairs(chosen)
        rule = looked_for(ask.store(), scope, pairs)
        cohort_maker.keep(rule, words, suggestion, f"found_{abs(hash((key, *pairs))):x}")

    frame(
        "found", answer, ask.command("similar", scope, **options), draw, Export(),
        hint="Pick rows to keep those who look for them; with none picked, it is all that were found.",
    )  # fmt: skip


def _pairs(found: pa.Table) -> list[tuple[str, str]]:
    return list(zip(found["kind"].to_pylist(), found["id"].to_pylist(), strict=True))


def _several(names: Sequence[str]) -> str:
    more = f" or {len(names) - 1} more" if len(names) > 1 else ""
    return f"“{short(names[0], 40)}”{more}"


def _map(scope: Scope, options: dict[str, str]) -> None:
    if not ask.has_places():
        states.notice("This log has no coordinates, so there is no map of who looks for it.")
        return
    answer = _asked("similar", scope, options | {"by": "cell"})
    command = ask.command("similar", scope, **options, by="cell")
    if _nothing(answer, "shoppers", "on the map"):
        return
    look = style()
    if state.view("shade") == "count":
        layer = demand_layer(answer.table, "shoppers", "Shoppers who look for it", "count", look)
    else:
        layer = lift_layer(
            answer.table, "shoppers", "Shoppers who look for it", "of the shoppers there", look
        )
    _cells("who_map", answer, command, layer, HEIGHT)


def _nothing(answer: Answer, count: str, where: str) -> bool:
    """Whether a table by group has nothing to draw; then it says so."""
    if told_by(answer.table, count):
        return False
    states.notice(" ".join([f"There is nothing to show {where}.", *map(states.plain, answer.notes)]))
    return True


def _cells(key: str, answer: Answer, command: str, layer: CellLayer, height: int) -> None:
    """A map of a table by cell in its frame."""
    look = style()
    view = view_of(layer, WIDTH, height)
    deck = map_deck(layer, view, look)

    def draw() -> None:
        widget = f"{key}_{abs(hash((state.state().store, layer.cells, layer.text, layer.legend))):x}"
        st.pydeck_chart(deck, key=widget, height=height, alt=f"Map: {answer.title}, {answer.of}.")
        st.html(legend_html(layer.legend, look))

    export = Export(
        svg=lambda: map_svg(layer, view, look),
        png=lambda: map_png(layer, view, look, title=answer.title, of=answer.of),
    )
    frame(key, answer, command, draw, export)


def _hours(scope: Scope, options: dict[str, str]) -> None:
    answer = _asked("similar", scope, options | {"by": "hour"})
    if _nothing(answer, "shoppers", "by hour"):
        return
    figure = hours_heatmap(
        answer.table, "shoppers", "Shoppers", "count", style(), weekdays=dates.weekdays(scope)
    )

    def draw() -> None:
        alt = f"Shoppers by hour of the day and day of the week, {answer.of}."
        plot(figure, f"who_hours_{_turn(options)}", answer.title, alt=alt)

    command = ask.command("similar", scope, **options, by="hour")
    frame("who_hours", answer, command, draw, Export(figure))


def _whom(scope: Scope, options: dict[str, str], by: str) -> None:
    answer = _asked("similar", scope, options | {"by": by})
    if _nothing(answer, "shoppers", f"by {by}"):
        return
    figure = lift_bars(answer.table, by, "shoppers", "Shoppers", style())

    def keep(value: str) -> None:
        found = _asked("similar", scope, options).table
        rule = looked_for(ask.store(), narrowed(scope, by, value), _pairs(found.filter(found["counted"])))
        what = short(options["text"], 30)
        cohort_maker.keep(rule, f"look for “{what}”: {value}", f"{what}, {value}", f"whom_{by}_{value}")

    def draw() -> None:
        alt = f"Bars of shoppers who look for it by {by}, {answer.of}."
        told = plot(figure, f"who_{by}_{_turn(options)}", answer.title, alt=alt, on_select="rerun")
        for point in (told["selection"]["points"] if told else [])[:1]:
            keep(str(point["customdata"]))

    hint = f"{COLOURED} Click a bar to keep them."
    if by != "week" and answer.table.num_rows > MOST:
        hint += f" The {MOST} largest are drawn; the table has all."
    frame("whom", answer, ask.command("similar", scope, **options, by=by), draw, Export(figure), hint=hint)


# -- what is not found --------------------------------------------------------------------------


def _lost(missing: int) -> None:
    scope = _scope()
    answer = _asked("unmet", scope, {"top": MOST_LOST}, missing)
    if not answer.table.num_rows:
        states.notice(" ".join(["No search can be shown here.", *map(states.plain, answer.notes)]))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="lost_controls"):
        st.markdown("**What do people look for that is not there?**", width="content")
        page.choose("searches", "Which searches", LOST)
    query = state.text("lost")
    wanted = [query] if query else unmet_names(answer.table)
    left, right = st.columns([4, 3], gap="small")
    with left:
        _searches(answer, scope)
        if wanted:
            _lost_regions(scope, missing, query, wanted)
    with right:
        if not wanted:
            states.notice("No search is surely unmet here. Pick one at the left to see where it is made.")
        elif ask.has_places():
            _lost_map(scope, missing, query)


def _lost_map(scope: Scope, missing: int, query: str) -> None:
    options = {"query": query, "by": "cell"} if query else {"by": "cell"}
    answer = _asked("unmet", scope, options, missing)
    if _nothing(answer, "unmet_searches", "on the map"):
        return
    layer = lift_layer(answer.table, "unmet_searches", "Not followed", "of the searches there", style())
    _cells("lost_map", answer, ask.command("unmet", scope, **options), layer, HEIGHT + 120)


def _searches(answer: Answer, scope: Scope) -> None:
    only = state.view("searches") == "unmet"
    rows = lost_rows(answer.table, only=only)
    names = rows["query"].to_pylist()
    key = f"lost_{state.state().version}_{only}"
    query = state.text("lost")

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        state.set_text("lost", names[chosen[0]] if chosen else "")
        state.state().changed = True  # the map beside answers to it

    def draw() -> None:
        st.dataframe(
            rows, key=key, hide_index=True, height=tables.height_of(rows.num_rows, HEIGHT), placeholder="–",
            on_select=picked, selection_mode="single-row", column_config=finds_columns.lost(),
            selection_default={"selection": {"rows": [names.index(query)] if query in names else []}},
        )  # fmt: skip
        if query in names:
            st.caption(states.plain(nearest(answer.table, query)))
            rule = searched_for(ask.store(), scope, query)
            what = short(query, 40)
            cohort_maker.keep(rule, f"searched for “{what}”", f"Want {what}", f"lost_{abs(hash(query)):x}")

    some = "" if not only or any_unmet(answer.table) else "No search is surely unmet here; these are all. "
    frame(
        "lost", answer, ask.command("unmet", scope, top=MOST_LOST), draw, Export(),
        hint=f"{some}Pick a search to see where it is made, and to keep who made it.",
    )  # fmt: skip


def _lost_regions(scope: Scope, missing: int, query: str, wanted: list[str]) -> None:
    if ask.values("region") < 2:
        return
    options = {"query": query, "by": "region"} if query else {"by": "region"}
    answer = _asked("unmet", scope, options, missing)
    if _nothing(answer, "unmet_searches", "by region"):
        return
    figure = lift_bars(answer.table, "region", "unmet_searches", "Not followed", style())

    def draw() -> None:
        alt = f"Bars of searches that nothing followed by region, {answer.of}."
        told = plot(figure, f"lost_regions_{_turn(options)}", answer.title, alt=alt, on_select="rerun")
        for point in (told["selection"]["points"] if told else [])[:1]:
            value = str(point["customdata"])
            rule = searched_for(ask.store(), narrowed(scope, "region", value), *wanted)
            words = f"searched for {_several(wanted)} in {value}"
            cohort_maker.keep(rule, words, f"Want {short(wanted[0], 30)}, {value}", f"lost_{value}")

    hint = f"{COLOURED} Click a bar to keep who searched there."
    frame("lost_regions", answer, ask.command("unmet", scope, **options), draw, Export(figure), hint=hint)


def _turn(options: dict[str, str]) -> str:
    """Part of a widget's key: another question is another widget, so that no pick is taken over."""
    return f"{abs(hash((state.state().version, str(options)))):x}"


main()
