"""Who looks for this? The items and searches nearest in meaning to a text, and by whom, where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.analyses.answer import Answer
from core.analyses.meaning import Meaning, meaning_of
from core.analyses.phrases import encoded, far, quoted
from core.analyses.tables import column, of_words
from core.analyses.ways import hidden_notes, whole_number
from core.analyses.whom import SPLITS, distinct, groups_of, hidden_parts, need_split, shares
from core.errors import CartscapeError, WrongCall
from core.events import NONE, PURCHASE
from core.marts import Cube
from core.paths import open_cube, open_paths
from core.paths.looked_for import looked_for
from core.paths.searches import Rows, about
from core.scope import OFF, Scope
from core.store import Store

MOST_ROWS = 500
ITEMS, QUERIES, BOTH = "items", "queries", "both"
#: What is found counts as what was looked for down to this share of the best similarity of its kind.
FLOOR = 0.8
#: Cosines that differ by less are of texts that are alike.
EQUAL = 1e-5


@dataclass(frozen=True)
class Found:
    """What is nearest to a text, items first, each kind by similarity."""

    is_item: np.ndarray  # bool[found]
    code: np.ndarray  # int64[found], of the item or the query
    similarity: np.ndarray  # float64[found], cosine
    near: np.ndarray  # bool[found], above the floor of its kind
    floors: tuple[tuple[str, float], ...]  # kind, similarity

    def only(self, chosen: np.ndarray) -> Found:
        """Those marked in bool[found]."""
        return replace(
            self, is_item=self.is_item[chosen], code=self.code[chosen],
            similarity=self.similarity[chosen], near=self.near[chosen],
        )  # fmt: skip


def similar(
    store: Store, scope: Scope, text: str = "", of: str = ITEMS, top: str | int = 20, by: str = "",
    resolution: str | int = "auto",
) -> Answer:  # fmt: skip
    """The `top` items, searches (of=queries) or both that are nearest in meaning to a text, and all that are
    as near as the last of them, up to MOST_ROWS: where a log knows little of its items, many are alike.
    Of those the ones of most shoppers in the scope come first.

    Columns: kind (item or query), id (of the item, or the search itself), title, category, price,
    similarity (cosine), shoppers, sessions and events in the scope (of any event with the item; of the
    searches), purchases (of an item), counted (whether it is near enough to count as what was looked for:
    FLOOR times the best similarity of its kind, or more).

    With `by` region, cell, device, hour (of the week), category or week: whom the events of what counts are
    of: shoppers, events, of_shoppers (all who are in the group), share with low and high, lift against all
    groups with its interval, beyond_chance. Hours without an event, and hidden ones, are null.

    Raises a sentence for an empty text, and where the log has no texts or they are not encoded.
    """
    most = whole_number("top", top, 1, MOST_ROWS)
    if of not in (ITEMS, QUERIES, BOTH):
        raise WrongCall(f"of={of!r} is not known; it takes {ITEMS}, {QUERIES} or {BOTH}.")
    need_split(by, tuple(SPLITS))
    its, cube = meaning_of(store), open_cube(store)
    filled = replace(cube.fill(scope), compare=OFF)
    found, notes = _nearest(its, filled, " ".join(text.split()), of, most)
    chosen = found.only(found.near) if by else found
    codes = chosen.code[chosen.is_item], chosen.code[~chosen.is_item]
    rows = about(its.paths, filled, *codes)
    if by:
        return _by(its, cube, filled, (by, resolution), chosen, rows, text, notes)
    counts, hidden = _counts(its, cube.k, found, rows)
    table = pa.table({**_facts(store, its, found), **counts, "counted": pa.array(found.near, pa.bool_())})
    said = [f"nearest to {quoted(text)}", f"{found.near.sum():,} found, {_floors(found)}"]
    return Answer(
        table, "What is looked for in these words", of_words(cube, filled, *said),
        (*notes, *hidden_notes(cube.k, [hidden], "rows' numbers are")),
    )  # fmt: skip


def rule_of(store: Store, scope: Scope, rows: list[tuple[str, str]]) -> dict[str, Any]:
    """The cohort's rule that means whoever has an event with some items, or searched for some queries.

    `rows` are kind and id, as the table has them.
    """
    items, queries = ([key for of, key in rows if of == kind] for kind in ("item", "query"))
    return looked_for(open_paths(store), scope, items, queries)


def _nearest(its: Meaning, scope: Scope, text: str, of: str, most: int) -> tuple[Found, tuple[str, ...]]:
    queries = its.queries[its.usual.shoppers[its.queries] >= its.paths.k]
    offered = {
        "item": its.items if of in (ITEMS, BOTH) else its.items[:0],
        "query": queries if of in (QUERIES, BOTH) else queries[:0],
    }
    if not text:
        raise WrongCall("text= is empty; write what somebody may look for, as in text='rain jacket'.")
    if not any(codes.size for codes in offered.values()):
        what = {ITEMS: "no items with a text", QUERIES: "no searches that may be shown"}.get(
            of, "neither items with a text nor searches that may be shown"
        )
        raise CartscapeError(
            f"This log has {what}, so there is nothing to compare a text with; load item titles (a table "
            "of items beside the log) or the searches (a column query)."
        )
    vectors = its.need_vectors()
    asked, notes = encoded(text)
    parts, floors = [], []
    for kind, codes in offered.items():
        if not codes.size:
            continue
        if kind == "item":
            similarity = its.nearness(codes, asked)
        else:
            similarity = (vectors[its.texts.of_query[codes]] @ asked).astype(np.float64).clip(-1, 1)
        order = _first(its, scope, kind, codes, similarity, most)
        floor = FLOOR * float(similarity[order[0]])
        floors.append((kind, floor))
        parts.append(
            (np.full(order.size, kind == "item"), codes[order], similarity[order], similarity[order] >= floor)
        )
    is_item, code, similarity, near = (np.concatenate(part) for part in zip(*parts, strict=True))
    found = Found(is_item, code, similarity, near, tuple(floors))
    best = float(similarity[is_item].max(initial=-1.0)) if is_item.any() else 1.0
    return found, (*notes, *far(best, "item", its.likeness()))


def _first(
    its: Meaning, scope: Scope, kind: str, codes: np.ndarray, similarity: np.ndarray, most: int
) -> np.ndarray:
    """Where the `most` nearest stand in `codes`, and those as near as the last: int64[found]."""
    order = np.lexsort((codes, -similarity))
    reach = int((similarity >= similarity[order[:most][-1]] - EQUAL).sum())
    if reach <= most:
        return order[:most]
    order = order[:reach]
    rows = about(
        its.paths, scope, *((codes[order], codes[:0]) if kind == "item" else (codes[:0], codes[order]))
    )
    place = np.full(int(codes.max()) + 1, -1)
    place[codes[order]] = np.arange(reach)
    shoppers = distinct(place[its.paths[kind][rows.event]], rows.who, reach)
    shoppers[(shoppers > 0) & (shoppers < its.paths.k)] = 1  # an order tells no more than numbers do
    return order[np.lexsort((codes[order], -shoppers, -np.round(similarity[order] / EQUAL)))][:MOST_ROWS]


def _counts(its: Meaning, k: int, found: Found, rows: Rows) -> tuple[dict[str, pa.Array], np.ndarray]:
    """Shoppers, sessions, events and purchases of each row, null where they may not be shown."""
    paths, size = its.paths, found.code.size
    place = {True: np.full(_size(paths.items), -1), False: np.full(_size(paths.queries), -1)}
    for is_item, its_place in place.items():
        mine = found.is_item == is_item
        its_place[found.code[mine]] = np.flatnonzero(mine)
    of_item, of_query = place[True][paths["item"][rows.event]], place[False][paths["query"][rows.event]]
    # An event may be about an item that was found and carry a search that was found.
    both = [(of_item, of_item >= 0), (of_query, of_query >= 0)]
    at = np.concatenate([where[told] for where, told in both])
    event = np.concatenate([rows.event[told] for _, told in both])
    who = np.concatenate([rows.who[told] for _, told in both])
    sessions = paths["session"][event]
    bought = paths.kinds[0][paths["kind"][event]] == PURCHASE
    counts = {
        "shoppers": distinct(at, who, size),
        "sessions": distinct(at, sessions, size),
        "events": np.bincount(at, minlength=size),
        "purchases": np.bincount(at[bought], minlength=size),
    }
    hidden = (counts["shoppers"] > 0) & (counts["shoppers"] < k)
    buyers = distinct(at[bought], who[bought], size)
    others = counts["shoppers"] - buyers
    few = hidden | ((buyers > 0) & (buyers < k)) | ((others > 0) & (others < k) & (buyers > 0))
    columns = {name: column(np.where(hidden, np.nan, values), "count") for name, values in counts.items()}
    sold = found.is_item & bool((paths.kinds[0] == PURCHASE).any())
    columns["purchases"] = column(np.where(few | ~sold, np.nan, counts["purchases"]), "count")
    return columns, hidden


def _size(names: np.ndarray) -> int:
    return max(int(names.size), 1)


def _facts(store: Store, its: Meaning, found: Found) -> dict[str, pa.Array]:
    """What the rows are: kind, id, title, category, price, similarity."""
    paths = its.paths
    ids = [
        str((paths.items if is_item else paths.queries)[code])
        for is_item, code in zip(found.is_item.tolist(), found.code.tolist(), strict=True)
    ]
    items = store.table("items").select(["item_id", "category", "price"])
    wanted = pa.array([i for i, is_item in zip(ids, found.is_item, strict=True) if is_item], pa.string())
    known = {row["item_id"]: row for row in items.filter(pc.is_in(items["item_id"], wanted)).to_pylist()}
    rows: list[dict[str, Any]] = []
    for key, code, is_item in zip(ids, found.code.tolist(), found.is_item.tolist(), strict=True):
        row = known.get(key, {}) if is_item else {}
        price = row.get("price")
        category = (row.get("category") or _category(its, code)) if is_item else None
        rows.append(
            {
                "title": its.title(code) if is_item else key,
                "category": category,
                "price": None if price is None else float(price),
            }
        )
    told = pa.Table.from_pylist(
        rows, pa.schema([("title", pa.string()), ("category", pa.string()), ("price", pa.float64())])
    )
    return {
        "kind": pa.array(["item" if is_item else "query" for is_item in found.is_item.tolist()], pa.string()),
        "id": pa.array(ids, pa.string()),
        **{name: told[name] for name in told.column_names},
        "similarity": column(found.similarity),
    }


def _category(its: Meaning, code: int) -> str | None:
    """The category that the log's events give an item, where the table of items does not."""
    rows = np.flatnonzero(its.paths["item"] == code)[:1]
    name = str(its.paths.kinds[1][its.paths["kind"][rows[0]]]) if rows.size else NONE
    return None if name == NONE else name


