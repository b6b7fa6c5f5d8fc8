"""The compiled loop that finds how far each shopper's events follow the steps of a funnel.

Greedy "first match" is wrong once a window applies. For each step the loop keeps the latest entry that
can still reach it: a later entry leaves more of the window, so it is never worse. An event serves as one
step. `core.paths.match` says what the rules mean; tests hold the loop against brute force.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import HOUR, ITEM, MEAN, MEMBERS, NOWHERE, PLACE, QUERY
from core.paths.room_kernel import grown, grown_columns

#: Bits of an event's mask: steps from 0, then exclusions, then whether it is on the path at all.
FIRST_EXCLUSION = 20
ON_PATH = np.uint32(1 << 31)
_STEPS = np.uint32((1 << FIRST_EXCLUSION) - 1)

ORDERED, STRICT, ANY_ORDER = 0, 1, 2
ANY_ENTRY, FIRST_ENTRY, START_ENTRY = 0, 1, 2
BY_SHOPPER, BY_SESSION = 0, 1
HOLD_NOTHING, HOLD_ITEM, HOLD_CATEGORY = 0, 1, 2

_ONE = np.uint32(1)


@njit(nogil=True, cache=True)
def match_block(  # type: ignore[no-untyped-def]
    low, high, chosen, start, columns, masks, uses, members, naming, pred, optional, exclusions, rules
):
    """Who of the shoppers `low` to `high` entered, and which event was which step.

    Where `chosen` is not empty, they are places in it and it names the shoppers.

    `columns` are kind, second, hour, place, mean, item, query, session [events]; `masks` their look-up
    tables (uint32 bits of steps for kind, mean, item, query and token; bool for hour and place).
    `naming` is (token of kind, token of item, code of no item, category of kind). `pred` is the required
    step before each, `exclusions` int64[n, 2] the steps between which each applies. `rules` are window
    (seconds), order, entry, unit, hold, whether repeats collapse, whether the path is read from its end.

    Gives uint32[found] shoppers, uint32[steps, found] events or NOWHERE, and whether some event met two
    steps at once.
    """
    kind, second, hour, place, mean, item, query, session = columns
    by_kind, by_hour, by_place, by_mean, by_item, by_query, by_token = masks
    token_of_kind, token_of_item, no_item, category_of_kind = naming
    _, order, _, unit, hold, collapse, backward = rules
    steps = pred.size
    longest = np.int64(1)
    for n in range(low, high):
        u = np.int64(chosen[n]) if chosen.size else n
        longest = max(longest, np.int64(start[u + 1]) - np.int64(start[u]))
    event = np.empty(longest, np.uint32)
    mask = np.empty(longest, np.uint32)
    token = np.empty(longest, np.int32)
    of_unit = np.zeros(longest, np.int64)
    of_value = np.zeros(longest, np.int64)
    state = (
        np.zeros(steps, np.int64), np.zeros(steps, np.int64), np.zeros(steps, np.bool_),
        np.empty((steps, steps), np.uint32),
    )  # fmt: skip
    chain = np.empty(steps, np.uint32)
    best = np.empty(steps, np.uint32)
    room = max(256, (high - low) // 4)
    who = np.empty(room, np.uint32)
    found = np.empty((steps, room), np.uint32)
    count = 0
    twice = False
    tell = collapse or by_token.size > 0
    for who_is in range(low, high):
        u = np.int64(chosen[who_is]) if chosen.size else who_is
        if uses & MEMBERS and not members[u]:
            continue
        n = np.int64(0)  # type: ignore[assignment]  # a bare 0 compiles what it is given to once more
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            m = by_kind[kind[i]]
            if m == 0:
                continue
            if uses & HOUR and not by_hour[hour[i]]:
                continue
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN:
                m &= by_mean[mean[i]]
            if uses & ITEM:
                m &= by_item[item[i]]
            if uses & QUERY:
                m &= by_query[query[i]]
            if tell:
                t = token_of_kind[kind[i]]
                if token_of_item.size and item[i] != no_item:
                    t = token_of_item[item[i]]
                if t < 0:
                    continue
                if by_token.size:
                    m &= by_token[t]
                token[n] = t
            if m == 0:
                continue
            if hold == HOLD_ITEM:
                if item[i] == no_item:
                    continue
                of_value[n] = item[i]
            elif hold == HOLD_CATEGORY:
                if category_of_kind[kind[i]] < 0:
                    continue
                of_value[n] = category_of_kind[kind[i]]
            if unit == BY_SESSION:
                of_unit[n] = session[i]
            event[n] = i
            mask[n] = m
            n += 1
        if n == 0:
            continue
        if unit == BY_SESSION or hold:
            _sort(event, mask, token, of_unit, of_value, n)
        first = np.int64(0)
        while first < n:
            best_level = -1
            best_end = np.int64(0)
            last_of_unit = first
            while last_of_unit < n and of_unit[last_of_unit] == of_unit[first]:
                last_of_unit += 1
            a = first
            while a < last_of_unit:
                b = a
                while b < last_of_unit and of_value[b] == of_value[a]:
                    b += 1
                if backward:
                    _reverse(event, mask, token, a, b)
                if order == ORDERED:
                    level = _ordered(
                        event, mask, a, b, second, pred, optional, exclusions, rules, state, chain
                    )
                elif order == STRICT:
                    level = _strict(event, mask, token, a, b, second, pred, optional, rules, state, chain)
                else:
                    level, met_twice = _any(event, mask, a, b, second, steps, rules, state, chain)
                    twice |= met_twice
                if level >= 0:
                    end = np.int64(second[chain[level]])
                    if level > best_level or (level == best_level and end < best_end):
                        best_level, best_end = level, end
                        best[:] = chain
                a = b
            if best_level >= 0:
                if count == room:
                    room *= 2
                    who = grown(who, room)
                    found = grown_columns(found, room)
                who[count] = u
                found[:, count] = best
                count += 1
            first = last_of_unit
    return who[:count], found[:, :count], twice


@njit(nogil=True, cache=True)
def _ordered(event, mask, a, b, second, pred, optional, exclusions, rules, state, chain):  # type: ignore[no-untyped-def]
    """Other events may come between. Events of one second stand in no order: any that helps counts."""
    steps = pred.size
    valid = state[2]
    valid[:] = False
    chain[:] = NOWHERE
    level = np.int64(-1)
    entered = np.bool_(False)
    p = a
    while p < b:
        t = np.int64(second[event[p]])
        q = p + 1
        while q < b and second[event[q]] == t:
            q += 1
        if q == p + 1:
            level, entered = _take(p, a, event, mask, t, pred, optional, rules, state, chain, level, entered)
        else:
            for s in range(steps):
                for r in range(p, q):
                    if (mask[r] & _STEPS) & (~(mask[r] & _STEPS) + _ONE) == _ONE << np.uint32(s):
                        level, entered = _take(
                            r, a, event, mask, t, pred, optional, rules, state, chain, level, entered
                        )
        if level == steps - 1:
            return level
        for x in range(exclusions.shape[0]):
            bit = _ONE << np.uint32(FIRST_EXCLUSION + x)
            for r in range(p, q):
                if mask[r] & bit:
                    for s in range(exclusions[x, 0], exclusions[x, 1]):
                        if state[1][s] < t:
                            valid[s] = False
                    break
        p = q
    return level


@njit(nogil=True, cache=True)
def _take(r, a, event, mask, t, pred, optional, rules, state, chain, level, entered):  # type: ignore[no-untyped-def]
    """Let one event be a step, from the last step that it can be to the first, so that it is one only."""
    window, _, entry, _, _, _, _ = rules
    since, last, valid, ways = state
    m = mask[r]
    for s in range(pred.size - 1, 0, -1):
        if not m & (_ONE << np.uint32(s)):
            continue
        f = pred[s]
        if not valid[f] or abs(t - since[f]) > window:
            continue
        since[s], last[s], valid[s] = since[f], t, True
        ways[s] = NOWHERE
        ways[s, : f + 1] = ways[f, : f + 1]
        for o in range(f + 1, s):
            if valid[o] and since[o] == since[f]:
                ways[s, o] = ways[o, o]
        ways[s, s] = event[r]
        if optional[s]:
            if chain[s] == NOWHERE:
                chain[s] = event[r]
        elif s > level:
            level = s
            for i in range(s + 1):
                if not optional[i] or ways[s, i] != NOWHERE:
                    chain[i] = ways[s, i]
    if m & _ONE and (entry == 0 or (entry == 1 and not entered) or (entry == 2 and r == a)):
        since[0], last[0], valid[0] = t, t, True
        ways[0] = NOWHERE
        ways[0, 0] = event[r]
        entered = True
        if level < 0:
            level = 0
            chain[0] = event[r]
    return level, entered


@njit(nogil=True, cache=True)
def _strict(event, mask, token, a, b, second, pred, optional, rules, state, chain):  # type: ignore[no-untyped-def]
    """Nothing on the path may come between two steps; events stand in the order of the path."""
    window, _, entry, _, _, collapse, _ = rules
    since, _, valid, ways = state
    steps = pred.size
    valid[:] = False
    chain[:] = NOWHERE
    level = -1
    entered = False
    before = -1
    for r in range(a, b):
        if collapse:
            if r > a and token[r] == before:
                continue
            before = token[r]
        m = mask[r]
        t = np.int64(second[event[r]])
        for s in range(steps - 1, -1, -1):
            here = (m & (_ONE << np.uint32(s))) != 0
            if s == 0:
                if here and (entry == 0 or (entry == 1 and not entered) or (entry == 2 and r == a)):
                    since[0], valid[0] = t, True
                    ways[0] = NOWHERE
                    ways[0, 0] = event[r]
                    entered = True
                    if level < 0:
                        level = 0
                        chain[0] = event[r]
                else:
                    valid[0] = False
                continue
            f = -1
            if here:
                for o in range(pred[s], s):
                    if valid[o] and abs(t - since[o]) <= window and (f < 0 or since[o] > since[f]):
                        f = o
            valid[s] = f >= 0
            if f < 0:
                continue
            since[s] = since[f]
            ways[s] = NOWHERE
            ways[s, : f + 1] = ways[f, : f + 1]
            ways[s, s] = event[r]
            if optional[s]:
                if chain[s] == NOWHERE:
                    chain[s] = event[r]
            elif s > level:
                level = s
                for i in range(s + 1):
                    if not optional[i] or ways[s, i] != NOWHERE:
                        chain[i] = ways[s, i]
        if level == steps - 1:
            break
    return level


@njit(nogil=True, cache=True)
def _any(event, mask, a, b, second, steps, rules, state, chain):  # type: ignore[no-untyped-def]
    """As many of the steps as one window holds, whatever their order; step n is the n-th in time."""
    window = rules[0]
    latest, _, done, _ = state
    done[:] = False
    rows = np.zeros(steps, np.int64)
    chain[:] = NOWHERE
    best = 0
    twice = False
    for r in range(a, b):
        m = mask[r] & _STEPS
        if m == 0:
            continue
        twice |= m & (m - _ONE) != 0
        t = np.int64(second[event[r]])
        for s in range(steps):
            if m & (_ONE << np.uint32(s)):
                latest[s], done[s], rows[s] = t, True, r
        held = 0
        for s in range(steps):
            held += done[s] and t - latest[s] <= window
        if held > best:
            best = held
            n = 0
            for s in range(steps):
                if done[s] and t - latest[s] <= window:
                    p = n
                    while p > 0 and chain[p - 1] > event[rows[s]]:
                        chain[p] = chain[p - 1]
                        p -= 1
                    chain[p] = event[rows[s]]
                    n += 1
            if best == steps:
                break
    return best - 1, twice


@njit(nogil=True, cache=True)
def _sort(event, mask, token, of_unit, of_value, n):  # type: ignore[no-untyped-def]
    """Bring the events of a unit, and of a held value within it, side by side; in time among themselves."""
    sorted_already = True
    for i in range(1, n):
        if of_unit[i] < of_unit[i - 1] or (of_unit[i] == of_unit[i - 1] and of_value[i] < of_value[i - 1]):
            sorted_already = False
            break
    if sorted_already:
        return
    order = np.argsort(of_value[:n], kind="mergesort")
    order = order[np.argsort(of_unit[:n][order], kind="mergesort")]
    event[:n] = event[:n][order]
    mask[:n] = mask[:n][order]
    token[:n] = token[:n][order]
    of_unit[:n] = of_unit[:n][order]
    of_value[:n] = of_value[:n][order]


@njit(nogil=True, cache=True)
def _reverse(event, mask, token, a, b):  # type: ignore[no-untyped-def]
    event[a:b] = event[a:b][::-1].copy()
    mask[a:b] = mask[a:b][::-1].copy()
    token[a:b] = token[a:b][::-1].copy()
