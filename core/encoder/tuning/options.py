"""What is asked of a tuning: every setting, with what it means and where it may lie."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import WrongCall

#: full: every weight; lora and adalora: small matrices beside frozen weights (Hu et al. 2021; Zhang et al.
#: 2023); mlm: every weight, by guessing masked words of texts without labels (Devlin et al. 2019); distil: a
#: model of fewer of the layers, that learns to give the vectors of all of them (Sanh et al. 2019).
METHODS = ("lora", "adalora", "full", "mlm", "distil")
ADAPTERS = ("lora", "adalora")
#: What a tuned model's folder tells of its making; no vector depends on it.
NOTES = "tuning.json"
#: Neighbours by which a smaller model is compared.
NEAREST = 10

#: Learning rates that suit a method: adapters begin at zero and may move fast, trained weights may not.
_RATES = {"lora": 1e-3, "adalora": 2e-3, "full": 5e-5, "mlm": 5e-5, "distil": 3e-4}


@dataclass(frozen=True)
class TuneOptions:
    """How to tune. Equal options, texts, model and machine give an equal model, bit for bit on the CPU."""

    method: str = "lora"  # one of METHODS
    epochs: int = 1  # most passes over the training pairs
    batch: int = 32  # pairs (mlm: texts) a step; the others of a batch are what each is told apart from
    tokens: int = 64  # most of a text, special tokens among them; what is longer is cut
    rate: float = 0.0  # highest learning rate of AdamW; 0 takes what suits the method
    warmup: float = 0.1  # share of the steps in which the rate rises; after them it falls to 0
    decay: float = 0.01  # AdamW's weight decay, of matrices alone
    temperature: float = 0.2  # by which cosines are divided before the softmax at first; it is learnt
    head: float = 0.2  # weight of the loss of the head that tells the next category; 0 trains none
    rank: int = 8  # of the adapters; adalora begins with half as many again and ends with as many on average
    masked: float = 0.15  # share of tokens that mlm hides
    layers: int = 3  # that distil keeps, evenly from the first to the last
    checks: int = 4  # looks at the validation pairs in an epoch
    patience: int = 3  # looks without a better one after which training ends
    seed: int = 0  # of order, dropout, masks and new weights

    def __post_init__(self) -> None:
        """Raises `WrongCall` for what cannot be."""
        if self.method not in METHODS:
            raise WrongCall(f"method={self.method!r} is not known; it takes {', '.join(METHODS)}.")
        least = {
            "epochs": 1,
            "batch": 2,
            "tokens": 8,
            "rank": 1,
            "layers": 1,
            "checks": 1,
            "patience": 1,
            "seed": 0,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise WrongCall(f"{name}={getattr(self, name)} is too few; it takes {low} or more.")
        for name, low_end, high in (
            ("rate", 0.0, 1.0), ("warmup", 0.0, 1.0), ("decay", 0.0, 1.0), ("temperature", 0.001, 10.0),
            ("head", 0.0, 100.0), ("masked", 0.01, 0.9),
        ):  # fmt: skip
            if not low_end <= getattr(self, name) <= high:
                raise WrongCall(
                    f"{name}={getattr(self, name):g} cannot be; it takes {low_end:g} to {high:g}."
                )

    @property
    def highest_rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.rate or _RATES[self.method]

    def rate_at(self, step: int, steps: int) -> float:
        """The share of the highest rate at a step of so many: up in a straight line, then down to 0."""
        rising = round(self.warmup * steps)
        if step < rising:
            return (step + 1) / rising
        return (steps - step) / max(steps - rising, 1)


@dataclass(frozen=True)
class SearchOptions:
    """The budget of a search; there is none where neither minutes nor trials are given."""

    minutes: float = 0.0  # at most, by the clock
    trials: int = 0  # at most
    searched: int = 2_000  # pairs that a trial learns from, at most

    def __post_init__(self) -> None:
        """Raises `WrongCall` for what cannot be."""
        if self.minutes < 0 or self.trials < 0:
            raise WrongCall("minutes= and trials= of a search must not be below 0.")
        if self.searched < 32:
            raise WrongCall(f"searched={self.searched} is too few; it takes 32 or more.")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to search."""
        return bool(self.minutes or self.trials)


@dataclass(frozen=True)
class CompressOptions:
    """What smaller models are made and measured."""

    texts: int = 4_000  # most that speed and nearness are measured on
    distil: int = 1  # whether a smaller model is distilled, which takes minutes; 0 for no

    def __post_init__(self) -> None:
        """Raises `WrongCall` for what cannot be."""
        if self.texts < 2 * NEAREST:
            raise WrongCall(f"texts={self.texts} is too few; it takes {2 * NEAREST} or more.")
