"""Paths: which ways do they take, which convert, where do they leave, and what comes next?

A product manager asks
1. what do people do first, after a step, before a purchase, around a failure → a flow from an anchor, with
   what is cut off as "(other)" and who leaves as "(end)"; a click on a node or an edge keeps its shoppers as
   a cohort, or opens it as a funnel with the same number;
2. how do the steps compare at a glance, and what leads to what → a step matrix, and a graph of transitions;
3. which whole paths are most common, how long do they take, do they convert → a table;
4. having done this, what do they do next → bars with intervals.
Against a second group (the compared period, bought or not, another region or cohort) every picture shows
what differs beyond chance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import streamlit as st

from core.analyses import Answer
from core.analyses.next_steps import parse_prefix
from core.charts.numbers import exact, time_words, written
from core.charts.paths import (
    ENDS,
    edges_of,
    graph_edges,
    graph_figure,
    graph_nodes,
    next_bars,
    nodes_of,
    rough_nodes,
    sankey,
    sankey_figure,
    step_matrix,
    transition_graph,
)
from core.errors import CartscapeError
from pages.parts import ask, cohort_maker, page, paths_controls, paths_keep, state, states, tables
from pages.parts.chart_frame import Export, frame, plot, style

VIEWS = {"matrix": "Step matrix", "graph": "Transitions"}
PER = {"count": "Counts", "share": "Per node", "per_path": "Per path"}
HEIGHT = 460

#: What could not be asked on this run of the page.
_said: set[str] = set()


def main() -> None:
    """Draw the page."""
    page.toolbar("Paths", choose_measure=False, instead=paths_controls.controls)
    cohort_maker.said()
    _held()
    _ask("paths", paths_controls.telling() | paths_controls.anchored(), _flow)
    left, right = st.columns([5, 4], gap="small")
    with left:
        page.choose("ways", "Steps or transitions", VIEWS)
        if state.view("ways") == "matrix":
            depth = state.view("depth")
            options = paths_controls.telling() | paths_controls.anchored()
            options = {k: v for k, v in options.items() if k not in ("depth", "top")}
            _ask("steps", options | ({"depth": depth} if depth != "5" else {}), _matrix)
        else:
            support = state.text("support")
            options = paths_controls.telling() | {"top": "40"} | ({"support": support} if support else {})
            with st.container(width=220):
                paths_controls.text("support", "At least so many times", "100")
            _ask("transitions", options, _graph)
    with right:
        _next()
    _ask("top-paths", paths_controls.telling(), _whole)


def _held() -> None:
    """How many paths hold the pattern, and how many of those buy."""
    if not state.text("pattern"):
        return
    told = {k: v for k, v in paths_controls.telling().items() if k != "against"}

    def say(answer: Answer, _: dict[str, str]) -> None:
        held, others = answer.table.to_pylist()
        if held["share"] is None:
            st.caption("Too few shoppers hold the pattern, or do not, to say how many.")
            return
        words = f"**{written(held['share'], 'share')}** of {_whose()} hold `{told['pattern']}`"
        if held["converted"] is not None and others["converted"] is not None:
            words += (
                f"; {written(held['converted'], 'share')} of them hold a purchase, "
                f"{written(others['converted'], 'share')} of the others"
            )
        st.markdown(f"{words}.")

    _ask("pattern", told, say)


def _whose() -> str:
    return "sessions" if state.view("unit") == "session" else "shoppers"


def _count() -> str:
    """The column that flows are drawn by."""
    return "paths" if state.view("unit") == "session" else "users"


def _flow(answer: Answer, options: dict[str, str]) -> None:
    count, back = _count(), paths_controls.back()
    if not answer.table.num_rows:
        states.notice(" ".join(answer.notes) or "No path in this scope has that event.")
        return
    look = style()
    option = sankey(answer.table, count, back, look)
    who = _whose()
    key = _key("flow", options)

    def draw() -> None:
        event = st.echarts_chart(
            option, key=key, height=HEIGHT, theme=None, on_select="rerun",
            alt=f"Flow of {who}: {answer.title.lower()}, {answer.of}.",
        )  # fmt: skip
        picked = _picked(event, key, answer.table, count, back)
        if picked:
            paths_keep.node(*picked, options)

    hint = f"Width is {who}. Click a node or an edge to keep its shoppers or to open it as a funnel."
    if "difference" in answer.table.column_names:
        hint += (
            " Blue flows have a larger share than in the other group, orange a smaller; grey may be chance."
        )
    frame(
        "flow", answer, ask.command("paths", state.scope(), **options), draw,
        Export(sankey_figure(answer.table, count, back, look)), hint=hint,
    )  # fmt: skip


def _picked(
    event: Any, key: str, table: pa.Table, count: str, back: bool
) -> tuple[int, str, str, str] | None:
    """The node or edge that was clicked last: level, source, target ("" for a node), how many."""
    clicked = _clicked(event, key)
    if not clicked:
        return None
    kind, n = clicked
    if kind == "edge":
        row = edges_of(table, count, back)[n][2]
        return row["level"], row["source"], row["target"], _number(row["value"], not row[count])
    node, value = list(nodes_of(table, count, back).items())[n]
    column, name = node
    rough = node in rough_nodes(table, count, back)
    return (-column if back else column), name, "", _number(value, rough)


def _clicked(event: Any, key: str) -> tuple[str, int] | None:
    """What was clicked last in an ECharts picture: "node" or "edge", and which."""
    now = [(s["data_type"], n) for s in event["selection"]["selected"] for n in s["data_indices"]]
    before = st.session_state.get(f"{key}_picked", [])
    st.session_state[f"{key}_picked"] = now
    fresh = [pick for pick in now if pick not in before] or now
    return fresh[0] if fresh else None


def _key(name: str, options: dict[str, str]) -> str:
    """A picture's key: another scope or other options forget what was clicked."""
    return f"{name}_{abs(hash((state.state().version, tuple(sorted(options.items()))))):x}"


