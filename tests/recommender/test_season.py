"""The month that is asked for: what was taken in it, where the model learnt of seasons; else a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.errors import WrongCall
from core.recommender.features import FEATURES
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked
from core.recommender.season import OF_SEASON, season_of, without_season
from core.scope import Scope
from core.store import Store


@pytest.fixture
def seasonal(trained: Store) -> Model:
    """The model as if it had learnt of seasons."""
    model = open_model(trained)
    spread = model.scorer.spread.copy()
    spread[list(FEATURES).index(OF_SEASON)] = 1
    return replace(model, scorer=replace(model.scorer, spread=spread), seasons={})


def test_a_model_of_a_short_log_says_that_it_knows_no_season(trained: Store) -> None:
    model = open_model(trained)
    assert "as no moment that it learnt from had a year before it" in without_season(model)
    answer = ANALYSES["what-if"].run(trained, Scope(), b_month="12")
    assert "knows nothing of seasons" in " ".join(answer.notes) and "B differs in season" in answer.of
    assert all(row["moved"] == 0 for row in answer.table.to_pylist())
    for name in ("leaders", "preview"):
        more = {"shoppers": "100"} if name == "preview" else {}
        assert "knows nothing of seasons" in " ".join(
            ANALYSES[name].run(trained, Scope(), b_month="12", **more).notes
        )
    with pytest.raises(WrongCall, match="month='13' is no month"):
        ANALYSES["recommended"].run(trained, Scope(), month="13")


def test_a_month_counts_who_took_each_item_in_it(trained: Store, seasonal: Model) -> None:
    assert not without_season(seasonal) and season_of(seasonal, Asked()) == (None, [])
    found, told = season_of(seasonal, Asked(month=3))
    rows = trained.cursor().execute(
        "SELECT item_id, count(DISTINCT user_id) FROM log WHERE event = 'click' AND item_id IS NOT NULL"
        " AND ts >= '2025-03-01' AND ts < '2025-03-31' GROUP BY item_id"
    ).fetchall()  # fmt: skip
    counts = dict(rows)
    assert found is not None and told == [
        "The season is that of March 2025, by what was taken then; what it is worth was not measured."
    ]
    expected = [counts.get(str(item), 0) for item in seasonal.ids]
    np.testing.assert_allclose(np.expm1(found), expected, rtol=1e-4)
    found, told = season_of(seasonal, Asked(month=12))
    assert found is None and "does not have all of any December" in told[0]
    assert season_of(seasonal, Asked(month=6))[0] is not None  # the log ends with it
