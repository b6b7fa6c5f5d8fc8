"""Garbage is collected, and what was there is looked at no more."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from types import ModuleType

import pytest

from core import garbage


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    gc.collect()
    yield
    gc.unfreeze()


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.own = self


def test_what_remains_is_left_out_of_later_collections() -> None:
    garbage.settle()
    ring = Ring()
    gone = weakref.ref(ring)
    assert gc.get_freeze_count() > 10_000 and len(gc.get_objects()) < 1_000
    del ring
    gc.collect()
    assert gone() is None  # what is made later is garbage as ever


def test_what_became_garbage_while_left_out_is_collected_the_next_time() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    garbage.settle()
    del ring
    gc.collect()
    assert gone() is not None
    garbage.settle()
    assert gone() is None


def test_only_imports_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    garbage.settle_imports()
    there = gc.get_freeze_count()
    kept = [Ring() for _ in range(1_000)]
    garbage.settle_imports()
    assert gc.get_freeze_count() == there
    monkeypatch.setitem(sys.modules, "a module that is new", ModuleType("new"))
    garbage.settle_imports()
    assert gc.get_freeze_count() >= there + len(kept)
