"""The compiled loops that read paths from the path log, event by event.

All of them stand in one file: numba's cache of a function watches no file but the function's own.
Each takes shoppers `low` to `high` and a `walk`, the tuple that `core.paths.walk.Walk.arguments` makes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import HOUR, MEAN, MEMBERS, PLACE

#: Tokens of kinds that a path leaves out: hidden by name, and not in the scope at all.
HIDDEN, NOT_KEPT = -1, -2

#: Where a sequence begins: see `core.paths.sequences`.
START, END, AFTER, BEFORE, AROUND = range(5)

#: Events read at a time; few enough for the processor's cache.
_CHUNK = 1 << 13

#: Numbers without a pattern, for fingerprints (Steele, Lea & Flood 2014, "Fast splittable pseudorandom
#: number generators"); of 11 M distinct paths any two share one with a chance of 3 in a million.
_SEED, _ODD = np.uint64(0x243F6A8885A308D3), np.uint64(0x9E3779B97F4A7C15)
_ODDER = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_NONE = np.uint64(0)
_BYTE = np.uint64(255)


@njit(nogil=True, cache=True)
def _room(low, high, start):  # type: ignore[no-untyped-def]
    """Space for a few shoppers' paths: a node's token, first and last event; a path's shopper, key, edge."""
    size = max(_CHUNK, np.max(np.diff(start[low : high + 1])))
    return (
        np.empty(size, np.int32), np.empty(size, np.uint32), np.empty(size, np.uint32),
        np.empty(size, np.int64), np.empty(size, np.int64), np.zeros(size + 1, np.int64),
        np.empty(size, np.uint32),
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _read(u, high, walk, room):  # type: ignore[no-untyped-def]
    """The paths of the shoppers from `u` on into `room`, as many as fit; gives the next shopper and how
    many paths there are.

    Sessions may interleave in time: they are told one by one, in the order in which they began. Many
    shoppers at a time, as each call counts references to every array.
    """
    start, columns, keep, uses, members, among, naming, rules = walk
    by_session, collapse, some = rules
    token, event, until, shopper, key, edge, of_session = room
    kind, hour, place, mean, item, session = columns
    by_hour, by_place, by_mean = keep
    of_kind, of_item, no_item = naming
    by_item = of_item.size > 0
    paths = 0
    m = 0
    while u < high and m + np.int64(start[u + 1]) - np.int64(start[u]) <= token.size:
        if (uses & MEMBERS and not members[u]) or (some and not by_session and not among[u]):
            u += 1
            continue
        n = m
        in_order = True
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            t = of_kind[kind[i]]
            if t == NOT_KEPT:
                continue
            if uses & HOUR and not by_hour[hour[i]]:
                continue
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN and not by_mean[mean[i]]:
                continue
            if by_item and item[i] != no_item:
                t = of_item[item[i]]
            if t < 0:
                continue
            if by_session:
                s = session[i]
                if some and not among[s]:
                    continue
                in_order &= n == m or of_session[n - 1] <= s
                of_session[n] = s
            token[n] = t
            event[n] = i
            n += 1
        if not in_order:
            _sort(m, n, of_session, token, event)
        begun = False
        now = np.uint32(0)
        for r in range(m, n):
            if not begun or (by_session and of_session[r] != now):
                begun = True
                now = of_session[r]
                edge[paths] = m
                shopper[paths] = u
                key[paths] = now if by_session else u
                paths += 1
            elif collapse and token[m - 1] == token[r]:
                until[m - 1] = event[r]
                continue
            token[m], event[m], until[m] = token[r], event[r], event[r]
            m += 1
        edge[paths] = m
        u += 1
    return u, paths


@njit(nogil=True, cache=True)
def _sort(m, n, of_session, token, event):  # type: ignore[no-untyped-def]
    """Bring the sessions of a shopper side by side, in time among themselves.

    A shopper's sessions are numbered one after another, so that counting them is enough.
    """
    lowest, highest = np.int64(of_session[m]), np.int64(of_session[m])
    for r in range(m, n):
        lowest, highest = min(lowest, np.int64(of_session[r])), max(highest, np.int64(of_session[r]))
    place = np.zeros(highest - lowest + 2, np.int64)
    for r in range(m, n):
        place[np.int64(of_session[r]) - lowest + 1] += 1
    for s in range(1, place.size):
        place[s] += place[s - 1]
    was = (np.empty(n - m, np.uint32), np.empty(n - m, np.int32), np.empty(n - m, np.uint32))
    for r in range(m, n):
        was[0][r - m], was[1][r - m], was[2][r - m] = of_session[r], token[r], event[r]
    for r in range(n - m):
        number = np.int64(was[0][r]) - lowest
        to = m + place[number]
        place[number] += 1
        of_session[to], token[to], event[to] = was[0][r], was[1][r], was[2][r]


@njit(nogil=True, cache=True)
def mark_bought(low, high, walk, is_purchase, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that holds a purchase in the scope, whatever the naming hides."""
    start, columns, keep, uses, members, _, _, rules = walk
    kind, hour, place, mean, _, session = columns
    by_hour, by_place, by_mean = keep
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if not is_purchase[kind[i]]:
                continue
            if uses & HOUR and not by_hour[hour[i]]:
                continue
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN and not by_mean[mean[i]]:
                continue
            out[session[i] if rules[0] else u] = True


@njit(nogil=True, cache=True)
def tally(low, high, walk, marked):  # type: ignore[no-untyped-def]
    """int64[4]: paths, shoppers who have one, paths that are marked, shoppers with a marked one."""
    room = _room(low, high, walk[0])
    _, _, _, shopper, key, _, _ = room
    out = np.zeros(4, np.int64)
    last = last_marked = -1
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        out[0] += paths
        for j in range(paths):
            out[1] += shopper[j] != last
            last = shopper[j]
            if marked[key[j]]:
                out[2] += 1
                out[3] += last_marked != last
                last_marked = last
    return out


@njit(nogil=True, cache=True)
def occurrences(low, high, walk, tokens):  # type: ignore[no-untyped-def]
    """How often each token stands on a path: int64[tokens]."""
    room = _room(low, high, walk[0])
    token, _, _, _, _, edge, _ = room
    out = np.zeros(tokens, np.int64)
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for r in range(edge[paths]):
            out[token[r]] += 1
    return out


@njit(nogil=True, cache=True)
def sequences(low, high, walk, anchor, is_at, depth, hashed):  # type: ignore[no-untyped-def]
    """A row for every path that has the anchor.

    Gives uint32[paths, 5] (shopper, key, first event, last event, length), uint64[paths] fingerprints
    (none unless `hashed`) and int32[paths, levels] tokens, −1 where the path has ended.
    """
    room = _room(low, high, walk[0])
    token, event, until, shopper, key, edge, _ = room
    before = depth if anchor == AROUND else 0
    levels = depth + before + (anchor == AROUND)
    way = -1 if anchor in (END, BEFORE) else 1
    size = _most_paths(low, high, walk)
    rows = np.empty((size, 5), np.uint32)
    prints = np.empty(size if hashed else 0, np.uint64)
    tokens = np.empty((size, levels), np.int32)
    count = 0
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        if count + paths > size:
            size = max(2 * size, count + paths)
            rows = _grown(rows, size)
            tokens = _grown(tokens, size)
            if hashed:
                prints = _grown(prints.reshape(-1, 1), size).reshape(-1)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            at = b - 1 if way < 0 else a
            if anchor >= AFTER:
                while a <= at < b and not is_at[token[at]]:
                    at += way
                if not a <= at < b:
                    continue
            rows[count, 0], rows[count, 1] = shopper[j], key[j]
            rows[count, 2], rows[count, 3], rows[count, 4] = event[a], until[b - 1], b - a
            if hashed:
                h = _SEED
                for r in range(a, b):
                    h = (h ^ np.uint64(token[r] + 1)) * _ODD
                    h = (h ^ (h >> _HALF)) * _ODDER
                    h ^= h >> _HALF
                prints[count] = h
            for n in range(levels):
                r = at + way * (n - before)
                tokens[count, n] = token[r] if a <= r < b else -1
            count += 1
    return rows[:count], prints[:count], tokens[:count]


@njit(nogil=True, cache=True)
def spell(shoppers, keys, walk):  # type: ignore[no-untyped-def]
    """The tokens of some paths, one after another, and where each ends: int32[tokens], int64[paths]."""
    ends = np.zeros(keys.size, np.int64)
    out = np.empty(1024, np.int32)
    n = 0
    for p in range(keys.size):
        u = np.int64(shoppers[p])
        room = _room(u, u + 1, walk[0])
        token, _, _, _, key, edge, _ = room
        _, paths = _read(u, u + 1, walk, room)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            if key[j] != keys[p]:
                continue
            if n + b - a > out.size:
                longer = np.empty(2 * (n + b - a), np.int32)
                longer[:n] = out[:n]
                out = longer
            out[n : n + b - a] = token[a:b]
            n += b - a
        ends[p] = n
    return out[:n], ends


@njit(nogil=True, cache=True)
def transitions(low, high, walk, slot, slots):  # type: ignore[no-untyped-def]
    """int64[3, slots + 1, slots + 1]: times, shoppers, paths that went from one slot to another.

    `slot` is where each token counts. The last row is the start of a path, the last column its end.
    """
    room = _room(low, high, walk[0])
    token, _, _, shopper, _, edge, _ = room
    width = slots + 1
    times = np.zeros(width * width, np.int64)
    shoppers = np.zeros(width * width, np.int64)
    of_paths = np.zeros(width * width, np.int64)
    by_shopper = np.full(width * width, -1, np.int64)
    by_path = np.full(width * width, -1, np.int64)
    path = 0
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            source = slots
            for r in range(edge[j], edge[j + 1] + 1):
                target = slot[token[r]] if r < edge[j + 1] else slots
                cell = np.uint64(source * width + target)
                times[cell] += 1
                if by_path[cell] != path:
                    by_path[cell] = path
                    of_paths[cell] += 1
                    if by_shopper[cell] != shopper[j]:
                        by_shopper[cell] = shopper[j]
                        shoppers[cell] += 1
                source = target
            path += 1
    out = np.empty((3, width, width), np.int64)
    out[0] = times.reshape(width, width)
    out[1] = shoppers.reshape(width, width)
    out[2] = of_paths.reshape(width, width)
    return out


@njit(nogil=True, cache=True)
def following(low, high, walk, part_of, length, tokens):  # type: ignore[no-untyped-def]
    """int64[2, length + 1, tokens + 1]: times and shoppers that a token, or the end, came next.

    `part_of` says by bits which parts of the prefix a token can be. Row n counts what follows the last
    n parts of it; row 0 everything that follows anything.
    """
    room = _room(low, high, walk[0])
    token, _, _, shopper, _, edge, _ = room
    out = np.zeros((2, length + 1, tokens + 1), np.int64)
    seen = np.full((length + 1, tokens + 1), -1, np.int64)
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            for r in range(a, b):
                target = token[r + 1] if r + 1 < b else tokens
                n = 0
                while True:
                    out[0, n, target] += 1
                    if seen[n, target] != shopper[j]:
                        seen[n, target] = shopper[j]
                        out[1, n, target] += 1
                    if n == length or r - n < a:
                        break
                    if not part_of[token[r - n]] >> np.uint32(length - 1 - n) & np.uint32(1):
                        break
                    n += 1
    return out


@njit(nogil=True, cache=True)
def mark_matching(low, high, walk, automaton, by_token, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that the automaton of `core.paths.pattern` finds itself in.

    `automaton` is (first, last, follow, from the start, to the end, anything): sets of positions are
    bits; `follow` uint64[bytes, 256] joins the followers of the positions in one byte of a set.
    """
    first, last, follow, from_start, to_end, anything = automaton
    room = _room(low, high, walk[0])
    token, _, _, _, key, edge, _ = room
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            hit = anything
            state = _NONE
            r = a
            while r < b and not hit:
                reach = first if r == a or not from_start else _NONE
                for k in range(follow.shape[0]):
                    reach |= follow[k, (state >> np.uint64(8 * k)) & _BYTE]
                state = reach & by_token[token[r]]
                hit = (state & last) != 0 and (r == b - 1 or not to_end)
                if state == 0 and from_start:
                    break
                r += 1
            if hit:
                out[key[j]] = True


@njit(nogil=True, cache=True)
def _most_paths(low, high, walk):  # type: ignore[no-untyped-def]
    """How many paths there can be: sessions are numbered in the order of shoppers, each from its first."""
    start, session = walk[0], walk[1][5]
    if not walk[7][0]:
        return high - low
    first = last = np.int64(session[start[low]])
    for i in range(np.int64(start[high - 1]), np.int64(start[high])):
        last = max(last, np.int64(session[i]))
    return max(last - first + 1, 1)


@njit(nogil=True, cache=True)
def _grown(values, size):  # type: ignore[no-untyped-def]
    out = np.empty((size, values.shape[1]), values.dtype)
    out[: values.shape[0]] = values
    return out
