"""The types of shopper as tables to draw from: tastes, homes, days, hours and steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.sample.catalogue import Catalogue
from data.sample.people import BOTTOM, LEAVE, STEP, STEPS, TYPES
from data.sample.places import Places
from data.sample.regions import DIVISIONS, REGIONAL, states_of
from data.sample.seasons import WEEKDAY, activity

Floats = NDArray[np.float64]

#: Every category that is not among a type's tastes.
OTHER_TASTE = 0.09


def tastes(catalogue: Catalogue, where: Places) -> Floats:
    """Return type × state × category: the chance that a category is a shopper's."""
    table = np.full((len(TYPES), len(where.states), len(catalogue.categories)), OTHER_TASTE)
    for row, kind in enumerate(TYPES):
        for category, weight in kind.tastes.items():
            table[row, :, catalogue.category(category)] = weight
    for category, names, factor in REGIONAL:
        rows = [where.state(state) for state in states_of(names)]
        table[:, rows, catalogue.category(category)] *= factor
    return table / table.sum(axis=2, keepdims=True)


def home_weights(where: Places) -> Floats:
    """Return type × neighbourhood: where shoppers of a type live; each row sums to one.

    Types prefer cities and divisions, yet all types together live where people live: the table of
    type × city is fitted to both margins by turns.
    """
    division = {state: name for name in DIVISIONS for state in states_of((name,))}
    share = np.array([kind.share for kind in TYPES])
    table = np.empty((len(TYPES), len(where.cities)))
    for row, kind in enumerate(TYPES):
        liked = np.array([kind.divisions.get(division[where.states[s]], 1.0) for s in where.city_state])
        table[row] = where.city_people * liked * (where.city_size / 1e5) ** kind.big_city
    for _ in range(30):
        table *= (share / table.sum(axis=1))[:, None]
        table *= (where.city_people / table.sum(axis=0))[None, :]
    table /= table.sum(axis=1, keepdims=True)
    first, _ = where.city_hoods()
    result = np.empty((len(TYPES), len(where.hood_city)))
    for row, kind in enumerate(TYPES):
        weight = where.hood_appeal * np.exp(-where.hood_ring / (kind.suburb * 12))
        of_city = np.add.reduceat(weight, first)
        result[row] = weight / of_city[where.hood_city] * table[row][where.hood_city]
    return result


def day_weights() -> Floats:
    """Return type × day of the span: how likely a visit falls on it."""
    of_day = weekly().sum(axis=2)
    return np.array([of_day[row][WEEKDAY] * activity(kind.moved_by) for row, kind in enumerate(TYPES)])


#: Visits start in one of these slots of a day; hours past 24 belong to the night after.
SLOT_MINUTES = 15
SLOTS = 27 * 60 // SLOT_MINUTES


def weekly() -> Floats:
    """Return type × weekday × quarter of an hour: how busy it is."""
    letters = "MTWRFSU"
    table = np.zeros((len(TYPES), 7, SLOTS))
    start = np.arange(SLOTS) * SLOT_MINUTES / 60
    for row, kind in enumerate(TYPES):
        for days, first, last, weight in kind.hours:
            middle, half = (first + last) / 2, (last - first) / 2
            # Flat in the middle with soft shoulders, as real hours are.
            shape = weight / (1 + (np.abs(start + SLOT_MINUTES / 120 - middle) / half) ** 8)
            shape[(start < first - 1.5) | (start > last + 1.0)] = 0
            for day in days:
                table[row, letters.index(day)] += shape
    return table


def transitions() -> Floats:
    """Return type × step × next step: parts; the extra last row is the start of a visit."""
    table = np.zeros((len(TYPES), len(STEPS) + 1, len(STEPS)))
    for row, kind in enumerate(TYPES):
        for name, nexts in (BOTTOM | kind.path).items():
            place = len(STEPS) if name == "start" else STEP[name]
            for target, parts in nexts.items():
                table[row, place, STEP[target]] = parts
        table[row, LEAVE, LEAVE] = 1
    return table
