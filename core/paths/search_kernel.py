"""The compiled loops of searches: what follows each one in its session, and who did what of a list."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.keep_kernel import kept
from core.paths.log import MEMBERS
from core.paths.room_kernel import grown, most_events

#: What an event of a kind is, as bits: a search that is asked about, a search, a purchase.
ASKED, SEARCH, BUYS = np.uint8(1), np.uint8(2), np.uint8(4)
#: What became of a search, as bits.
FOLLOWED, BOUGHT = np.uint8(1), np.uint8(2)


@njit(nogil=True, cache=True)
def read_searches(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, uses, members, roles, no_item, no_query
):
    """The searches of the shoppers `low` to `high`: uint32 event, uint32 shopper and uint8 state of each.

    `roles` is uint8[kinds]. A search is FOLLOWED by an event with an item that comes in its session before
    the session's next search, or carries an item itself; BOUGHT where its session goes on to a purchase.
    """
    kind, hour, place, mean, item, query, session = columns
    first, last = np.int64(start[low]), np.int64(start[high])
    most = 0
    for i in range(first, last):
        most += roles[kind[i]] & ASKED != 0
    event, who = np.empty(most, np.uint32), np.empty(most, np.uint32)
    state = np.empty(most, np.uint8)
    longest = most_events(low, high, start)
    # Of each session of a shopper, from its end on: an item before the next search; a purchase.
    met, paid = np.zeros(longest, np.uint8), np.zeros(longest, np.uint8)
    n = 0
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        begin, end = np.int64(start[u]), np.int64(start[u + 1])
        any_asked = False
        for i in range(begin, end):
            if roles[kind[i]] & ASKED:
                any_asked = True
                break
        if not any_asked:
            continue
        own = np.int64(session[begin])  # a shopper's sessions are numbered from their first event on
        met[: end - begin] = 0
        paid[: end - begin] = 0
        for i in range(end - 1, begin - 1, -1):
            role = roles[kind[i]]
            s = np.int64(session[i]) - own
            has_item = item[i] != no_item
            if role & SEARCH and query[i] != no_query:
                if role & ASKED and kept(i, uses, (hour, place, mean), tables):
                    event[n], who[n] = i, u
                    state[n] = (FOLLOWED if met[s] or has_item else 0) | (BOUGHT if paid[s] else 0)
                    n += 1
                met[s] = 0
            elif has_item:
                met[s] = 1
            if role & BUYS:
                paid[s] = 1
    return event[:n], who[:n], state[:n]


@njit(nogil=True, cache=True)
def read_about(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, uses, members, kinds, searches, items, queries
):
    """The events of the shoppers `low` to `high` that are about some items or search for some queries.

    `kinds` and `searches` are bool[kinds], what a scope keeps and what is a search; `items` and `queries`
    are bool tables. Gives uint32 event and uint32 shopper of each.
    """
    kind, hour, place, mean, item, query = columns
    event, who = np.empty(1024, np.uint32), np.empty(1024, np.uint32)
    n = 0
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if not (items[item[i]] or (searches[kind[i]] and queries[query[i]])):
                continue
            if kinds[kind[i]] and kept(i, uses, (hour, place, mean), tables):
                if n == event.size:
                    event, who = grown(event, 2 * n), grown(who, 2 * n)
                event[n], who[n] = i, u
                n += 1
    return event[:n], who[:n]


@njit(nogil=True, cache=True)
def tally(group, who, state, groups):  # type: ignore[no-untyped-def]
    """Counts of rows and of distinct shoppers by group: int64[groups, 7], in the order of `Tally`.

    Rows of one shopper stand together. `group` is int32[rows], −1 for none.
    """
    out = np.zeros((groups, 7), np.int64)
    last = np.full((groups, 4), -1, np.int64)
    for r in range(group.size):
        g = group[r]
        if g < 0:
            continue
        followed, bought = state[r] & FOLLOWED != 0, state[r] & BOUGHT != 0
        out[g, 0] += 1
        out[g, 1] += followed
        out[g, 2] += bought
        u = np.int64(who[r])
        if last[g, 0] != u:
            last[g, 0] = u
            out[g, 3] += 1
        if followed and last[g, 1] != u:
            last[g, 1] = u
            out[g, 4] += 1
        if not followed and last[g, 2] != u:
            last[g, 2] = u
            out[g, 5] += 1
        if bought and last[g, 3] != u:
            last[g, 3] = u
            out[g, 6] += 1
    return out
