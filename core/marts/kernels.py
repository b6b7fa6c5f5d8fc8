"""Compiled loops over the cube's arrays: exact counts and distinct counts in one pass.

The arrays are nested: a shopper has sessions, a session has segments (one local hour in one place by
one means), a segment has rows (one kind of event each). Because all of a shopper's segments lie side
by side, and all of a session's within them, a distinct count needs no set: a group has met this
shopper already exactly when the last shopper it met is this one.

A question is four look-up tables, one a dimension table (place, means, hour, kind). Each gives the
part of the group's number that its dimension decides, or EXCLUDED to leave the event out; the group
is the sum of the four. A place's or means' table that decides nothing is not looked at.

Indexes are unsigned: numba looks at the sign of any other, which doubles the time of these loops.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numba import uint64 as index

#: Bits of a row's and of a segment's flags.
OPENS_SEGMENT, OPENS_SESSION, OPENS_SHOPPER, HOLDS_PURCHASE = 1, 2, 4, 8

#: So low that no sum of four parts with one of these among them is a group's number.
EXCLUDED = -(2**28)

#: What is known of a group is two words, each of two halves: shoppers and sessions, events and the
#: last session met. A pass is bound by its reads and writes, and halves travel together.
_COUNTS, _EVENTS_AND_LAST = map(np.uint64, range(2))
_HALF, _LOW = np.int64(32), np.int64(2**32 - 1)

#: Met at purchases alone, so apart: buying sessions and the last one of them.
_BUYS, _LAST_BUYER = map(np.uint64, range(2))


@njit(inline="always")
def _meet(state, buying, group, events, first, session, bought):  # type: ignore[no-untyped-def]
    """Count events of a group, and the shopper, session and buying session where new to it.

    `first` is the shopper's first session: sessions are numbered in order, so a group whose last one
    came before it has not met the shopper.
    """
    g = index(group)
    known = state[g, _EVENTS_AND_LAST]
    last = known & _LOW
    state[g, _COUNTS] += (np.int64(last < first) << _HALF) | np.int64(last != session)
    state[g, _EVENTS_AND_LAST] = (known & ~_LOW) + ((np.int64(events) << _HALF) | session)
    if bought:
        buying[g, _BUYS] += buying[g, _LAST_BUYER] != session
        buying[g, _LAST_BUYER] = session


@njit(inline="always")
def _count(state, buying, g, groups, margins, share, events, first, session, bought):  # type: ignore[no-untyped-def]
    """Count events of a group and, where there are margins, of the one that sums it up."""
    if margins:
        _meet(state, buying, groups + np.int64((g + 0.5) * share), events, first, session, bought)
    _meet(state, buying, g, events, first, session, bought)


@njit(inline="always")
def _blank(blocks, groups):  # type: ignore[no-untyped-def]
    """What is known of each group by each block, before any event."""
    return np.zeros((blocks, groups, 2), np.int64), np.zeros((blocks, groups, 2), np.int32)


@njit(inline="always")
def _total(states, buyings):  # type: ignore[no-untyped-def]
    """Sums over blocks: int64[4, groups]."""
    blocks, groups, _ = states.shape
    out = np.zeros((4, groups), np.int64)
    for block in range(blocks):
        for g in range(groups):
            out[0, g] += states[block, g, _EVENTS_AND_LAST] >> _HALF
            out[1, g] += states[block, g, _COUNTS] >> _HALF
            out[2, g] += states[block, g, _COUNTS] & _LOW
            out[3, g] += buyings[block, g, _BUYS]
    return out


@njit(parallel=True, nogil=True, cache=True)
def count_segments(  # type: ignore[no-untyped-def]
    blocks_of, runs, place, means, hour, flags, events, by_place, by_means, by_hour, groups, margins
):
    """Events, shoppers, sessions and buying sessions where every kind of event counts alike.

    No row is read. `runs` are int64[runs, 2] segments of shoppers side by side, `blocks_of` int64[blocks
    + 1] the runs that are counted by one thread. `margins` further groups follow the `groups`: each sums
    up `groups ÷ margins` neighbours, counting a shopper once.
    Gives int64[4, groups + margins].
    """
    blocks = blocks_of.size - 1
    share = margins / groups
    states, buyings = _blank(blocks, groups + margins)
    placed, carried = by_place.any(), by_means.any()
    for block in prange(blocks):
        state, buying = states[block], buyings[block]
        first = session = np.int64(0)  # counted from 1, so that no group has met them
        for run in range(blocks_of[block], blocks_of[block + 1]):
            for s in range(index(runs[run, 0]), index(runs[run, 1])):
                f = np.int64(flags[s])
                session += (f & OPENS_SESSION) >> 1
                first = session if f & OPENS_SHOPPER else first
                g = np.int64(by_hour[index(hour[s])])
                if placed:
                    g += by_place[index(place[s])]
                if carried:
                    g += by_means[index(means[s])]
                if g < 0:
                    continue
                _count(
                    state, buying, g, groups, margins, share, events[s], first, session, f & HOLDS_PURCHASE
                )
    return _total(states, buyings)


@njit(parallel=True, nogil=True, cache=True)
def count_kinds(  # type: ignore[no-untyped-def]
    blocks_of, runs, segment_runs, place, means, hour, flags, rows, kind, n,
    by_place, by_means, by_hour, by_kind, buys, groups, margins,
):  # fmt: skip
    """As `count_segments` where the kind of event decides too: rows are read of what else is kept.

    `runs` are int64[runs, 2] rows of shoppers side by side, `segment_runs` the segments of the same,
    `rows` how many rows a segment has. `buys` is uint8[kinds]: whether a kind is a purchase.
    """
    blocks = blocks_of.size - 1
    share = margins / groups
    states, buyings = _blank(blocks, groups + margins)
    placed, carried = by_place.any(), by_means.any()
    for block in prange(blocks):
        state, buying = states[block], buyings[block]
        first = session = np.int64(0)
        for run in range(blocks_of[block], blocks_of[block + 1]):
            end = index(runs[run, 0])
            for s in range(index(segment_runs[run, 0]), index(segment_runs[run, 1])):
                start = end
                end += index(rows[s])
                f = np.int64(flags[s])
                session += (f & OPENS_SESSION) >> 1
                first = session if f & OPENS_SHOPPER else first
                kept = np.int64(by_hour[index(hour[s])])
                if kept < 0:
                    continue
                if placed:
                    kept += by_place[index(place[s])]
                if carried:
                    kept += by_means[index(means[s])]
                if kept < 0:
                    continue
                for r in range(start, end):
                    k = index(kind[r])
                    g = kept + by_kind[k]
                    if g >= 0:
                        _count(state, buying, g, groups, margins, share, n[r], first, session, buys[k])
    return _total(states, buyings)


@njit(parallel=True, nogil=True, cache=True)
def count_few_kinds(  # type: ignore[no-untyped-def]
    blocks_of, runs, segment_runs, place, means, hour, row_flags, kind, n,
    by_place, by_means, by_hour, by_kind, groups, margins,
):  # fmt: skip
    """As `count_kinds` where most kinds are left out: what else is kept is looked up for few rows."""
    blocks = blocks_of.size - 1
    share = margins / groups
    states, buyings = _blank(blocks, groups + margins)
    placed, carried = by_place.any(), by_means.any()
    for block in prange(blocks):
        state, buying = states[block], buyings[block]
        first = session = np.int64(0)
        for run in range(blocks_of[block], blocks_of[block + 1]):
            s = index(segment_runs[run, 0] - 1)
            for r in range(index(runs[run, 0]), index(runs[run, 1])):
                f = np.int64(row_flags[r])
                s += index(f & OPENS_SEGMENT)
                session += (f & OPENS_SESSION) >> 1
                first = session if f & OPENS_SHOPPER else first
                g = np.int64(by_kind[index(kind[r])])
                if g < 0:
                    continue
                g += by_hour[index(hour[s])]
                if placed:
                    g += by_place[index(place[s])]
                if carried:
                    g += by_means[index(means[s])]
                if g >= 0:
                    _count(state, buying, g, groups, margins, share, n[r], first, session, f & HOLDS_PURCHASE)
    return _total(states, buyings)


@njit(parallel=True, nogil=True, cache=True)
def sum_money(  # type: ignore[no-untyped-def]
    place, means, hour, kind, money, by_place, by_means, by_hour, by_kind, buys, groups, blocks
):
    """Revenue net of returns, and gross of them, of every group: int64[2, groups] in money units.

    All but the tables are of rows with money. `buys` is uint8[kinds]: whether a kind is a purchase.
    """
    out = np.zeros((blocks, 2, groups), np.int64)
    placed, carried = by_place.any(), by_means.any()
    for block in prange(blocks):
        total = out[block]
        for m in range(money.size * block // blocks, money.size * (block + 1) // blocks):
            k = index(kind[m])
            g = np.int64(by_kind[k]) + by_hour[index(hour[m])]
            if placed:
                g += by_place[index(place[m])]
            if carried:
                g += by_means[index(means[m])]
            if g >= 0:
                total[0, index(g)] += money[m]
                total[1, index(g)] += money[m] * buys[k]
    return out.sum(axis=0)


@njit(nogil=True, cache=True)
def mark_nesting(shopper, session, hour, place, means, n):  # type: ignore[no-untyped-def]
    """Where sorted rows open a new shopper, session or segment, as flags: uint8[rows].

    The first row opens all three. A segment also ends before its events pass what two bytes hold.
    """
    out = np.zeros(shopper.size, np.uint8)
    events = 0
    for i in range(shopper.size):
        events += n[i]
        if i == 0 or shopper[i] != shopper[i - 1]:
            out[i] = OPENS_SHOPPER | OPENS_SESSION | OPENS_SEGMENT
        elif session[i] != session[i - 1]:
            out[i] = OPENS_SESSION | OPENS_SEGMENT
        elif (
            hour[i] != hour[i - 1] or place[i] != place[i - 1] or means[i] != means[i - 1] or events > 65_535
        ):
            out[i] = OPENS_SEGMENT
        if out[i]:
            events = n[i]
    return out
