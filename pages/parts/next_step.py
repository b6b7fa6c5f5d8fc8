"""The next step of a path: what is likely, how it comes to a purchase, what to show on the way."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.charts.next_step import gains, next_bars, place_in_a_sentence
from core.errors import CartscapeError
from core.paths.tokens import titles
from core.scope import OFF
from pages.parts import ask, page, state, states, tables
from pages.parts.chart_frame import Export, frame, plot, style

TOLD = {"page": "By page", "category": "By category", "event": "By event"}
STEPS = {"10": "within 10 steps", "5": "within 5 steps", "20": "within 20 steps", "50": "within 50 steps"}

#: Pixels of the columns of ways, so that all are seen on half of a page.
WIDTHS = {"way": 205, "steps": 50, "count": 50, "shoppers": 70, "share": 65, "low": 60, "high": 60}
#: In place of an empty picture or table.
NO_WAY = "There is no way that can be listed: nobody gets there in so many steps, or too few to be told."
NOTHING_TO_SHOW = "Nothing follows these steps often enough to say what showing it may be worth."


def draw() -> None:
    """Three pictures of one path; needs no model, and answers to the scope."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="next_controls"):
        nodes = page.choose("told_by", "How the path is told", TOLD)
        within = page.choose("within", "Steps in which a purchase counts", STEPS, folded=True)
        _goal()
    _path(nodes)
    scope = replace(state.scope(), compare=OFF)
    words = {"did": state.text("did"), "path": "" if state.text("did") else state.text("walked")}
    words |= {"shopper": state.text("whose") if ask.store().k == 1 else "", "goal": state.text("goal")}
    if words["shopper"]:
        words |= {"did": "", "path": ""}
    words = {name: word for name, word in words.items() if word} | {"nodes": nodes, "within": within}
    left, right = st.columns(2, gap="small")
    asked = [word for word in ("did", "path", "shopper") if word in words]
    try:
        likely, ways = (ask.ask("next-step", scope, ask=what, **words) for what in ("next", "ways"))
        with left:
            figure = next_bars(likely.table, style())
            command = ask.command("next-step", scope, ask="next", **words)
            frame(
                "next_step", likely, command,
                lambda: plot(figure, "next_step", likely.title, alt=f"{likely.title}. {likely.of}."),
                Export(figure),
            )  # fmt: skip
        with right:
            command = ask.command("next-step", scope, ask="ways", **words)
            frame(
                "ways",
                ways,
                command,
                lambda: tables.show(ways.table, "ways_table", NO_WAY, **WIDTHS),
                Export(),
            )
        if not asked:
            states.notice("Choose a path above to see what to show after which of its steps.")
            return
        if nodes != "page":
            states.notice("What to show after which step is told by page.")
            return
        place = ask.ask("next-step", scope, ask="place", **words)
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    gained = gains(place.table, style())
    title = place_in_a_sentence(place.table, within)

    def draw_place() -> None:
        if place.table.num_rows:
            plot(gained, "place", title, alt=f"{title}. {place.of}.")
        else:
            st.markdown(NOTHING_TO_SHOW)

    frame(
        "place", place, ask.command("next-step", scope, ask="place", **words),
        draw_place, Export(gained), title=title,
    )  # fmt: skip


def _goal() -> None:
    """What the path should come to, where the log has more to offer than a purchase."""
    kinds, key = ask.events(), "next_goal"
    st.session_state[key] = state.text("goal") if state.text("goal") in kinds else "purchase"
    st.selectbox(
        "Towards", list(dict.fromkeys(["purchase", *kinds])), key=key, width=150,
        on_change=lambda: state.set_text("goal", st.session_state[key]),
    )  # fmt: skip


def _path(nodes: str) -> None:
    """A path of items made by hand, one of those that come up most, or a shopper's."""
    known = titles(ask.store())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if ask.store().k == 1:
            st.session_state["next_whose"] = state.text("whose")
            st.text_input(
                "Shopper", key="next_whose", placeholder="Pseudonym or id", width=200,
                on_change=lambda: state.set_text("whose", st.session_state["next_whose"].strip()),
            )  # fmt: skip
        chosen = [part.partition(":")[2].strip() for part in state.text("did").split(",") if part.strip()]
        st.session_state["next_items"] = [item for item in chosen if item in known]
        looked = "view" if "view" in ask.events() else ask.events()[0]
        st.multiselect(
            "A path made by hand: items looked at, the last one last", list(known), key="next_items",
            format_func=known.__getitem__, placeholder="Choose items",
            on_change=lambda: state.set_text(
                "did", ", ".join(f"{looked}:{item}" for item in st.session_state["next_items"])
            ),
        )  # fmt: skip
        try:
            common = ask.ask("next-step", replace(state.scope(), compare=OFF), ask="paths", nodes=nodes)
        except CartscapeError:
            return
        paths = ["", *common.table["path"].to_pylist()]
        st.session_state["next_common"] = state.text("walked") if state.text("walked") in paths else ""
        st.selectbox(
            "Or one that comes up most", paths, key="next_common", width=330, disabled=bool(chosen),
            format_func=lambda path: path.replace('"', "").replace("->", " → ") or "None",
            on_change=lambda: state.set_text("walked", st.session_state["next_common"]),
        )  # fmt: skip
