"""What do people search for and not find? Searches that lead to no item, and where they are made.

A search is followed where an event with an item comes in its session before the next search.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.meaning import Likeness, Meaning, Spellings, meaning_of, same_words
from core.analyses.proportions import false_discovery, wilson
from core.analyses.tables import column, of_words, ratio
from core.analyses.ways import hidden_notes, whole_number
from core.analyses.whom import groups_of, hidden_parts, need_split, shares
from core.errors import CartscapeError, WrongCall
from core.marts import Cube
from core.marts.privacy import hide_small
from core.paths import open_cube
from core.paths.looked_for import looked_for
from core.paths.searches import Rows, Tally, searches
from core.scope import OFF, Scope
from core.store import Store

MOST_ROWS = 10_000
SPLITS = ("region", "cell")
#: A search is unmet where it is followed surely less than this times as often as all searches are. A plain
#: "less often" would find what many type and few need: with enough searches, any difference is sure.
LESS = 0.5
#: Benjamini-Hochberg: the share of those called unmet that may be so by chance.
FALSE = 0.05

NOTHING_LIKE_IT = "no item like it"
NOT_CLICKED = "items are there, people do not click"


def unmet(
    store: Store, scope: Scope, top: str | int = 50, by: str = "", query: str = "",
    resolution: str | int = "auto",
) -> Answer:  # fmt: skip
    """Searches with demand and no good item, unmet ones first, then by searches that nothing followed.

    Columns: query (the most frequent spelling), spellings, searches, shoppers, followed (share of the
    searches) with low and high (Wilson's 95 % interval), bought (share of searches whose session goes on
    to a purchase), unmet_searches (not followed), best_item, best_title, similarity (cosine with that
    item), usual (median of it over the log's searches that lead to an item), unmet, why.

    `unmet` is true where followed is surely below half of the whole log's share: one-sided binomial test,
    Benjamini-Hochberg 5 %; searches of one shopper count one by one. `why` says whether the nearest item is
    farther than for 95 % of the searches that lead to one. What follows is looked for in the whole log.

    With `by` region or cell: where the searches of unmet queries, or of `query`, that nothing follows are
    made: shoppers, unmet_searches, searches (of all queries), share with low and high, lift against
    everywhere with its interval, beyond_chance. Raises a sentence where the log has no searches.
    """
    most = whole_number("top", top, 1, MOST_ROWS)
    need_split(by, SPLITS)
    its = meaning_of(store)
    _need_searches(its)
    cube = open_cube(store)
    filled = replace(cube.fill(scope), compare=OFF)
    groups = its.spellings()
    rows = searches(its.paths, filled)
    group = groups.of[its.paths["query"][rows.event]]
    tally = rows.tally(group, groups.lead.size)
    flagged = _surely_less(tally, its.usual.followed)
    chosen = _chosen(its, groups, tally, cube.k, query)
    if by:
        asked = flagged if chosen is None else chosen
        return _where(its, cube, filled, (by, resolution), rows, asked[group] & ~rows.followed, query)
    people = int((np.diff(rows.who) != 0).sum()) + 1 if rows.who.size else 0
    return _table(its, cube, filled, tally, flagged, chosen, most, people)


def rule_of(store: Store, scope: Scope, *queries: str) -> dict[str, Any]:
    """The cohort's rule that means everybody who searched for any of some queries, in any spelling."""
    its = meaning_of(store)
    groups = its.spellings()
    at = [_find(its, groups, query) for query in queries]
    spellings = its.paths.queries[np.isin(groups.of, [group for group in at if group is not None])]
    return looked_for(its.paths, scope, queries=spellings.tolist())


def _need_searches(its: Meaning) -> None:
    if not its.queries.size:
        raise CartscapeError(
            "This log has no searches, so it cannot be told what people look for and do not find; load what "
            "was searched as the column query (yours chosen in the upload form, or with --map query=COLUMN)."
        )


def _surely_less(tally: Tally, usual: float) -> np.ndarray:
    """Which groups are followed less often than LESS times as often as usual, beyond chance: bool[groups]."""
    from scipy import stats  # here, as the command line starts sooner without it

    p = stats.binom.cdf(tally.followed, tally.searches, LESS * usual)
    q = false_discovery(np.where(tally.searches > 0, p, np.nan))
    return np.asarray(np.nan_to_num(q, nan=1.0) < FALSE)


def _find(its: Meaning, groups: Spellings, query: str) -> int | None:
    """The group that a query is in, by any of its spellings, or by its words."""
    exact = np.flatnonzero(its.paths.queries == query)
    if exact.size and groups.of[exact[0]] >= 0:
        return int(groups.of[exact[0]])
    words = same_words(query)
    return next((int(groups.of[c]) for c in its.queries if same_words(its.paths.queries[c]) == words), None)


def _chosen(its: Meaning, groups: Spellings, tally: Tally, k: int, query: str) -> np.ndarray | None:
    """The group that is asked about as bool[groups], None where none is; raises `WrongCall`."""
    if not query:
        return None
    at = _find(its, groups, query)
    if at is None or 0 < its.usual.shoppers[groups.lead[at]] < k:
        often = np.argsort(-tally.searches, kind="stable")
        some = groups.lead[often[tally.shoppers[often] >= max(k, 1)][:3]]
        names = ", ".join(str(its.paths.queries[c]) for c in some)
        more = f"; they search for {names} and others" if names else ""
        raise WrongCall(f"Nobody, or too few to show, searched for query={query!r}{more}.")
    return np.arange(groups.lead.size) == at


def _table(
    its: Meaning, cube: Cube, scope: Scope, tally: Tally, flagged: np.ndarray, chosen: np.ndarray | None,
    most: int, people: int,
) -> Answer:  # fmt: skip
    groups, like, k = its.spellings(), its.likeness(), cube.k
    hidden = hide_small(tally.shoppers, k, overlapping=True)
    lost = tally.searches - tally.followed
    asked = (tally.searches > 0) & ~hidden
    if chosen is not None:
        asked &= chosen
    names = its.paths.queries[groups.lead]
    rows = np.flatnonzero(asked)
    rows = rows[np.lexsort((names[rows].astype(str), -tally.searches[rows], -lost[rows], ~flagged[rows]))]
    rows = rows[:most]
    few_followed = _few(tally.shoppers_followed[rows], k) | _few(tally.shoppers_lost[rows], k)
    unpaid = tally.shoppers - tally.shoppers_bought
    few_bought = _few(tally.shoppers_bought[rows], k) | _few(unpaid[rows], k)
    sold = 1.0 if cube.has_purchases else np.nan
    searched = tally.searches[rows].astype(float)
    followed = np.where(few_followed, np.nan, tally.followed[rows])
    low, high = wilson(followed, searched)
    table = pa.table(
        {
            "query": pa.array(names[rows].tolist(), pa.string()),
            "spellings": pa.array(groups.count[rows], pa.int64()),
            "searches": column(searched, "count"),
            "shoppers": column(tally.shoppers[rows], "count"),
            "followed": column(followed / searched),
            "low": column(np.where(few_followed, np.nan, low)),
            "high": column(np.where(few_followed, np.nan, high)),
            "bought": column(np.where(few_bought, np.nan, tally.bought[rows]) / searched * sold),
            "unmet_searches": column(searched - followed, "count"),
            **_like(its, like, rows),
            "unmet": pa.array(flagged[rows], pa.bool_()),
            "why": pa.array(_why(like, rows, flagged), pa.string()),
        }
    )
    total = int(tally.searches.sum())
    share = float(ratio(tally.followed.sum(), np.array(total)))
    said = [f"{total:,} searches by {people:,} shoppers"] if people >= max(k, 1) else []
    if said and (not _few(np.array([tally.followed.sum(), lost.sum()]), k).any()):
        said.append(f"{share * 100:.1f} % followed by an event with an item")
    shown = [few_followed, few_bought]
    return Answer(
        table, "What people search for and do not find", of_words(cube, scope, *said),
        (*_empty(scope, total), *_notes(its, like), *hidden_notes(k, [hidden], "searches are"),
         *hidden_notes(k, shown, "shares are")),
    )  # fmt: skip


def _empty(scope: Scope, total: int) -> tuple[str, ...]:
    """The sentence on a scope without searches, or nothing."""
    if total:
        return ()
    why = " Searches have no category: choose none to see them." if scope.categories else ""
    return (f"Nobody searched within this scope.{why}",)


def _few(shoppers: np.ndarray, k: int) -> np.ndarray:
    return np.asarray((shoppers > 0) & (shoppers < k))


def _like(its: Meaning, like: Likeness | None, rows: np.ndarray) -> dict[str, pa.Array]:
    if like is None:
        nothing = pa.nulls(rows.size, pa.string())
        floats = pa.nulls(rows.size, pa.float64())
        return {"best_item": nothing, "best_title": nothing, "similarity": floats, "usual": floats}
    best = [code if code >= 0 else None for code in like.item[rows].tolist()]
    items, titles = (
        [None if code is None else str(name(code)) for code in best]
        for name in (its.paths.items.__getitem__, its.title)
    )
    return {
        "best_item": pa.array(items, pa.string()),
        "best_title": pa.array(titles, pa.string()),
        "similarity": column(like.similarity[rows]),
        "usual": column(np.full(rows.size, like.usual)),
    }


def _why(like: Likeness | None, rows: np.ndarray, flagged: np.ndarray) -> list[str | None]:
    if like is None or not np.isfinite(like.fence):
        return [None] * rows.size
    said = np.where(like.similarity[rows] < like.fence, NOTHING_LIKE_IT, NOT_CLICKED)
    known = flagged[rows] & np.isfinite(like.similarity[rows])
    return [word if told else None for word, told in zip(said.tolist(), known.tolist(), strict=True)]


def _notes(its: Meaning, like: Likeness | None) -> tuple[str, ...]:
    usual = its.usual.followed
    what = f"Unmet: followed surely less than half as often as all searches of the log ({usual * 100:.1f} %)"
    notes = [f"{what}; at most about 5 % of those called so are chance."]
    if like is not None:
        notes.append(
            f"“{NOTHING_LIKE_IT}”: the nearest has a similarity below {like.fence:.2f}, as it has for 5 % of "
            "the searches that lead to an item."
        )
    elif not its.items.size:
        notes.append("The log has no items with a text, so it cannot be told whether one is like a search.")
    else:
        notes.append(f"Searches are judged by what follows them alone: {its.missing_words()}")
    return tuple(notes)


def _where(
    its: Meaning, cube: Cube, scope: Scope, split: tuple[str, str | int], rows: Rows, lost: np.ndarray,
    query: str,
) -> Answer:  # fmt: skip
    unmet_rows = rows.only(lost)
    groups = groups_of(cube, scope, *split, its.paths, unmet_rows.event, unmet_rows.who)
    every = rows.tally(groups.of(its.paths, rows.event), groups.size)
    found = unmet_rows.tally(groups.of(its.paths, unmet_rows.event), groups.size)
    small = hide_small(every.shoppers, cube.k, overlapping=True)
    hidden = hidden_parts(found.shoppers, every.shoppers, small, cube.k)
    seen = np.where(hidden, np.nan, 1.0)
    table = pa.table(
        {
            **groups.columns(),
            "shoppers": column(found.shoppers * seen, "count"),
            "unmet_searches": column(found.searches * seen, "count"),
            "searches": column(every.searches * seen, "count"),
            **shares(found.searches, every.searches, hidden),
        }
    ).filter(pa.array((every.searches > 0) & ~hidden))
    by = split[0]
    table = table.sort_by([("unmet_searches", "descending"), (by, "ascending")])
    said = [f"“{query}”" if query else "searches that are unmet"]
    if by == "cell":
        said.append(f"H3 resolution {groups.resolution}")
    title = f"Where “{query}” is searched and not followed" if query else "Where unmet searches are made"
    return Answer(
        groups.placed(table), f"{title}, by {'hexagon' if by == 'cell' else by}",
        of_words(cube, scope, *said), hidden_notes(cube.k, [hidden], f"{by}s are"),
    )  # fmt: skip
