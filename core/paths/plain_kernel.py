"""The compiled loop for plain funnels: steps in order, one event a step, nothing held, excluded or optional.

It reads a path's events once and keeps, for each step, the second of the latest entry that can still reach
it and the event that got there, packed into one number; an event remembers the one before it, so that a
path is put together only once, at its end. What it cannot tell in one reading it leaves to
`core.paths.match_kernel`: events of one second, and sessions that interleave.

Indexes are unsigned: numba looks at the sign of any other.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

from core.paths.log import HOUR, ITEM, MEAN, MEMBERS, NOWHERE, PLACE, QUERY
from core.paths.match_kernel import grown, grown_columns

#: The low half of a packed number is an event, the high half a second.
EVENT = np.int64(2**32 - 1)
#: So long ago that no window reaches it; seconds and windows are below 2**31.
NEVER = np.int64(-(2**63))


@njit(nogil=True, cache=True)
def match_plain(  # type: ignore[no-untyped-def]
    low, high, start, columns, step_of_kind, filters, uses, members, steps, window, by_session
):
    """Shoppers `low` to `high`, as `match_kernel.match_block` gives them, and the shoppers left to it.

    `step_of_kind` is uint8[kinds]: the step that an event of a kind is, from 1, 0 for none. `filters` are
    uint8 tables of hours and places, and uint8[steps + 1, codes] of means, items and queries.
    Gives uint32[found], uint32[steps, found], uint32[left].
    """
    kind, second, hour, place, mean, item, query, session = columns
    by_hour, by_place, by_mean, by_item, by_query = filters
    longest = np.max(np.diff(start[low : high + 1]))
    step = np.zeros(longest, np.uint8)
    before = np.zeros(longest, np.uint32)
    state = np.zeros(steps + 1, np.int64)
    room = high - low  # a shopper has one path; sessions may need more room
    who = np.empty(room, np.uint32)
    found = np.empty((steps, room), np.uint32)
    left = np.empty(256, np.uint32)
    count = lefts = 0
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        first, stop = index(start[u]), index(start[u + 1])
        for i in range(first, stop):
            step[i - first] = step_of_kind[index(kind[i])]
        if uses & HOUR:
            for i in range(first, stop):
                step[i - first] *= by_hour[index(hour[i])]
        if uses & PLACE:
            for i in range(first, stop):
                step[i - first] *= by_place[index(place[i])]
        if uses & MEAN:
            for i in range(first, stop):
                step[i - first] *= by_mean[index(step[i - first]), index(mean[i])]
        if uses & ITEM:
            for i in range(first, stop):
                step[i - first] *= by_item[index(step[i - first]), index(item[i])]
        if uses & QUERY:
            for i in range(first, stop):
                step[i - first] *= by_query[index(step[i - first]), index(query[i])]
        opened = count  # where this shopper's paths begin, should they have to be taken back
        a = first
        plain = True
        while a < stop and plain:
            b = stop
            if by_session:
                b = a + index(1)
                while b < stop and session[b] == session[a]:
                    b += index(1)
                plain = b == stop or session[b] > session[a]
            furthest, end, tie = _follow(a, b, first, step, second, window, state, before)
            plain &= not tie
            if furthest:
                if count == room:
                    room *= 2
                    who = grown(who, room)
                    found = grown_columns(found, room)
                who[count] = u
                _put_together(found, count, furthest, end, first, before)
                count += 1
            a = b
        if not plain:
            count = opened
            if lefts == left.size:
                left = grown(left, 2 * lefts)
            left[lefts] = u
            lefts += 1
    return who[:count], found[:, :count], left[:lefts]


@njit(nogil=True, cache=True, inline="always")
def _follow(a, b, first, step, second, window, state, before):  # type: ignore[no-untyped-def]
    """How far the events `a` to `b` get, by which last event, and whether two steps share a second.

    There is no branch in the loop: what the next event is cannot be foretold, so that each would be taken
    wrong time and again. An event that is no step (0) does no harm.
    """
    state[:] = NEVER
    furthest = index(0)
    end = index(0)
    now = np.int64(-1)
    tie = False
    for i in range(a, b):
        s = index(step[i - first])
        t = np.int64(second[i])
        tie |= (t == now) & (s > 0)
        now = t if s else now
        state[0] = t << 32
        was = state[s - index(s > 0)]
        on = t - (was >> 32) <= window
        before[i - first] = np.uint32(was & EVENT)
        state[s] = ((was & ~EVENT) | np.int64(i)) if on else state[s]
        better = on & (s > furthest)
        furthest = s if better else furthest
        end = i if better else end  # type: ignore[assignment]
    return furthest, end, tie


@njit(nogil=True, cache=True, inline="always")
def _put_together(found, count, furthest, end, first, before):  # type: ignore[no-untyped-def]
    """Write a path's events, from its last one back."""
    for missed in range(furthest, index(found.shape[0])):
        found[missed, count] = NOWHERE
    s = furthest
    while True:
        s -= index(1)
        found[s, count] = end
        if s == 0:
            break
        end = index(before[end - first])
