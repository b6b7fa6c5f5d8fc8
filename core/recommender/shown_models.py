"""Kept models of shown lists: trained, opened, and asked to order a list that the caller gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.errors import CartscapeError, WrongCall
from core.jobs import Told, part_of, untold
from core.paths import open_paths
from core.recommender import versions
from core.recommender.matching import of_another_form, trained_now
from core.recommender.moment import MOST_ITEMS, MOST_STEPS, STEP, read_path, see_kinds
from core.recommender.reasons import shares_of_groups
from core.recommender.shown import (
    ORDERS,
    SCORER,
    evaluated,
    learnt_and_tested,
    places_of_taken,
    shown_lists,
)
from core.recommender.shown_features import GROUP_OF, GROUPS, OF_LIST
from core.recommender.shown_log import Catalogue, others_now
from core.recommender.shown_scorer import ShownOptions, ShownScorer, fit
from core.recommender.shown_visit import Others, Step, Visit, kind_of
from core.recommender.versions import SHOWN, Version
from core.store import Store

FILE = "shown.pt"
#: Groups that can be reasons: how the visit went is the same for every item of a list.
REASONS = {name: words for name, words in GROUPS.items() if name != OF_LIST}
WORDS = ("shown", "path", "device", "price")


@dataclass(frozen=True)
class AskedList:
    """A list to order, and the visit that it is shown in."""

    shown: tuple[str, ...]  # different items, as they would be shown
    path: tuple[tuple[str, str], ...] = ()  # (event, item), in time
    device: str = ""
    prices: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ordered:
    """A list in a model's order, the item most likely to be taken first."""

    version: Version
    items: list[str]
    titles: list[str]
    places: np.ndarray  # int64[n], where each stood, from 1
    scores: np.ndarray  # float64[n], W·h + b
    chances: np.ndarray  # float64[n], of being the one that is taken; they sum to 1
    shares: np.ndarray  # float64[n, REASONS], what each group adds to the score
    usual: float  # the score of an item about which all is as usual
    telling: np.ndarray  # bool[REASONS], groups that do not say the same of every item
    notes: tuple[str, ...]


def train_shown(store: Store, event: str, seed: int, told: Told = untold) -> tuple[bytes, dict[str, float]]:
    """A scorer of lists as a file, and how good it is, measured as `evaluate_shown` does: what it learnt from
    ends before the sessions that it is held against. Raises as `shown_lists` does.
    """
    shown = shown_lists(store, event)
    learnt, tested = learnt_and_tested(store, shown, part_of(told, 0.0, 0.4))
    told(0.4, "training the scorer of lists")
    scorer = fit(learnt, ShownOptions(seed=seed))
    told(0.95, "measuring on the last sessions")
    row = evaluated(shown, [(SCORER, "{}", scorer.place_of_taken(tested))])[0]
    names = ("mrr", "hr@1", "hr@5", "hr@10")
    beside = {"as_shown": "as shown", "seen": "last seen first"}
    peers = {
        f"mrr_{name}": float((1 / places_of_taken(shown, ORDERS[of])).mean()) for name, of in beside.items()
    }
    return scorer.to_bytes(), {name: row[name] for name in names} | peers | {
        "tested": float(len(tested)), "learnt": float(len(learnt)),
    }  # fmt: skip


def open_shown(store: Store, number: int | None = None) -> tuple[Version, ShownScorer]:
    """A kept model of lists, the promoted one where none is said. Raises a sentence where there is none,
    where it is a model of another kind, cut, or trained on items that are gone, with another encoder, or by
    another version of Cartscape.
    """
    if not versions.versions(store):
        raise CartscapeError(
            "There is no model of this log yet; train one: "
            f"python -m core train --store {store.path} --option items={SHOWN}"
        )
    version = versions.open_version(store, number)
    if not version.orders_lists:
        raise CartscapeError(
            f"Version {version.number} of the model recommends items and orders no lists; leave shown= out, "
            f"or train one with items={SHOWN} and promote it."
        )
    trained_now(store, version)
    try:
        return version, ShownScorer.from_bytes((version.folder / FILE).read_bytes())
    except (ValueError, RuntimeError, KeyError, TypeError):
        raise of_another_form(version) from None


