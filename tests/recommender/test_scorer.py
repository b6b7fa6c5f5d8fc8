"""The scorer: the same seed gives the same one, chances are chances of the log, reasons sum to the score."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations
from math import factorial

import numpy as np
import pytest

from core.recommender.features import FEATURES, GROUP_OF, GROUPS
from core.recommender.network import as_file
from core.recommender.reasons import REASONS, shapley, words_of
from core.recommender.scorer import Examples, Scorer, ScorerOptions, fit

QUICK = ScorerOptions(epochs=3, batch=256)


def drawn(seed: int = 0, most: int = 6_000) -> Examples:
    """Two features decide; of what was not taken, one in ten is there and stands for ten."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(most, len(FEATURES))).astype(np.float32)
    chance = 1 / (1 + np.exp(-(2 * features[:, 0] + features[:, 20] - 3)))
    taken = rng.random(most) < chance
    kept = taken | (rng.random(most) < 0.1)
    weight = np.where(taken, 1, 10).astype(np.float32)
    return Examples(features[kept], taken[kept].astype(np.float32), weight[kept])


@pytest.fixture(scope="module")
def examples() -> Examples:
    return drawn()


@pytest.fixture(scope="module")
def scorer(examples: Examples) -> Scorer:
    return fit(examples, ScorerOptions(epochs=12, batch=256))


def test_the_same_seed_gives_the_same_scorer(examples: Examples) -> None:
    one, same, other = (fit(examples, ScorerOptions(epochs=2, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.logits(examples.features), same.logits(examples.features))
    assert (one.logits(examples.features) != other.logits(examples.features)).any()


def test_one_that_was_made_when_features_meant_something_else_is_refused(scorer: Scorer) -> None:
    old = as_file([scorer.network], scorer.middle, scorer.spread, scorer.options, list(FEATURES))
    with pytest.raises(ValueError, match="features"):
        Scorer.from_bytes(old)


def test_it_finds_what_decides_and_its_chances_are_those_of_the_log(scorer: Scorer) -> None:
    rng = np.random.default_rng(8)
    features = rng.normal(size=(20_000, len(FEATURES))).astype(np.float32)
    truth = 1 / (1 + np.exp(-(2 * features[:, 0] + features[:, 20] - 3)))
    chance = 1 / (1 + np.exp(-scorer.logits(features)))
    assert np.corrcoef(chance, truth)[0, 1] > 0.9
    assert chance.mean() == pytest.approx(truth.mean(), rel=0.25)


def test_a_kept_scorer_is_the_same(scorer: Scorer, examples: Examples) -> None:
    again = Scorer.from_bytes(scorer.to_bytes())
    np.testing.assert_array_equal(again.logits(examples.features), scorer.logits(examples.features))
    assert again.options == scorer.options


def test_a_curve_is_the_loss_after_each_epoch_and_changes_nothing(examples: Examples) -> None:
    held_out = drawn(seed=5)
    plain, watched = fit(examples, QUICK), fit(examples, QUICK, held_out)
    np.testing.assert_array_equal(plain.logits(examples.features), watched.logits(examples.features))
    assert plain.curve == () and [point["epoch"] for point in watched.curve] == [0, 1, 2, 3]
    for name, its in (("learning", examples), ("validation", held_out)):
        chance = 1 / (1 + np.exp(-watched.logits(its.features).astype(np.float64)))
        each = -np.where(its.taken > 0, np.log(chance), np.log(1 - chance))
        told = [point[name] for point in watched.curve]
        assert told[-1] == pytest.approx(np.average(each, weights=its.weight), rel=1e-4)
        assert told[0] > told[1] > told[-1]


def test_a_group_left_out_is_not_seen(examples: Examples) -> None:
    blind = fit(examples, ScorerOptions(epochs=1, without=("same people",)))
    changed = examples.features.copy()
    changed[:, list(GROUPS).index("same people") == GROUP_OF] += 3
    np.testing.assert_array_equal(blind.logits(changed), blind.logits(examples.features))


def test_what_was_the_same_in_all_that_it_learnt_says_nothing_later(examples: Examples) -> None:
    """Such as what was taken a year ago, in a log that is a year long only at its end."""
    at = list(FEATURES).index("a_year_ago")
    silent = examples.features.copy()
    silent[:, at] = 0
    scorer = fit(replace(examples, features=silent), ScorerOptions(epochs=1))
    later = silent.copy()
    later[:, at] = 2
    np.testing.assert_array_equal(scorer.logits(later), scorer.logits(silent))
    one = np.zeros(len(later), np.int64)
    varied = scorer.logits_varied(scorer.scaled(silent[:1]), one, {"a_year_ago": later[:, at]})
    assert len(set(varied.tolist())) == 1
    np.testing.assert_allclose(varied[0], scorer.logits(silent[:1])[0], atol=1e-5)


def of_definition(scorer: Scorer, scaled: np.ndarray, group: str) -> float:
    """The Shapley value of one group of one item, set by set."""
    others = [name for name in REASONS if name != group]
    total = 0.0
    for some in chain.from_iterable(combinations(others, k) for k in range(len(others) + 1)):
        weight = factorial(len(some)) * factorial(len(others) - len(some)) / factorial(len(REASONS))
        pair = []
        for names in (some, (*some, group)):
            kept = np.isin(GROUP_OF, [list(GROUPS).index(name) for name in (*names, "shopper")])
            pair.append(float(scorer.of_scaled((scaled * kept)[None])[0]))
        total += weight * (pair[1] - pair[0])
    return total


def test_reasons_are_shapley_values_and_sum_to_the_score(scorer: Scorer, examples: Examples) -> None:
    scaled = scorer.scaled(examples.features[:7].copy())
    scaled[:, list(GROUPS).index("shopper") == GROUP_OF] = 0.5  # all of one person
    shares, usual = shapley(scorer, scaled)
    assert shares.shape == (7, len(REASONS))
    np.testing.assert_allclose(shares.sum(axis=1) + usual, scorer.of_scaled(scaled), atol=1e-4)
    for group in ("same people", "habit"):
        expected = of_definition(scorer, scaled[2], group)
        assert shares[2, list(REASONS).index(group)] == pytest.approx(expected, abs=1e-4)


def test_what_is_as_usual_of_all_items_is_no_reason(scorer: Scorer, examples: Examples) -> None:
    """As of groups that a model goes without; the others are told as they are beside it."""
    scaled = scorer.scaled(examples.features[:7].copy())
    silent = [list(GROUPS).index(name) for name in ("shopper", "age", "device")]
    scaled[:, np.isin(GROUP_OF, silent)] = 0
    shares, usual = shapley(scorer, scaled)
    assert not shares[:, [list(REASONS).index(name) for name in ("age", "device")]].any()
    np.testing.assert_allclose(shares.sum(axis=1) + usual, scorer.of_scaled(scaled), atol=1e-4)
    for group in ("words", "habit"):
        expected = of_definition(scorer, scaled[2], group)
        assert shares[2, list(REASONS).index(group)] == pytest.approx(expected, abs=1e-4)
    for nothing in (scaled[:0], np.zeros_like(scaled)):
        shares, usual = shapley(scorer, nothing)
        assert shares.shape == (len(nothing), len(REASONS)) and not shares.any()
    assert usual == pytest.approx(float(scorer.of_scaled(nothing)[0]), abs=1e-6)


def test_reasons_in_words() -> None:
    shares = np.zeros(len(REASONS))
    assert "nothing speaks for it" in words_of(shares)
    shares[[0, 3]] = 1, 2
    names = list(REASONS.values())
    assert words_of(shares) == f"{names[3]}, {names[0]}"
