"""The compiled loop for plain funnels: steps in order, one event a step, nothing held, excluded or optional.

Most paths are told by their steps alone: they are gone through as if there were no window, and from the
event that first got furthest back to the latest entry that leads there. That is the answer if it lies within
the window, and no two events share a second.

Of other paths it lists the events that are steps and keeps, for each step, the second of the latest entry
that can still reach it and the event that got there, packed into one number; an event remembers the one
before it, so that a path is put together only once, at its end. What it cannot tell in one reading it leaves
to `core.paths.match_kernel`: steps of one second, and sessions that interleave.

Indexes are unsigned: numba looks at the sign of any other.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

from core.paths.log import HOUR, ITEM, MEAN, MEMBERS, NOWHERE, PLACE, QUERY
from core.paths.room_kernel import grown, most_events

#: A number for the state of a step: the low half is a listed event, the high half a second.
EVENT = np.int64(2**32 - 1)
#: So long ago that no window reaches it; seconds and windows are below 2**31.
NEVER = np.int64(-(2**63))
#: A number for a listed event: its step from bit 59 on, its second from bit 28 on, its place on the path.
STEP, SECOND = index(59), index(28)
LATEST, PLACE_OF_EVENT = index(2**31 - 1), index(2**28 - 1)
NO_SECOND = index(2**32)
#: No number of steps: a path that its steps alone do not tell.
UNTOLD = index(2**32)
#: Shoppers whose seconds are looked at in one go: a loop over few events costs more to enter than to run.
_TOGETHER = 16


@njit(nogil=True, cache=True)
def match_plain(  # type: ignore[no-untyped-def]
    low, high, start, columns, step_of_kind, filters, uses, members, steps, window, by_session,
    who, found, room,
):  # fmt: skip
    """Shoppers `low` to `high`, as `match_kernel.match_block` gives them, and the shoppers left to it.

    `step_of_kind` is uint8[kinds]: the step that an event of a kind is, from 1, 0 for none. `filters` are
    uint8 tables of hours and places, and uint8[steps + 1, codes] of means, items and queries.
    Writes into uint32[paths] `who` and uint32[steps, paths] `found` from place `room` on, where there is
    one for each path that there can be; gives how many it wrote, and uint32[left].
    """
    kind, second, hour, place, mean, item, query, session = columns
    by_hour, by_place, by_mean, by_item, by_query = filters
    longest = most_events(low, high, start)
    step = np.zeros(longest, kind.dtype)
    room_for_a_path = (
        np.zeros(longest + 1, np.uint64), np.zeros(longest, np.uint32), np.zeros(steps + 1, np.int64),
    )  # fmt: skip
    listed, before, _ = room_for_a_path
    # Where nothing but the kind decides, the kinds are read themselves.
    narrowed = uses & ~MEMBERS != 0
    codes = step if narrowed else kind
    step_of = np.arange(steps + 1).astype(np.uint8) if narrowed else step_of_kind
    left = np.empty(256, np.uint32)
    count, lefts = room, 0
    looked, apart = low, True  # up to which shopper it is known whether all seconds are apart
    for u in range(low, high):
        if u == looked:
            looked = min(u + _TOGETHER, high)
            apart = not _shared(index(start[u]), index(start[looked]), second)
        if uses & MEMBERS and not members[u]:
            continue
        first, stop = index(start[u]), index(start[u + 1])
        if narrowed:
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
        at = index(0) if narrowed else first  # where its codes begin
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
            furthest = UNTOLD
            if apart or not _shared(a, b, second):
                furthest = _go(a, b, at + (a - first), codes, step_of, second, window, found, count)
            if furthest == UNTOLD:
                n, tie = _list(a, b, at + (a - first), codes, step_of, second, listed)
                plain &= not tie
                furthest, end = _follow(n, window, room_for_a_path)
                if furthest == 1:  # by its first such event, which may not be listed
                    i = a
                    while step_of[index(codes[at + (i - first)])] != 1:
                        i += index(1)
                    found[0, count] = i
                else:
                    for back in range(furthest):
                        found[furthest - index(1) - back, count] = a + (listed[end] & PLACE_OF_EVENT)
                        end = index(before[end])
            if furthest:
                who[count] = u
                for missed in range(furthest, index(steps)):
                    found[missed, count] = NOWHERE
                count += 1
            a = b
        if not plain:
            count = opened
            if lefts == left.size:
                left = grown(left, 2 * lefts)
            left[lefts] = u
            lefts += 1
    return count - room, left[:lefts]


@njit(nogil=True, cache=True, inline="always")
def _go(a, b, at, codes, step_of, second, window, found, count):  # type: ignore[no-untyped-def]
    """How far the events `a` to `b` get, written into column `count` of `found`; or UNTOLD.

    Without branches as far as it goes forward, and without seconds: the window is looked at once.
    """
    wanted = index(1)
    end = index(0)
    for i in range(index(0), b - a):
        on = index(step_of[index(codes[at + i])]) == wanted
        end = i if on else end  # type: ignore[assignment]
        wanted += index(on)
    i = end  # type: ignore[assignment]
    for step in range(wanted - index(1), index(0), -1):
        while index(step_of[index(codes[at + i])]) != step:
            i -= index(1)  # type: ignore[assignment]
        found[step - 1, count] = a + i
    if np.int64(second[a + end]) - np.int64(second[a + i]) > window:
        return UNTOLD
    return wanted - index(1)


@njit(nogil=True, cache=True, inline="always")
def _shared(a, b, second):  # type: ignore[no-untyped-def]
    """Whether two of the events `a` to `b`, one after the other, share a second."""
    together = np.uint32(0)
    for i in range(a + index(1), b):
        together += np.uint32(second[i] == second[i - index(1)])
    return together > 0


@njit(nogil=True, cache=True, inline="always")
def _list(a, b, at, codes, step_of, second, listed):  # type: ignore[no-untyped-def]
    """List the events `a` to `b` that are steps: step, second and place in one number, so that all follow
    from one load. Gives how many they are, and whether two steps share a second.

    Of first steps in a row only the last is listed: it leaves most of the window. There is no branch in
    the loop: what the next event is cannot be foretold, so that each would be taken wrong time and again.
    """
    n = index(0)
    last = index(0)
    now = NO_SECOND
    tie = False
    for i in range(index(0), b - a):
        s = index(step_of[index(codes[at + i])])
        t = index(second[a + i])
        again = (s == 1) & (last == 1)
        tie |= (t == now) & (s > 0) & (not again)
        now = t if s else now
        last = s if s else last
        n -= index(again)
        listed[n] = (s << STEP) | (t << SECOND) | i
        n += index(s > 0)
    return n, tie


@njit(nogil=True, cache=True, inline="always")
def _follow(n, window, room_for_a_path):  # type: ignore[no-untyped-def]
    """How far the `n` listed events get, and which of them is the last one; without branches as well."""
    listed, before, state = room_for_a_path
    if n < 2:
        return index(n == 1 and listed[0] >> STEP == 1), index(0)
    state[:] = NEVER
    furthest = index(0)
    end = index(0)
    for i in range(n):
        s = listed[i] >> STEP
        t = np.int64((listed[i] >> SECOND) & LATEST)
        state[0] = t << 32
        was = state[s - index(1)]
        on = t - (was >> 32) <= window
        before[i] = np.uint32(was & EVENT)
        state[s] = ((was & ~EVENT) | np.int64(i)) if on else state[s]
        better = on & (s > furthest)
        furthest = s if better else furthest
        end = i if better else end  # type: ignore[assignment]
    return furthest, end


@njit(nogil=True, cache=True)
def close_up(column, rooms, counts):  # type: ignore[no-untyped-def]
    """Bring what blocks wrote into a column from the places `rooms` on side by side, at its beginning."""
    end = 0
    for block in range(rooms.size):
        room, count = rooms[block], counts[block]
        if room > end:
            for n in range(count):
                column[end + n] = column[room + n]
        end += count