def order(store: Store, asked: AskedList) -> Ordered:
    """A list in the order of the promoted model. Raises as `open_shown`, and `WrongCall` for an event that is
    not in the log.
    """
    version, scorer = open_shown(store)
    event = version.about.event
    visit, second = _visit(store, asked, event)
    catalogue = Catalogue.of(store)
    others = others_now(store, event, asked.shown)
    features = catalogue.features(visit, second, asked.shown, others, asked.device, _prices(asked))
    scaled = scorer.scaled(features)
    scores = scorer.of_scaled(scaled).astype(np.float64)
    shares, usual = shapley(scorer, scaled)
    best = np.argsort(-scores, kind="stable")
    chance = np.exp(scores - scores.max())
    return Ordered(
        version,
        [asked.shown[at] for at in best],
        [catalogue.title(asked.shown[at]) for at in best],
        best + 1,
        scores[best],
        (chance / chance.sum())[best],
        shares[best],
        usual,
        _telling(scaled),
        _notes(asked, catalogue, others),
    )


def shapley(scorer: ShownScorer, scaled: np.ndarray) -> tuple[np.ndarray, float]:
    """What each group of features adds to W·h + b: float64[items, REASONS], as `reasons.shapley` does."""
    names = list(GROUPS)
    of_group = np.array([names.index(name) for name in REASONS])[:, None] == GROUP_OF
    return shares_of_groups(scorer.networks, scaled, of_group)


def _telling(scaled: np.ndarray) -> np.ndarray:
    """The groups whose features are not the same of all items: float32[items, FEATURES] → bool[REASONS]."""
    varies = np.ptp(scaled, axis=0) > 0
    names = list(GROUPS)
    return np.array([varies[names.index(name) == GROUP_OF].any() for name in REASONS])


def read_list(words: dict[str, str]) -> AskedList:
    """What is asked, from words of the command line; raises `WrongCall`."""
    for word in words:
        if word not in WORDS:
            raise WrongCall(
                f"{word}=… says nothing about a list that is shown; with shown= it takes {', '.join(WORDS)}."
            )
    shown = [part.strip() for part in words["shown"].split(",") if part.strip()]
    items = tuple(dict.fromkeys(shown))
    if len(items) < len(shown):
        twice = next(item for item in items if shown.count(item) > 1)
        raise WrongCall(f"shown= names {twice!r} twice; name each item once.")
    if not 2 <= len(items) <= MOST_ITEMS:
        raise WrongCall(
            f"shown= takes a list of 2 to {MOST_ITEMS} items with commas between; this one has {len(items)}."
        )
    path = read_path(words.get("path", ""))
    if len(path) > MOST_STEPS:
        raise WrongCall(f"A path takes {MOST_STEPS} steps at most; this one has {len(path)}.")
    prices = dict(_price(part, items) for part in words.get("price", "").split(",") if part.strip())
    return AskedList(items, path, words.get("device", ""), prices)


def _visit(store: Store, asked: AskedList, event: str) -> tuple[Visit, float]:
    """The visit of a path made by hand, and the second at which the list is shown."""
    see_kinds(asked.path, set(map(str, open_paths(store).kinds[0])))
    visit = Visit()
    for at, (kind, item) in enumerate(asked.path):
        visit.tell(Step(float(at * STEP), kind_of(kind, item, event), item))
    return visit, float(len(asked.path) * STEP)


def _prices(asked: AskedList) -> tuple[float, ...]:
    """The prices given, NaN for none; none at all where none is given."""
    return tuple(asked.prices.get(item, float("nan")) for item in asked.shown) if asked.prices else ()


def _notes(asked: AskedList, catalogue: Catalogue, others: Others) -> tuple[str, ...]:
    new = [
        item
        for item, visits, shown in zip(asked.shown, others.visits, others.shown, strict=True)
        if not visits and not shown and item not in catalogue.number
    ]
    if not new:
        return ()
    named = ", ".join(new[:3]) + (" …" if len(new) > 3 else "")
    told = (
        f"{len(new)} of the {len(asked.shown)} items, {named}, are in neither the log nor the catalogue: of "
        "them nothing is known but their place in the list and what the path says."
    )
    return (told,)


def _price(part: str, items: tuple[str, ...]) -> tuple[str, float]:
    item, sign, number = part.strip().rpartition("=")
    try:
        price = float(number)
    except ValueError:
        price = float("nan")
    if not sign or not 0 < price < 1e12:
        raise WrongCall(f"price={part.strip()!r} is not of the form ITEM=NUMBER, with a number above 0.")
    if item not in items:
        raise WrongCall(f"price= names {item!r}, which is not in the list that is shown.")
    return item, price
