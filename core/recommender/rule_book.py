"""The rules of a store: kept as documents, every change told in the audit list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from core.errors import WrongCall
from core.paths import open_cube
from core.recommender.audit import NOBODY, RULE, Author, Change, locked, read, state, take_back, tell
from core.recommender.catalogue import open_catalogue
from core.recommender.rule_kinds import Rule, check, in_order
from core.store import Document, Documents, Store


@dataclass(frozen=True)
class Kept:
    """A rule as it was saved."""

    rule: Rule
    revision: int  # counts its savings; whoever changes it says which they saw
    written: str  # ISO 8601, UTC


class RuleBook:
    """The rules of one store. Two may write at once; whoever saw what is no longer there is told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents = Documents(store.path / "rules", "rule")

    def all(self) -> tuple[Kept, ...]:
        """Every rule, in the order in which they are applied. Raises a sentence where one is damaged."""
        with self._settled():
            kept = {
                d.name: Kept(Rule.of_body(d.name, d.body), d.revision, d.written)
                for d in self._documents.all()
            }
        return tuple(kept[rule.name] for rule in in_order(k.rule for k in kept.values()))

    def rules(self) -> tuple[Rule, ...]:
        """Every rule, on or off, for `apply`."""
        return tuple(kept.rule for kept in self.all())

    def get(self, name: str) -> Kept:
        """One rule by its name; raises `WrongCall` naming those that there are."""
        with self._settled():
            there = self._documents.get(name)
        return Kept(Rule.of_body(there.name, there.body), there.revision, there.written)

    @property
    def state(self) -> tuple[object, ...]:
        """Changes whenever a rule does."""
        return self._documents.state, state(self._store)

    def save(self, rule: Rule, seen: int = 0, author: Author = NOBODY) -> Kept:
        """Save a rule; `seen` is the revision that the editor had before them, 0 for a new one.

        Raises `WrongCall` for a rule that cannot be, and `CartscapeError` where somebody else changed it.
        """
        rule = replace(rule, name=rule.name.strip())
        regions = map(str, open_cube(self._store).dimensions.values("region"))
        check(rule, open_catalogue(self._store), regions)
        return self._save(rule, seen, author)

    def switch(self, name: str, on: bool, seen: int, author: Author = NOBODY) -> Kept:
        """Switch a rule on or off, whatever the log has become since; raises as `save` does. One that is so
        already stays as it is, and nothing is told.
        """
        there = self.get(name)
        if there.rule.on == on and there.revision == seen:
            return there
        return self._save(replace(there.rule, on=on), seen, author)

    def delete(self, name: str, seen: int, author: Author = NOBODY) -> None:
        """Delete a rule; raises as `save` does."""
        with self._changing():
            self._documents.get(name)
            self._documents.delete(name, seen, partial(self._tell, author))

    def _save(self, rule: Rule, seen: int, author: Author) -> Kept:
        with self._changing():
            told = partial(self._tell, author)
            saved = self._documents.save(rule.name, rule.body(), seen, told=told)
        return Kept(rule, saved.revision, saved.written)

    def _tell(self, author: Author, old: Document | None, new: Document | None) -> None:
        before, after = old.body if old else None, new.body if new else None
        if before is None or after is None:
            what = "rule deleted" if after is None else "rule made"
        elif before | {"on": after["on"]} == after and before["on"] != after["on"]:
            what = f"rule switched {'on' if after['on'] else 'off'}"
        else:
            what = "rule changed"
        there = new or old
        assert there is not None
        tell(self._store, RULE, there.name, what, before, after, old.revision if old else 0, author)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Within: nobody changes anything, and every change that was told has been made."""
        with locked(self._store, shared=True):
            if self._pending() is None:
                yield
                return
        with self._changing():
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Within: alone, and every change that was told has been made. A change that fails is not told."""
        with locked(self._store):
            if change := self._pending():
                self._make(change)
            try:
                yield
            except BaseException:
                if self._pending():
                    take_back(self._store)
                raise

    def _pending(self) -> Change | None:
        """The change that was told and not made, as its writer died. Only the last can be."""
        last = next((c for c in reversed(read(self._store).changes) if c.of == RULE), None)
        if last is None:
            return None
        there = self._revision(last.name)
        made = there != last.seen or (last.after is None and not there)
        return None if made else last

    def _revision(self, name: str) -> int:
        try:
            return self._documents.get(name).revision
        except WrongCall:
            return 0

    def _make(self, change: Change) -> None:
        if change.after is None:
            self._documents.delete(change.name, change.seen)
        else:
            self._documents.save(change.name, change.after, change.seen)
