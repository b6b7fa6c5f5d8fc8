"""The kinds of rules that a person may write, what they must hold, and how they are told and kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from core.errors import CartscapeError, WrongCall
from core.events import SIDE_TABLES
from core.recommender.catalogue import Catalogue

#: What groups items.
TRAITS = ("category", "brand")


@dataclass(frozen=True)
class Never:
    """Never show an item, a category or a brand: one of them."""

    item: str = ""
    category: str = ""
    brand: str = ""


@dataclass(frozen=True)
class Always:
    """Always include an item at a place from 1; with 0 where it stands, or else at the list's end."""

    item: str
    place: int = 0


@dataclass(frozen=True)
class Boost:
    """Multiply the odds of a category or brand: above 1 raises, below 1 lowers."""

    factor: float
    category: str = ""
    brand: str = ""


@dataclass(frozen=True)
class InStock:
    """Show only what is in stock."""


@dataclass(frozen=True)
class AtMost:
    """Show at most n items of each brand or each category; items without one are not limited."""

    n: int
    by: str = "brand"


@dataclass(frozen=True)
class Parity:
    """Bring the exposure of small brands nearer to their share of takes, as far as no more than a share of
    ndcg@10 was given up by it when the model was measured (`evaluate` with by=fairness).
    """

    give_up: float = 5.0  # per cent


Does = Never | Always | Boost | InStock | AtMost | Parity

#: By the word that they are kept under, in the order in which they are applied.
KINDS: dict[str, type[Does]] = {
    "parity": Parity,
    "boost": Boost,
    "never": Never,
    "in_stock": InStock,
    "always": Always,
    "at_most": AtMost,
}
_WORD = {kind: word for word, kind in KINDS.items()}


#: What a rule of each kind takes, in words of the command line; the first ones name what it is about.
TAKES = {
    "never": ("item", "category", "brand"),
    "always": ("item", "place"),
    "boost": ("category", "brand", "factor"),
    "in_stock": (),
    "at_most": ("most", "each"),
    "parity": ("give_up",),
}
_FIELD = {"most": "n", "each": "by"}
_NUMBERS = {"place": int, "most": int, "factor": float, "give_up": float}
_NEEDED = {"always": "item", "boost": "factor", "at_most": "most"}


def does_of(kind: str, words: Mapping[str, str]) -> Does:
    """What a rule of a kind does, from words by the names in TAKES; an empty one is not said.

    Raises `WrongCall` for a kind or a word that is not known, and for what is no number.
    """
    if kind not in KINDS:
        raise WrongCall(f"kind={kind!r} is not known; it takes {', '.join(KINDS)}.")
    said = {word: text.strip() for word, text in words.items() if text.strip()}
    takes = TAKES[kind]
    for word in said:
        if word not in takes:
            known = f"takes {', '.join(takes)}" if takes else "takes nothing but a region and dates"
            raise WrongCall(f"A rule of {kind} has no {word}; it {known}.")
    if (needed := _NEEDED.get(kind)) and needed not in said:
        raise WrongCall(f"A rule of {kind} needs {needed}=….")
    values: dict[str, Any] = {}
    for word, text in said.items():
        try:
            values[_FIELD.get(word, word)] = _NUMBERS.get(word, str)(text)
        except ValueError:
            whole = "a whole number" if _NUMBERS[word] is int else "a number"
            raise WrongCall(f"{word}={text!r} is not {whole}.") from None
    return KINDS[kind](**values)


def words_of(does: Does) -> dict[str, str]:
    """What `does_of` reads, of what a rule does."""
    names = {field: word for word, field in _FIELD.items()}
    found = {names.get(field, field): value for field, value in asdict(does).items()}
    return {word: f"{v:g}" if isinstance(v, float) else str(v) for word, v in found.items() if v != ""}


def day_of(word: str, text: str) -> date | None:
    """A day in ISO 8601, None where nothing is said; raises `WrongCall` for anything else."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise WrongCall(f"{word}={text!r} is not a day such as 2025-06-01.") from None


@dataclass(frozen=True)
class Rule:
    """What a rule does, and where and when."""

    name: str
    does: Does
    on: bool = True
    region: str = ""  # of the shopper; empty: everywhere
    start: date | None = None  # the first day that it holds
    end: date | None = None  # the last one

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return _WORD[type(self.does)]

    def holds(self, region: str, when: date) -> bool:
        """Whether it is on for a shopper of that region, that day."""
        return (
            self.on
            and self.region in ("", region)
            and (self.start is None or self.start <= when)
            and (self.end is None or when <= self.end)
        )

    def body(self) -> dict[str, Any]:
        """All but its name, as JSON."""
        days = {"start": self.start and self.start.isoformat(), "end": self.end and self.end.isoformat()}
        return {"kind": self.kind, "does": asdict(self.does), "on": self.on, "region": self.region, **days}

    @classmethod
    def of_body(cls, name: str, body: dict[str, Any]) -> Rule:
        """The rule that was kept; raises `CartscapeError` where it cannot be read."""
        try:
            days = [date.fromisoformat(body[key]) if body[key] else None for key in ("start", "end")]
            return cls(name, KINDS[body["kind"]](**body["does"]), body["on"], body["region"], *days)
        except (KeyError, TypeError, ValueError) as error:
            raise CartscapeError(
                f"The rule {name!r} cannot be read ({error}); delete it and write it anew."
            ) from None


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules in the order in which they are applied: by kind, those of a kind by name."""
    order = list(KINDS)
    return tuple(sorted(rules, key=lambda r: (order.index(r.kind), r.name.casefold(), r.name)))


