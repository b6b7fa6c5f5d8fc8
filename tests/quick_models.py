"""Models of the sample that are trained in seconds: how good they are is not the point of who trains them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.recommender import evaluation, item_models, training
from core.recommender.models import TrainOptions
from tests.analyses import search_oracle

#: What they foretell.
CLICKS = TrainOptions(event="click", days=20)


@contextmanager
def quick_models(moments: int = 1) -> Iterator[Any]:
    """Within: models are trained and asked with what is alike by words that are counted, with neighbours of
    items in place of a matrix of all of them; trained on so many moments of the past, and what to go by
    chosen with few pairs.
    """
    with search_oracle.encoded() as stand_in, pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_models, "MOST_DENSE", 100)
        patch.setattr(training, "MOMENTS", moments)
        patch.setattr(evaluation, "MOST_PAIRS", 10_000)
        yield stand_in
