"""What a student is to get better at: to find the next item, or to guess masked words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.encoder.texts import clean, mend
from core.encoder.tokens import BulkTokenizer, Tokens
from core.encoder.tuning.data import Pairs, TuningData
from core.encoder.tuning.measure import ranking, ranks
from core.encoder.tuning.model import Student, seeded
from core.errors import CartscapeError

#: Of the masked tokens so many become [MASK], so many another word; the rest stays (Devlin et al. 2019).
_HIDDEN, _OTHER = 0.8, 0.1
#: Of so many texts without labels one is kept for validation.
_EVERY = 10
#: Most texts that masked words are guessed in at a validation.
_GUESSED = 512


class Goal(Protocol):
    """One kind of training."""

    size: int  # examples that an epoch goes through
    target: str  # the number of `check` by which the best moment is chosen; higher is better

    @property
    def head(self) -> nn.Module | None:
        """What is trained beside the encoder, and not kept with it."""

    def loss(self, rows: np.ndarray) -> Tensor:
        """The loss of some examples; torch's draws are seeded by the caller."""

    def check(self) -> dict[str, float]:
        """How good the student is at the validation examples."""


def tokenized(student: Student, texts: np.ndarray) -> Tokens:
    """Tokens of texts as the app's encoder reads them, cut to the length of the options."""
    card = replace(student.card, max_tokens=min(student.card.max_tokens, student.options.tokens))
    return BulkTokenizer(card)(mend(clean(texts)).tolist())


class Beside(nn.Module):
    """What is trained beside the encoder, and not kept with it."""

    def __init__(self, dim: int, classes: int, temperature: float) -> None:
        super().__init__()
        #: Of the temperature by which cosines are divided, the logarithm; learnt, as Radford et al. 2021 do.
        self.heat = nn.Parameter(torch.tensor(math.log(temperature)))
        self.classes = nn.Linear(dim, classes) if classes else None


class Contrast:
    """Find what was taken next among the others of a batch: multiple negatives ranking (Henderson 2017).

    Beside it a linear head tells the category of what was taken next, where the log has categories.
    """

    def __init__(self, student: Student, data: TuningData) -> None:
        self.size = len(data.train)
        self.target = "ndcg@10"
        self._student = student
        self._data = data
        self._items = tokenized(student, data.catalogue)
        self._anchors = tokenized(student, data.train.anchors)
        self._validation = tokenized(student, data.validation.anchors)
        options = student.options
        with seeded(options.seed, 2):
            classes = len(data.class_names) if options.head else 0
            self.head = Beside(student.card.dim, classes, options.temperature).to(student.device)

    def loss(self, rows: np.ndarray) -> Tensor:
        pairs, options = self._data.train, self._student.options
        anchors = self._student.vectors(self._anchors, rows)
        items = self._student.vectors(self._items, pairs.labels[rows])
        scores = anchors @ items.T / self.head.heat.exp()
        # What the same shopper took, the same item again, or what the anchor tells of is no wrong answer.
        labels, groups = pairs.labels[rows], pairs.groups[rows]
        same = (labels[:, None] == labels) | (groups[:, None] == groups)
        same |= (pairs.known[rows][:, :, None] == labels).any(1)
        np.fill_diagonal(same, False)
        scores = scores.masked_fill(torch.from_numpy(same).to(scores.device), -torch.inf)
        loss = functional.cross_entropy(scores, torch.arange(len(rows), device=scores.device))
        classes = torch.from_numpy(pairs.classes[rows]).to(scores.device)
        if self.head.classes is not None and bool((classes >= 0).any()):
            told = self.head.classes(anchors)
            loss = loss + options.head * functional.cross_entropy(told, classes, ignore_index=-1)
        return loss + self._student.penalty()

    def check(self) -> dict[str, float]:
        pairs = self._data.validation
        items, anchors = self._student.encode(self._items), self._student.encode(self._validation)
        return ranking(ranks(anchors, items, pairs.labels, pairs.known))

    def items(self) -> np.ndarray:
        """The vectors of the catalogue as the student is now: float32[items, dim]."""
        return self._student.encode(self._items)

    def anchors(self, pairs: Pairs) -> np.ndarray:
        """The vectors of anchors as the student is now: float32[n, dim]."""
        return self._student.encode(tokenized(self._student, pairs.anchors))

    def told(self, anchors: np.ndarray) -> np.ndarray:
        """The categories that the head tells of the vectors of anchors: int64[n]."""
        assert self.head.classes is not None
        with torch.no_grad():
            scores = self.head.classes(torch.from_numpy(anchors).to(self._student.device))
        found: np.ndarray = scores.argmax(1).cpu().numpy()
        return found


