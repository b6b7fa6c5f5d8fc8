"""Which words of an item's text speak for it, to whom and when it is asked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.encoder import open_vectors
from core.encoder.attribution import Attribution, attribute
from core.errors import CartscapeError
from core.journeys.kept_maps import texts_of
from core.recommender.features import FEATURES, WORDS
from core.recommender.models import Model
from core.recommender.moment import Asked, code_of
from core.recommender.reasons import share_of
from core.recommender.recommend import signals_of
from core.recommender.scorer import MOST
from core.store import Store


def word_shares(store: Store, model: Model, asked: Asked, item: str) -> Attribution:
    """What each word of an item's text adds to what the group of words adds to its score, as `shapley` tells
    it: against words that are as usual, over all sets of the other groups.

    By the encoder's own gradients, from a text that says nothing to this one (`attribute`), through the
    space of the log's texts, the scorer and Shapley's sum. There are no words where the model has nothing to
    hold them against. Raises as `recommend` does, and `CartscapeError` for an item without a text.
    """
    code = code_of(model.codes, item)
    texts, space = texts_of(store), model.ground.space
    row = int(texts.of_item[code])
    if row < 0 or space.mean is None or space.axes is None:
        raise CartscapeError(f"The item {item!r} has no text, so that no word of it speaks for it.")
    signals, _ = signals_of(store, model, asked)
    features = torch.from_numpy(signals.pairs(np.zeros(1, np.int64), np.array([code]))[0])
    directions = torch.from_numpy(signals.whole.directions(0, code))
    mean, axes = torch.from_numpy(space.mean), torch.from_numpy(space.axes)
    scorer = model.scorer
    middle, spread = torch.from_numpy(scorer.middle), torch.from_numpy(scorer.spread)
    seen = torch.from_numpy(scorer.seen)
    names = list(FEATURES)
    at = torch.tensor([names.index(name) for name in WORDS])

    def score(vectors: Tensor) -> Tensor:
        reduced = torch.nn.functional.normalize((vectors - mean) @ axes, dim=1)
        pairs = features.expand(len(vectors), -1).index_copy(1, at, reduced @ directions.T)
        scaled = ((pairs - middle) / spread).clamp(-MOST, MOST) * seen
        return share_of(scorer, scaled, "words")

    if not (directions.any() and seen[at].any()):
        with torch.inference_mode():
            same = float(score(torch.zeros(1, len(mean)))[0])  # whatever the text
        return Attribution((), same, same)
    return attribute(open_vectors().encoder.card, str(texts.texts[row]), score)
