"""Names for clusters: "Weekday-evening browsers of running shoes, mostly mobile, 3 % buy"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse

from core.events import NONE
from core.journeys.gathered import Gathered
from core.journeys.names import distinctive_words
from core.journeys.texts import LogTexts

#: Part of the day → its first hour; each ends where the next begins.
DAYPARTS = {"night": 22, "early-morning": 4, "morning": 8, "midday": 11, "afternoon": 14, "evening": 17}
#: What those are called who do an event more than others.
ROLES = {
    "search": "searchers", "browse": "browsers", "view": "viewers", "wishlist": "wish-listers",
    "cart": "cart fillers", "purchase": "buyers", "review": "reviewers", "filter": "filterers",
    "click": "clickers", "support": "support seekers",
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """What sets one cluster apart, in words; "" for a trait that does not."""

    name: str
    words: tuple[str, ...]  # of what its paths are about, most telling first
    when: str
    role: str
    device: str
    where: str
    conversion: float  # share of its paths with a purchase; NaN where the log has none

    @property
    def unsaid(self) -> str:
        """The name without how many buy."""
        return _name(self.words, self.when, self.role, self.device, self.where, float("nan"))


def describe(
    told: Gathered, labels: np.ndarray, rows: np.ndarray, texts: LogTexts, conversion: np.ndarray
) -> list[Described]:
    """A name for each cluster of the fitted paths; `rows` is the text of each event (−1 for none), `labels`
    int16[paths], `conversion` float64[clusters], the share of all paths of each that hold a purchase.
    """
    count = conversion.size
    cluster = np.repeat(labels, told.lengths)
    words = _words(told, cluster, count, rows, texts)
    when = _when(told, cluster, count)
    roles = _roles(told, cluster, labels, count)
    devices = _main(told.paths.dimensions.entries("device"), told.column("mean"), cluster, count, 0.6, 1.0)
    regions = _main(told.paths.dimensions.entries("region"), told.column("place"), cluster, count, 0.5, 2.0)
    sells = bool((told.names == "purchase").any())
    found = []
    for c in range(count):
        bought = float(conversion[c]) if sells else float("nan")
        found.append(
            Described(
                _name(words[c], when[c], roles[c], devices[c], regions[c], bought),
                tuple(words[c]), when[c], roles[c], devices[c], regions[c], bought,
            )
        )  # fmt: skip
    return _told_apart(found)


def _name(words: Sequence[str], when: str, role: str, device: str, region: str, bought: float) -> str:
    head = " ".join(part for part in (when, role) if part)
    if words:
        head += f" of {' and '.join(words[:2])}"
    if region:
        head += f" in {region}"
    said = [head]
    if device:
        said.append(f"mostly {device}")
    if bought < 0.95:  # where all buy, as in a log of orders, it sets nobody apart
        said.append(f"{bought:.0%} buy".replace("%", " %"))
    name = ", ".join(said)
    return name[:1].upper() + name[1:]


def _told_apart(found: list[Described]) -> list[Described]:
    """Clusters of one name get their next word, else a number."""
    seen: dict[str, int] = {}
    out = []
    for one in found:
        times = seen[one.name] = seen.get(one.name, 0) + 1
        if times > 1:
            more = one.words[2] if len(one.words) > 2 else str(times)
            one = replace(one, name=f"{one.name} ({more})")
        out.append(one)
    return out


def _words(
    told: Gathered, cluster: np.ndarray, count: int, rows: np.ndarray, texts: LogTexts
) -> list[list[str]]:
    kept = (cluster >= 0) & (rows >= 0)
    counts = scipy.sparse.csr_matrix(
        (np.ones(int(kept.sum())), (cluster[kept], rows[kept])), (count, texts.texts.size)
    )
    counts.sum_duplicates()
    # Words are in lower case; towns and regions are written as the log writes them.
    places = told.paths.dimensions
    written = {
        str(name).lower(): str(name) for field in ("city", "region") for name in places.entries(field)[0]
    }
    found = distinctive_words([str(label) for label in texts.labels], counts)
    # Where anything else is said, places are left to the map: "toys and São Paulo" is no kind of thing.
    kept_words = [[word for word in words if word not in written] or words for words in found]
    return [[written.get(word, word.replace("_", " ")) for word in words] for words in kept_words]


def _when(told: Gathered, cluster: np.ndarray, count: int) -> list[str]:
    """The part of the week in which a cluster is far more than others."""
    hours = told.paths.dimensions.hours
    hour, weekend = hours % 24, (hours // 24 + 3) % 7 >= 5
    names = sorted(DAYPARTS, key=lambda part: DAYPARTS[part])
    part = (np.searchsorted([DAYPARTS[n] for n in names], hour, side="right") - 1) % len(names)
    of_event = (weekend * len(names) + part)[told.column("hour")]
    counts = _counts(of_event, cluster, count, 2 * len(names)).reshape(count + 1, 2, len(names))
    share = counts / np.maximum(counts.sum(axis=(1, 2), keepdims=True), 1)
    whole, out = share[-1], []
    for its in share[:-1]:
        day = "weekend" if its[1].sum() > 0.55 and its[1].sum() > 1.4 * whole[1].sum() else ""
        if its[0].sum() > 0.85 and its[0].sum() > whole[0].sum():
            day = "weekday"
        daily, usual = its.sum(axis=0), whole.sum(axis=0)
        best = int(np.argmax(daily))
        time = names[best] if daily[best] > 0.45 and daily[best] > 1.5 * usual[best] else ""
        out.append("-".join(word for word in (day if time or day == "weekend" else "", time) if word))
    return out


def _roles(told: Gathered, cluster: np.ndarray, labels: np.ndarray, count: int) -> list[str]:
    """What a cluster does more than others; "buyers" where they are more than half as many again, and where
    most buy what they put into the cart.
    """
    counts = _counts(told.event_names, cluster, count, told.names.size)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    whole, out = share[-1], []
    for c, its in enumerate(share[:-1]):
        mine = labels == c
        if mine.any() and told.bought[mine].mean() > max(0.15, 1.5 * told.bought.mean()):
            out.append("buyers")
            continue
        lift = its / np.maximum(whole, 1e-9)
        telling = [
            (lift[e], ROLES[name])
            for e, name in enumerate(told.names)
            if name in ROLES and name != "purchase" and its[e] > 0.1 and lift[e] > 1.2
        ]
        role = max(telling)[1] if telling else "shoppers"
        filled = role == ROLES["cart"] and mine.any() and told.bought[mine].mean() > 0.5
        out.append("buyers" if filled else role)
    return out


def _main(
    entries: tuple[np.ndarray, np.ndarray], codes: np.ndarray, cluster: np.ndarray, count: int,
    least: float, lift: float,
) -> list[str]:  # fmt: skip
    """The label that most of a cluster's events have, where it is enough of them and more than usual."""
    names, of_entry = entries
    counts = _counts(of_entry[codes], cluster, count, names.size)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    out = []
    for its in share[:-1]:
        best = int(np.argmax(its))
        telling = names.size > 1 and its[best] >= least and its[best] > lift * share[-1][best]
        out.append(str(names[best]) if telling and names[best] != NONE else "")
    return out


def _counts(values: np.ndarray, cluster: np.ndarray, count: int, size: int) -> np.ndarray:
    """Events of each cluster by value, and of all in the last row: float64[count + 1, size]."""
    values = values.astype(np.int64)
    kept = cluster >= 0
    table = np.bincount(cluster[kept].astype(np.int64) * size + values[kept], minlength=count * size)
    return np.vstack([table.reshape(count, size), np.bincount(values, minlength=size)]).astype(float)
