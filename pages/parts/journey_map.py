"""The map of journeys on a page: what it is asked by, and its making with progress."""

from __future__ import annotations

from time import monotonic

import streamlit as st

from core.errors import CartscapeError
from core.journeys import MapOptions, NotEncoded, is_kept, open_map
from core.journeys.encoding import missing_in
from core.journeys.kept_maps import TELLING, names_clusters
from core.journeys.parts import PARTS
from core.scope import Scope
from pages.parts import ask, encode_button, page, state, states

#: Part of h → what a person calls it.
MEANINGS = {
    "what": "What they looked at",
    "when": "When they came",
    "where": "Where they are",
    "how": "How they went",
}
UNITS = {"shopper": "Shoppers", "session": "Sessions"}
DETAIL = {"1": "Very few, broad", "2": "Few", "3": "Usual", "4": "Many", "5": "Very many, narrow"}
_SEEN = "_journeys_clusters_of"
DRAWN = {n: f"{int(n):,}" for n in ("5000", "20000", "50000", "100000")}


def options() -> dict[str, str]:
    """The options of the map that are not as usual."""
    words = {"unit": state.view("unit"), "detail": state.view("detail"), "dims": state.view("dims"),
             "most": state.view("drawn"), **_read_weights()[0]}  # fmt: skip
    return MapOptions(**words).words()


def unread() -> tuple[str, ...]:
    """Why the weights of the link are left out; nothing where they are not."""
    return _read_weights()[1]


def _read_weights() -> tuple[dict[str, str], tuple[str, ...]]:
    """The weights of the link, or why they cannot be read."""
    word = state.text("weights")
    if not word:
        return {}, ()
    found = dict(zip(PARTS, word.split(","), strict=False))
    try:
        MapOptions(**found).words()
        if word.count(",") == len(PARTS) - 1:
            return found, ()
        why = f"it takes a number for each of {', '.join(PARTS)}."
    except CartscapeError as error:
        why = str(error)
    return {}, (f"The link says weights={word!r}, which was left out: {why}",)


def controls() -> None:
    """What a path is, by what paths are alike, and how many clusters."""
    page.choose("unit", "A path is all that a shopper did, or one session", UNITS)
    with st.popover(
        "Group by", icon=":material/tune:", help="What makes two paths alike, and how many clusters"
    ):
        _weights()
        page.choose("detail", "Clusters", DETAIL, folded=True)
        st.caption("How many clusters")
        page.choose("drawn", "Paths drawn", DRAWN, folded=True)
        st.caption("Most paths on the map; of more, a fair sample is drawn and the others join its clusters")
        page.choose("dims", "Map", {"2": "Flat map", "3": "Map in depth"})


def _weights() -> None:
    usual = MapOptions()
    now = options()
    for part, meaning in MEANINGS.items():
        key = f"weight_{part}"
        st.session_state[key] = float(now.get(part, getattr(usual, part)))
        most = max(2.0, st.session_state[key])  # a link may weigh more than the slider offers
        st.slider(meaning, 0.0, most, step=0.25, key=key, on_change=_weighed, format="%g")


def _weighed() -> None:
    chosen = [f"{st.session_state[f'weight_{part}']:g}" for part in PARTS]
    usual = [getattr(MapOptions(), part) for part in PARTS]
    if not any(float(word) for word in chosen):
        return  # something must count
    state.set_text("weights", "" if chosen == usual else ",".join(chosen))


def _making(done: float, stage: str, seconds: float) -> str:
    """How far a map is that is being made: `done` from 0 to 1 after so many seconds."""
    left = f"about {seconds / done * (1 - done):.0f} s left" if done else "the map is made once, then kept"
    return f"{stage.capitalize()} · {left}"


def made(scope: Scope) -> bool:
    """See to it that the map is there; otherwise say why not, and what to do."""
    asked, store, place = MapOptions(**options()), ask.store(), st.empty()
    kept = is_kept(store, scope, asked)
    if not kept:
        place.progress(0.0, text="Reading the log")
    if asked.weights["what"] and not kept:
        missing, of = missing_in(store, scope)
        if missing:
            place.empty()
            encode_button.offer(missing, scope)
            return False
        if not of:
            states.notice(
                "Nothing that these paths are about has words, so they are compared by when, where and how.",
            )
    began = monotonic()

    def tell(done: float, stage: str) -> None:
        if not kept:
            place.progress(done, text=_making(done, stage, monotonic() - began))

    token = TELLING.set(tell)
    try:
        open_map(store, scope, asked)
    except NotEncoded as error:  # texts that came while the map was made
        encode_button.offer(error.missing, scope)
        return False
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return False
    finally:
        TELLING.reset(token)
        place.empty()
    _forget(names_clusters(store, scope, asked))
    return True


def _forget(now: str) -> None:
    """On another map a number is another cluster: one that stayed while the map changed goes."""
    before, words = st.session_state.get(_SEEN, (now, {}))
    for word in ("cluster", "beside"):
        if before != now and state.text(word) == words[word]:
            state.set_text(word, "")
    st.session_state[_SEEN] = (now, {word: state.text(word) for word in ("cluster", "beside")})
