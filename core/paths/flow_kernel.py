"""The compiled loops over a table of sequences: a row a path, shopper by shopper."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count_nodes(tokens, size):  # type: ignore[no-untyped-def]
    """int64[levels, size + 1]: paths with each token at each level; the last column those that ended."""
    levels = tokens.shape[1]
    out = np.zeros((levels, size + 1), np.int64)
    for p in range(tokens.shape[0]):
        for level in range(levels):
            t = tokens[p, level]
            out[level, t if t >= 0 else size] += 1
    return out


@njit(nogil=True, cache=True)
def count_flows(shopper, tokens, slot, slots):  # type: ignore[no-untyped-def]
    """int64[2, levels, slots, slots + 1]: paths and shoppers from slot to slot of the next level, and in all.

    `slot` is int32[levels, tokens + 1], its last column for −1.
    """
    levels = tokens.shape[1]
    ended = slot.shape[1] - 1
    out = np.zeros((2, levels, slots, slots + 1), np.int64)
    seen = np.full((levels, slots, slots + 1), -1, np.int64)
    for p in range(tokens.shape[0]):
        u = np.int64(shopper[p])
        t = tokens[p, 0]
        source = slot[0, t if t >= 0 else ended]
        for level in range(levels):
            out[0, level, source, slots] += 1
            if seen[level, source, slots] != u:
                seen[level, source, slots] = u
                out[1, level, source, slots] += 1
            if level == levels - 1:
                break
            t = tokens[p, level + 1]
            target = slot[level + 1, t if t >= 0 else ended]
            out[0, level, source, target] += 1
            if seen[level, source, target] != u:
                seen[level, source, target] = u
                out[1, level, source, target] += 1
            source = target
    return out


@njit(nogil=True, cache=True)
def count_groups(prints, shopper, key, among, marked):  # type: ignore[no-untyped-def]
    """Paths by their fingerprint: int64[3, among + 2] of paths, shoppers and paths that are marked.

    The last two columns are of the paths with none of the fingerprints in `among`, and of all paths. Also
    gives the group of each path, −1 for none: int32[paths].
    """
    groups = among.size
    size = 8
    while size < 8 * groups:
        size *= 2
    last = np.uint64(size - 1)
    table = np.full(size, -1, np.int32)  # where a fingerprint's last bits say to look, or the next free place
    for g in range(groups):
        at = among[g] & last
        while table[at] >= 0:
            at = (at + np.uint64(1)) & last
        table[at] = g
    out = np.zeros((3, groups + 2), np.int64)
    seen = np.full(groups + 2, -1, np.int64)
    group = np.empty(prints.size, np.int32)
    for p in range(prints.size):
        at = prints[p] & last
        while table[at] >= 0 and among[table[at]] != prints[p]:
            at = (at + np.uint64(1)) & last
        group[p] = table[at]
        for g in (groups if table[at] < 0 else table[at], groups + 1):
            out[0, g] += 1
            out[2, g] += marked[key[p]]
            if seen[g] != shopper[p]:
                seen[g] = shopper[p]
                out[1, g] += 1
    return out, group
