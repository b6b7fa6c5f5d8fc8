"""Recommends beside implicit's ALS and RecTools' SASRec, on the same split; prints JSON.

`python -m tests.bench.recommend STORE EVENT DAYS ITEMS PYTHON FOLDER SEEDS [last]`; PYTHON is that of the
peers, FOLDER holds what is exchanged with them. With `last` each shopper's last event is foretold
(leave-one-out), and the one before it chooses settings.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.paths import open_paths
from core.recommender.evaluation import TARGET, Lists, choose, chosen_parts, lists_of, lists_of_scorers
from core.recommender.interactions import ANY, DAY, Interactions, Task, task
from core.recommender.metrics import LONGEST, draws, interval, of_all, of_each, ranked
from core.recommender.peers import peers
from core.recommender.scorer import Examples, ScorerOptions, fit
from core.recommender.training import Ground, moments
from core.store import Store
from tests.bench.workplace import run

#: Seconds for tuning SASRec.
TUNING = 400
OURS = "Cartscape scorer"


def measure(
    store: Store, event: str, days: float, items: str, python: Path, folder: Path, seeds: int, last: bool
) -> dict[str, Any]:
    """A row a recommender: metrics, and the lead of the weakest of our seeds over it."""
    paths = open_paths(store)
    every, met = Interactions.of(paths, event), Interactions.of(paths, ANY)
    ground = Ground.of(store, event)
    if last:
        every, met = by_place(every), by_place(met)
        acts = ground.world.acts
        second = places(acts.row, acts.second, acts.row.size)
        ground = replace(ground, every=every, world=replace(ground.world, acts=replace(acts, second=second)))
    test = task(every, days, items, met=met)
    past = task(every, days, items, until=test.end, met=met)
    for name, of in (("past", past), ("test", test)):
        export(of, met, folder / name)
    done = run(python, Path(__file__).with_name("recommend_runner.py"), folder, TUNING)
    told = json.loads(done.output)
    found = []
    for name in told:
        if name != "versions":
            lists = imported(pq.read_table(folder / f"{name}.parquet"), test)
            found.append(Lists(name, json.dumps(told[name]["settings"]), lists, None))
    for peer in peers(test, ground.world):
        settings = choose(past, peer)
        lists = lists_of(test, peer.fit(test, **settings))
        found.append(Lists(peer.name, json.dumps(settings), lists, None))
    ground = ground.settled(test.end)
    parts = moments(ground, test, days)
    learnt, without = Examples.join(parts), chosen_parts(ground, test, days, parts)
    scorers = [fit(learnt, ScorerOptions(seed=seed, without=without)) for seed in range(seeds)]
    for seed, lists in enumerate(lists_of_scorers(ground, test, scorers)):
        found.append(Lists(OURS, json.dumps({"seed": seed}), lists, None))
    return {
        "rows": rows_of(test, found),
        "shoppers": int(test.shoppers.size),
        "items": test.train.items,
        "seconds": {name: told[name]["seconds"] for name in told if name != "versions"},
        "versions": told["versions"],
    }


def places(shopper: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    """Seconds at which a shopper's events lie a day apart and all end on the same day: the split of the last
    day leaves one out.
    """
    order = np.lexsort((second, shopper))
    ends = np.searchsorted(shopper[order], shopper[order], side="right")
    out = np.empty(size, np.int64)
    out[order] = (size - (ends - np.arange(size))) * DAY
    return out


def by_place(its: Interactions) -> Interactions:
    return replace(its, second=places(its.shopper, its.second, len(its)))


def export(of: Task, met: Interactions, folder: Path) -> None:
    """What is known before the split, in order, and what is wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    before = met.between(-np.inf, of.end)
    before = before.only(np.argsort(before.second, kind="stable"))
    train = {
        "user": before.shopper, "item": before.item, "order": np.arange(len(before)),
        "taken": np.isin(before.at, of.train.at),
    }  # fmt: skip
    pq.write_table(pa.table(train), folder / "train.parquet")
    wanted = of.wanted.tocoo()
    pq.write_table(pa.table({"user": of.shoppers[wanted.row], "item": wanted.col}), folder / "wanted.parquet")
    about = {"items": of.train.items, "masked": of.masked}
    (folder / "task.json").write_text(json.dumps(about))


def imported(table: pa.Table, of: Task) -> np.ndarray:
    """The lists of another's file: int64[tested, LONGEST]; raises where it names an item that is barred."""
    user, place, item = (table[name].to_numpy() for name in ("user", "place", "item"))
    out = np.full((of.shoppers.size, LONGEST), -1, np.int64)
    out[np.searchsorted(of.shoppers, user), place] = item
    if of.masked and of.train.taken[user, item].any():
        raise AssertionError("a list holds what was taken before")
    return out


def rows_of(test: Task, found: list[Lists]) -> list[dict[str, Any]]:
    counts = np.bincount(test.train.item, minlength=test.train.items)
    weights = draws(test.shoppers.size)
    each = [of_each(ranked(lists.items, test.wanted)) for lists in found]
    ours = [its[TARGET] for lists, its in zip(found, each, strict=True) if lists.model == OURS]
    weakest = min(ours, key=lambda its: its.mean())
    rows = []
    for lists, its in zip(found, each, strict=True):
        row: dict[str, Any] = {"model": lists.model, "settings": lists.settings}
        row |= {name: float(values.mean()) for name, values in its.items()}
        row |= of_all(lists.items, counts)
        row[f"{TARGET}_low"], row[f"{TARGET}_high"] = interval(its[TARGET], weights)
        if lists.model != OURS:
            row["lead"] = float((weakest - its[TARGET]).mean())
            row["lead_low"], row["lead_high"] = interval(weakest - its[TARGET], weights)
        rows.append(row)
    return sorted(rows, key=lambda row: -row[TARGET])


if __name__ == "__main__":
    store, event, days, items, python, folder, seeds = sys.argv[1:8]
    print(json.dumps(measure(
        Store.open(Path(store)), event, float(days), items, Path(python), Path(folder), int(seeds),
        "last" in sys.argv[8:],
    )))  # fmt: skip
