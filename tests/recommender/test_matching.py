"""Whether a kept model fits the log as it is now, and what it does with items that are new since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import CartscapeError
from core.recommender import matching
from core.recommender.matching import items_fingerprint, trained_on
from core.recommender.versions import About, Version, save
from core.store import Store

ITEMS = np.array(["a", "b", "c,d"], object)


@pytest.fixture
def kept(tmp_path: Path) -> Version:
    """A version that knows ITEMS."""
    about = About("click", items_fingerprint(ITEMS), "an encoder")
    return save(Store.create(tmp_path / "shop"), {matching.FILE: matching.as_file(ITEMS)}, about)


def test_items_that_are_new_are_told_from_those_it_was_trained_on(kept: Version) -> None:
    assert trained_on(kept, ITEMS, "an encoder").tolist() == [True] * 3
    more = np.array(["a", "aa", "b", "c,d", "z"], object)
    assert trained_on(kept, more, "an encoder").tolist() == [True, False, True, True, False]


def test_an_item_that_is_gone_or_another_encoder_is_a_sentence(kept: Version) -> None:
    with pytest.raises(CartscapeError, match=r"Version 1 .* on 1 item that .* no longer has \('b'\); train"):
        trained_on(kept, np.array(["a", "c,d", "e"], object), "an encoder")
    with pytest.raises(CartscapeError, match=r"Version 1 .* another encoder"):
        trained_on(kept, ITEMS, "another")


def test_a_version_that_does_not_tell_its_items_fits_these_alone(tmp_path: Path) -> None:
    about = About("click", items_fingerprint(ITEMS), "an encoder")
    old = save(Store.create(tmp_path / "shop"), {"a": b""}, about)
    assert trained_on(old, ITEMS, "an encoder").all()
    with pytest.raises(CartscapeError, match=r"Version 1 .* on other items .*; train again"):
        trained_on(old, np.array(["a", "b", "c,d", "e"], object), "an encoder")


def test_a_fingerprint_changes_with_any_item_and_with_their_order() -> None:
    every = [["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], [], ["a\0b"]]
    assert len({items_fingerprint(items) for items in every}) == len(every)
    assert items_fingerprint(np.array(["a", "b"], object)) == items_fingerprint(["a", "b"])
