"""Trained models: made, kept with the store under numbers, and opened to recommend."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.encoder import open_vectors
from core.errors import CartscapeError
from core.events import PURCHASE
from core.journeys.kept_maps import texts_of
from core.paths import open_paths
from core.recommender.evaluation import recommend
from core.recommender.interactions import ANY, Interactions, task
from core.recommender.metrics import of_each, ranked
from core.recommender.past import Past
from core.recommender.scorer import Scorer, ScorerOptions
from core.recommender.training import Ground, Told, scores, train, untold
from core.store import Store
from core.store.files import digest, room_on_disk, write_durably

SCORER_FILE, ABOUT_FILE = "scorer.pt", "model.json"
#: Models that stay in memory.
MOST_OPEN = 2


@dataclass(frozen=True)
class TrainOptions:
    """What a model is to foretell, and how it is trained, in words of the command line."""

    event: str = PURCHASE
    days: float = 30.0  # that are foretold
    items: str = "new"  # new to the shopper, or any
    seed: int = 0


@dataclass(frozen=True)
class Version:
    """One kept model: what it was made of and how good it is."""

    number: int
    made: str  # ISO 8601, UTC
    options: dict[str, Any]
    log: str  # fingerprint of the store
    items: str  # fingerprint of the items
    encoder: str  # fingerprint of the encoder
    metrics: dict[str, float]  # on the days held out
    size: int  # bytes of the scorer
    digest: str


@dataclass(frozen=True, eq=False)
class Model:
    """A model that is open, with all that the shop knows now."""

    version: Version
    scorer: Scorer
    ground: Ground
    titles: np.ndarray  # object[items]
    ids: np.ndarray  # object[items]
    prices: np.ndarray  # float64[items], NaN for none
    event: str
    kinds: frozenset[str]
    k: int

    @property
    def new_only(self) -> bool:
        """Whether it recommends what a shopper never took alone."""
        return bool(self.version.options["items"] == "new")

    @cached_property
    def end(self) -> float:
        """The second after the log's last."""
        return float(self.ground.world.acts.second.max()) + 1

    @property
    def past(self) -> Past:
        """All that is known."""
        return self.ground.past(self.end)

    @cached_property
    def codes(self) -> dict[str, int]:
        """Each item's code by its id."""
        return {str(item): code for code, item in enumerate(self.ids)}


def train_model(store: Store, options: TrainOptions, told: Told = untold) -> Version:
    """Train, measure on the last days, and keep a model; nothing is kept where it is stopped before its end.

    It is measured as `evaluate` does: what it learnt from ends before the days that it is held against.
    Raises as `task`, `Ground.of` and `examples` do.
    """
    ground = Ground.of(store, options.event)
    met = Interactions.of(open_paths(store), ANY)
    test = task(ground.every, options.days, options.items, met=met)
    scorer, learnt = train(ground, test, options.days, ScorerOptions(seed=options.seed), told)
    told(0.95, "measuring on the last days")
    lists = recommend(test, lambda shoppers: scores(ground, test, scorer, shoppers))
    each = of_each(ranked(lists, test.wanted))
    metrics = {name: float(values.mean()) for name, values in each.items()}
    metrics |= {"tested": float(test.shoppers.size), "learnt": float(len(learnt.taken))}
    return _keep(store, options, scorer, metrics)


def versions(store: Store) -> list[Version]:
    """The kept models, the newest first; one whose words cannot be read is passed over."""
    found = []
    for folder in sorted(_folder(store).glob("[0-9]*"), reverse=True):
        try:
            found.append(Version(**json.loads((folder / ABOUT_FILE).read_text())))
        except (OSError, ValueError, TypeError):
            continue
    return found


_open: dict[tuple[str, str, int], Model] = {}
_guard = threading.Lock()


def open_model(store: Store, number: int | None = None) -> Model:
    """A kept model by its number, the newest where none is said. Raises a sentence where there is none, where
    its file is cut, and where it was made for other items or another encoder.
    """
    known = versions(store)
    if not known:
        raise CartscapeError(
            f"There is no model of this log yet; train one: python -m core train --store {store.path}"
        )
    version = next((v for v in known if number is None or v.number == number), None)
    if version is None:
        raise CartscapeError(
            f"There is no model {number}; kept are {', '.join(str(v.number) for v in known)}."
        )
    key = (str(store.path), store.fingerprint, version.number)
    with _guard:
        if key not in _open:
            made = _opened(store, version)
            while len(_open) >= MOST_OPEN:
                _open.pop(next(iter(_open)))
            _open[key] = made
        return _open[key]


def _opened(store: Store, version: Version) -> Model:
    again = f"Train it again: python -m core train --store {store.path}"
    file = _folder(store) / f"{version.number:04d}" / SCORER_FILE
    if not file.exists() or file.stat().st_size != version.size or digest(file) != version.digest:
        raise CartscapeError(f"The file of model {version.number} is not whole. {again}")
    if version.items != _items_fingerprint(store):
        raise CartscapeError(
            f"Model {version.number} was trained on other items than the log has now. {again}"
        )
    if version.encoder != open_vectors().encoder.card.fingerprint:
        raise CartscapeError(f"Model {version.number} was trained with another encoder. {again}")
    try:
        scorer = Scorer.from_bytes(file.read_bytes())
    except (ValueError, RuntimeError, KeyError):
        raise CartscapeError(
            f"Model {version.number} was made by another version of Cartscape. {again}"
        ) from None
    paths = open_paths(store)
    ground = Ground.of(store, version.options["event"])
    return Model(
        version, scorer, ground, texts_of(store).titles, paths.items, np.exp(ground.world.price_log),
        version.options["event"], frozenset(map(str, paths.kinds[0])), store.k,
    )  # fmt: skip


def _keep(store: Store, options: TrainOptions, scorer: Scorer, metrics: dict[str, float]) -> Version:
    """Put a model beside the others: its words come last, and without them it is none."""
    data = scorer.to_bytes()
    root = _folder(store)
    with room_on_disk(root.parent):
        root.mkdir(exist_ok=True)
        folder = _next(root)
        write_durably(folder / SCORER_FILE, data)
        version = Version(
            number=int(folder.name),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            options=asdict(options),
            log=store.fingerprint,
            items=_items_fingerprint(store),
            encoder=open_vectors().encoder.card.fingerprint,
            metrics=metrics,
            size=len(data),
            digest=digest(folder / SCORER_FILE),
        )
        write_durably(folder / ABOUT_FILE, json.dumps(asdict(version), indent=1).encode())
    return version


def _next(root: Path) -> Path:
    """A new folder with the next number, which two processes never share; what was cut short is removed."""
    for folder in root.glob("[0-9]*"):
        if not any(folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
    number = max((int(folder.name) for folder in root.glob("[0-9]*")), default=0) + 1
    while True:
        try:
            (root / f"{number:04d}").mkdir()
        except FileExistsError:
            number += 1
        else:
            return root / f"{number:04d}"


def _items_fingerprint(store: Store) -> str:
    return hashlib.sha256("\n".join(map(str, open_paths(store).items)).encode()).hexdigest()[:24]


def _folder(store: Store) -> Path:
    return store.path / "models"
