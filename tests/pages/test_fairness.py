"""The part of a page on fairness: measured from it, drawn, steered, and silent without a model."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.recommender import long_lists
from core.scope import Scope
from core.store import Store
from tests.pages.conftest import commands
from tests.pages.test_pages import said


def script() -> None:
    """A page of this part alone."""
    from pages.parts import chart_frame, state
    from pages.parts.fairness import fairness

    state.set_store("sample")
    state.write_url()
    chart_frame.begin_page()
    fairness()


def test_without_a_model_it_says_nothing(pages_home: Path) -> None:
    test = AppTest.from_function(script, default_timeout=60).run()
    assert not test.exception and not test.button and not test.markdown


def test_it_is_measured_drawn_and_steered(trained_page: Store) -> None:
    store = trained_page
    test = AppTest.from_function(script, default_timeout=60).run()
    assert "Whom does the model show?" in said(test)
    test.button(key="measure").click().run()
    job = long_lists.job_of(store)
    assert job is not None
    job.join(300)
    assert not job.sentence
    test.run()
    assert not test.exception
    assert [command.split()[4] for command in commands(test)] == ["fairness-curve", "fairness"]
    answer = ANALYSES["fairness"].run(store, Scope())
    assert answer.of in said(test).replace("\\", "")
    (rows,) = test.dataframe
    assert rows.value["group"].tolist() == answer.table["group"].to_pylist()
    test.segmented_control(key="view_give_up").select("20").run()
    test.segmented_control(key="view_towards").select("catalogue").run()
    assert not test.exception
    curve, _ = commands(test)
    assert "give_up=20" in curve and "towards=catalogue" in curve
    told = ANALYSES["fairness-curve"].run(store, Scope(), give_up="20", towards="catalogue")
    chosen = next(row["step"] for row in told.table.to_pylist() if row["chosen"])
    assert f"step {chosen} of 10" in said(test)
