"""The map of journeys as points, and what the visitor picks among them."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import streamlit as st

from core.analyses import Answer
from core.analyses.cluster_parts import rule_of
from core.analyses.journeys import MORE
from core.charts.journeys import COLOURS, Coloured, coloured, map_figure, sizes, told
from core.charts.numbers import MISSING, short
from core.errors import WrongCall
from core.journeys import MapOptions
from core.journeys.lasso import Lasso
from pages.parts import ask, journey_map, page, scatter, state
from pages.parts.chart_frame import Export, frame, style

HEIGHT = 520
#: Steps of a path that a tooltip tells.
STEPS = 8
#: The word of the lasso that stands, the map that it was drawn on, and whether hidden paths are in it.
_LASSO = "_journeys_lasso"
_SEEN = "_journeys_seen"


def picture(clusters: list[dict[str, Any]]) -> None:
    """Draw the map in its frame; `clusters` are the rows of their table, the last of paths between them."""
    scope, options = state.scope(), journey_map.options()
    need = state.text("need")
    asked = options | ({"text": need} if need else {})
    answer = ask.ask("journeys", scope, **asked)
    colour = _colour(answer)
    by = coloured(answer.table, colour, [row["name"] for row in clusters if row["cluster"]], style())
    # A legend of clusters counts all paths, as their list does, not the drawn sample.
    # What the list hides, the legend does too: its points are among those between clusters.
    counts: list[int | str | None] = (
        [MISSING if row["paths"] is None else row["paths"] for row in clusters]
        if colour == "cluster"
        else [None] * (len(by.labels) + 1)
    )
    if colour == "cluster" and answer.table["cluster"].null_count:
        counts[-1] = MISSING
    points = _points(answer, by, counts)

    def draw() -> None:
        page.choose("colour", "What the colour says", _colours(answer), folded=True, usual=colour)
        picked = scatter.scatter(
            points, key=key(), height=HEIGHT, look=style(), standing=_standing(),
            alt=f"Map of {answer.table.num_rows:,} paths as points, alike ones side by side, {answer.of}.",
        )  # fmt: skip
        _take(picked, by, colour)

    # Where lengths are not told, all points are of one size.
    larger = "" if answer.table["events"].null_count else ", and the longer, the larger"
    follows = (
        " Colours are of what the shopper did first after the path; “(end)” where nothing came after it."
        if colour == "next"
        else ""
    )
    frame(
        "journeys", answer, ask.command("journeys", scope, **asked), draw,
        Export(map_figure(answer.table, by, style())),
        hint=f"A point is a path; alike paths lie side by side{larger}. Draw a lasso around points or click "
        f"a cluster in the legend to see who they are.{follows}",
    )  # fmt: skip


def key() -> str:
    """The widget of this map; another scope or other options are another map."""
    asked = (state.state().store, state.state().version, tuple(sorted(journey_map.options().items())))
    return f"journeys_{abs(hash(asked)):x}"


def lasso() -> Lasso | None:
    """The lasso that stands, drawn last or come with a link; None where there is none."""
    word = state.text("lasso")
    if unread() or not word:
        return None
    if st.session_state.get(_LASSO, ("",))[0] != word:  # it came with a link
        st.session_state[_LASSO] = (word, key(), False)
    return Lasso.parse(word)


def forget() -> None:
    """Drop a lasso that was drawn on another map than the one that is shown."""
    drawn, of, _ = st.session_state.get(_LASSO, ("", "", False))
    if drawn and drawn == state.text("lasso") and of != key():
        clear()
        state.write_url()


def holds_hidden() -> bool:
    """Whether paths that the legend hides lie in the lasso that stands."""
    return bool(st.session_state.get(_LASSO, ("", "", False))[2])


def unread() -> tuple[str, ...]:
    """Why the lasso of the link is left out; nothing where it is not."""
    word = state.text("lasso")
    try:
        deep = bool(Lasso.parse(word).view) if word else state.view("dims") == "3"
    except WrongCall as error:
        return (f"The link says lasso={short(word)!r}, which was left out. {error}",)
    if deep == (state.view("dims") == "3"):
        return ()
    return ("The lasso of the link is of a map with more or fewer dimensions, and was left out.",)


def lasso_rule() -> dict[str, Any] | None:
    """The cohort's rule of the lasso that stands, or None."""
    found = lasso()
    if found is None:
        return None
    more = {name: list(its) for name in ("view", "without") if (its := getattr(found, name))}
    options = MapOptions(**journey_map.options())
    return rule_of(state.scope(), options, polygon=[list(corner) for corner in found.polygon], **more)