class Distilled:
    """Give the vectors of a larger model: cosine to its own, over titles, searches and anchors."""

    def __init__(self, student: Student, data: TuningData) -> None:
        self.target = "cosine"
        self.head: nn.Module | None = None
        self._student = student
        self.teacher = Student(student.card, replace(student.options, method="full"), 1, student.device)
        texts = distilled_of(data)
        self.size = texts.size
        self._tokens = tokenized(student, texts)
        self._validation = tokenized(student, data.unlabelled[::_EVERY])
        self._wanted = torch.from_numpy(self.teacher.encode(self._tokens)).to(student.device)
        self._wanted_then = self.teacher.encode(self._validation)

    def loss(self, rows: np.ndarray) -> Tensor:
        """1 − cosine, which is half the squared distance of vectors of length 1."""
        found = self._student.vectors(self._tokens, rows)
        return 1 - (found * self._wanted[torch.from_numpy(rows)]).sum(1).mean()

    def check(self) -> dict[str, float]:
        found = self._student.encode(self._validation)
        return {"cosine": float((found * self._wanted_then).sum(1).mean())}


def distilled_of(data: TuningData) -> np.ndarray:
    """What a smaller model learns from: object[texts]; every tenth title or search is kept apart."""
    kept = np.arange(data.unlabelled.size) % _EVERY == 0
    learnt = np.concatenate([data.unlabelled[~kept], data.train.anchors])
    apart = set(data.unlabelled[kept].tolist())
    return np.array(sorted(set(learnt.tolist()) - apart), object)


class Masked:
    """Guess the words that are hidden in titles and searches, for which nobody needs to have bought."""

    def __init__(self, student: Student, data: TuningData) -> None:
        self.target = "minus_loss"
        self.head: nn.Module | None = None
        self._student = student
        every = data.unlabelled
        self.size = learnt_of(every.size)
        if every.size - self.size < 2 or self.size < 2:
            raise CartscapeError(
                "There are too few texts without labels to learn from; load items with titles, or searches."
            )
        kept = np.arange(every.size) % _EVERY == 0
        self._tokens = tokenized(student, every[~kept])
        self._validation = tokenized(student, every[kept][:_GUESSED])
        tokenizer = BulkTokenizer(student.card).tokenizer
        masks = [tokenizer.token_to_id(token) for token in ("[MASK]", "<mask>")]
        if not any(masks):
            raise CartscapeError(
                f"The tokenizer of {student.card.name} has no word that hides another; choose another "
                "method=."
            )
        self._mask = next(int(mask) for mask in masks if mask)
        self._words = min(tokenizer.get_vocab_size(), int(student.whole.config.vocab_size))
        special = [i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special]
        self._special = torch.tensor([*special, self._mask], device=student.device)

    def loss(self, rows: np.ndarray) -> Tensor:
        return self._guess(self._tokens, rows)

    def check(self) -> dict[str, float]:
        model = self._student.whole
        was = model.training
        model.eval()
        rows = np.argsort(self._validation.lengths, kind="stable")
        parts = [rows[at : at + 32] for at in range(0, len(rows), 32)]
        # The same words are hidden each time.
        with torch.no_grad(), seeded(self._student.options.seed, 3):
            found = [float(self._guess(self._validation, part)) for part in parts]
        model.train(was)
        return {"minus_loss": -float(np.average(found, weights=[len(part) for part in parts]))}

    def _guess(self, tokens: Tokens, rows: np.ndarray) -> Tensor:
        ids, mask = self._student.padded(tokens, rows)
        free = mask.bool() & ~torch.isin(ids, self._special)
        chosen = free & (torch.rand(ids.shape, device=ids.device) < self._student.options.masked)
        if not bool(chosen.any()):
            chosen = free  # a few short texts with nothing hidden: all of it is
        kind = torch.rand(ids.shape, device=ids.device)
        other = torch.randint(self._words, ids.shape, device=ids.device)
        given = ids.masked_fill(chosen & (kind < _HIDDEN), self._mask)
        given = torch.where(chosen & (kind >= 1 - _OTHER), other, given)
        with self._student.mixed():
            told = self._student.whole(input_ids=given, attention_mask=mask).logits
        return functional.cross_entropy(told[chosen].float(), ids[chosen])


def learnt_of(texts: int) -> int:
    """How many of so many texts without labels are learnt from; the others are for validation."""
    return texts - -(-texts // _EVERY)