def _by(
    its: Meaning, cube: Cube, scope: Scope, split: tuple[str, str | int], found: Found, rows: Rows, text: str,
    notes: tuple[str, ...],
) -> Answer:  # fmt: skip
    by, k = split[0], cube.k
    groups = groups_of(cube, scope, *split, its.paths, rows.event, rows.who)
    tally = rows.tally(groups.of(its.paths, rows.event), groups.size)
    everybody, small = groups.everybody()
    hidden = hidden_parts(tally.shoppers, everybody, small, k)
    table = pa.table(
        {
            **groups.columns(),
            "shoppers": column(np.where(hidden, np.nan, tally.shoppers), "count"),
            "events": column(np.where(hidden, np.nan, tally.searches), "count"),
            "of_shoppers": column(np.where(hidden, np.nan, everybody), "count"),
            **shares(tally.shoppers, everybody, hidden),
        }
    )
    if by != "hour":
        table = table.filter(pa.array((tally.shoppers > 0) & ~hidden))
    if by not in ("hour", "week"):
        table = table.sort_by([("shoppers", "descending"), (by, "ascending")])
    people = int((np.diff(rows.who) != 0).sum()) + 1 if rows.who.size else 0
    said = [f"{people:,} shoppers with an event of what is found"] if people >= max(k, 1) else []
    what = " and ".join({"item": "items", "query": "searches"}[kind] for kind, _ in found.floors)
    said += [f"{found.code.size:,} {what} nearest to {quoted(text)}", _floors(found)]
    if by == "cell":
        said.append(f"H3 resolution {groups.resolution}")
    if rows.event.size:
        notes = (*notes, *hidden_notes(k, [hidden], f"{'categorie' if by == 'category' else by}s are"))
    else:
        notes = (*notes, "Nobody in this scope looked for what is found.")
    name = {"cell": "by hexagon", "hour": "by hour of the week"}.get(by, f"by {by}")
    return Answer(
        groups.placed(table), f"Who looks for {quoted(text, 28)}, {name}", of_words(cube, scope, *said),
        notes,
    )  # fmt: skip


def _floors(found: Found) -> str:
    names = {"item": "items", "query": "searches"}
    return "similarity from " + " and ".join(f"{floor:.2f} ({names[kind]})" for kind, floor in found.floors)