def clear() -> None:
    """Pick nothing; for a callback."""
    st.session_state.pop(_LASSO, None)
    scatter.clear(key())
    state.set_text("lasso", "")
    state.set_text("cluster", "")


def _take(picked: scatter.Picked | None, by: Coloured, colour: str) -> None:
    """What was picked since the last time becomes what the page is about."""
    if picked == st.session_state.get(_SEEN):
        return
    st.session_state[_SEEN] = picked
    if picked is None:  # nothing yet, or the picture was away: what stands stays
        return
    if picked.kind == "nothing" and state.text("lasso"):
        state.set_text("lasso", "")
    elif picked.kind == "lasso":
        # Only where colours are of clusters it is known of every path, drawn or not, whether it is hidden.
        hidden = picked.hidden if colour == "cluster" else ()
        without = tuple(-1 if group == scatter.NOISE else group for group in hidden)
        drawn = Lasso(picked.polygon, picked.view, without).word()
        st.session_state[_LASSO] = (drawn, key(), bool(picked.hidden) and colour != "cluster")
        state.set_text("lasso", drawn)
        state.set_text("cluster", "")
    elif picked.kind == "group" and colour == "cluster" and picked.group < len(by.labels):
        state.set_text("lasso", "")
        state.set_text("cluster", str(picked.group + 1))
    else:
        return
    st.rerun()


def _standing() -> scatter.Picked | None:
    """The lasso that stands, as the picture marks it when it comes anew."""
    found = lasso()
    if found is None:
        return None
    hidden = tuple(scatter.NOISE if group < 0 else group for group in found.without)
    return scatter.Picked("lasso", polygon=found.polygon, view=found.view, hidden=hidden)


def _colour(answer: Answer) -> str:
    chosen, offered = state.view("colour"), _colours(answer)
    usual = "nearness" if "nearness" in offered else "cluster"
    return chosen if chosen in offered else usual


def _colours(answer: Answer) -> dict[str, str]:
    """The colours that this log can give."""
    table = answer.table
    lacking = {
        "conversion": table["converted"].null_count == table.num_rows,
        "revenue": table["revenue"].null_count == table.num_rows,
        "nearness": "similarity" not in table.column_names,
        **{field: not ask.differs(field) for field in ("region", "device")},
        **{field: not told(table, field) for field in ("last", "next")},
    }
    return {word: name for word, name in COLOURS.items() if not lacking.get(word)}


def _points(answer: Answer, by: Coloured, counts: list[int | str | None]) -> scatter.Points:
    table = answer.table
    lengths = None if table["events"].null_count else table["events"].to_numpy()
    steps, minutes = table["steps"].to_pylist(), table["minutes"].to_pylist()
    if lengths is not None:  # which tell how many more came
        steps = [[name for name in path if name != MORE] for path in steps]
    else:
        steps = [[] if path == [MORE] else path for path in steps]
    names = sorted({name for path in steps for name in path})[: scatter.NO_STEP]
    code = {name: n for n, name in enumerate(names)}
    codes = np.full((len(steps), STEPS), scatter.NO_STEP, np.uint8)
    times = np.full((len(steps), STEPS), np.nan, np.float32)
    for row, (path, after) in enumerate(zip(steps, minutes, strict=True)):
        for at, (name, minute) in enumerate(zip_longest(path[:STEPS], after[:STEPS], fillvalue=np.nan)):
            codes[row, at], times[row, at] = code.get(name, scatter.NO_STEP), minute
    axes = "xyz" if "z" in table.column_names else "xy"
    return scatter.Points(
        xy=np.stack([table[axis].to_numpy() for axis in axes], axis=1),
        group=by.group, size=sizes(table), steps=codes, minutes=times, step_names=tuple(names),
        groups=tuple(map(scatter.Group, by.labels, by.colours, counts)), scale=by.scale,
        lit=np.array(table["lit"].to_pylist(), bool) if "lit" in table.column_names else None,
        lengths=lengths,
        noise=by.noise, noise_count=counts[-1],
    )  # fmt: skip