def words(rule: Rule) -> str:
    """What a rule does, where and when, in words: "never show the brand Acme in Ohio"."""
    does = rule.does
    if isinstance(does, Never):
        said = f"never show {_named(does)}"
    elif isinstance(does, Always):
        said = f"always show {_named(does)}" + (f" at place {does.place}" if does.place else "")
    elif isinstance(does, Boost):
        verb = "raise" if does.factor >= 1 else "lower"
        said = f"{verb} {_named(does)}: odds × {does.factor:g}"
    elif isinstance(does, AtMost):
        said = f"at most {does.n} of a {does.by}"
    elif isinstance(does, Parity):
        said = f"bring small brands nearer to their share for at most {does.give_up:g} % of ndcg@10"
    else:
        said = "only what is in stock"
    said += f" in {rule.region}" if rule.region else ""
    said += f" from {rule.start}" if rule.start else ""
    return said + (f" to {rule.end}" if rule.end else "")


def _named(does: Does) -> str:
    return " ".join(f"the {what} {value}" for what, value in named(does).items())


def named(does: Does) -> dict[str, str]:
    """The item, category or brand that a rule names; empty for one that names none."""
    found = {what: getattr(does, what, "") for what in ("item", *TRAITS)}
    return {what: value for what, value in found.items() if value}


def unknown(does: Does, catalogue: Catalogue) -> str:
    """What a rule names that no item of the log is or has, in words; empty where there is nothing."""
    for what, value in named(does).items():
        if value not in (catalogue.code_of if what == "item" else catalogue.values[what]):
            return f"the {what} {value!r}"
    return ""


def no_stock(name: str) -> str:
    """The sentence on a rule of what is in stock, where the log has none."""
    return (
        f"The rule {name!r} does nothing: this log has no table of stock; "
        f"load one with {', '.join(SIDE_TABLES['stock'].names)}."
    )


def no_parity(name: str) -> str:
    """The sentence on a rule of parity, where nobody measured what it costs."""
    return (
        f"The rule {name!r} does nothing: what parity costs was not measured of the model in use; measure it "
        "on the page Models, or with evaluate --option by=fairness."
    )


def check(rule: Rule, catalogue: Catalogue, regions: Iterable[str]) -> None:
    """Raise `WrongCall` where a rule says what cannot be, or names what the log does not have."""
    does, its = rule.does, f"The rule {rule.name!r}"
    if isinstance(does, Boost) and not (math.isfinite(does.factor) and does.factor > 0):
        raise WrongCall(f"{its} has a factor of {does.factor:g}; it takes one above 0, below 1 to lower.")
    if isinstance(does, Parity) and not 0 <= does.give_up <= 100:
        raise WrongCall(f"{its} gives up {does.give_up:g} %; it takes a number from 0 to 100.")
    if isinstance(does, Always) and does.place < 0:
        raise WrongCall(f"{its} names place {does.place}; places begin at 1, and 0 means the end.")
    if isinstance(does, AtMost):
        if does.n < 1:
            raise WrongCall(f"{its} allows at most {does.n}; it takes 1 or more, or make it a rule of never.")
        if does.by not in TRAITS:
            raise WrongCall(f"{its} counts by {does.by!r}; it takes {' or '.join(TRAITS)}.")
    if isinstance(does, Never | Boost | Always) and len(named(does)) != 1:
        may = " or ".join(what for what in ("item", *TRAITS) if hasattr(does, what))
        raise WrongCall(f"{its} names {' and '.join(named(does)) or 'nothing'}; it takes one {may}.")
    if rule.start and rule.end and rule.start > rule.end:
        raise WrongCall(f"{its} ends on {rule.end}, before it starts on {rule.start}; swap the dates.")
    missing = unknown(does, catalogue)
    if not missing and rule.region and rule.region not in set(regions):
        missing = f"the region {rule.region!r}"
    if missing:
        # Those that there are get no name here: the log may have some that too few shoppers have.
        raise WrongCall(
            f"{its} names {missing}, which this log does not have; check how it is written "
            "(`show facets` lists regions and categories)."
        )
