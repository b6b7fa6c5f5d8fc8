"""Runs in the environment of the peers: implicit's ALS and RecTools' SASRec, tuned on one task, asked of
another.

`python recommend_runner.py FOLDER SECONDS` reads FOLDER/past and FOLDER/test: train.parquet (user, item,
order, taken), wanted.parquet (user, item), task.json (items, masked). Writes FOLDER/NAME.parquet, the lists
of the test (user, place, item), and prints settings and seconds as JSON. Tuning SASRec takes about
SECONDS of one core.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks

import implicit
import numpy as np
import pandas as pd
import rectools
import torch
from implicit.als import AlternatingLeastSquares
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from scipy import sparse

warnings.filterwarnings("ignore")

LONGEST = 20
BLOCK = 1024
TAKEN, MET = "taken", "met"
#: Epochs between two looks at the validation days, and looks without a gain that end the training.
STEP, PATIENCE = 3, 2
ALS = [
    {"factors": f, "regularization": r, "alpha": a}
    for f in (64, 128) for r in (0.01, 10.0) for a in (1.0, 10.0, 40.0)
]  # fmt: skip
SASREC = [
    {"n_factors": 128, "session_max_len": 100, "dropout_rate": 0.2},
    {"n_factors": 64, "session_max_len": 50, "dropout_rate": 0.5},
]


class Task:
    """What is known, and what is wanted."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "task.json").read_text())
        self.items, self.masked = about["items"], about["masked"]
        self.train = pd.read_parquet(folder / "train.parquet").sort_values("order", kind="stable")
        wanted = pd.read_parquet(folder / "wanted.parquet")
        self.users = np.unique(wanted.user)
        self.wanted: dict[Any, set[int]] = wanted.groupby("user").item.agg(set).to_dict()
        taken = self.train[self.train.taken]
        self.taken: dict[Any, set[int]] = taken.groupby("user").item.agg(set).to_dict()
        self.popular = taken.drop_duplicates(["user", "item"]).item.value_counts().index.to_numpy()
        self.histories = [TAKEN] if self.train.taken.all() else [TAKEN, MET]

    def history(self, of: str) -> pd.DataFrame:
        """The events that a model learns from."""
        return self.train[self.train.taken] if of == TAKEN else self.train

    def ndcg(self, lists: dict[int, list[int]]) -> float:
        """NDCG@10, for tuning; what is reported is measured elsewhere."""
        gain = 1 / np.log2(np.arange(2, 12))
        worth = [
            sum(gain[at] for at, item in enumerate(lists[int(user)][:10]) if item in wanted)
            / gain[: min(len(wanted), 10)].sum()
            for user, wanted in self.wanted.items()
        ]
        return float(np.mean(worth))

    def kept(self, user: int, best: Any) -> list[int]:
        """The first of a list that may be recommended; what is popular where there is none."""
        barred = self.taken.get(user, set()) if self.masked else set()
        found = [int(item) for item in best if item not in barred][:LONGEST]
        return found or [int(item) for item in self.popular if item not in barred][:LONGEST]


def als(task: Task, of: str, settings: dict[str, Any]) -> dict[int, list[int]]:
    """Hu, Koren, Volinsky: how often is how sure."""
    history = task.history(of)
    shape = (int(max(task.train.user.max(), task.users.max())) + 1, task.items)
    counts = sparse.csr_matrix((np.ones(len(history), np.float32), (history.user, history.item)), shape)
    model = AlternatingLeastSquares(**settings, iterations=15, random_state=0, num_threads=1)
    model.fit(counts, show_progress=False)
    most = LONGEST + max((len(its) for its in task.taken.values()), default=0)
    known = set(history.user)
    found: dict[int, list[int]] = {}
    for low in range(0, len(task.users), BLOCK):
        users = task.users[low : low + BLOCK]
        scores = model.user_factors[users] @ model.item_factors.T
        best = np.argsort(-scores, axis=1)[:, :most]
        found |= {
            int(user): task.kept(user, its if user in known else [])
            for user, its in zip(users, best, strict=True)
        }
    return found


