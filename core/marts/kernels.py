"""Compiled loops over the cube's arrays: exact counts and distinct counts in one pass.

The arrays are nested: a shopper has segments (one local hour in one place by one means, within one
session), a segment has rows (one kind of event each). Because all of a shopper's segments lie side by
side, and all of a session's within them, a distinct count needs no set: a group has met this shopper
already exactly when the last shopper it met is this one.

A question is four look-up tables, one a dimension table (place, means, hour, kind). Each gives the
part of the group's number that its dimension decides, or a negative number to leave the event out;
the group is the sum of the four.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

#: Bits of a segment's flags.
OPENS_SESSION, HOLDS_PURCHASE = 1, 2


@njit(inline="always")
def _meet(total, last_shopper, last_session, last_buyer, g, shopper, session, bought):  # type: ignore[no-untyped-def]
    """Count a shopper, a session and a buying session of a group, each where it is new to it."""
    if last_session[g] != session:
        last_session[g] = session
        total[2, g] += 1
        if last_shopper[g] != shopper:
            last_shopper[g] = shopper
            total[1, g] += 1
    if bought and last_buyer[g] != session:
        last_buyer[g] = session
        total[3, g] += 1


@njit(parallel=True, nogil=True, cache=True)
def count_segments(  # type: ignore[no-untyped-def]
    shopper_start, place, means, hour, flags, events, by_place, by_means, by_hour, groups, distinct, blocks
):
    """Every kind of event counts, all in the same group: no row is read. int64[4, groups].

    The four numbers are events, shoppers, sessions and buying sessions.
    """
    out = np.zeros((blocks, 4, groups), np.int64)
    shoppers = shopper_start.size - 1
    for block in prange(blocks):
        total = out[block]
        last_shopper = np.full(groups if distinct else 1, -1, np.int32)
        last_session = np.full(groups if distinct else 1, -1, np.int32)
        last_buyer = np.full(groups if distinct else 1, -1, np.int32)
        session = 0
        for shopper in range(shoppers * block // blocks, shoppers * (block + 1) // blocks):
            for s in range(shopper_start[shopper], shopper_start[shopper + 1]):
                session += flags[s] & OPENS_SESSION
                h = by_hour[hour[s]]
                if h < 0:
                    continue
                p = by_place[place[s]]
                m = by_means[means[s]]
                if (p | m) < 0:
                    continue
                g = h + p + m
                total[0, g] += events[s]
                if distinct:
                    bought = flags[s] & HOLDS_PURCHASE
                    _meet(total, last_shopper, last_session, last_buyer, g, shopper, session, bought)
    return out.sum(axis=0)


@njit(parallel=True, nogil=True, cache=True)
def count_chosen(  # type: ignore[no-untyped-def]
    shopper_start, segment_start, place, means, hour, flags, kind, n,
    by_place, by_means, by_hour, chosen, buying, groups, distinct, blocks,
):  # fmt: skip
    """As `count_segments` when only some kinds count: a segment's rows are summed before its group.

    `chosen` and `buying` are uint8[kinds]: whether a kind counts, and whether it is then a purchase.
    """
    out = np.zeros((blocks, 4, groups), np.int64)
    shoppers = shopper_start.size - 1
    for block in prange(blocks):
        total = out[block]
        last_shopper = np.full(groups if distinct else 1, -1, np.int32)
        last_session = np.full(groups if distinct else 1, -1, np.int32)
        last_buyer = np.full(groups if distinct else 1, -1, np.int32)
        session = 0
        for shopper in range(shoppers * block // blocks, shoppers * (block + 1) // blocks):
            for s in range(shopper_start[shopper], shopper_start[shopper + 1]):
                session += flags[s] & OPENS_SESSION
                h = by_hour[hour[s]]
                if h < 0:
                    continue
                p = by_place[place[s]]
                m = by_means[means[s]]
                if (p | m) < 0:
                    continue
                events = 0
                bought = 0
                for r in range(segment_start[s], segment_start[s + 1]):
                    events += n[r] * chosen[kind[r]]
                    bought |= buying[kind[r]]
                if events:
                    g = h + p + m
                    total[0, g] += events
                    if distinct:
                        _meet(total, last_shopper, last_session, last_buyer, g, shopper, session, bought)
    return out.sum(axis=0)


@njit(parallel=True, nogil=True, cache=True)
def count_rows(  # type: ignore[no-untyped-def]
    shopper_start, segment_start, place, means, hour, flags, kind, n,
    by_place, by_means, by_hour, by_kind, buys, groups, distinct, blocks,
):  # fmt: skip
    """As `count_segments` when the kind decides part of the group: every row finds its own.

    `by_kind` is int32[kinds], `buys` uint8[kinds]: whether a kind is a purchase.
    """
    out = np.zeros((blocks, 4, groups), np.int64)
    shoppers = shopper_start.size - 1
    for block in prange(blocks):
        total = out[block]
        last_shopper = np.full(groups if distinct else 1, -1, np.int32)
        last_session = np.full(groups if distinct else 1, -1, np.int32)
        last_buyer = np.full(groups if distinct else 1, -1, np.int32)
        session = 0
        for shopper in range(shoppers * block // blocks, shoppers * (block + 1) // blocks):
            for s in range(shopper_start[shopper], shopper_start[shopper + 1]):
                session += flags[s] & OPENS_SESSION
                h = by_hour[hour[s]]
                if h < 0:
                    continue
                p = by_place[place[s]]
                m = by_means[means[s]]
                if (p | m) < 0:
                    continue
                base = h + p + m
                for r in range(segment_start[s], segment_start[s + 1]):
                    k = kind[r]
                    g = by_kind[k]
                    if g < 0:
                        continue
                    g += base
                    total[0, g] += n[r]
                    if distinct:
                        _meet(total, last_shopper, last_session, last_buyer, g, shopper, session, buys[k])
    return out.sum(axis=0)


@njit(nogil=True, cache=True)
def sum_money(  # type: ignore[no-untyped-def]
    segment, kind, money, place, means, hour, by_place, by_means, by_hour, by_kind, buys, groups
):
    """Revenue net of returns, and gross of them, of every group: int64[2, groups] in money units."""
    out = np.zeros((2, groups), np.int64)
    for m in range(segment.size):
        s = segment[m]
        g_hour = by_hour[hour[s]]
        if g_hour < 0:
            continue
        g_place = by_place[place[s]]
        if g_place < 0:
            continue
        g_means = by_means[means[s]]
        if g_means < 0:
            continue
        g = by_kind[kind[m]]
        if g < 0:
            continue
        g += g_hour + g_place + g_means
        out[0, g] += money[m]
        if buys[kind[m]]:
            out[1, g] += money[m]
    return out


@njit(nogil=True, cache=True)
def mark_nesting(shopper, session, hour, place, means, n):  # type: ignore[no-untyped-def]
    """Where sorted rows open a new shopper (4), session (2) or segment (1): uint8[rows].

    The first row opens all three. A segment also ends before its events pass what two bytes hold.
    """
    out = np.zeros(shopper.size, np.uint8)
    events = 0
    for i in range(shopper.size):
        events += n[i]
        if i == 0 or shopper[i] != shopper[i - 1]:
            out[i] = 7
        elif session[i] != session[i - 1]:
            out[i] = 3
        elif (
            hour[i] != hour[i - 1] or place[i] != place[i - 1] or means[i] != means[i - 1] or events > 65_535
        ):
            out[i] = 1
        if out[i]:
            events = n[i]
    return out
