"""Who is in a cluster or a lasso: what sets them apart, how, when and where they go, and a cohort of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.analyses import Answer
from core.analyses.cluster_parts import few_sentence, rule_of, unnamed
from core.analyses.measures import MEASURES
from core.charts.cohort import no_traits, traits
from core.charts.finds import told_by
from core.charts.hours import hours_heatmap
from core.charts.journeys import cluster_colour, drift_change, drift_lines, funnel_beside
from core.charts.map import legend_html, map_deck
from core.charts.map_cells import demand_layer
from core.charts.map_image import map_png, map_svg
from core.charts.map_view import fit_view
from core.errors import CartscapeError
from core.journeys import MapOptions, open_map
from core.journeys.given_names import give_name
from core.paths.steps import write_steps
from core.scope import OFF, Scope
from pages.parts import ask, cohort_maker, journey_map, journey_picture, state, states
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.path_line import path_line

EVERYBODY, OTHERS = "everybody", "everybody else"
MAP_WIDTH, MAP_HEIGHT = 520, 330
#: Paths told in full.
TYPICAL = 6
SHOPPERS = MEASURES["shoppers"]


@dataclass(frozen=True)
class Side:
    """A group of paths that the page tells of."""

    name: str
    scope: Scope  # whose cohort they are
    rule: dict[str, Any]
    colour: str
    cluster: int = 0  # from 1; 0 for a lasso


def detail(rows: list[dict[str, Any]]) -> None:
    """All that is told of the chosen cluster or lasso; `rows` are those of `clusters`, by number from 1."""
    mine = _chosen(rows)
    if mine is None:
        states.notice(
            "Tick a kind in the list, click one in the legend, or draw a lasso, to see who they are.",
            ":material/touch_app:",
        )
        return
    if not mine.cluster and not _held(mine):
        return
    if any(row["cluster"] == mine.cluster and row["shoppers"] is None for row in rows):
        states.notice(few_sentence(mine.cluster, ask.store().k))
        return
    other = _head(mine, rows)
    places = ask.has_places()
    left, right = st.columns([5, 4], gap="small")
    with left:
        _told(lambda: _traits(mine, other))
    with right:
        if mine.cluster:
            _told(lambda: _typical(mine))
        _told(lambda: _map(mine) if places else _funnel(mine, other))
    sides = [side for side in (mine, other) if side]
    widths = [4, 5] if places and not other else [1] * len(sides)
    if places and other:
        _told(lambda: _funnel(mine, other))
    columns = st.columns(widths, gap="small")
    if places and not other:
        with columns.pop(0):
            _told(lambda: _funnel(mine, other))
    for column, side in zip(columns, sides, strict=True):
        with column:
            _told(lambda side=side: _hours(side))


def _held(lasso: Side) -> bool:
    """Whether a lasso holds shoppers enough to tell of; otherwise it says so."""
    try:
        count = ask.members(lasso.rule)
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return False
    if count:
        return True
    few = f"fewer than {ask.store().k} shoppers, too few to show; draw it wider"
    states.notice(f"The lasso holds {'no path; draw it again' if count == 0 else few}.", ":material/gesture:")
    return False


def _brief(side: Side | None, nobody: str = EVERYBODY) -> str:
    """A group in a title: by its number, as its name may be long; `nobody` where it is none."""
    if side is None:
        return nobody
    return f"cluster {side.cluster}" if side.cluster else "the lasso"


def _told(draw: Any) -> None:
    """One picture: where it cannot be drawn it says why, and the others stay."""
    try:
        draw()
    except CartscapeError as error:
        states.notice(states.plain(str(error)))


def _chosen(rows: list[dict[str, Any]]) -> Side | None:
    lasso = journey_picture.lasso_rule()
    if lasso:
        return _side("The lasso", lasso, style().accent)
    word = state.text("cluster")
    found = next((row for row in rows if str(row["cluster"]) == word), None)
    return _cluster(found) if found else None


def _cluster(row: dict[str, Any]) -> Side:
    number = int(row["cluster"])
    rule = rule_of(state.scope(), MapOptions(**journey_map.options()), clusters=[number - 1])
    return _side(row["name"], rule, cluster_colour(number - 1, style()), number)


def _side(name: str, rule: dict[str, Any], colour: str, cluster: int = 0) -> Side:
    scope = replace(state.scope(), cohorts=(unnamed(rule),), compare=OFF)
    return Side(name, scope, rule, colour, cluster)


def _head(mine: Side, rows: list[dict[str, Any]]) -> Side | None:
    """Who is chosen, what they are held against, their name, and keeping them."""
    others = {
        str(row["cluster"]): row
        for row in rows
        if row["cluster"] != mine.cluster and row["shoppers"] is not None
    }
    row = next((row for row in rows if row["cluster"] == mine.cluster), None)
    with st.container(border=True, key="frame_journey_head"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="journey_head"):
            number = f"{mine.cluster} · " if mine.cluster else ""
            st.markdown(f"#### {number}{states.plain(mine.name)}", width="stretch")
            if row is not None:
                _rename(mine)
            key = "journey_beside"
            st.session_state[key] = state.text("beside") if state.text("beside") in others else ""
            st.selectbox(
                "Beside", ["", *others], key=key, width=300, label_visibility="collapsed",
                format_func=lambda n: f"Beside {n} · {others[n]['name']}" if n else "Beside everybody",
                on_change=lambda: state.set_text("beside", st.session_state[key]),
            )  # fmt: skip
            st.button("Clear", key="journey_clear", type="tertiary", on_click=journey_picture.clear)
        if row is not None:
            st.caption(states.plain(_about(row, rows)))
        elif journey_picture.holds_hidden():
            st.caption("Paths that the legend hides are among them: a lasso passes over clusters alone.")
        suggestion = mine.name[:120] if mine.cluster else "Lasso on the map of journeys"
        cohort_maker.keep(
            mine.rule, "have a path here", suggestion, f"journeys_{mine.cluster}", fixed=True, paths=True
        )
    return _cluster(others[st.session_state[key]]) if st.session_state[key] else None


def _about(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """What else is known of a cluster, in a line."""
    told = [f"Nearest to it is {r['cluster']} · {r['name']}." for r in rows if r["cluster"] == row["nearest"]]
    return " ".join([*told, f"Held together by: {row['words']}." if row["words"] else ""])


def _rename(mine: Side) -> None:
    with st.popover(
        "", icon=":material/edit:", type="tertiary", key="journey_rename", help="Name this cluster"
    ):
        name_key = f"cluster_name_{mine.cluster}_{abs(hash(mine.name)):x}"
        st.session_state.setdefault(name_key, mine.name)
        st.text_input("Name", key=name_key)
        st.button("Keep this name", key="cluster_name_keep", on_click=_named, args=(mine.cluster, name_key))
        st.caption("The name goes with these shoppers: it is found again when the map is made anew.")


def _named(cluster: int, name_key: str) -> None:
    opened = open_map(ask.store(), state.scope(), MapOptions(**journey_map.options()))
    try:
        give_name(opened, cluster - 1, str(st.session_state[name_key]))
    except CartscapeError as error:
        st.session_state["_cohort_said"] = (False, str(error))


def _traits(mine: Side, other: Side | None) -> None:
    against = other.name if other else OTHERS
    if mine.cluster:
        options = journey_map.options() | {"cluster": str(mine.cluster)}
        options |= {"against": str(other.cluster)} if other else {}
        answer = ask.ask("cluster-traits", state.scope(), **options)
        command = ask.command("cluster-traits", state.scope(), **options)
    else:
        asked = {"name": unnamed(mine.rule)} | ({"against": unnamed(other.rule)} if other else {})
        answer = ask.ask("cohort", replace(state.scope(), compare=OFF), **asked)
        command = ask.command("cohort", state.scope(), **asked)
    figure = traits(answer.table, mine.name, against, style())
    nothing = no_traits(answer.table, ask.store().k)

    def draw() -> None:
        if nothing:
            st.markdown(nothing)
            return
        plot(figure, "journey_traits", answer.title, alt=f"Shares of {mine.name} beside those of {against}.")

    frame(
        "journey_traits", answer, command, draw, Export() if nothing else Export(figure),
        title=f"What sets them apart from {_brief(other, OTHERS)}",
        hint="" if nothing else "Shares of shoppers; those that differ most beyond chance.",
    )  # fmt: skip


def _funnel(mine: Side, other: Side | None) -> None:
    steps = write_steps(ask.suggested()[0])
    everybody = replace(state.scope(), compare=OFF)
    answer = ask.ask("funnel", mine.scope, steps=steps)
    beside = other or Side(EVERYBODY, everybody, {}, style().muted)
    against = ask.ask("funnel", beside.scope, steps=steps)
    figure = funnel_beside(
        [(mine.name, answer.table), (beside.name, against.table)], [mine.colour, beside.colour], style()
    )

    def draw() -> None:
        plot(figure, "journey_funnel", answer.title, alt=f"Funnel of {mine.name} beside {beside.name}.")

    frame(
        "journey_funnel", answer, ask.command("funnel", mine.scope, steps=steps), draw, Export(figure),
        title=f"Their way to the goal beside {_brief(other)}",
        hint="Share of those who did the first step, in this order; “Buy” in the list is of all paths.",
    )  # fmt: skip


def _typical(mine: Side) -> None:
    options = journey_map.options() | {"cluster": str(mine.cluster)}
    answer = ask.ask("cluster-paths", state.scope(), **options)

    def draw() -> None:
        lines = [path_line(row["steps"], row["minutes"], row["events"]) for row in answer.table.to_pylist()]
        for line in list(dict.fromkeys(lines))[:TYPICAL]:  # those alike as far as is told stand once
            st.markdown(line)

    frame(
        "journey_typical", answer, ask.command("cluster-paths", state.scope(), **options), draw, Export(),
        title="Typical journeys", hint="Those nearest to the middle of the cluster, the nearest first.",
    )  # fmt: skip


def _map(mine: Side) -> None:
    answer = ask.ask("demand", mine.scope)
    layer = demand_layer(
        answer.table, SHOPPERS.name, SHOPPERS.label, SHOPPERS.unit, style(), currency=ask.currency()
    )
    if not layer.cells:
        states.notice(" ".join(["There is no place to show.", *map(states.plain, answer.notes)]))
        return
    view, look = fit_view(layer.lat, layer.lon, MAP_WIDTH, MAP_HEIGHT), style()
    deck = map_deck(layer, view, look)

    def draw() -> None:
        st.pydeck_chart(
            deck, key=f"journey_map_{abs(hash(mine.scope)):x}", height=MAP_HEIGHT,
            alt=f"Map of where the shoppers of {mine.name} are.",
        )  # fmt: skip
        st.html(legend_html(layer.legend, look))

    export = Export(
        svg=lambda: map_svg(layer, view, look),
        png=lambda: map_png(layer, view, look, title="Where they are", of=answer.of),
    )
    frame("journey_map", answer, ask.command("demand", mine.scope), draw, export, title="Where they are")


def _hours(side: Side) -> None:
    answer: Answer = ask.ask("hours", side.scope)
    figure = hours_heatmap(answer.table, "events", "Events", "count", style())
    key = f"journey_hours_{side.cluster}"
    told = told_by(answer.table, "events")

    def draw() -> None:
        if not told:
            st.markdown(f"All hours are hidden, as each would tell of fewer than {ask.store().k} shoppers.")
            return
        plot(figure, key, answer.title, alt=f"Events of {side.name} by hour of the week.")

    title = f"When they come: {_brief(side)}"
    export = Export(figure) if told else Export()
    frame(key, answer, ask.command("hours", side.scope), draw, export, title=title)


def drift() -> None:
    """How the clusters' shares move: week by week, and against the compared period."""
    scope, options = state.scope(), journey_map.options()
    compared = _compared(scope, options)
    weekly = ask.ask("cluster-drift", scope, **options)
    if len(weekly.table.filter(weekly.table["days"].to_numpy() == 7)["week"].unique()) < 2:
        if compared:
            _change(compared, scope, options)
        return
    left, right = st.columns([5, 4], gap="small") if compared else (st.container(), st.container())
    with left:
        answer = weekly
        figure = drift_lines(answer.table, style())

        def draw() -> None:
            plot(figure, "drift_lines", answer.title, alt="Lines of each cluster's share by week.")

        frame(
            "drift_week", answer, ask.command("cluster-drift", scope, **options), draw, Export(figure),
            title="Do the kinds change? Share of each week's shoppers",
        )  # fmt: skip
    if compared:
        with right:
            _change(compared, scope, options)


def _compared(scope: Scope, options: dict[str, str]) -> Answer | None:
    """The clusters now and in the compared period; None where nothing in the log is compared."""
    try:
        answer = ask.ask("cluster-drift", scope, **options, by="period")
    except CartscapeError:
        return None
    known = any(row["previous_share"] is not None for row in answer.table.to_pylist())
    return answer if known else None


def _change(answer: Answer, scope: Scope, options: dict[str, str]) -> None:
    figure = drift_change(answer.table, style())

    def draw() -> None:
        alt = "Points of each cluster's change of share, with intervals."
        plot(figure, "drift_change", answer.title, alt=alt)

    frame(
        "drift_period", answer, ask.command("cluster-drift", scope, **options, by="period"), draw,
        Export(figure), title="Against the compared period",
        hint="Change of each kind's share of paths; grey may be chance, as so many kinds are looked at.",
    )  # fmt: skip