def dataset(task: Task, of: str) -> Dataset:
    history = task.history(of)
    return Dataset.construct(
        pd.DataFrame(
            {
                Columns.User: history.user, Columns.Item: history.item, Columns.Weight: 1.0,
                Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(history)), "s"),
            }
        )
    )  # fmt: skip


def lists_of(model: SASRecModel, task: Task, known: Dataset) -> dict[int, list[int]]:
    barred = [len(task.taken.get(user, ())) for user in task.users] if task.masked else [0]
    most = min(LONGEST + max(barred), len(known.item_id_map.external_ids))
    users = np.intersect1d(task.users, known.user_id_map.external_ids)
    told = model.recommend(users, known, most, filter_viewed=False, on_unsupported_targets="ignore")
    found = told.sort_values(["user_id", "rank"]).groupby("user_id").item_id.agg(list).to_dict()
    return {int(user): task.kept(user, found.get(user, [])) for user in task.users}


def sasrec(settings: dict[str, Any]) -> SASRecModel:
    return SASRecModel(
        **settings, n_blocks=2, n_heads=2, loss="softmax", lr=1e-3, batch_size=128, deterministic=True
    )


def tune_sasrec(past: Task, seconds: float) -> dict[str, Any]:
    """The settings and the epochs that do best; each history and setting gets its share of the time."""
    asked = [(of, settings) for of in past.histories for settings in SASREC]
    best: dict[str, Any] = {"ndcg@10": -1.0}
    for of, settings in asked:
        torch.manual_seed(0)
        model, known = sasrec(settings), dataset(past, of)
        began, epochs, mine, worse = time.process_time(), 0, -1.0, 0
        while worse < PATIENCE and time.process_time() - began < seconds / len(asked):
            model.fit_partial(known, min_epochs=STEP, max_epochs=STEP)
            epochs += STEP
            worth = past.ndcg(lists_of(model, past, known))
            print(of, settings, epochs, round(worth, 4), file=sys.stderr, flush=True)
            worse = 0 if worth > mine else worse + 1
            mine = max(mine, worth)
            if worth > best["ndcg@10"]:
                best = {"ndcg@10": worth, "of": of, "epochs": epochs, **settings}
    return best


def main() -> None:
    torch.set_num_threads(1)  # the machine is shared, and both are then the same each time
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    past, test = Task(folder / "past"), Task(folder / "test")

    def of_als() -> tuple[dict[int, list[int]], dict[str, Any]]:
        worth = {
            (of, at): past.ndcg(als(past, of, settings))
            for of in past.histories for at, settings in enumerate(ALS)
        }  # fmt: skip
        of, at = max(worth, key=worth.__getitem__)
        return als(test, of, ALS[at]), {"of": of, **ALS[at], "iterations": 15}

    def of_sasrec() -> tuple[dict[int, list[int]], dict[str, Any]]:
        best = tune_sasrec(past, seconds)
        best.pop("ndcg@10")
        settings = {name: best[name] for name in SASREC[0]}
        torch.manual_seed(0)
        model, known = sasrec(settings), dataset(test, best["of"])
        model.fit_partial(known, min_epochs=best["epochs"], max_epochs=best["epochs"])
        return lists_of(model, test, known), best | {"n_blocks": 2, "n_heads": 2, "loss": "softmax"}

    told: dict[str, Any] = {"versions": f"implicit {implicit.__version__}, RecTools {rectools.__version__}"}
    asked: dict[str, Callable[[], Any]] = {"implicit ALS": of_als, "RecTools SASRec": of_sasrec}
    for name, ask in asked.items():
        began = time.process_time()
        lists, settings = ask()
        told[name] = {"settings": settings, "seconds": time.process_time() - began}
        rows = [(user, at, item) for user, its in lists.items() for at, item in enumerate(its)]
        pd.DataFrame(rows, columns=["user", "place", "item"]).to_parquet(folder / f"{name}.parquet")
    print(json.dumps(told))


main()
