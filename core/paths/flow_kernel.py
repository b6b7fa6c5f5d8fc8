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
def find(values, among):  # type: ignore[no-untyped-def]
    """Where each value stands in a sorted array, or −1: int32[values]."""
    out = np.full(values.size, -1, np.int32)
    for i in range(values.size):
        low, high = 0, among.size
        while low < high:
            middle = (low + high) // 2
            if among[middle] < values[i]:
                low = middle + 1
            else:
                high = middle
        if low < among.size and among[low] == values[i]:
            out[i] = low
    return out


@njit(nogil=True, cache=True)
def first_rows(values, among):  # type: ignore[no-untyped-def]
    """The first row that holds each value of a sorted array: int64[among]."""
    at = find(values, among)
    out = np.full(among.size, values.size, np.int64)
    for i in range(values.size - 1, -1, -1):
        if at[i] >= 0:
            out[at[i]] = i
    return out


@njit(nogil=True, cache=True)
def count_shoppers(shopper, group, groups):  # type: ignore[no-untyped-def]
    """Distinct shoppers of each group, of the rows in none (−1), and of all rows."""
    seen = np.full(groups + 1, -1, np.int64)
    out = np.zeros(groups + 1, np.int64)
    every = 0
    for p in range(shopper.size):
        u = np.int64(shopper[p])
        every += p == 0 or shopper[p] != shopper[p - 1]
        g = group[p] if group[p] >= 0 else groups
        if seen[g] != u:
            seen[g] = u
            out[g] += 1
    return out[:groups], out[groups], every
