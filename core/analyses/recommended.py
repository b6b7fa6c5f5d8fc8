"""What would we recommend, and why? And what if the place, the hour or the price were different?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import ListWords, TwoWords, differs, of_model, of_whole_log, read_two, said
from core.analyses.ordered import ordered
from core.events import NONE
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked
from core.recommender.reasons import REASONS, shapley, words_of
from core.recommender.recommend import Recommended, recommend
from core.scope import Scope
from core.store import Store

#: Items of either list are looked for so deep in the other.
DEEP = 100


_EFFECTS = pa.schema(
    [(name, pa.string()) for name in ("list", "rule", "what", "did", "item_id", "title", "category")]
    + [("place", pa.int64()), ("to", pa.int64())]
)


def recommended(store: Store, scope: Scope, options: ListWords) -> Answer:
    """The list for a shopper, a path or nobody. A model is of the whole log, so that a scope is refused.

    Columns: place (from 1), item_id, title, category, price, chance (ŷ, of being taken in the days that the
    model foretells), score (W·h + b), reason (what adds most), sources (who proposed it), and adds_… for each
    group of features (they sum to score − usual), usual, and rule (what rules did to it, null for nothing;
    chance and score stay the model's). With shown=ITEM,ITEM,… as `ordered`.
    """
    of_whole_log(scope)
    if options.shown:
        # A list that is given is of its own length, and nothing is added to it or taken away.
        silent = {name: "" for name in ("n", "rules") if getattr(options, name) == getattr(ListWords, name)}
        return ordered(store, said(replace(options, **silent)))
    model = open_model(store)
    asked = Asked.read(said(options))
    found = recommend(store, model, asked)
    shares, usual = shapley(model.scorer, found.scaled)
    rows = [
        _row(model, found, at, shares[at]) | {"usual": usual, "rule": found.ruled.told(int(found.items[at]))}
        for at in range(found.items.size)
    ]
    return Answer(pa.Table.from_pylist(rows), "Recommended", of_model(model, asked), found.notes)


def what_if(store: Store, scope: Scope, options: TwoWords) -> Answer:
    """Two lists beside each other: A as `recommended` reads it, B the same but for words that begin with b_.

    Columns: item_id, title, category, place_a, place_b (null beyond the first DEEP), moved (places gained
    in B, null where it is in one of them alone), price, chance, reason and rule of either (_a, _b; rule is
    what rules did to it, such as to keep it out), because (the group of features that changes its score
    most), change (of the score), and change_… for each group. Items of A's list or B's, in the order of B.
    """
    of_whole_log(scope)
    model = open_model(store)
    asked, b_asked = read_two(said(options))
    a, b = (recommend(store, model, its, DEEP) for its in (asked, b_asked))
    at_a = {int(item): at for at, item in enumerate(a.items)}
    at_b = {int(item): at for at, item in enumerate(b.items)}
    listed = b.items[: b.listed].tolist()
    shown = [*listed, *(i for i in a.items[: a.listed].tolist() if i not in listed)]
    sides = [_Side(its, at, _explained(model, its, at, shown)) for its, at in ((a, at_a), (b, at_b))]
    rows = [_pair(model, sides[0], sides[1], code) for code in shown]
    of = f"A: {of_model(model, asked)}; {differs(asked, b_asked)}"
    return Answer(pa.Table.from_pylist(rows), "What if", of, tuple(dict.fromkeys((*a.notes, *b.notes))))


def rule_effects(store: Store, scope: Scope, options: TwoWords) -> Answer:
    """What rules did to the lists that `what_if` holds side by side: one row a rule and item.

    Columns: list (A or B), rule (its name), what (it does, in words), did (put in, raised, lowered or kept
    out), item_id, title, category, place (where the model has it, after the rules before it in their order;
    null for an item that it did not rank), to (null for what is kept out, whose place is the model's). B has
    no rows where it asks what A does.
    """
    of_whole_log(scope)
    model = open_model(store)
    asked = dict(zip("AB", read_two(said(options)), strict=True))
    if asked["A"] == asked["B"]:
        del asked["B"]
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for name, its in asked.items():
        found = recommend(store, model, its)
        notes += found.notes
        rows += [
            {
                "list": name, "rule": one.rule, "what": one.words, "did": one.did,
                **_item(model, one.item), "place": one.place, "to": one.to,
            }
            for one in found.ruled.effects
        ]  # fmt: skip
    of = f"A: {of_model(model, asked['A'])}" + (
        f"; {differs(asked['A'], asked['B'])}" if "B" in asked else ""
    )
    table = pa.Table.from_pylist(rows, _EFFECTS)
    return Answer(table, "What the rules do here", of, tuple(dict.fromkeys(notes)))


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
            f"rule_{name}": self.found.ruled.told(code),
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
    change = change * moved  # what is less is the order in which numbers were summed
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
