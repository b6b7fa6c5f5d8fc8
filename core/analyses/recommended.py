"""What would we recommend, and why? And what if the place, the hour or the price were different?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.errors import WrongCall
from core.events import NONE
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked
from core.recommender.reasons import REASONS, shapley, words_of
from core.recommender.recommend import Recommended, recommend
from core.scope import Scope
from core.store import Store

#: Words of B begin with this.
B = "b_"
#: What is asked, as people call it.
CALLED = {
    "shopper": "shopper", "path": "path", "lat": "place", "lon": "place", "region": "place", "at": "hour",
    "device": "device", "phrase": "what they look for", "prices": "price", "out_of_stock": "stock",
    "n": "length",
}  # fmt: skip
#: Items of either list are looked for so deep in the other.
DEEP = 100


@dataclass(frozen=True)
class Words:
    """What is asked, as `Asked.read` reads it; "" is what is usual."""

    shopper: str = ""
    path: str = ""
    lat: str = ""
    lon: str = ""
    region: str = ""
    at: str = ""
    device: str = ""
    phrase: str = ""
    price: str = ""
    out: str = ""
    n: str = "10"


@dataclass(frozen=True)
class TwoWords(Words):
    """The same, and what is different in B; "" is what A has."""

    b_shopper: str = ""
    b_path: str = ""
    b_lat: str = ""
    b_lon: str = ""
    b_region: str = ""
    b_at: str = ""
    b_device: str = ""
    b_phrase: str = ""
    b_price: str = ""
    b_out: str = ""


def recommended(store: Store, scope: Scope, options: Words) -> Answer:
    """The list for a shopper, a path or nobody. A model is of the whole log, so that a scope is refused.

    Columns: place (from 1), item_id, title, category, price, chance (ŷ, of being taken in the days that the
    model foretells), score (W·h + b), reason (what adds most), sources (who proposed it), and adds_… for each
    group of features (they sum to score − usual), usual.
    """
    _whole(scope)
    model = open_model(store)
    asked = Asked.read(_said(options))
    found = recommend(store, model, asked)
    shares, usual = shapley(model.scorer, found.scaled)
    rows = [_row(model, found, at, shares[at]) | {"usual": usual} for at in range(found.items.size)]
    return Answer(pa.Table.from_pylist(rows), "Recommended", _of(model, asked), found.notes)


def what_if(store: Store, scope: Scope, options: TwoWords) -> Answer:
    """Two lists beside each other: A as `recommended` reads it, B the same but for words that begin with b_.

    Columns: item_id, title, category, place_a, place_b (null beyond the first DEEP), moved (places gained
    in B, null where it is in one of them alone), price, chance and reason of either (_a, _b), because (the
    group of features that changes its score most), change (of the score), and change_… for each group.
    Items of A's list or B's, in the order of B.
    """
    _whole(scope)
    model = open_model(store)
    words = _said(options)
    plain = {name: word for name, word in words.items() if not name.startswith(B)}
    other = plain | {name.removeprefix(B): word for name, word in words.items() if name.startswith(B)}
    asked, b_asked = Asked.read(plain), Asked.read(other)
    a, b = (recommend(store, model, replace(its, n=DEEP)) for its in (asked, b_asked))
    n = asked.n
    at_a = {int(item): at for at, item in enumerate(a.items)}
    at_b = {int(item): at for at, item in enumerate(b.items)}
    shown = [int(i) for i in (*b.items[:n], *(i for i in a.items[:n] if at_b.get(int(i), DEEP) >= n))]
    sides = [_Side(its, at, _explained(model, its, at, shown)) for its, at in ((a, at_a), (b, at_b))]
    rows = [_pair(model, sides[0], sides[1], code) for code in shown]
    changed = [f.name for f in fields(Asked) if getattr(asked, f.name) != getattr(b_asked, f.name)]
    names = ", ".join(dict.fromkeys(CALLED[name] for name in changed))
    of = f"A: {_of(model, asked)}; B {f'differs in {names}' if names else 'is the same'}"
    return Answer(pa.Table.from_pylist(rows), "What if", of, tuple(dict.fromkeys((*a.notes, *b.notes))))


def _said(options: Words) -> dict[str, str]:
    return {name: str(word) for name, word in asdict(options).items() if str(word).strip()}


def _whole(scope: Scope) -> None:
    if scope.words():
        raise WrongCall(
            "A model is of the whole log; leave --scope out, and say a place or time with options."
        )


def _of(model: Model, asked: Asked) -> str:
    whom = (
        "one shopper"
        if asked.shopper
        else f"a path of {len(asked.path)} steps"
        if asked.path
        else "nobody in particular"
    )
    days, event = model.version.about.settings["days"], model.event
    what = f"{event} of {'something new' if model.new_only else 'an item'} within {days:g} days"
    return f"model {model.version.number} for {whom}: the chance of a {what}, an estimate of the model"


def _row(model: Model, found: Recommended, at: int, shares: np.ndarray) -> dict[str, Any]:
    return {
        "place": at + 1,
        **_item(model, int(found.items[at])),
        "price": _price(found.prices[at]),
        "chance": float(found.chances[at]),
        "score": float(found.scores[at]),
        "reason": words_of(shares),
        "sources": ", ".join(found.sources[at]),
        **{f"adds_{_word(name)}": float(value) for name, value in zip(REASONS, shares, strict=True)},
    }


@dataclass(frozen=True, eq=False)
class _Side:
    """A or B: its list, where each item stands in it, and what adds to the scores of those that are shown."""

    found: Recommended
    at: dict[int, int]
    explained: dict[int, np.ndarray]  # item → float64[REASONS]

    def told(self, name: str, code: int) -> dict[str, Any]:
        at = self.at.get(code)
        return {
            f"price_{name}": None if at is None else _price(self.found.prices[at]),
            f"chance_{name}": None if at is None else float(self.found.chances[at]),
            f"reason_{name}": None if at is None else words_of(self.explained[code]),
        }


def _explained(
    model: Model, found: Recommended, at: dict[int, int], shown: list[int]
) -> dict[int, np.ndarray]:
    there = [code for code in shown if code in at]
    shares, _ = shapley(model.scorer, found.scaled[[at[code] for code in there]])
    return dict(zip(there, shares, strict=True))


def _pair(model: Model, a: _Side, b: _Side, code: int) -> dict[str, Any]:
    at_a, at_b = a.at.get(code), b.at.get(code)
    both = at_a is not None and at_b is not None
    change = b.explained[code] - a.explained[code] if both else np.zeros(len(REASONS))
    names = list(REASONS.values())
    moved = bool(np.abs(change).max() > 1e-6)
    return {
        **_item(model, code),
        "place_a": None if at_a is None else at_a + 1,
        "place_b": None if at_b is None else at_b + 1,
        "moved": at_a - at_b if at_a is not None and at_b is not None else None,
        **a.told("a", code),
        **b.told("b", code),
        "because": names[int(np.abs(change).argmax())] if moved else None,
        "change": float(change.sum()) if both else None,
        **{
            f"change_{_word(name)}": float(change[number]) if both else None
            for number, name in enumerate(REASONS)
        },
    }


def _item(model: Model, code: int) -> dict[str, Any]:
    world = model.ground.world
    return {
        "item_id": str(model.ids[code]),
        "title": str(model.titles[code]),
        "category": None if (name := world.categories[world.category_of[code]]) == NONE else str(name),
    }


def _price(price: float) -> float | None:
    return round(float(price), 2) if np.isfinite(price) else None


def _word(group: str) -> str:
    return group.replace(" ", "_")
