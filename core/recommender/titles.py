"""What items are called, in the order of what they are called."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.journeys.kept_maps import texts_of
from core.recommender.catalogue import open_catalogue
from core.store import Store


def titled(store: Store) -> dict[str, str]:
    """What each item of a log is called, by its id."""
    return in_order(open_catalogue(store).code_of, texts_of(store).titles)


def in_order(codes: Mapping[str, int], titles: np.ndarray) -> dict[str, str]:
    """Titles by id, of codes by id and object[items] titles."""
    named = ((item, str(titles[code])) for item, code in codes.items())
    return dict(sorted(named, key=lambda pair: pair[1]))
