"""The compiled loops that gather whole paths, and sum what is known of their events."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.keep_kernel import kept
from core.paths.log import MEMBERS


@njit(nogil=True, cache=True)
def kept_events(low, high, start, kind, columns, tables, uses, kinds, members, out):  # type: ignore[no-untyped-def]
    """Write the events that a scope keeps of the shoppers `low` to `high` into `out`; how many there are."""
    n = 0
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(start[u], start[u + 1]):
            if kinds[kind[i]] and kept(i, uses, columns, tables):
                out[n] = i
                n += 1
    return n


@njit(nogil=True, cache=True)
def weigh(low, high, edges, seconds, weight, half_life, out):  # type: ignore[no-untyped-def]
    """The weight of each event of the paths `low` to `high`: its own, halved for each `half_life` seconds
    before its path's end.
    """
    for p in range(low, high):
        last = seconds[edges[p + 1] - 1]
        for i in range(edges[p], edges[p + 1]):
            age = np.float64(last) - np.float64(seconds[i])
            out[i] = weight[i] * np.float32(2.0 ** (-age / half_life))


@njit(nogil=True, cache=True)
def text_sums(low, high, edges, text, channel, weight, vectors, out):  # type: ignore[no-untyped-def]
    """Add the vector of each event's text, by its weight, to its path's channel: float32[paths, channels, d].

    `text` is the row of `vectors` that an event is about, −1 for none.
    """
    width = vectors.shape[1]
    for p in range(low, high):
        for i in range(edges[p], edges[p + 1]):
            t = text[i]
            if t < 0:
                continue
            w, c = weight[i], channel[i]
            for d in range(width):
                out[p, c, d] += w * vectors[t, d]


@njit(nogil=True, cache=True)
def times(low, high, edges, seconds, hour_of_week, day, session, table, out):  # type: ignore[no-untyped-def]
    """When a path happened, into float32[paths, table columns + 6].

    First the mean over its events of `table[hour of week]`; then log(1 + events), log(1 + sessions), the
    log of the median pause in a session in seconds, log(1 + days between its sessions, on average),
    log(1 + days from first to last), and the day in the middle.
    """
    width = table.shape[1]
    for p in range(low, high):
        first, last = edges[p], edges[p + 1]
        n = last - first
        for i in range(first, last):
            for d in range(width):
                out[p, d] += table[hour_of_week[i], d]
        for d in range(width):
            out[p, d] /= n
        pauses = np.empty(n, np.float64)
        m, sessions = 0, 1
        for i in range(first + 1, last):
            if session[i] == session[i - 1]:
                pauses[m] = np.float64(seconds[i]) - np.float64(seconds[i - 1])
                m += 1
            else:
                sessions += 1
        pause = np.median(pauses[:m]) if m else 0.0
        span = (np.float64(seconds[last - 1]) - np.float64(seconds[first])) / 86_400
        out[p, width] = np.log1p(n)
        out[p, width + 1] = np.log1p(sessions)
        out[p, width + 2] = np.log1p(pause)
        out[p, width + 3] = np.log1p(span / (sessions - 1)) if sessions > 1 else 0.0
        out[p, width + 4] = np.log1p(span)
        out[p, width + 5] = (day[first] + day[last - 1]) / 2


@njit(nogil=True, cache=True)
def places(low, high, edges, place, sphere, out):  # type: ignore[no-untyped-def]
    """Where a path happened, into float64[paths, 5]: the sum of its events' points on the unit sphere (x, y,
    z), how many different places it went to, and how far it travelled between them, in radians.

    `sphere` is float64[places, 3], of NaN where a place has no coordinates.
    """
    for p in range(low, high):
        before = -1
        for i in range(edges[p], edges[p + 1]):
            at = place[i]
            if np.isnan(sphere[at, 0]):
                continue
            for d in range(3):
                out[p, d] += sphere[at, d]
            if at != before:
                new = True
                for j in range(edges[p], i):
                    if place[j] == at:
                        new = False
                        break
                out[p, 3] += new
                if before >= 0:
                    dot = 0.0
                    for d in range(3):
                        dot += sphere[before, d] * sphere[at, d]
                    out[p, 4] += np.arccos(min(1.0, max(-1.0, dot)))
                before = at


@njit(nogil=True, cache=True)
def behaviours(low, high, edges, event, session, events, rank, out):  # type: ignore[no-untyped-def]
    """How a path went, into float32[paths, events + ranks]: the share of each event, then of each transition.

    A transition is counted at `rank[from, to]`, −1 where it is too rare; before the first event of a session
    and after the last stands the event numbered `events`.
    """
    for p in range(low, high):
        first, last = edges[p], edges[p + 1]
        moves = 0
        for i in range(first, last):
            out[p, event[i]] += 1
            begins = i == first or session[i] != session[i - 1]
            ends = i + 1 == last or session[i + 1] != session[i]
            r = rank[events if begins else event[i - 1], event[i]]
            if r >= 0:
                out[p, events + r] += 1
            moves += 1
            if ends:
                r = rank[event[i], events]
                if r >= 0:
                    out[p, events + r] += 1
                moves += 1
        for d in range(events):
            out[p, d] /= last - first
        for d in range(events, out.shape[1]):
            out[p, d] /= moves
