"""Names that people gave to clusters: kept with the store, and found again when the map is made anew.

Numbers of clusters change with the log, the scope and the options; their shoppers hardly do. A name therefore
goes with some of the shoppers who were in the cluster when it was given.
"""

from __future__ import annotations

import time

import numpy as np

from core.errors import WrongCall
from core.journeys.gathered import shoppers_of
from core.journeys.kept_maps import Opened
from core.store import Document, Documents, Store
from core.store.documents import LONGEST_NAME

#: Shoppers that a name goes with.
KEPT = 400
#: Share of those on a map who must be in one cluster, for the name to be its.
LEAST_SHARE = 0.6
#: So many of those must be on a map at all.
LEAST_MET = 10
#: A cluster so many times as large or small as the named one is another.
MOST_GROWTH = 3.0


def given_names(store: Store) -> Documents:
    """The names of one store's clusters."""
    return Documents(store.path / "cluster_names", "cluster name")


def give_name(opened: Opened, cluster: int, name: str) -> Document:
    """Name a cluster (0 is the first); raises a sentence where the name cannot be or is taken.

    A cluster of a map has one name: giving it another takes the one it was given there. Names given on other
    maps stay, though one of them was shown here.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or any(c < " " for c in name):
        raise WrongCall(
            f"A cluster's name has 1 to {LONGEST_NAME} letters and no line breaks; write another one."
        )
    kept = given_names(opened.store)
    shown = _documents_of(opened).get(cluster)
    if shown and shown.name == name:
        return shown
    before = shown if shown and shown.body.get("map") == opened.digest else None
    for other in kept.all():
        if other.name.casefold() == name.casefold() and (before is None or other.name != before.name):
            raise WrongCall(
                f"Another cluster, of this map or another, is called “{other.name}” already; upper and lower "
                "case count as the same. Choose another name."
            )
    rows = np.flatnonzero(opened.map.labels == cluster)
    some = np.sort(np.random.default_rng(0).permutation(rows)[:KEPT])
    shoppers = np.unique(shoppers_of(opened.paths, opened.options.unit, opened.map.keys[some]))
    body = {
        "shoppers": [int(key) for key in opened.paths["shopper"][shoppers]],
        "share": float(rows.size / max(len(opened.map), 1)),
        "map": opened.digest,
        "given": time.time_ns(),
    }
    saved = kept.save(name, body)
    if before:
        kept.delete(before.name, before.revision)
    return saved


def names_of(opened: Opened) -> dict[int, str]:
    """The clusters of a map that somebody named: their number → the name.

    Of several that fit, the one that was given on this map, else the one that was given last.
    """
    return {cluster: document.name for cluster, document in _documents_of(opened).items()}


def _documents_of(opened: Opened) -> dict[int, Document]:
    documents = given_names(opened.store).all()
    if not documents:
        return {}
    documents.sort(key=lambda d: (d.body.get("map") == opened.digest, d.body.get("given", 0)), reverse=True)
    made = opened.map
    found: dict[int, Document] = {}
    keys = opened.paths["shopper"][shoppers_of(opened.paths, opened.options.unit, made.keys)]
    order = np.argsort(keys, kind="stable")
    for document in documents:
        wanted = np.sort(np.array(document.body["shoppers"], np.int64))
        low, high = (np.searchsorted(keys[order], wanted, side=side) for side in ("left", "right"))
        at = np.concatenate([order[a:b] for a, b in zip(low, high, strict=True)] or [np.empty(0, int)])
        labels = made.labels[at.astype(int)]
        if labels.size < min(LEAST_MET, wanted.size):
            continue
        counts = np.bincount(labels[labels >= 0].astype(int), minlength=max(made.clusters, 1))
        cluster = int(counts.argmax())
        share = float((made.labels == cluster).mean())
        grown = share / max(document.body["share"], 1e-9)
        if counts[cluster] >= LEAST_SHARE * labels.size and 1 / MOST_GROWTH <= grown <= MOST_GROWTH:
            found.setdefault(cluster, document)
    return found
