"""The rules of a store over a ranking, and each of their effects in words that a table can show."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from core.paths import open_cube
from core.recommender.catalogue import Catalogue, open_catalogue
from core.recommender.moment import Asked, NothingLeft
from core.recommender.parity import with_parity
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, Boost, Rule, in_order, words
from core.recommender.rules import Applied, apply
from core.store import Store

PUT_IN, RAISED, LOWERED, KEPT_OUT = "put in", "raised", "lowered", "kept out"


@dataclass(frozen=True)
class Effect:
    """What one rule did to one item; places are from 1, None for none."""

    rule: str  # its name
    words: str  # what it does
    did: str  # PUT_IN, RAISED, LOWERED or KEPT_OUT
    item: int  # code
    place: int | None  # where it stood
    to: int | None  # where it went; None where it was kept out


@dataclass(frozen=True)
class Ruled:
    """A list after the rules, and how it would go on."""

    items: np.ndarray  # int64[≤ deep], codes: the list, then what would follow
    listed: int  # how many of them are the list
    effects: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()
    barred: dict[int, str] = field(default_factory=dict)  # item that is kept out → rule

    def told(self, item: int) -> str | None:
        """What rules did to an item: "put in by 'x'"; None for nothing."""
        said = [f"{e.did} by {e.rule!r}" for e in self.effects if e.item == item and e.did != KEPT_OUT]
        if item in self.barred:
            said = [f"{KEPT_OUT} by {self.barred[item]!r}"]
        return "; ".join(said) or None


#: Gives a ranking, int64[ranked] codes and float64[ranked] logits, best first: of what sources propose, or,
#: where asked for the whole, of all that may be shown behind it.
Ranking = Callable[[bool], tuple[np.ndarray, np.ndarray]]


def ruled(store: Store, asked: Asked, region: str, ranking: Ranking, deep: int = 0) -> Ruled:
    """The first `asked.n` of a ranking after the rules that hold in a region on the day that is asked for,
    the log's last where none is; with `deep` above n also what would follow, so far.

    The whole ranking is asked for only where rules look beyond what sources propose: where the list would be
    short, or what was ranked low may be raised. Raises `NothingLeft` where rules leave nothing.
    """
    every = rules_of(store)
    if not asked.rules:
        items = ranking(False)[0][: max(deep, asked.n)]
        return Ruled(items, min(asked.n, items.size), notes=left_out(every))
    when = asked.day or open_cube(store).last_day
    holding = in_order(rule for rule in every if rule.holds(region, when))
    deep = max(deep, asked.n)
    if not holding:
        items = ranking(False)[0]
        return Ruled(items[:deep], min(asked.n, items.size), notes=_silent(every, (), region, when))
    catalogue = with_parity(store, open_catalogue(store, when), holding)
    kept, notes = not_sold_out(holding, asked)
    whole = any(isinstance(rule.does, Boost) for rule in kept)
    first, further = _applied(kept, ranking(whole), catalogue, when, region, asked.n, deep)
    if not whole and further.items.size < deep:
        first, further = _applied(kept, ranking(True), catalogue, when, region, asked.n, deep)
    if not first.items.size:
        raise NothingLeft(_nothing(first, holding))
    listed = first.items.tolist()
    items = np.array([*listed, *(i for i in further.items.tolist() if i not in set(listed))], np.int64)[:deep]
    effects = _effects(first, {rule.name: rule for rule in kept})
    if len(listed) < asked.n:
        notes.append(f"The rules leave only {len(listed)} of {asked.n} items.")
    told = (*_sentences(effects, kept), *first.notes, *notes, *_silent(every, holding, region, when))
    barred = {out.item: out.rule for out in (*further.out, *first.out) if out.item not in set(items.tolist())}
    return Ruled(items, len(listed), effects, told, barred)


def _applied(
    rules: tuple[Rule, ...], ranking: tuple[np.ndarray, np.ndarray], catalogue: Catalogue, when: date,
    region: str, n: int, deep: int,
) -> tuple[Applied, Applied]:  # fmt: skip
    first, further = (
        apply(rules, *ranking, catalogue, when=when, n=length, region=region) for length in (n, deep)
    )
    return first, further


_books: dict[str, tuple[object, tuple[Rule, ...]]] = {}
_guard = threading.Lock()


def rules_of(store: Store) -> tuple[Rule, ...]:
    """Every rule of a store as it is on disk now; read anew only where one changed."""
    book, key = RuleBook(store), str(store.path)
    now = book.state
    with _guard:
        there = _books.get(key)
    if there is None or there[0] != now:
        there = (now, book.rules())
        with _guard:
            _books[key] = there
    return there[1]


def left_out(every: Iterable[Rule]) -> tuple[str, ...]:
    """The sentence on rules that are left out with rules=off; none where none is on."""
    on = sum(rule.on for rule in every)
    return (f"Rules are off here: {on} of this log {'is' if on == 1 else 'are'} left out.",) * bool(on)


def not_sold_out(rules: Iterable[Rule], asked: Asked) -> tuple[tuple[Rule, ...], list[str]]:
    """The rules but those that include what is asked to be sold out, and sentences on these."""
    kept, notes = [], []
    for rule in rules:
        if isinstance(rule.does, Always) and rule.does.item in asked.out_of_stock:
            notes.append(f"{rule.name!r} does not include {rule.does.item!r}, which is sold out here.")
        else:
            kept.append(rule)
    return tuple(kept), notes


def _effects(applied: Applied, by_name: dict[str, Rule]) -> tuple[Effect, ...]:
    found = []
    for move in applied.moved:
        does = by_name[move.rule].does
        did = PUT_IN if isinstance(does, Always) else RAISED if move.to < (move.place or 0) else LOWERED
        found.append(Effect(move.rule, words(by_name[move.rule]), did, move.item, move.place, move.to))
    return (*found, *(
        Effect(out.rule, words(by_name[out.rule]), KEPT_OUT, out.item, out.place, None) for out in applied.out
    ))  # fmt: skip


def _sentences(effects: Iterable[Effect], rules: Iterable[Rule]) -> list[str]:
    """One on each rule that did something."""
    counts: dict[str, Counter[str]] = {}
    for effect in effects:
        counts.setdefault(effect.rule, Counter())[effect.did] += 1
    return [
        f"The rule {rule.name!r} ({words(rule)}) "
        + " and ".join(
            f"{did} {count} item{'' if count == 1 else 's'}" for did, count in counts[rule.name].items()
        )
        + "."
        for rule in rules
        if rule.name in counts
    ]


def _silent(every: Iterable[Rule], holding: Iterable[Rule], region: str, when: date) -> tuple[str, ...]:
    """A sentence on rules that are on and do not hold here today."""
    there = {rule.name for rule in holding}
    silent = [rule.name for rule in every if rule.on and rule.name not in there]
    if not silent:
        return ()
    where = f" in {region}" if region else " where no region is known"
    verb = "rules do not hold" if len(silent) > 1 else "rule does not hold"
    return (f"{len(silent)} {verb}{where} on {when}: {', '.join(map(repr, silent))}.",)


def _nothing(applied: Applied, rules: Iterable[Rule]) -> str:
    counts = Counter(out.rule for out in applied.out)
    said = ", ".join(f"{r.name!r} ({words(r)}) keeps out {counts[r.name]:,}" for r in rules if counts[r.name])
    return (
        f"The rules leave nothing to show: {said or 'no item is left'}. Switch one off on the page Models; "
        "pages and commands tell what the model alone would say with rules=off."
    )
