"""Compiled loops over the cube's arrays: exact counts and distinct counts in one pass.

The arrays are nested: a shopper has sessions, a session has segments (one local hour in one place by
one means), a segment has rows (one kind of event each). Because all of a shopper's segments lie side
by side, and all of a session's within them, a distinct count needs no set: a group has met this
shopper already exactly when the last shopper it met is this one.

A question is four look-up tables, one a dimension table (place, means, hour, kind). Each gives the
part of the group's number that its dimension decides, or EXCLUDED to leave the event out; the group
is the sum of the four.

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

#: A group's numbers lie side by side, as one event touches them together.
_WIDTH = 8
_EVENTS, _SHOPPERS, _SESSIONS, _BUYS, _LAST_SESSION, _LAST_BUYER = map(np.uint64, range(6))


@njit(inline="always")
def _meet(state, group, events, first, session, bought):  # type: ignore[no-untyped-def]
    """Count events of a group, and the shopper, session and buying session where new to it.

    `first` is the shopper's first session: sessions are numbered in order, so a group whose last one
    came before it has not met the shopper.
    """
    g = index(group)
    last = state[g, _LAST_SESSION]
    state[g, _EVENTS] += events
    state[g, _SHOPPERS] += last < first
    state[g, _SESSIONS] += last != session
    state[g, _LAST_SESSION] = session
    if bought:
        state[g, _BUYS] += state[g, _LAST_BUYER] != session
        state[g, _LAST_BUYER] = session


@njit(inline="always")
def _count(state, g, groups, margins, share, events, first, session, bought):  # type: ignore[no-untyped-def]
    """Count events of a group and, where there are margins, of the one that sums it up."""
    if margins:
        _meet(state, groups + np.int64((g + 0.5) * share), events, first, session, bought)
    _meet(state, g, events, first, session, bought)


@njit(inline="always")
def _total(states):  # type: ignore[no-untyped-def]
    """Sums over blocks: int64[4, groups]."""
    blocks, groups, _ = states.shape
    out = np.zeros((4, groups), np.int64)
    for block in range(blocks):
        for g in range(groups):
            for i in range(4):
                out[i, g] += states[block, g, i]
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
    states = np.empty((blocks, groups + margins, _WIDTH), np.int32)
    for block in prange(blocks):
        state = np.zeros((groups + margins, _WIDTH), np.int32)
        first = session = np.int32(0)  # counted from 1, so that no group has met them
        for run in range(blocks_of[block], blocks_of[block + 1]):
            for s in range(index(runs[run, 0]), index(runs[run, 1])):
                f = np.int32(flags[s])
                session += np.int32((f & OPENS_SESSION) >> 1)
                first = session if f & OPENS_SHOPPER else first
                g = (
                    np.int64(by_hour[index(hour[s])])
                    + by_place[index(place[s])]
                    + by_means[index(means[s])]
                )  # fmt: skip
                if g < 0:
                    continue
                _count(state, g, groups, margins, share, events[s], first, session, f & HOLDS_PURCHASE)
        states[block] = state
    return _total(states)


@njit(parallel=True, nogil=True, cache=True)
def count_rows(  # type: ignore[no-untyped-def]
    blocks_of, runs, segment_runs, place, means, hour, row_flags, kind, n,
    by_place, by_means, by_hour, by_kind, groups, margins,
):  # fmt: skip
    """As `count_segments` where the kind of event decides too.

    `runs` are int64[runs, 2] rows of shoppers side by side, `segment_runs` the segments of the same.
    """
    blocks = blocks_of.size - 1
    share = margins / groups
    states = np.empty((blocks, groups + margins, _WIDTH), np.int32)
    for block in prange(blocks):
        state = np.zeros((groups + margins, _WIDTH), np.int32)
        first = session = np.int32(0)
        for run in range(blocks_of[block], blocks_of[block + 1]):
            s = index(segment_runs[run, 0] - 1)
            for r in range(index(runs[run, 0]), index(runs[run, 1])):
                f = np.int32(row_flags[r])
                s += index(f & OPENS_SEGMENT)
                session += np.int32((f & OPENS_SESSION) >> 1)
                first = session if f & OPENS_SHOPPER else first
                k = np.int64(by_kind[index(kind[r])])
                if k < 0:
                    continue
                g = k + by_hour[index(hour[s])] + by_place[index(place[s])] + by_means[index(means[s])]
                if g < 0:
                    continue
                _count(state, g, groups, margins, share, n[r], first, session, f & HOLDS_PURCHASE)
        states[block] = state
    return _total(states)


@njit(parallel=True, nogil=True, cache=True)
def sum_money(  # type: ignore[no-untyped-def]
    segment, kind, money, place, means, hour, by_place, by_means, by_hour, by_kind, buys, groups, blocks
):
    """Revenue net of returns, and gross of them, of every group: int64[2, groups] in money units.

    `buys` is uint8[kinds]: whether a kind is a purchase.
    """
    out = np.zeros((blocks, 2, groups), np.int64)
    for block in prange(blocks):
        total = out[block]
        for m in range(segment.size * block // blocks, segment.size * (block + 1) // blocks):
            s = segment[m]
            g = by_hour[hour[s]] + by_place[place[s]] + by_means[means[s]] + by_kind[kind[m]]
            if g >= 0:
                total[0, g] += money[m]
                total[1, g] += money[m] * buys[kind[m]]
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
