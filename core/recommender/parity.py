"""The weight of small brands that a rule of parity goes by: as the curve on the page Models measured it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from core.recommender import versions
from core.recommender.catalogue import Catalogue, open_catalogue
from core.recommender.fairness import Small, chosen, curve
from core.recommender.long_lists import NotMeasured, measured
from core.recommender.rule_kinds import Parity, Rule
from core.store import Store

_known: dict[object, tuple[np.ndarray, dict[float, float]]] = {}
_guard = threading.Lock()


def with_parity(store: Store, catalogue: Catalogue, rules: Iterable[Rule]) -> Catalogue:
    """A catalogue with the small brands and the weights that rules of parity need; as it is where there is no
    such rule, or where the model in use was not measured.
    """
    asked = {rule.does.give_up for rule in rules if isinstance(rule.does, Parity)}
    if not asked:
        return catalogue
    number = versions.promoted(store)
    key = (str(store.path), store.fingerprint, number)
    with _guard:
        found = _known.get(key)
    if found is None or not asked <= found[1].keys():
        try:
            kept = measured(store)
        except NotMeasured:
            return catalogue
        train = kept.test[0].train
        small = Small.among(open_catalogue(store), train)
        steps = curve(kept.past, kept.test, small.small, small.share_of_takes(train))
        found = small.small, {give_up: steps[chosen(steps, give_up / 100)].weight for give_up in asked}
        with _guard:
            _known.clear()
            _known[key] = found
    return replace(catalogue, small=found[0], weights=found[1])
