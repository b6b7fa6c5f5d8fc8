"""Whom the model in use shows, and whom it serves: what parity costs, and every group beside its share."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.charts.fairness import group_rows, parity_curve, summary
from core.errors import CartscapeError
from core.recommender import long_lists
from core.recommender.long_lists import NotMeasured
from core.recommender.versions import promoted
from core.scope import Scope
from core.store import Store
from pages.parts import ask, job_progress, page, states, tables
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.state import VIEW, view

TOWARDS = {"takes": "Share of takes", "catalogue": "Share of catalogue"}


def fairness() -> None:
    """Draw the curve and the table of the promoted model, or offer to measure; nothing without a model."""
    number = promoted(ask.store())
    if number is None:
        return
    options = {"towards": view("towards"), "version": str(number)}
    chosen = options | {"give_up": view("give_up")}
    try:
        curve = ask.ask("fairness-curve", Scope(), **chosen)
        groups = ask.ask("fairness", Scope(), **options)
    except NotMeasured:
        _offer()
        return
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="fairness_row"):
        page.choose("towards", "Parity with", TOWARDS)
        page.choose("give_up", "Give up at most", {value: f"{value} %" for value in VIEW["give_up"]})
    figure = parity_curve(curve.table, style())
    said = summary(curve.table)

    def draw() -> None:
        plot(figure, "parity", curve.title, alt=f"{curve.title}: {said}")
        st.caption(states.plain(said))

    def rows() -> None:
        st.dataframe(
            group_rows(groups.table), key="fairness_rows", column_config=_columns(), hide_index=True,
            height=tables.height_of(groups.table.num_rows), placeholder="–",
        )  # fmt: skip

    frame(
        "parity", curve, ask.command("fairness-curve", Scope(), **chosen), draw, Export(figure),
        hint="The most to give up is kept to on the days before; what that gave on the last days is above. "
        "Lists are not re-ranked unless a rule below says so: Parity for small brands.",
    )  # fmt: skip
    frame("fairness", groups, ask.command("fairness", Scope(), **options), rows, Export())


def _offer() -> None:
    """Measure when asked to."""
    if job_progress.shown(long_lists.job_of(ask.store()), "measure", "Nothing is kept"):
        return
    with st.container(border=True, key="frame_measure"):
        st.markdown(
            ":material/balance: **Whom does the model show?** Measured on the last days: small brands and "
            "groups of shoppers beside their share, and what parity would cost."
        )
        st.button(
            "Measure", key="measure", icon=":material/play_arrow:", on_click=_begin,
            args=(ask.store(),),
        )  # fmt: skip
        st.caption(f"Or run `python -m core evaluate --store {ask.store().path} --option by=fairness`.")


def _begin(store: Store) -> None:
    long_lists.begin(store)


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "by": st.column_config.TextColumn("Of", width=76),
        "group": st.column_config.TextColumn("Group", width=150),
        "shoppers": number("Shoppers", format="localized", width=74),
        "takes": number(
            "Takes", format="%.1f %%", width=66,
            help="Share of these items, or of the small with these shoppers, of what was taken before",
        ),
        "exposure": number(
            "Exposure", format="%.1f %%", width=74,
            help="The same share of what is seen in the first ten places, the first ones more",
        ),
        "ratio": number("Ratio", format="%.2f", width=58, help="Exposure ÷ takes: 1 is parity"),
        "ndcg": number("ndcg@10", format="%.4f", width=72, help="Of items: where only these count"),
        "gap": st.column_config.TextColumn(
            "Against the others", width=170, help="ndcg@10 less that of the other shoppers, with its interval"
        ),
    }  # fmt: skip
