"""A store with a trained model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from core.recommender import item_models
from core.recommender.models import TrainOptions, train_model
from core.store import Store
from tests.analyses import search_oracle

CLICKS = TrainOptions(event="click", days=20)


@pytest.fixture(scope="module")
def trained(sample_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A copy of the sample with a model."""
    folder = tmp_path_factory.mktemp("models") / "sample"
    shutil.copytree(sample_store.path, folder)
    # Inverting a matrix of all items for every copy of the log takes most of the time; neighbours serve.
    with search_oracle.encoded(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_models, "MOST_DENSE", 100)
        store = Store.open(folder)
        train_model(store, CLICKS)
        yield store
