"""What a log's events are about, in words: the text of each item, search and category.

An item's text is its title, description and category; where it has none of them but reviews, what people
wrote of it; where nobody wrote, the place that it is looked at in most (a hotel's city).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.events import NONE
from core.paths.log import NOWHERE, PathLog
from core.store import Store

#: Letters of an item's reviews that are read where it has no words of its own.
MOST_LETTERS = 600
#: Letters of a description: its first sentences say what the item is.
MOST_DESCRIPTION = 300


@dataclass(frozen=True)
class LogTexts:
    """The texts of one log, and which of them the codes of its path log mean; −1 for none."""

    texts: np.ndarray  # object[texts], distinct
    of_item: np.ndarray  # int32[items]
    of_query: np.ndarray  # int32[queries]
    of_kind: np.ndarray  # int32[kinds], the text of its category
    of_group: np.ndarray  # int32[items], the category alone of an item that reviews tell of, not a title
    titles: np.ndarray  # object[items], what an item is called in a table: its title, else its id
    labels: np.ndarray  # object[texts], short: an item's title, category or town, or a search; "" where
    # only reviews tell what it is

    def rows(self, paths: PathLog, events: np.ndarray) -> np.ndarray:
        """The text that each event is about: of its item, else of its search, else of its category."""
        item, query, kind = (paths[name][events] for name in ("item", "query", "kind"))
        found = self.of_item[item]
        found = np.where(found >= 0, found, self.of_query[query])
        return np.where(found >= 0, found, self.of_kind[kind]).astype(np.int32)


def log_texts(store: Store, paths: PathLog, before: int | None = None) -> LogTexts:
    """The texts of a store's log; with `before`, a second since 1970 UTC, without reviews from then on."""
    titles, words, short, groups = _item_texts(store, paths, before)
    queries = np.array([_clean(q) if q != NONE else "" for q in paths.queries], object)
    categories = np.array([_clean(c) if c != NONE else "" for c in paths.kinds[1]], object)
    every = np.concatenate([words, queries, categories, groups]).astype(str)
    distinct, first, at = np.unique(every, return_index=True, return_inverse=True)
    codes = (at - (distinct[0] == "")).astype(np.int32) if distinct.size else at.astype(np.int32)
    texts = distinct[distinct != ""].astype(object)
    sizes = np.cumsum([words.size, queries.size, categories.size])
    labels = np.concatenate([short, queries, categories, groups])[first[distinct != ""]]
    of_item, of_query, of_kind, of_group = np.split(codes, sizes)
    return LogTexts(texts, of_item, of_query, of_kind, of_group, titles, labels)


def _item_texts(
    store: Store, paths: PathLog, before: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What each item of the path log is called, its text, its text in short, and the category alone of
    one that reviews tell of; "" for none.
    """
    items = store.table("items")
    known = {
        row["item_id"]: row
        for row in items.select(["item_id", "title", "description", "category"]).to_pylist()
    }
    wordless = [
        item
        for item in paths.items
        if item != NONE and not (known.get(item, {}).get("title") or known.get(item, {}).get("description"))
    ]
    reviews = _reviews(store, set(wordless), before) if wordless else {}
    categories = paths.category_of_item
    towns = _towns(paths) if wordless else {}
    titles, words, short, groups = [], [], [], []
    for code, item in enumerate(paths.items):
        if code == paths.no_item:
            titles.append(NONE)
            words.append("")
            short.append("")
            groups.append("")
            continue
        row = known.get(item, {})
        category = row.get("category") or categories[code]
        parts = [row.get("title"), category, (row.get("description") or "")[:MOST_DESCRIPTION]]
        if item in reviews:
            parts.append(reviews[item])
        if not any(parts):
            parts.append(towns.get(code, ""))
        titles.append(row.get("title") or item)
        words.append(". ".join(_clean(part) for part in parts if part))
        groups.append(_clean(category) if item in reviews and category else "")
        named = [row.get("title"), category]
        if not any(named) and item not in reviews:
            named = parts
        short.append(". ".join(_clean(part) for part in named if part))
    told = [np.array(column, object) for column in (titles, words, short, groups)]
    return told[0], told[1], told[2], told[3]


def _clean(text: str) -> str:
    return " ".join(str(text).split())


def _reviews(store: Store, wanted: set[str], before: int | None) -> dict[str, str]:
    """What people wrote of items, the newest first, up to MOST_LETTERS."""
    table = store.table("reviews")
    table = table.filter(pc.and_(pc.is_valid(table["text"]), pc.is_valid(table["item_id"])))
    if before is not None:
        table = table.filter(pc.less(table["ts"], pa.scalar(before * 1_000_000, pa.timestamp("us"))))
    table = table.sort_by([("ts", "descending")])
    found: dict[str, list[str]] = {}
    length: dict[str, int] = {}
    for item, text in zip(table["item_id"].to_pylist(), table["text"].to_pylist(), strict=True):
        if item in wanted and length.get(item, 0) < MOST_LETTERS and text.strip():
            found.setdefault(item, []).append(_clean(text))
            length[item] = length.get(item, 0) + len(text)
    return {item: " ".join(texts)[:MOST_LETTERS] for item, texts in found.items()}


def _towns(paths: PathLog) -> dict[int, str]:
    """City and region that most events of each item are in, by its code."""
    names = paths.dimensions.place_names()
    item, place = paths["item"], paths["place"]
    told = np.array([name != "" for name in names], bool)[place] & (item != NOWHERE)
    pairs, counts = np.unique(
        np.stack([item[told].astype(np.int64), place[told].astype(np.int64)]), axis=1, return_counts=True
    )
    order = np.argsort(counts, kind="stable")
    return {int(i): str(names[p]) for i, p in pairs[:, order].T}
