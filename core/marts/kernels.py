"""Compiled loops over the cube's arrays: exact counts and distinct counts in one pass.

The arrays are nested: a shopper has sessions, a session has segments (one local hour in one place by
one means), a segment has rows (one kind of event each). Because all of a shopper's segments lie side
by side, and all of a session's within them, a distinct count needs no set: a group has met this
shopper already exactly when the last shopper it met is this one.

A question is four look-up tables, one a dimension table (place, means, hour, kind). Each gives the
part of the group's number that its dimension decides, or EXCLUDED to leave the event out; the group
is the sum of the four. The loops do not branch on what they read, which a processor cannot foresee:
what is left out counts into a last group that nobody reads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

#: Bits of a row's and of a segment's flags.
OPENS_SEGMENT, OPENS_SESSION, OPENS_SHOPPER, HOLDS_PURCHASE = 1, 2, 4, 8

#: So low that no sum of four parts with one of these among them is a group's number.
EXCLUDED = -(2**28)

#: A group's numbers lie side by side, as one question touches them together.
_EVENTS, _SHOPPERS, _SESSIONS, _BUYS, _LAST_SHOPPER, _LAST_SESSION, _LAST_BUYER, _WIDTH = range(8)


@njit(inline="always")
def _meet(state, g, events, shopper, session, bought):  # type: ignore[no-untyped-def]
    """Count events of a group, and the shopper, session and buying session where new to it."""
    state[g, _EVENTS] += events
    state[g, _SHOPPERS] += state[g, _LAST_SHOPPER] != shopper
    state[g, _LAST_SHOPPER] = shopper
    state[g, _SESSIONS] += state[g, _LAST_SESSION] != session
    state[g, _LAST_SESSION] = session
    state[g, _BUYS] += bought & (state[g, _LAST_BUYER] != session)
    state[g, _LAST_BUYER] = session if bought else state[g, _LAST_BUYER]


@njit(inline="always")
def _fresh(groups):  # type: ignore[no-untyped-def]
    """The numbers of groups that have met nobody, and of the one for what is left out."""
    state = np.zeros((groups + 1, _WIDTH), np.int32)
    state[:, _LAST_SHOPPER:] = -1
    return state


@njit(inline="always")
def _total(states, groups):  # type: ignore[no-untyped-def]
    """Sums over blocks: int64[4, groups]."""
    out = np.zeros((4, groups), np.int64)
    for block in range(states.shape[0]):
        for g in range(groups):
            for i in range(4):
                out[i, g] += states[block, g, i]
    return out


@njit(parallel=True, nogil=True, cache=True)
def count_segments(  # type: ignore[no-untyped-def]
    bounds, place, means, hour, flags, events, by_place, by_means, by_hour, groups, margins
):
    """Events, shoppers, sessions and buying sessions where every kind of event counts alike.

    No row is read. `bounds` are int64[blocks + 1] segments at which shoppers begin. `margins` further
    groups follow the `groups`: each sums up `groups ÷ margins` neighbours, counting a shopper once.
    Gives int64[4, groups + margins].
    """
    blocks = bounds.size - 1
    last = groups + margins
    share = margins / groups
    states = np.empty((blocks, last + 1, _WIDTH), np.int32)
    for block in prange(blocks):
        states[block] = _fresh(last)
        state = states[block]
        shopper = session = 0
        for s in range(bounds[block], bounds[block + 1]):
            f = flags[s]
            shopper += (f & OPENS_SHOPPER) >> 2
            session += (f & OPENS_SESSION) >> 1
            bought = (f & HOLDS_PURCHASE) >> 3
            g = by_hour[hour[s]] + by_place[place[s]] + by_means[means[s]]
            if margins:
                m = groups + int((g + 0.5) * share)
                _meet(state, m if g >= 0 else last, events[s], shopper, session, bought)
            _meet(state, g if g >= 0 else last, events[s], shopper, session, bought)
    return _total(states, last)


@njit(parallel=True, nogil=True, cache=True)
def count_rows(  # type: ignore[no-untyped-def]
    bounds, first_segments, place, means, hour, row_flags, kind, n,
    by_place, by_means, by_hour, by_kind, groups, margins,
):  # fmt: skip
    """As `count_segments` where the kind of event decides too.

    `bounds` are int64[blocks + 1] rows at which shoppers begin, `first_segments` the segment of each.
    """
    blocks = bounds.size - 1
    last = groups + margins
    share = margins / groups
    states = np.empty((blocks, last + 1, _WIDTH), np.int32)
    for block in prange(blocks):
        states[block] = _fresh(last)
        state = states[block]
        shopper = session = 0
        s = first_segments[block] - 1
        for r in range(bounds[block], bounds[block + 1]):
            f = row_flags[r]
            s += f & OPENS_SEGMENT
            shopper += (f & OPENS_SHOPPER) >> 2
            session += (f & OPENS_SESSION) >> 1
            bought = (f & HOLDS_PURCHASE) >> 3
            g = by_hour[hour[s]] + by_place[place[s]] + by_means[means[s]] + by_kind[kind[r]]
            if margins:
                m = groups + int((g + 0.5) * share)
                _meet(state, m if g >= 0 else last, n[r], shopper, session, bought)
            _meet(state, g if g >= 0 else last, n[r], shopper, session, bought)
    return _total(states, last)


@njit(parallel=True, nogil=True, cache=True)
def sum_money(  # type: ignore[no-untyped-def]
    segment, kind, money, place, means, hour, by_place, by_means, by_hour, by_kind, buys, groups, blocks
):
    """Revenue net of returns, and gross of them, of every group: int64[2, groups] in money units.

    `buys` is uint8[kinds]: whether a kind is a purchase.
    """
    out = np.zeros((blocks, 2, groups + 1), np.int64)
    for block in prange(blocks):
        total = out[block]
        for m in range(segment.size * block // blocks, segment.size * (block + 1) // blocks):
            s = segment[m]
            g = by_hour[hour[s]] + by_place[place[s]] + by_means[means[s]] + by_kind[kind[m]]
            g = g if g >= 0 else groups
            total[0, g] += money[m]
            total[1, g] += money[m] * buys[kind[m]]
    return out.sum(axis=0)[:, :groups]


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
