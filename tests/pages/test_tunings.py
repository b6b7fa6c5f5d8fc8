"""The part of a page that shows tunings, on a page of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.store import Store
from tests.analyses.test_tunings import noted
from tests.pages.conftest import commands


def _page() -> None:
    from pages.parts import state, tunings
    from pages.parts.chart_frame import begin_page

    state.state().store = "sample"
    begin_page()
    tunings.show()


def test_tunings_stand_side_by_side(pages_home: Path) -> None:
    store = Store.open(pages_home / "sample")
    test = AppTest.from_function(_page, default_timeout=60).run()
    assert not test.exception
    (said,) = [block.value for block in test.markdown]
    assert f"python -m core tune --store {store.path}" in said
    noted(store, "lora-aaaa")
    noted(store, "mlm-bbbb", history=[{"step": 0.0, "minus_loss": -3.0}])
    test.run()
    assert not test.exception
    (table,) = test.dataframe
    assert sorted(table.value["run"]) == ["lora-aaaa", "mlm-bbbb"]
    assert "Loss in training" in " ".join(block.value for block in test.markdown)
    assert test.selectbox(key="tunings_metric").options[0] == "Loss in training"
    test.selectbox(key="tunings_metric").select("minus_loss").run()
    assert not test.exception
    assert "Minus the loss of masked words at validation" in " ".join(m.value for m in test.markdown)
    told = commands(test)
    assert len(told) == 2 and all(one.startswith("python -m core show tunings --store") for one in told)
    assert told[1].endswith("--option curves=yes")
    shutil.rmtree(store.path / "encoders")
