"""Paths of a map and the parts of h, against plain loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from core.journeys import parts as parts_of
from core.journeys.gathered import LEAST_EVENTS, Gathered, gather
from core.paths import open_cube, open_paths
from core.scope import Scope
from core.store import Store

WHOLE = Scope(compare="off")


@pytest.fixture
def told(sample_store: Store) -> Gathered:
    return gather(open_paths(sample_store), open_cube(sample_store).fill(WHOLE))


def some(told: Gathered) -> Iterator[tuple[int, slice]]:
    for row in range(0, len(told), 97):
        yield row, slice(int(told.edges[row]), int(told.edges[row + 1]))


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_paths_are_those_of_a_plain_loop(sample_store: Store, unit: str) -> None:
    paths = open_paths(sample_store)
    scope = open_cube(sample_store).fill(Scope.parse({"device": "mobile", "compare": "off"}))
    found = gather(paths, scope, unit)
    kept = paths.dimensions.means_pass(scope)[paths["mean"]]
    plain: dict[int, list[int]] = {}
    for shopper in range(paths.shoppers):
        for event in range(paths["start"][shopper], paths["start"][shopper + 1]):
            if kept[event]:
                key = shopper if unit == "shopper" else int(paths["session"][event])
                plain.setdefault(key, []).append(event)
    long = {key: events for key, events in plain.items() if len(events) >= LEAST_EVENTS}
    assert found.too_short == len(plain) - len(long) > 0
    assert sorted(found.keys.tolist()) == sorted(long)
    for n, key in enumerate(found.keys.tolist()):
        assert found.events[found.edges[n] : found.edges[n + 1]].tolist() == long[key]


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_what_follows_a_path_is_its_shoppers_next_event(sample_store: Store, unit: str) -> None:
    """In the scope or not; a scope of carts alone has views after every path."""
    paths = open_paths(sample_store)
    scope = Scope.parse({"to": "2025-04-30", "event": ["view", "cart"], "compare": "off"})
    found = gather(paths, open_cube(sample_store).fill(scope), unit)
    names, codes = paths.dimensions.entries("event")
    told = []
    for n, shopper in enumerate(found.shoppers.tolist()):
        last = int(found.events[found.edges[n] : found.edges[n + 1]].max())
        ends = last + 1 == paths["start"][shopper + 1]
        told.append(names.size if ends else codes[paths["kind"][last + 1]])
    assert found.followed.tolist() == told
    followed = set(found.followed.tolist())
    assert names.size in followed and "search" in {str(names[n]) for n in followed - {names.size}}


def test_the_time_part_is_the_mean_of_waves(told: Gathered) -> None:
    values = parts_of.when(told).values
    hours = told.paths.dimensions.hours
    for row, its in some(told):
        hour = hours[told.column("hour")[its]]
        of_week = (hour // 24 + 3) % 7 * 24 + hour % 24
        turn = 2 * np.pi * (of_week + 0.5) / 168
        for n, harmonic in enumerate(parts_of.HARMONICS):
            assert values[row, n] == pytest.approx(np.cos(harmonic * turn).mean(), abs=1e-5)
        assert values[row, 2 * len(parts_of.HARMONICS)] == pytest.approx(np.log1p(hour.size), abs=1e-5)


def test_the_behaviour_part_is_roots_of_shares(told: Gathered) -> None:
    transitions = parts_of.leading_transitions(told)
    values = parts_of.how(told, transitions).values
    events = told.names.size
    for row, its in some(told):
        event, session = told.event_names[its].tolist(), told.column("session")[its].tolist()
        for code in range(events):
            assert values[row, code] == pytest.approx(np.sqrt(event.count(code) / len(event)), abs=1e-5)
        steps = []
        for i, code in enumerate(event):
            steps.append((events if not i or session[i] != session[i - 1] else event[i - 1], code))
            if i + 1 == len(event) or session[i + 1] != session[i]:
                steps.append((code, events))
        for n, (a, b) in enumerate(transitions.tolist()):
            share = steps.count((a, b)) / len(steps)
            assert values[row, events + n] == pytest.approx(np.sqrt(share), abs=1e-5)


def test_the_place_part_counts_places_and_the_way_between_them(told: Gathered) -> None:
    values = parts_of.where(told).values
    sphere = told.paths.dimensions.place_points()
    for row, its in some(told):
        place = [p for p in told.column("place")[its].tolist() if not np.isnan(sphere[p, 0])]
        way = sum(
            float(np.arccos(np.clip(sphere[a] @ sphere[b], -1, 1))) for a, b in pairwise(place) if a != b
        )
        assert values[row, -2] == pytest.approx(np.log1p(len(set(place))), abs=1e-5)
        assert values[row, -1] == pytest.approx(np.log1p(way * 6371), abs=2e-2)


def test_the_text_part_weighs_by_event_and_age(told: Gathered) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 7)).astype(np.float32)
    text = rng.integers(-1, 50, told.events.size).astype(np.int32)
    values = parts_of.what(told, text, vectors).values.reshape(len(told), 3, 7)
    searched = told.column("query") != told.paths.no_query
    for row, its in some(told):
        sums = np.zeros((3, 7))
        seconds = told.column("second")[its].astype(float)
        for i, event in enumerate(range(its.start, its.stop)):
            name = told.names[told.event_names[event]]
            channel = 1 if searched[event] else 2 if name in parts_of.TO_PURCHASE else 0
            weight = parts_of.EVENT_WEIGHTS.get(name, 1.0)
            weight *= 2 ** (-(seconds[-1] - seconds[i]) / parts_of.HALF_LIFE["shopper"])
            if text[event] >= 0:
                sums[channel] += weight * vectors[text[event]]
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        assert values[row] == pytest.approx(sums / np.where(length > 0, length, 1), abs=1e-4)
