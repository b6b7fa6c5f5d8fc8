"""The slow, obvious truth about searches: sessions in plain lists, and vectors that count words."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.events import USUAL_ORDER
from core.scope import Scope
from core.store import Store
from tests import oracle

DIM = 256
_made = count()


#: A scope that narrows by day and device.
SPRING = Scope.parse({"from": "2025-03-01", "to": "2025-05-15", "device": "mobile", "compare": "off"})
#: Groups of fewer shoppers are hidden on shared data.
K = 10


@lru_cache(maxsize=4)
def log_of(path: Path) -> pd.DataFrame:
    """The whole log with its queries, each shopper's events in time, and what became of each search.

    `search` says which rows are searches, `followed` whether an event with an item comes in the session
    before the next search, `bought` whether the session goes on to a purchase.
    """
    store = Store.open(path)
    queries = store.cursor().sql("SELECT event_id, query, hash(session_id) AS named FROM log").df()
    log = oracle.whole_log(store).merge(queries, on="event_id")
    usual = {event: rank for rank, event in enumerate(USUAL_ORDER)}
    log["usual"] = [usual.get(event, len(usual)) for event in log.event]
    log = log.sort_values(["user_id", "ts", "named", "usual"], kind="stable").reset_index(drop=True)
    log["search"] = (log.event == "search") & log["query"].notna()
    sessions: dict[int, list[int]] = defaultdict(list)
    for row, session in enumerate(log.session_id):
        sessions[session].append(row)
    search, item = log.search.tolist(), log.item_id.notna().tolist()
    buys = (log.event == "purchase").tolist()
    followed, bought = np.zeros(len(log), bool), np.zeros(len(log), bool)
    for its in sessions.values():
        for at, row in enumerate(its):
            if not search[row]:
                continue
            for later in its[at + 1 :]:
                if search[later]:
                    break
                followed[row] |= item[later]
            bought[row] = any(buys[later] for later in its[at + 1 :])
    log["followed"], log["bought"] = followed, bought
    return log


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


class CountedWords:
    """Stands in for the encoder and its cache: texts are alike by the words that they share."""

    def __init__(self, known: bool = True) -> None:
        # Who has no vectors yet is told from who has: what is made of vectors is kept by this name.
        name = "counted words" if known else f"uncounted words {next(_made)}"
        card = SimpleNamespace(fingerprint=name, dim=DIM, max_tokens=256)
        self.encoder = SimpleNamespace(card=card, encode=self.of, read=read)
        self._known = known

    def known(self, texts: Sequence[str]) -> np.ndarray:
        return np.full(len(texts), self._known)

    def of(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([vector(text) for text in texts], np.float32).reshape(-1, DIM)


def read(text: str) -> str:
    """What a model of 256 words to a text reads of one."""
    return " ".join(text.split()[:256])


def vector(text: str) -> np.ndarray:
    """Of length 1; each word adds a direction of its own."""
    found = np.zeros(DIM)
    for word in words(text):
        found += direction(word)
    length = float(np.linalg.norm(found))
    return found / length if length else found


@cache
def direction(word: str) -> np.ndarray:
    found = np.random.default_rng(zlib.crc32(word.encode())).normal(size=DIM)
    found.setflags(write=False)
    return found


@contextmanager
def encoded(known: bool = True, stand_in: Any = None) -> Iterator[Any]:
    """Within: analyses and recommenders take `CountedWords`, or what is given, for encoder and cache."""
    taken = stand_in or CountedWords(known)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("meaning", "phrases", "journeys"):
            patch.setattr(import_module(f"core.analyses.{module}"), "open_vectors", lambda: taken)
        for module in ("training", "matching", "shown_log"):
            patch.setattr(import_module(f"core.recommender.{module}"), "open_vectors", lambda: taken)
        yield taken


def rows_of(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.table.to_pylist()
    return found
