"""What may be told of a kept model: how good it is, what it learnt from, and what it must not be used for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.recommender.versions import Version

#: Measures of a card by name; `tested` is the shoppers that they are means over.
MEASURES = {
    "ndcg@10": "NDCG@10", "hr@10": "HR@10", "recall@10": "Recall@10", "mrr": "MRR",
}  # fmt: skip
#: Some of those who are tested, told beside all of them.
PARTS = {
    "known": ("known shoppers", "who had taken something before"),
    "new": ("new shoppers", "who had done nothing with an item before"),
}  # fmt: skip
BESIDE = {
    "popular": "what was popular in the 30 days before", "chance": "a list in no order",
    "as_shown": "as it was shown", "seen": "last seen first",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What of a version may be shown, and a sentence on what may not; "" for none."""

    metrics: dict[str, float]
    curve: list[dict[str, float]]
    learnt_from: dict[str, Any]
    hidden: str = ""


def told(version: Version, k: int) -> Told:
    """What may be shown of a version to those who may not see fewer than k shoppers.

    Means over fewer than k shoppers are hidden, and so is how many shoppers were tested where those who were
    not are fewer than k.
    """
    about = version.about
    log, metrics = dict(about.learnt_from), dict(about.metrics)
    tested, shoppers = metrics.get("tested", 0.0), log.get("shoppers")
    if k > 1 and shoppers is not None and shoppers < k:
        log |= {"shoppers": None, "events": None}
    if k > 1 and metrics and tested < k:
        why = f"It was held against fewer than {k} shoppers, so nothing is told of how good it is."
        return Told({}, [], log, why)
    if k > 1 and (shoppers is None or 0 < shoppers - tested < k):
        metrics.pop("tested", None)
    sizes = [metrics.get(f"tested_{part}", 0.0) for part in PARTS]
    sizes += [tested - sum(sizes)]
    if k > 1 and ("tested" not in metrics or any(0 < size < k for size in sizes)):
        for part in PARTS:  # what is left of all would tell of few
            for name in (f"tested_{part}", f"ndcg@10_{part}", f"ndcg@10_{part}_popular"):
                metrics.pop(name, None)
    return Told(metrics, about.curve, log)


def foretells(version: Version) -> str:
    """What a version gives the chance of: "click of an item new to the shopper within 30 days"."""
    settings = version.about.settings
    if version.orders_lists:
        return f"{version.about.event} for each item of a list that is shown"
    which = {"new": "an item new to the shopper", "any": "any item"}.get(
        str(settings.get("items")), "an item"
    )
    days = settings.get("days")
    return f"{version.about.event or 'something'} of {which}" + (f" within {days:g} days" if days else "")


def formula(version: Version) -> str:
    """How a version makes a chance of what it knows."""
    over = "softmax of W·h + b over the list" if version.orders_lists else "σ(W·h + b)"
    return f"ŷ = {over}, from 0 to 1"


def limits(version: Version, k: int, rules: int) -> dict[str, str]:
    """What a model is not for, and what it does not know; `rules` is how many come after it."""
    if version.orders_lists:
        return {
            "Not for": "Proposing items: it puts a list that is given in order, and adds nothing to it.",
            "Estimates": "Chances are what the past suggests of lists as they were shown. That another order "
            "causes anything was never tried in an experiment.",
            "Cold visits": "Of a visit that did nothing yet only the device is known: what others take and "
            "the place in the list decide.",
            "Place and rules": "It does not know where a visitor is, and no rule comes after it.",
        }
    return {
        "Not for": "Deciding about a person (a price, a credit, an offer withheld): it ranks items for a "
        "list, and what it knows of anybody is what they looked at and took here.",
        "Estimates": "Chances are what the past suggests of shoppers who come; a preview corrects them "
        "to those of all. That a list causes anything was never tried in an experiment, and what was never "
        "shown had no chance to be taken.",
        "Prices": "Logs hold few changes of one item's price, so that what a price does is learnt from "
        "dearer and cheaper items: a price that is tried shows how the list would be ranked, not what "
        "would sell.",
        "Cold shoppers": "Of whom nothing is known gets what is wanted in the place, at the time and on the "
        "device; no list is personal before a first event.",
        "Cold items": "What nobody took yet is proposed by its words and for being new alone, and comes up "
        "rarely; its own numbers are told by evaluate with by=age.",
        "Rules": f"{rules or 'No'} rule{'' if rules == 1 else 's'} that people wrote come after it: they "
        "change lists, never chances, and every change is in the audit list.",
        "Privacy": f"Places, times and devices of fewer than {k} shoppers say nothing to it, and nobody is "
        "looked at alone."
        if k > 1
        else "Own or sample data: nothing is hidden (k = 1). On shared data groups of fewer than 10 shoppers "
        "say nothing to it, and nobody is looked at alone.",
    }
