"""Cohorts: who a rule means, kept for later, combined, and answered to by every number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.analyses import ANALYSES
from core.errors import CartscapeError, WrongCall
from core.paths import open_cohorts, open_cube, open_paths
from core.paths.did import rfm
from core.paths.match import Funnel, match
from core.paths.steps import parse_steps
from core.scope import Scope
from core.store import Store
from tests import oracle
from tests.marts.test_cube import append
from tests.store.fakes import busy_log

Copied = Callable[[Store], Store]
MOBILE_CART = {"of": "did", "event": "cart[device=mobile]", "times": 1}


def plain(store: Store) -> pd.DataFrame:
    log = (
        store.cursor()
        .sql("SELECT user_id, event, device, category, region, local_ts, ts, price, quantity FROM log")
        .df()
    )
    return log.assign(day=log.local_ts.dt.normalize())


def ids(store: Store, rule: dict[str, Any]) -> set[str]:
    cohorts = open_cohorts(store)
    return set(cohorts.user_ids(cohorts.find(rule)).to_pylist())


def test_rules_mean_what_pandas_says(sample_store: Store) -> None:
    log = plain(sample_store)
    carts = log[(log.event == "cart") & (log.device == "mobile")]
    assert ids(sample_store, MOBILE_CART) == set(carts.user_id)

    views = log[log.event == "view"].user_id.value_counts()
    assert ids(sample_store, {"of": "did", "event": "view", "times": 5}) == set(views[views >= 5].index)

    last = log.day.max()
    late = log[(log.day > last - pd.Timedelta(days=30)) & (log.event == "cart") & (log.region == "Ohio")]
    rule = {"of": "did", "event": "cart", "days": 30, "scope": {"region": ["Ohio"]}}
    assert ids(sample_store, rule) == set(late.user_id) and len(late)

    inside = set(log[log.category == "Cycling"].user_id)
    assert ids(sample_store, {"of": "scope", "scope": {"category": ["Cycling"]}}) == inside


def test_rules_join(sample_store: Store) -> None:
    did = {event: ids(sample_store, {"of": "did", "event": event}) for event in ("cart", "purchase")}
    cart, bought = ({"of": "did", "event": event} for event in ("cart", "purchase"))
    assert ids(sample_store, {"of": "and", "rules": [cart, bought]}) == did["cart"] & did["purchase"]
    assert ids(sample_store, {"of": "or", "rules": [cart, bought]}) == did["cart"] | did["purchase"]
    dropped = {"of": "and", "rules": [cart, {"of": "not", "rules": [bought]}]}
    assert ids(sample_store, dropped) == did["cart"] - did["purchase"]


def test_rfm_scores_are_fifths_of_the_buyers(sample_store: Store) -> None:
    log = plain(sample_store)
    bought = log[log.event == "purchase"]
    paths = open_paths(sample_store)
    scores = rfm(paths)
    frequency = bought.user_id.value_counts()
    want = (frequency.rank(pct=True, method="max") * 5).apply(np.ceil).astype(int)
    keys = sample_store.cursor().sql("SELECT DISTINCT user_id, hash(user_id) AS key FROM log").df()
    key = dict(zip(keys.user_id, keys.key.to_numpy().view(np.int64), strict=True))
    number = {k: i for i, k in enumerate(paths["shopper"].tolist())}
    got = pd.Series({user: int(scores.frequency[number[key[user]]]) for user in frequency.index})
    assert (got.sort_index() == want.sort_index()).all()
    assert ((scores.recency > 0) == (scores.money > 0)).all() and scores.recency.max() == 5


@pytest.fixture
def store(sample_store: Store, copied: Copied) -> Store:
    return copied(sample_store)


def test_every_number_answers_to_a_cohort(store: Store) -> None:
    open_cohorts(store).save("Mobile cart", MOBILE_CART)
    log = oracle.whole_log(store)
    chosen = log[(log.event == "cart") & (log.device == "mobile")].user_id
    part = log[log.user_id.isin(chosen)]
    scope = Scope(cohorts=("Mobile cart",), compare="off")
    rows = {r["measure"]: r["value"] for r in ANALYSES["overview"].run(store, scope).table.to_pylist()}
    for name, value in oracle.measures(part).items():
        assert rows[name] == pytest.approx(value), name
    cube = open_cube(store)
    by = cube.ask(replace(scope, events=("cart", "purchase")), ["region", "device"])
    want = oracle.grouped(part[part.event.isin(["cart", "purchase"])], ["region", "device"])
    labels = [axis.labels.to_pylist() for axis in by.axes]
    for (region, device), numbers in want.items():
        at = (0, labels[0].index(region), labels[1].index(device))
        assert by.events[at] == numbers["events"] and by.shoppers[at] == numbers["shoppers"]
        assert by.revenue[at] == pytest.approx(numbers["revenue"])
    found = match(open_paths(store), cube.fill(scope), Funnel(parse_steps("cart")))
    assert len(found.shopper) == chosen.nunique()


def test_two_cohorts_in_a_scope_mean_anyone_in_either(store: Store) -> None:
    cohorts = open_cohorts(store)
    cohorts.save("a", {"of": "did", "event": "cart"})
    cohorts.save("b", {"of": "did", "event": "review"})
    both = cohorts.of_scope(Scope(cohorts=("a", "b")))
    assert both is not None and (both == (cohorts.members("a") | cohorts.members("b"))).all()


def test_a_dynamic_cohort_grows_with_the_log_and_a_fixed_one_does_not(tmp_path: Any) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(500))
    rule = {"of": "did", "event": "view", "times": 2}
    open_cohorts(store).save("grows", rule)
    open_cohorts(store).save("stays", rule, fixed=True)
    before = open_cohorts(store).members("stays").sum()
    assert 0 < before == open_cohorts(store).members("grows").sum()
    store = append(store, busy_log(1500, seed=5), "more.csv")
    assert open_cohorts(store).members("stays").sum() == before
    assert open_cohorts(store).members("grows").sum() > before


def test_a_cohort_that_refers_to_itself_is_a_sentence(store: Store) -> None:
    cohorts = open_cohorts(store)
    with pytest.raises(CartscapeError, match="refers to itself \\(me → me\\)"):
        cohorts.save("me", {"of": "not", "rules": [{"of": "cohort", "name": "me"}]})
    cohorts.save("a", {"of": "did", "event": "cart"})
    cohorts.save("b", {"of": "cohort", "name": "a"})
    with pytest.raises(CartscapeError, match="a → b → a"):
        cohorts.save("a", {"of": "scope", "scope": {"cohort": ["b"]}}, seen=1)
    assert cohorts.members("b").any()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"of": "moon"}, "says of='moon'"),
        ({"of": "did"}, "'event' is missing"),
        ({"of": "cohort", "name": "nobody"}, "There is no cohort 'nobody'"),
        ({"of": "and", "rules": 3}, "cannot be read"),
        ({"of": "scope", "scope": {"planet": ["Mars"]}}, "no key 'planet'"),
    ],
)
def test_a_rule_that_cannot_be_read_is_a_sentence(store: Store, rule: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongCall, match=words):
        open_cohorts(store).save("x", rule)
    assert not store.cohorts.all()


def test_a_cell_of_retention_and_a_state_of_lifecycle_are_their_shoppers(sample_store: Store) -> None:
    span = {"from": "2025-04-01", "to": "2025-06-30", "compare": "off"}
    cohorts, scope = open_cohorts(sample_store), Scope.parse(span)
    cells = ANALYSES["retention"].run(sample_store, scope, step="month").table.to_pylist()
    told = [c for c in cells if c["cohort"] and c["returned"]]
    assert told
    for cell in told:
        rule = {
            "of": "retention", "scope": span, "options": {"step": "month"}, "period": cell["period"],
            "cohort": cell["cohort"].isoformat(),
        }  # fmt: skip
        back = cohorts.find(rule)
        assert back.sum() == cell["returned"]
        lost = cohorts.find(rule | {"outcome": "lost"})
        assert lost.sum() == cell["cohort_shoppers"] - cell["returned"] and not (back & lost).any()
    for row in ANALYSES["lifecycle"].run(sample_store, scope, step="month").table.to_pylist():
        for state in ("new", "returning", "resurrecting", "dormant"):
            rule = {"of": "lifecycle", "scope": span, "step": "month", "state": state,
                    "day": row["day"].isoformat()}  # fmt: skip
            assert cohorts.find(rule).sum() == row[state], (state, row)


def test_a_split_by_cohort_is_each_cohorts_own_answer(store: Store) -> None:
    open_cohorts(store).save("Mobile cart", MOBILE_CART)
    scope, steps = Scope(compare="off"), "view,cart,purchase"
    parts = ANALYSES["funnel"].run(store, scope, steps=steps, by="cohort").table.to_pandas()
    for name, cohorts in (("(everybody)", ()), ("Mobile cart", ("Mobile cart",))):
        alone = ANALYSES["funnel"].run(store, replace(scope, cohorts=cohorts), steps=steps).table
        assert parts[parts.cohort == name].shoppers.tolist() == alone["shoppers"].to_pylist()
    back = ANALYSES["retention"].run(store, scope, by="cohort").table
    assert set(back["saved_cohort"].to_pylist()) == {"(everybody)", "Mobile cart"}


def test_a_split_by_cohort_without_one_is_a_sentence(store: Store) -> None:
    with pytest.raises(CartscapeError, match="No cohort has been saved"):
        ANALYSES["funnel"].run(store, Scope(), by="cohort")
