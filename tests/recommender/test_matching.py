"""Whether a kept model fits the log as it is now, and what it does with items that are new since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import CartscapeError
from core.journeys.kept_maps import texts_of
from core.journeys.text_space import NotEncoded
from core.paths import open_paths
from core.recommender import features, matching, shown_features
from core.recommender.matching import form_of, items_fingerprint, trained_on
from core.recommender.training import item_vectors
from core.recommender.versions import About, Version, save
from core.store import Store
from tests.analyses import search_oracle

ITEMS = np.array(["a", "b", "c,d"], object)


@pytest.fixture
def kept(tmp_path: Path) -> Version:
    """A version that knows ITEMS."""
    about = About("click", items_fingerprint(ITEMS), "an encoder", form_of(False))
    return save(Store.create(tmp_path / "shop"), {matching.FILE: matching.as_file(ITEMS)}, about)


def test_items_that_are_new_are_told_from_those_it_was_trained_on(kept: Version) -> None:
    assert trained_on(kept, ITEMS, "an encoder").tolist() == [True] * 3
    more = np.array(["a", "aa", "b", "c,d", "z"], object)
    assert trained_on(kept, more, "an encoder").tolist() == [True, False, True, True, False]


def test_events_without_an_item_are_no_new_item(kept: Version) -> None:
    now = np.array(["(none)", "a", "b", "c,d", "z"], object)
    assert trained_on(kept, now, "an encoder", [0]).tolist() == [True, True, True, True, False]
    with pytest.raises(CartscapeError, match="on 1 item that"):  # one called so is another
        trained_on(kept, np.array(["(none)", "a", "b"], object), "an encoder", [0])


def test_a_large_catalogue_is_told_in_a_moment(tmp_path: Path) -> None:
    """A look at each item once: with a look at all for each this takes minutes."""
    items = np.array([f"P{at}" for at in range(200_000)], object)
    about = About("click", items_fingerprint(items[1:]), "an encoder", form_of(False))
    version = save(Store.create(tmp_path / "shop"), {matching.FILE: matching.as_file(items[1:])}, about)
    assert np.flatnonzero(~trained_on(version, items, "an encoder")).tolist() == [0]


def test_texts_of_new_items_need_no_vectors(sample_store: Store) -> None:
    """The texts of some items were never encoded."""
    items = open_paths(sample_store).items
    new = np.zeros(items.size, bool)
    new[[5, 9]] = True
    lacking = set(texts_of(sample_store).texts[texts_of(sample_store).of_item[new]].tolist())

    class Some(search_oracle.CountedWords):
        def known(self, texts: Any) -> np.ndarray:
            return np.array([text not in lacking for text in texts])

    with search_oracle.encoded(stand_in=Some()):
        with pytest.raises(NotEncoded):
            item_vectors(sample_store)
        vectors, _ = item_vectors(sample_store, ~new)
    assert not vectors[new].any() and vectors[~new].any(axis=1).mean() > 0.9


def test_an_item_that_is_gone_or_another_encoder_is_a_sentence(kept: Version) -> None:
    with pytest.raises(CartscapeError, match=r"Version 1 .* on 1 item that .* no longer has \('b'\); train"):
        trained_on(kept, np.array(["a", "c,d", "e"], object), "an encoder")
    with pytest.raises(CartscapeError, match=r"Version 1 .* another encoder"):
        trained_on(kept, ITEMS, "another")


@pytest.mark.parametrize("of", [About("click"), About("click", form=form_of(True))], ids=["older", "lists"])
def test_a_version_of_another_form_is_a_sentence(tmp_path: Path, of: About) -> None:
    """Also where its items and its encoder are those of the log."""
    about = replace(of, items=items_fingerprint(ITEMS), encoder="an encoder")
    other = save(Store.create(tmp_path / "shop"), {matching.FILE: matching.as_file(ITEMS)}, about)
    with pytest.raises(CartscapeError, match=r"Version 1 .* by another version of Cartscape; train again"):
        trained_on(other, ITEMS, "an encoder")


def test_a_form_changes_with_what_a_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [form_of(False), form_of(True)]
    assert before[0] != before[1]
    for at, module in enumerate((features, shown_features)):
        with monkeypatch.context() as patch:
            patch.setattr(module, "MADE_FOR", [*module.MADE_FOR[:-1], "something else"])
            now = [form_of(False), form_of(True)]
        assert now[at] != before[at] and now[1 - at] == before[1 - at]


@pytest.mark.parametrize("content", [None, b"", b"x" * 12, b"7", b"\xff"])
def test_items_that_cannot_be_read_are_a_sentence(kept: Version, content: bytes | None) -> None:
    """Not a traceback, which would take every other version off the page with it."""
    path = kept.folder / matching.FILE
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CartscapeError, match=r"Version 1 .* is damaged: its file items.json cannot be read"):
        trained_on(kept, np.array(["a", "z"], object), "an encoder")


def test_a_fingerprint_changes_with_any_item_and_with_their_order() -> None:
    every = [["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], [], ["a\0b"]]
    assert len({items_fingerprint(items) for items in every}) == len(every)
    assert items_fingerprint(np.array(["a", "b"], object)) == items_fingerprint(["a", "b"])
