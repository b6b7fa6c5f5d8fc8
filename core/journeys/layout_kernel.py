"""The compiled loop of UMAP's layout: the same picture on any number of cores."""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.int32(127 << 23)  # the bits of 1
#: A force moves a point by no more than this, in one step.
_MOST = np.float32(4)

# Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", and Knuth's linear generator.
_ODD, _ODDER, _ODDEST = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_TIMES, _PLUS = np.uint64(6364136223846793005), np.uint64(1442695040888963407)


@njit(nogil=True, cache=True, fastmath=True)
def move(low, high, start, other, rate, seen, placed, a, b, step, epoch, repelled, seed):  # type: ignore[no-untyped-def]
    """Move the points `low` to `high` of `placed`, float32[paths, dimensions], through one epoch.

    Row n of the graph is `other[start[n]:start[n + 1]]`, drawn at `rate` (0 to 1) in an epoch; each draw
    attracts both ends and repels `repelled` random points from the first. Points outside `low` to `high`
    are taken from `seen`, where they were before this epoch, and are not moved: an edge to one of them
    moves its own end by both ends' share, as the other end's block does in turn.
    """
    n, dimensions = seen.shape
    apart = np.zeros(dimensions, np.float32)
    now, two, tiny = np.float32(epoch), np.float32(2), np.float32(0.001)
    for i in range(low, high):
        state = seed + np.uint64(i) * np.uint64(epoch * 2 + 1) * _ODD
        state = (state ^ (state >> np.uint64(30))) * _ODDER
        state = (state ^ (state >> np.uint64(27))) * _ODDEST
        state ^= state >> np.uint64(31)
        for e in range(start[i], start[i + 1]):
            if np.int64(rate[e] * (now + np.float32(1))) == np.int64(rate[e] * now):
                continue
            j = other[e]
            within = low <= j < high
            square = np.float32(0)
            for d in range(dimensions):
                apart[d] = placed[i, d] - (placed[j, d] if within else seen[j, d])
                square += apart[d] * apart[d]
            if square > 0:
                raised = _power(square, b)
                pull = -two * a * b * raised / (square * (a * raised + np.float32(1)))
                for d in range(dimensions):
                    by = step * min(max(pull * apart[d], -_MOST), _MOST)
                    placed[i, d] += by if within else two * by
                    if within:
                        placed[j, d] -= by
            for _ in range(repelled):
                state = state * _TIMES + _PLUS
                j = np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                within = low <= j < high
                square = np.float32(0)
                for d in range(dimensions):
                    apart[d] = placed[i, d] - (placed[j, d] if within else seen[j, d])
                    square += apart[d] * apart[d]
                if square > 0:
                    push = two * b / ((tiny + square) * (a * _power(square, b) + np.float32(1)))
                    for d in range(dimensions):
                        placed[i, d] += step * min(max(push * apart[d], -_MOST), _MOST)


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _power(x, y):  # type: ignore[no-untyped-def]
    """Power y of x, within 7 % (0.5 % on average): the bits of a float32 are nearly its logarithm.

    Half of all time would go to the exact power, which changes no picture. Source: Schraudolph, "A fast,
    compact approximation of the exponential function".
    """
    bits = np.float32(x).view(np.int32) - _ONE
    return np.int32(np.float32(bits) * y + np.float32(_ONE)).view(np.float32)