def _number(value: int, rough: bool) -> str:
    return f"about {exact(value, 'count')}" if rough else exact(value, "count")


def _matrix(answer: Answer, options: dict[str, str]) -> None:
    figure, key = step_matrix(answer.table, style()), _key("matrix", options)

    def draw() -> None:
        alt = f"Share of paths in each node by step, {answer.of}."
        event = plot(figure, key, answer.title, alt=alt, on_select="rerun")
        for point in event["selection"]["points"][:1]:
            step, name = point["customdata"]
            paths_keep.cell(int(step), str(name), options)

    frame(
        "steps", answer, ask.command("steps", state.scope(), **options), draw, Export(figure),
        hint="Per cent of all paths. Click a cell to keep its shoppers.",
    )  # fmt: skip


def _graph(answer: Answer, options: dict[str, str]) -> None:
    look = style()

    def draw() -> None:
        page.choose("per", "What an edge says", PER)
        per = state.view("per")
        key = _key(f"graph_{per}", options)
        event = st.echarts_chart(
            transition_graph(answer.table, per, look), key=key, height=430, theme=None,
            on_select="rerun", alt=f"Graph of transitions between events, {answer.of}.",
        )  # fmt: skip
        if clicked := _clicked(event, key):
            kind, n = clicked
            edges = graph_edges(answer.table, per)
            if kind == "edge":
                paths_keep.edge(edges[n]["source"], edges[n]["target"], options)
            elif (name := list(graph_nodes(edges))[n]) not in ENDS:
                paths_keep.edge(name, "", options)

    frame(
        "transitions", answer, ask.command("transitions", state.scope(), **options), draw,
        Export(graph_figure(answer.table, look)),
        hint="Between the 40 events that come up most; the rest is “(other)”. Click an event or an arrow to "
        "keep its shoppers.",
    )  # fmt: skip


def _next() -> None:
    paths_controls.text("prefix", "Having done", "->".join(ask.events()[:2]))
    prefix = state.text("prefix") or ask.events()[0]
    _ask("next", paths_controls.telling() | {"prefix": prefix}, _next_bars)


def _next_bars(answer: Answer, options: dict[str, str]) -> None:
    figure, key = next_bars(answer.table.slice(0, 12), style()), _key("next", options)

    def draw() -> None:
        alt = f"Bars of what comes next, {answer.of}."
        event = plot(figure, key, answer.title, alt=alt, on_select="rerun")
        for point in event["selection"]["points"][:1]:
            used = str(answer.table["used"][0].as_py())
            paths_keep.following(parse_prefix(used), str(point["customdata"]), options)

    hint = "Click a bar to keep its shoppers."
    if "difference" in answer.table.column_names:
        hint = f"The tick is the other group; bold where they differ beyond chance. {hint}"
    frame("next", answer, ask.command("next", state.scope(), **options), draw, Export(figure), hint=hint)


def _whole(answer: Answer, options: dict[str, str]) -> None:
    rows = answer.table.to_pylist()
    key = _key("whole", options)

    def draw() -> None:
        shown = pa.table(
            {
                "path": [row["path"] for row in rows],
                "paths": [row["paths"] for row in rows],
                "share": [row["share"] for row in rows],
                "took": [time_words(row["seconds"]) for row in rows],
                "converted": [row["converted"] for row in rows],
                **(
                    {
                        "difference": [_points(row["difference"]) for row in rows],
                        "surely": [row["beyond_chance"] for row in rows],
                    }
                    if "difference" in answer.table.column_names
                    else {}
                ),
            }
        )
        event = st.dataframe(
            shown, key=key, hide_index=True, height=tables.height_of(shown.num_rows, 420),
            placeholder="–", on_select="rerun", selection_mode="single-row",
            column_config={
                "path": st.column_config.TextColumn("Whole path", width="large"),
                "paths": st.column_config.NumberColumn("Paths", format="localized"),
                "share": st.column_config.NumberColumn("Of all", format="percent"),
                "took": st.column_config.TextColumn("Median time"),
                "converted": st.column_config.NumberColumn("With a purchase", format="percent"),
                "difference": st.column_config.NumberColumn("Against the other group", format="%+.1f points"),
                "surely": st.column_config.CheckboxColumn("Beyond chance"),
            },
        )  # fmt: skip
        for n in event["selection"]["rows"]:
            paths_keep.whole(rows[n], options)

    frame(
        "whole", answer, ask.command("top-paths", state.scope(), **options), draw, Export(),
        hint="Tick a path to keep its shoppers.",
    )  # fmt: skip


def _points(difference: float | None) -> float | None:
    return None if difference is None else round(100 * difference, 1) + 0.0  # no −0.0


def _ask(name: str, options: dict[str, str], ready: Callable[[Answer, dict[str, str]], None]) -> None:
    """Ask, and draw; what cannot be asked is a sentence in the picture's place, and the page stays."""
    try:
        answer = ask.ask(name, state.scope(), **options)
    except CartscapeError as error:
        if str(error) not in _said:  # a pattern that cannot be read is one mistake, not five
            states.notice(str(error), ":material/error:")
        _said.add(str(error))
        return
    ready(answer, options)


main()
