"""The compiled loops that read paths from the path log, event by event.

All of them stand in one file: numba's cache of a function watches no file but the function's own.
Each takes shoppers `low` to `high` and a `walk`, the tuple that `core.paths.walk.Walk.arguments` makes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

from core.paths.log import HOUR, MEAN, MEMBERS, PLACE
from core.paths.print_kernel import SEED, mixed
from core.paths.room_kernel import most_events

#: Tokens of kinds that a path leaves out: hidden by name, and not in the scope at all.
HIDDEN, NOT_KEPT = -1, -2

#: Where a sequence begins: see `core.paths.sequences`.
START, END, AFTER, BEFORE, AROUND = range(5)

#: Events read at a time; few enough for the processor's cache.
_CHUNK = 1 << 13

_NONE = np.uint64(0)
_BYTE = np.uint64(255)


@njit(nogil=True, cache=True)
def _room(low, high, walk):  # type: ignore[no-untyped-def]
    """Space for a few shoppers' paths: a node's token, first and last event; a path's shopper, key, edge.

    One place more than is filled: what is not kept is written there, and written over.
    """
    size = max(_CHUNK, most_events(low, high, walk[0])) + 1
    event = np.empty(size, np.uint32)
    until = np.empty(size, np.uint32) if walk[7][1] else event  # a node is one event unless repeats are one
    return (
        np.empty(size, np.int32), event, until,
        np.empty(size, np.int64), np.empty(size, np.int64), np.zeros(size, np.int64),
        np.empty(size, np.uint32),
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _read(u, high, walk, room):  # type: ignore[no-untyped-def]
    """The paths of the shoppers from `u` on into `room`, as many as fit; gives the next shopper and how
    many paths there are.

    Sessions may interleave in time: they are told one by one, in the order in which they began. Many
    shoppers at a time, as each call counts references to every array; no branch depends on an event.
    """
    start, columns, keep, uses, members, among, naming, rules = walk
    by_session, collapse, some, whole = rules
    token, event, until, shopper, key, edge, of_session = room
    kind, hour, place, mean, item, session = columns
    by_hour, by_place, by_mean = keep
    of_kind, of_item, no_item = naming
    by_item = of_item.size > 0
    paths, m = 0, np.int64(0)
    while u < high and m + np.int64(start[u + 1]) - np.int64(start[u]) < token.size:
        if (uses & MEMBERS and not members[u]) or (some and not by_session and not among[u]):
            u += 1
            continue
        first, stop = index(start[u]), index(start[u + 1])
        n = index(m)
        if whole:
            for i in range(first, stop):
                token[n + (i - first)] = of_kind[index(kind[i])]
                event[n + (i - first)] = i
            if by_session:
                opened, in_order = paths, True
                last = session[first]
                edge[paths], key[paths] = m, last
                paths += 1
                for i in range(first, stop):
                    its = session[i]
                    of_session[n + (i - first)] = its
                    edge[paths], key[paths] = n + (i - first), its
                    paths += its != last
                    in_order &= last <= its
                    last = its
                if in_order and not collapse:  # most shoppers: nothing is left to do
                    for p in range(opened, paths):
                        shopper[p] = u
                    m += np.int64(stop - first)
                    u += 1
                    continue
                paths = opened
            n += stop - first
        else:
            for i in range(first, stop):
                t = of_kind[index(kind[i])]
                if by_item and item[i] != no_item:
                    t = t if t == NOT_KEPT else of_item[index(item[i])]
                kept = t >= 0
                if uses & HOUR:
                    kept &= by_hour[index(hour[i])]
                if uses & PLACE:
                    kept &= by_place[index(place[i])]
                if uses & MEAN:
                    kept &= by_mean[index(mean[i])]
                if by_session:
                    of_session[n] = session[i]
                    if some:
                        kept &= among[index(session[i])]
                token[n], event[n] = t, i
                n += index(kept)
        u += 1
        end = np.int64(n)
        if end == m:
            continue
        if by_session:
            in_order = True
            for r in range(m + 1, end):
                in_order &= of_session[r - 1] <= of_session[r]
            if not in_order:
                _sort(m, end, of_session, token, event)
        opened = paths
        edge[paths], key[paths] = m, of_session[m] if by_session else u - 1
        paths += 1
        if collapse:
            at = m
            until[m] = event[m]
            for r in range(m + 1, end):
                if by_session and of_session[r] != of_session[r - 1]:
                    edge[paths], key[paths] = at + 1, of_session[r]
                    paths += 1
                elif token[at] == token[r]:
                    until[at] = event[r]
                    continue
                at += 1
                token[at], event[at], until[at] = token[r], event[r], event[r]
            m = at + 1
        else:
            if by_session:
                for r in range(m + 1, end):
                    edge[paths], key[paths] = r, of_session[r]
                    paths += of_session[r] != of_session[r - 1]
            m = end
        for p in range(opened, paths):
            shopper[p] = u - 1
    edge[paths] = m
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
def tally(low, high, walk, marked):  # type: ignore[no-untyped-def]
    """int64[4]: paths, shoppers who have one, paths that are marked, shoppers with a marked one."""
    room = _room(low, high, walk)
    _, _, _, shopper, key, _, _ = room
    out = np.zeros(4, np.int64)
    last = np.full(2, -1, np.int64)
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            _tally(out, last, shopper[j], marked[key[j]])
    return out


@njit(nogil=True, cache=True, inline="always")
def _tally(out, last, who, mark):  # type: ignore[no-untyped-def]
    """Count a path, and its shopper where it is the first: `last` are the shoppers met last."""
    m = np.int64(mark)
    out[0] += 1
    out[1] += last[0] != who
    last[0] = who
    out[2] += m
    out[3] += m * (last[1] != who)
    last[1] = who if m else last[1]


@njit(nogil=True, cache=True)
def occurrences(low, high, walk, tokens):  # type: ignore[no-untyped-def]
    """How often each token stands on a path: int64[tokens]."""
    room = _room(low, high, walk)
    token, _, _, _, _, edge, _ = room
    out = np.zeros(tokens, np.int64)
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for r in range(edge[paths]):
            out[token[r]] += 1
    return out


@njit(nogil=True, cache=True)
def sequences(low, high, walk, anchor, is_at, depth, rows, prints, tokens):  # type: ignore[no-untyped-def]
    """Writes a row for every path that has the anchor, and gives how many there are.

    `rows` are uint32[most paths, 1 or 5] for the shopper alone or shopper, key, first event, last event
    and length, `prints` uint64[most paths, or 0] for fingerprints, `tokens` [most paths, levels] for
    tokens, −1 where the path has ended.
    """
    room = _room(low, high, walk)
    token, event, until, shopper, key, edge, _ = room
    before = depth if anchor == AROUND else 0
    levels = tokens.shape[1]
    way = -1 if anchor in (END, BEFORE) else 1
    wide, hashed = rows.shape[1] > 1, prints.size > 0
    count = 0
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            at = b - 1 if way < 0 else a
            if anchor >= AFTER:
                while a <= at < b and not is_at[token[at]]:
                    at += way
                if not a <= at < b:
                    continue
            rows[count, 0] = shopper[j]
            if wide:
                rows[count, 1], rows[count, 2], rows[count, 3] = key[j], event[a], until[b - 1]
                rows[count, 4] = b - a
            if hashed:
                h = SEED
                for r in range(a, b):
                    h = mixed(h, token[r])
                prints[count] = h
            for n in range(levels):
                r = at + way * (n - before)
                tokens[count, n] = token[r] if a <= r < b else -1
            count += 1
    return count


@njit(nogil=True, cache=True)
def spell(shoppers, keys, walk):  # type: ignore[no-untyped-def]
    """The tokens of some paths, one after another, and where each ends: int32[tokens], int64[paths]."""
    ends = np.zeros(keys.size, np.int64)
    out = np.empty(1024, np.int32)
    n = 0
    for p in range(keys.size):
        u = np.int64(shoppers[p])
        room = _room(u, u + 1, walk)
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
    room = _room(low, high, walk)
    token, _, _, shopper, _, edge, _ = room
    width = slots + 1
    # times, shoppers, paths, and the last shopper and path, side by side: a cell is one piece of memory
    cells = np.zeros((width * width, 5), np.int64)
    cells[:, 3:] = -1
    path = 0
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            source = index(slots)
            for r in range(edge[j], edge[j + 1]):
                target = index(slot[token[r]])
                _count(cells, source * index(width) + target, path, shopper[j])
                source = target
            _count(cells, source * index(width) + index(slots), path, shopper[j])
            path += 1
    return cells[:, :3].T.copy().reshape((3, width, width))


@njit(nogil=True, cache=True, inline="always")
def _count(cells, cell, path, who):  # type: ignore[no-untyped-def]
    """Count a cell once more; without branches, as whether a path met it before cannot be foretold."""
    cells[cell, 0] += 1
    cells[cell, 1] += cells[cell, 3] != who
    cells[cell, 2] += cells[cell, 4] != path
    cells[cell, 3] = who
    cells[cell, 4] = path


@njit(nogil=True, cache=True)
def following(low, high, walk, part_of, length, tokens):  # type: ignore[no-untyped-def]
    """int64[2, length + 1, tokens + 1]: times and shoppers that a token, or the end, came next.

    `part_of` says by bits which parts of the prefix a token can be. Row n counts what follows the last
    n parts of it; row 0 everything that follows anything.
    """
    room = _room(low, high, walk)
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
                    out[1, n, target] += seen[n, target] != shopper[j]
                    seen[n, target] = shopper[j]
                    if n == length or r - n < a:
                        break
                    if not part_of[token[r - n]] >> np.uint32(length - 1 - n) & np.uint32(1):
                        break
                    n += 1
    return out


@njit(nogil=True, cache=True)
def mark_matching(low, high, walk, automaton, by_token, marked, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that the automaton of `core.paths.pattern` finds itself in.

    Gives int64[2, 4] as `tally` of the paths that it is not in and of those that it is in; zeros where
    `marked` is empty.

    `automaton` is (first, last, follow, from the start, to the end, anything): sets of positions are
    bits; `follow` uint64[bytes, 256] joins the followers of the positions in one byte of a set.
    """
    first, last, follow, from_start, to_end, anything = automaton
    room = _room(low, high, walk)
    token, _, _, shopper, key, edge, _ = room
    tallies, last_met = np.zeros((2, 4), np.int64), np.full((2, 2), -1, np.int64)
    u = low
    while u < high:
        u, paths = _read(u, high, walk, room)
        for j in range(paths):
            a, b = edge[j], edge[j + 1]
            hit = anything
            state = _NONE
            r = a
            met = _NONE
            for n in range(a, b):
                met |= by_token[token[n]]
            # Without a beginning, or without an end, it is not there: so it is with most paths.
            while r < b and not hit and met & first != 0 and met & last != 0:
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
            if marked.size:
                _tally(tallies[np.int64(hit)], last_met[np.int64(hit)], shopper[j], marked[key[j]])
    return tallies
