"""Whom does the model show, and whom does it serve? Small brands, and groups of shoppers, by their share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender.acts import World
from core.recommender.catalogue import open_catalogue
from core.recommender.fairness import STEPS, Drawn, Estimate, Small, Step, chosen, curve, exposure, quality
from core.recommender.groups import EVERYBODY, groups_of, hidden_of
from core.recommender.interactions import Task
from core.recommender.long_lists import DEEP, Measured, measured
from core.recommender.prices import Prices
from core.scope import Scope
from core.store import Store

TOWARDS = ("takes", "catalogue")
_PARTS = ("history", "region", "hour", "device")
_NUMBERS = tuple(
    name for word in ("exposure", "ndcg@10", "gap") for name in (word, f"{word}_low", f"{word}_high")
)
_GROUPS = pa.schema(
    [("by", pa.string()), ("group", pa.string()), ("shoppers", pa.int64()), ("takes", pa.float64())]
    + [("catalogue", pa.float64()), ("ratio", pa.float64())]
    + [(name, pa.float64()) for name in _NUMBERS]
)
_CURVE = pa.schema(
    [("step", pa.int64()), ("weight", pa.float64()), ("chosen", pa.bool_())]
    + [
        (name, pa.float64())
        for name in (
            "exposure", "exposure_low", "exposure_high", "target", "ndcg@10", "ndcg@10_low", "ndcg@10_high",
            "lost", "lost_low", "lost_high", "past_exposure", "past_ndcg@10", "past_lost",
        )
    ]
)  # fmt: skip


def fairness(
    store: Store, scope: Scope, give_up: str = "0", towards: str = "takes", version: str = ""
) -> Answer:
    """Exposure and quality by group, of the model in use on its last days; `give_up` as `fairness_curve`.

    Columns: by (items, everybody, history, region, hour, device), group, shoppers (who took such), takes
    (share of the group's items, or of small brands with these shoppers, of what was taken before), catalogue
    (the same of the catalogue), ratio (exposure ÷ takes), exposure (share of the group's items, or of small
    brands in the lists of these shoppers) and ndcg@10 (of items' groups: what counts is such items), each
    with low and high, gap (ndcg@10 less that of all other shoppers) with low and high. Groups of fewer than k
    shoppers have no numbers, nor has one that would tell of another. Raises `NotMeasured`.
    """
    del scope  # a model is of the whole log
    kept, small, most = _asked(store, give_up, towards, version)
    test, lists, at = kept.test[0], kept.test[1].lists(small.small), 0
    if most:
        steps = _curve(kept, small, towards)
        at = chosen(steps, most)
        lists = steps[at].lists
    drawn, rows = Drawn(test.shoppers.size), []
    seen, every = exposure(lists, small.small)
    parts = {"small": small.small, "other": small.there & ~small.small}
    who = {part: np.asarray(test.wanted[:, items].sum(axis=1)).ravel() > 0 for part, items in parts.items()}
    few = any(0 < its.sum() < store.k for its in who.values())
    for part, items in parts.items():
        row: dict[str, Any] = {"by": "items", "group": f"{part} {small.of}"}
        row |= {"takes": _takes(small, test, None, store.k), "catalogue": small.share_of_catalogue}
        if part == "other":
            row |= {name: None if row[name] is None else 1 - row[name] for name in ("takes", "catalogue")}
        row |= _told("exposure", drawn.ratio(exposure(lists, items)[0], every))
        if not few and who[part].any():
            row |= {"shoppers": int(who[part].sum())}
            row |= _told("ndcg@10", drawn.ratio(_of_items(lists, test, items), who[part].astype(float)))
        rows.append(row)
    whole = quality(lists, test)
    world = World.of(open_paths(store), kept.event, Prices.of(store))
    for by in ("", *_PARTS):
        groups = groups_of(world, test, by)
        hidden = hidden_of(test, groups, store.k)
        if by and len(groups) < 3:
            continue  # one group is everybody
        for group, unseen in zip(groups, hidden, strict=True):
            if (group.name == EVERYBODY) == bool(by):
                continue
            row = {"by": by or EVERYBODY, "group": group.name, "catalogue": small.share_of_catalogue}
            rows.append(row)
            if unseen:
                continue
            mine = group.shoppers
            row |= {"shoppers": int(mine.sum())}
            row |= {"takes": _takes(small, test, test.shoppers[mine], store.k)}
            row |= _told("exposure", drawn.ratio(seen * mine, every * mine))
            row |= _told("ndcg@10", drawn.ratio(whole * mine, mine.astype(float)))
            if not mine.all():
                row |= _told("gap", drawn.gap(whole, mine))
    for row in rows:
        if row.get("takes"):
            row["ratio"] = row["exposure"] / row["takes"]
    return Answer(
        pa.Table.from_pylist(rows, _GROUPS), "Whom the model shows, and whom it serves",
        _of(kept, small) + (f"; lists re-ranked at step {at} of the curve" if at else ""),
        _notes(small),
    )  # fmt: skip


def fairness_curve(
    store: Store, scope: Scope, give_up: str = "5", towards: str = "takes", version: str = ""
) -> Answer:
    """What parity costs: small brands are raised step by step until their exposure is their share.

    `towards` what share: of takes before the split, or of the catalogue. `give_up` is the per cent of ndcg@10
    that may be lost: the last step that keeps to it on the days before the test is chosen. Columns: step (0:
    lists as they are), weight (what a small brand's item counts for beyond its chance), chosen, exposure and
    ndcg@10 of the test with low and high, target (the share that is parity), lost (share of ndcg@10 given up,
    of the same shoppers) with low and high, and past_exposure, past_ndcg@10, past_lost of the days that
    chose. Raises `NotMeasured`.
    """
    del scope
    kept, small, most = _asked(store, give_up, towards, version)
    steps = _curve(kept, small, towards)
    at = chosen(steps, most)
    drawn = Drawn(kept.test[0].shoppers.size)
    one = np.ones(kept.test[0].shoppers.size)
    rows = []
    for number, step in enumerate(steps):
        theirs, every = exposure(step.lists, small.small)
        row: dict[str, Any] = {"step": number, "weight": step.weight, "chosen": number == at}
        row |= _told("exposure", drawn.ratio(theirs, every)) | _told("ndcg@10", drawn.ratio(step.ndcg, one))
        row |= {"target": _target(small, kept, towards)}
        if steps[0].ndcg.any():
            row |= _told("lost", drawn.ratio(steps[0].ndcg - step.ndcg, steps[0].ndcg))
        row |= {"past_exposure": step.past_share, "past_ndcg@10": step.past_ndcg}
        row["past_lost"] = 1 - step.past_ndcg / steps[0].past_ndcg if steps[0].past_ndcg else None
        rows.append(row)
    return Answer(
        pa.Table.from_pylist(rows, _CURVE), "What parity of exposure costs",
        f"{_of(kept, small)}; step {at} of {STEPS} is the last that gave up {float(give_up):g} % or less on "
        "the days before",
        _notes(small),
    )  # fmt: skip


def _asked(store: Store, give_up: str, towards: str, version: str) -> tuple[Measured, Small, float]:
    """What was measured, what is small, and the share of ndcg@10 that may be given up."""
    if towards not in TOWARDS:
        raise WrongCall(f"towards={towards!r} is not known; it takes {', '.join(TOWARDS)}.")
    try:
        most = float(give_up)
    except ValueError:
        most = math.nan
    if not 0 <= most <= 100:
        raise WrongCall(f"give_up={give_up!r} must be a number of per cent from 0 to 100.")
    if version and not str(version).isdecimal():
        raise WrongCall(f"version={version!r} must be the number of a version; `show models` lists them.")
    kept = measured(store, int(version) if version else None)
    if min(of.shoppers.size for of, _ in (kept.past, kept.test)) < store.k:
        raise CartscapeError(f"Fewer than {store.k} shoppers came, so that nothing can be said of them.")
    small = Small.among(open_catalogue(store), kept.test[0].train)
    return kept, small, most / 100


def _curve(kept: Measured, small: Small, towards: str) -> list[Step]:
    return curve(kept.past, kept.test, small.small, _target(small, kept, towards))


def _takes(small: Small, test: Task, shoppers: np.ndarray | None, k: int) -> float | None:
    """The share of the small among what was taken, by some shoppers; None where they took nothing, and where
    it would tell of few.
    """
    rows = np.ones(len(test.train), bool) if shoppers is None else np.isin(test.train.shopper, shoppers)
    if not rows.any():
        return None
    theirs = small.small[test.train.item]
    for part in (rows & theirs, rows & ~theirs):
        if 0 < np.unique(test.train.shopper[part]).size < k:
            return None
    return small.share_of_takes(test.train, shoppers)


def _target(small: Small, kept: Measured, towards: str) -> float:
    return small.share_of_takes(kept.test[0].train) if towards == "takes" else small.share_of_catalogue


def _of_items(lists: np.ndarray, test: Task, items: np.ndarray) -> np.ndarray:
    """ndcg@10 where only some items count; 0 for shoppers who took none of them."""
    wanted = test.wanted.multiply(items.astype(np.float32)).tocsr()
    wanted.eliminate_zeros()
    some = np.diff(wanted.indptr) > 0
    out = np.zeros(len(lists))
    out[some] = quality(lists[some], replace(test, wanted=wanted[some]))
    return out


def _told(name: str, its: Estimate) -> dict[str, float]:
    return {name: its.value, f"{name}_low": its.low, f"{name}_high": its.high}


def _of(kept: Measured, small: Small) -> str:
    return (
        f"{kept.test[0].shoppers.size:,} shoppers of the last {kept.days:g} days, version {kept.number} of "
        f"the model of {kept.event!r}, the first 10 of its first {DEEP}; small are the {small.many[0]:,} of "
        f"{small.many[1]:,} {small.of} that were taken least before"
    )


def _notes(small: Small) -> tuple[str, ...]:
    if small.of == "items":
        return ("This log has neither brands nor categories, so that items stand for themselves.",)
    return ()
