"""What shoppers did, one number a shopper: how often they did something, and their RFM scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.events import PURCHASE
from core.paths.did_kernel import count_did
from core.paths.log import PathLog
from core.paths.marks import marks
from core.paths.steps import Step
from core.scope import Scope


def times_did(paths: PathLog, scope: Scope, step: Step) -> np.ndarray:
    """How often each shopper did a step within the scope, which has its dates: int64[shoppers]."""
    its = marks(paths, scope, (step,))
    hours = paths.filter(scope).hours
    columns = tuple(paths[name] for name in ("kind", "hour", "place", "mean", "item", "query"))

    def ask(low: int, high: int) -> np.ndarray:
        found: np.ndarray = count_did(
            low, high, paths["start"], columns, its.tables, hours, its.uses, its.members
        )
        return found

    return np.concatenate(paths.in_blocks(ask)).astype(np.int64)


@dataclass(frozen=True)
class Rfm:
    """Scores of each shopper, 5 the best, 0 for whoever never bought: int8[shoppers] each."""

    recency: np.ndarray
    frequency: np.ndarray
    money: np.ndarray


def rfm(paths: PathLog) -> Rfm:
    """Recency, frequency and money of every buyer over the whole log, each in fifths of the buyers.

    Recency is the time of the last purchase, frequency the number of purchase events, money what they
    and the returns came to. Equal shoppers get equal scores: the share of buyers who are below or equal,
    in fifths, rounded up (Hughes 1994, Strategic Database Marketing).
    """
    bought = np.flatnonzero(np.isin(paths["kind"], np.flatnonzero(paths.kinds[0] == PURCHASE)))
    who = np.searchsorted(paths["start"], bought, side="right") - 1
    times = np.bincount(who, minlength=paths.shoppers)
    last = np.zeros(paths.shoppers, np.int64)
    last[who] = paths["second"][bought]  # in order of time, so the last one stays
    payer = np.searchsorted(paths["start"], paths["money_event"], side="right") - 1
    money = np.bincount(payer, paths["money"], minlength=paths.shoppers)
    buyers = times > 0
    return Rfm(*(_fifths(values, buyers) for values in (last, times, money)))


def _fifths(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    out = np.zeros(values.size, np.int8)
    ranked = np.sort(values[among])
    if ranked.size:
        below = np.searchsorted(ranked, values[among], side="right") / ranked.size
        out[among] = np.ceil(below * 5).clip(1, 5)
    return out
