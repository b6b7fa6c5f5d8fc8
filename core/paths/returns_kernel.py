"""The compiled loops over shoppers that count who came back, period by period.

A shopper's events are taken once, and the periods in which they fall are noted; where a shopper moves
from zone to zone local hours may run backwards, so periods are sorted before they are read in order.
`core.paths.returns` and `core.paths.lifecycle` say what is counted. The test of an event stands in both
loops: as a function of its own it would count every array's references anew at each event.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import ITEM, MEAN, MEMBERS, PLACE, QUERY

NEW, RETURNING, RESURRECTING, DORMANT = 0, 1, 2, 3


@njit(nogil=True, cache=True)
def cohorts_block(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, uses, members, period, starts, groups, group_count, rules, pick
):
    """Cohorts of shoppers `low` to `high` and how many of each came back after how many periods.

    `columns` are kind, hour, place, mean, item, query [events]; `tables` their marks. `period` is the
    period of each hour or −1, `starts` the bits of the marks that start (the others return), `groups`
    the part of the group's number that kind, place and mean decide. `rules` are whether every period
    with a start begins a cohort, whether later returns count, how many periods are followed, and how
    many there are. `pick` is the cohort, the period after it (−1: the cohort itself) and the group (−1:
    any) whose shoppers are wanted, or a cohort of −1.

    Gives int64[groups, cohorts] shoppers, int64[groups, cohorts, periods followed] who returned, and
    uint32 the picked shoppers.
    """
    kind, hour, place, mean, item, query = columns
    by_kind, by_place, by_mean, by_item, by_query = tables
    of_kind, of_place, of_mean = groups
    every, later, followed, count = rules
    cohort, after, group = pick
    sizes = np.zeros((group_count, count), np.int64)
    returned = np.zeros((group_count, count, followed), np.int64)
    picked = np.empty(high - low if cohort >= 0 else 0, np.uint32)
    found = 0
    started = np.full(count, -1, np.int64)  # the shopper who last started in a period
    came = np.full(count, -1, np.int64)
    cohorts = np.empty(count, np.int64)
    group_of = np.empty(count, np.int64)
    returns = np.empty(count, np.int64)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        begun = 0
        back = 0
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            p = period[hour[i]]
            m = by_kind[kind[i]]
            if p < 0 or m == 0 or (started[p] == u and came[p] == u):
                continue
            if uses:
                if uses & PLACE and not by_place[place[i]]:
                    continue
                if uses & MEAN:
                    m &= by_mean[mean[i]]
                if uses & ITEM:
                    m &= by_item[item[i]]
                if uses & QUERY:
                    m &= by_query[query[i]]
                if m == 0:
                    continue
            if m & starts and started[p] != u:
                started[p] = u
                cohorts[begun] = p
                group_of[begun] = of_kind[kind[i]] + of_place[place[i]] + of_mean[mean[i]]
                begun += 1
            if m & ~starts and came[p] != u:
                came[p] = u
                returns[back] = p
                back += 1
        if begun == 0:
            continue
        if not every and begun > 1:
            first = np.argmin(cohorts[:begun])
            cohorts[0], group_of[0] = cohorts[first], group_of[first]
            begun = 1
        last = np.int64(-1)
        for r in range(back):
            last = max(last, returns[r])
        for s in range(begun):
            c, g = cohorts[s], group_of[s]
            sizes[g, c] += 1
            if later:
                for n in range(min(last - c + 1, followed)):
                    returned[g, c, n] += 1
            else:
                for r in range(back):
                    n = returns[r] - c
                    if 0 <= n < followed:
                        returned[g, c, n] += 1
            if c == cohort and (group < 0 or g == group):
                hit = after < 0 or (later and last >= c + after)
                if not hit and not later and c + after < count:
                    hit = came[c + after] == u
                if hit:
                    picked[found] = u
                    found += 1
    return sizes, returned, picked[:found].copy()


@njit(nogil=True, cache=True)
def _periods_of(u, start, columns, tables, uses, period, dated, met, inside, touched):  # type: ignore[no-untyped-def]
    """Notes in `touched` the periods with an event of a shopper, in order; gives how many.

    `met` and `inside` are set to `u` where there is an event at any time, and within the scope's dates.
    """
    kind, hour, place, mean, item, query = columns
    by_kind, by_place, by_mean, by_item, by_query = tables
    n = 0
    for i in range(np.int64(start[u]), np.int64(start[u + 1])):
        p = period[hour[i]]
        if p < 0 or (met[p] == u and (inside[p] == u or not dated[hour[i]])):
            continue
        m = by_kind[kind[i]]
        if m == 0:
            continue
        if uses:
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN:
                m &= by_mean[mean[i]]
            if uses & ITEM:
                m &= by_item[item[i]]
            if uses & QUERY:
                m &= by_query[query[i]]
            if m == 0:
                continue
        if met[p] != u:
            met[p] = u
            at = n
            while at > 0 and touched[at - 1] > p:
                touched[at] = touched[at - 1]
                at -= 1
            touched[at] = p
            n += 1
        if dated[hour[i]]:
            inside[p] = u
    return n


@njit(nogil=True, cache=True)
def lifecycle_block(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, uses, members, period, dated, count, pick
):
    """Shoppers `low` to `high` by state in each of `count` periods of the whole log: int64[4, count].

    `period` is the period of each hour or −1, `dated` whether the scope's dates hold the hour. `pick` is
    the state and the period whose shoppers are wanted, or −1; the second array, uint32, has them.
    """
    counts = np.zeros((4, count), np.int64)
    state, at = pick
    picked = np.empty(high - low if state >= 0 else 0, np.uint32)
    found = 0
    met = np.full(count, -1, np.int64)
    inside = np.full(count, -1, np.int64)
    touched = np.empty(count, np.int64)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        n = _periods_of(u, start, columns, tables, uses, period, dated, met, inside, touched)
        mine = -1
        for j in range(n):
            p = touched[j]
            if inside[p] == u:
                now = RESURRECTING
                if j == 0:
                    now = NEW
                elif touched[j - 1] == p - 1:
                    now = RETURNING
                counts[now, p] += 1
                if p == at:
                    mine = now
            if p + 1 < count and met[p + 1] != u:
                counts[DORMANT, p + 1] += 1
                if p + 1 == at:
                    mine = DORMANT
        if state >= 0 and mine == state:
            picked[found] = u
            found += 1
    return counts, picked[:found].copy()


@njit(nogil=True, cache=True)
def active_block(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, uses, members, period, dated, count, pick
):
    """Shoppers `low` to `high` by the number of periods with an event: int64[count + 1].

    The second array, uint32, has those of exactly `pick` periods, where that is not −1.
    """
    counts = np.zeros(count + 1, np.int64)
    picked = np.empty(high - low if pick >= 0 else 0, np.uint32)
    found = 0
    met = np.full(count, -1, np.int64)
    inside = np.full(count, -1, np.int64)
    touched = np.empty(count, np.int64)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        n = _periods_of(u, start, columns, tables, uses, period, dated, met, inside, touched)
        counts[n] += 1
        if n == pick:
            picked[found] = u
            found += 1
    return counts, picked[:found].copy()
