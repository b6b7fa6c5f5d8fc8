"""Fine-tuned encoders of a log side by side: how each learnt, what it cost, and what it was worth."""

from __future__ import annotations

import streamlit as st

from core.analyses import ANALYSES, Answer
from core.charts.tunings import METRICS, curves
from core.scope import OFF, Scope
from pages.parts import ask, states, tables
from pages.parts.chart_frame import Export, frame, plot, style

#: Of a tuning, what is asked first; the whole row is in the table's export.
_FIRST = (
    "run", "method", "pairs", "epochs", "batch", "rate", "share_trained", "seconds", "peak_mib",
    "hr@10_before", "hr@10", "hr@10_popular", "ndcg@10_before", "ndcg@10", "in_use",
)  # fmt: skip


def show() -> None:
    """The table of tunings and their curves; how to make one where there is none."""
    # They change without the log: what is kept for a log as it is would be old.
    runs, looks = _asked(), _asked(curves="yes")
    if not runs.table.num_rows:
        states.notice(
            "No encoder has been fine-tuned on this log. Run "
            f"`python -m core tune --store {ask.store().path}`; it shows what it was worth here."
        )
        for note in runs.notes:
            states.notice(states.plain(note))
        return
    chosen = runs.table.select(list(_FIRST))

    def table() -> None:
        tables.show(chosen, key="tunings_table")

    frame(
        "tunings", runs, _command(), table, Export(),
        hint="Measured on later pairs, all items ranked: before, after, and what is popular. "
        "Set CARTSCAPE_MODEL to a run's folder to use it.",
    )  # fmt: skip
    known = [metric for metric in METRICS if metric in set(looks.table["metric"].to_pylist())]
    metric = st.selectbox("Curve", known, format_func=METRICS.__getitem__, key="tunings_metric", width=280)
    figure = curves(looks.table, metric, style())

    def draw() -> None:
        plot(figure, "tunings_curves", METRICS[metric], alt=f"{METRICS[metric]} by step, a line a run")

    frame(
        "tunings_curves", looks, _command(curves="yes"), draw, Export(figure), title=METRICS[metric],
        hint="Step 0 is the model as it was.",
    )  # fmt: skip


def _asked(**options: str) -> Answer:
    return ANALYSES["tunings"].run(ask.store(), Scope(compare=OFF), **options)


def _command(**options: str) -> str:
    return ask.command("tunings", Scope(compare=OFF), **options)
