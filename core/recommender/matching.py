"""Whether a kept model fits the log and the program as they are now: the items that it was trained on, the
encoder of texts, and what it is told of items.

Items that the log got since are in no list until the next training, but where a rule that a person wrote
includes one; a model is refused where an item that it was trained on is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np

from core.encoder import open_vectors
from core.errors import CartscapeError
from core.paths import PathLog, open_paths
from core.recommender import features, shown_features
from core.recommender.versions import Version, whole
from core.store import Store

#: The ids of the items that a model was trained on, in a file beside it: a JSON list.
FILE = "items.json"


def items_fingerprint(items: Iterable[str]) -> str:
    """32 hex characters that change with any item or with their order, which is what a model's codes mean."""
    hashed = hashlib.sha256()
    for item in items:
        word = str(item).encode()
        hashed.update(len(word).to_bytes(4, "big") + word)
    return hashed.hexdigest()[:32]


def form_of(orders_lists: bool) -> str:
    """32 hex characters that change with what models are told of items, here and now: of those that order
    lists, or of those that recommend.
    """
    return items_fingerprint((shown_features if orders_lists else features).MADE_FOR)


def of_another_form(version: Version) -> CartscapeError:
    """The sentence on a model that was told something else than models are now."""
    return CartscapeError(
        f"Version {version.number} of the model was made by another version of Cartscape; train again."
    )


def as_file(items: np.ndarray) -> bytes:
    """Ids of items, object[items], as FILE keeps them."""
    return json.dumps(items.tolist(), ensure_ascii=False).encode()


def trained_on(version: Version, items: np.ndarray, encoder: str, itemless: Sequence[int] = ()) -> np.ndarray:
    """Which items, object[items], a version was trained on: bool[items], True for codes that mean no item.

    Raises a sentence where it was trained on one that is not among them, with another encoder than the one
    whose fingerprint is given, or by another version of Cartscape that told it something else.
    """
    if version.about.form != form_of(version.orders_lists):
        raise of_another_form(version)
    its = f"Version {version.number} of the model was trained"
    if version.about.encoder != encoder:
        raise CartscapeError(
            f"{its} with another encoder of texts than CARTSCAPE_MODEL names now; "
            "train again, or name the encoder that it was trained with."
        )
    if version.about.items == items_fingerprint(items):
        return np.ones(items.size, bool)
    try:
        known = dict.fromkeys(json.loads((version.folder / FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        raise CartscapeError(
            f"Version {version.number} of the model is damaged: its file {FILE} cannot be read; train again."
        ) from None
    now = set(np.delete(items, itemless).tolist())
    gone = [item for item in known if item not in now]
    if gone:
        named = ", ".join(map(repr, gone[:3])) + (" …" if len(gone) > 3 else "")
        raise CartscapeError(
            f"{its} on {len(gone):,} item{'' if len(gone) == 1 else 's'} that the log no longer has "
            f"({named}); train again."
        )
    found = np.fromiter((item in known for item in items.tolist()), bool, items.size)
    found[list(itemless)] = True
    return found


def _itemless(paths: PathLog) -> list[int]:
    """The code of events without an item, where some have none."""
    return [paths.no_item] if paths.no_item < paths.items.size else []


def of_log(store: Store) -> tuple[str, str, bytes]:
    """What a model that is trained on a log now keeps: the fingerprints of its items and of the encoder of
    texts, and FILE.
    """
    paths = open_paths(store)
    ids = np.delete(paths.items, _itemless(paths))
    return items_fingerprint(paths.items), open_vectors().encoder.card.fingerprint, as_file(ids)


def trained_now(store: Store, version: Version, any_encoder: bool = False) -> np.ndarray:
    """Which items of a log as it is now a version was trained on: bool[items]. Raises as `trained_on`."""
    paths = open_paths(store)
    encoder = version.about.encoder if any_encoder else open_vectors().encoder.card.fingerprint
    return trained_on(version, paths.items, encoder, _itemless(paths))


def standing(store: Store, version: Version, any_encoder: bool = False) -> tuple[str, int]:
    """Why a version cannot serve the log, as this is now, "" where it can, and how many items are in no list
    of it as they are new since it was trained; with `any_encoder` also where CARTSCAPE_MODEL names another
    encoder than its own, as it may in one process and not in the next.
    """
    try:
        known = trained_now(store, whole(version), any_encoder)
    except CartscapeError as error:
        return str(error), 0
    return "", 0 if version.orders_lists else int((~known).sum())


def new_since(items: int) -> str:
    """A sentence on items that are new since a model was trained."""
    what = "item is" if items == 1 else "items are"
    return (
        f"{items:,} {what} new since the model was trained and in no list unless a rule says so; train again "
        "to have them."
    )
