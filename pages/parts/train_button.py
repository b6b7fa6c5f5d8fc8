"""Training from a page: what is to be foretold, a button, and progress that every visitor of the log sees."""

from __future__ import annotations

import streamlit as st

from core.events import PURCHASE
from core.journeys import encoding
from core.recommender import models
from core.recommender.models import TrainOptions
from core.recommender.versions import promoted, versions
from core.scope import OFF, Scope
from pages.parts import ask, encode_button, job_progress

#: Events that say that somebody took an item, the strongest first.
TAKING = (PURCHASE, "cart", "click", "view")
ITEMS = {"new": "New to the shopper", "any": "Any item", "shown": "Order of lists shown"}


def offer(again: bool = False) -> None:
    """Train a model of this log when asked to; texts are encoded first. `again` stands beside one in use."""
    if not again and (missing := encoding.missing_in(ask.store(), Scope(compare=OFF))[0]):
        st.markdown(
            "**No model of this log yet.** Two steps make one: the encoder reads the texts of items and "
            "searches, then the model learns from what shoppers did next. A few minutes in all."
        )
        encode_button.offer(missing)
        return
    if job_progress.shown(models.job_of(ask.store()), "train", "No model is kept"):
        return
    known = [event for event in TAKING if event in ask.events()] or ask.events()
    kinds = [kind for kind in ITEMS if kind != "shown" or ask.has_lists()]
    usual = _usual()
    with st.container(border=True, key="frame_train"):
        st.markdown(
            ":material/model_training: "
            + ("**Train another model** of this log." if again else "**No model of this log yet.**")
            + " It learns from what shoppers did next in the past, and is measured on the last days."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", key="train_row"):
            event = st.selectbox(
                "Predict the next", known, _at(known, usual.event), key="train_event", width=150
            )
            items = st.selectbox(
                "Items", kinds, _at(kinds, usual.items), format_func=ITEMS.__getitem__, key="train_items",
                width=190,
            )  # fmt: skip
            days = st.number_input(
                "Within days", 1, 365, min(max(round(usual.days), 1), 365), key="train_days", width=120
            )
            st.button(
                "Train", key="train", type="primary", icon=":material/play_arrow:", on_click=_begin,
                args=(TrainOptions(event, float(days), items),),
            )  # fmt: skip
        words = f"--option event={event} --option items={items} --option days={days}"
        st.caption(
            "About two minutes for a million events. "
            f"Or run `python -m core train --store {ask.store().path} {words}`."
        )


def _usual() -> TrainOptions:
    """What the version in use was trained for, which is what another one is mostly trained for."""
    now = promoted(ask.store())
    used = next((version for version in versions(ask.store()) if version.number == now), None)
    settings = used.about.settings if used else {}
    return TrainOptions(**{name: settings[name] for name in ("event", "days", "items") if name in settings})


def _at(known: list[str], value: str) -> int:
    return known.index(value) if value in known else 0


def _begin(options: TrainOptions) -> None:
    models.begin(ask.store(), options)
