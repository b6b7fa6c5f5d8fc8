"""Cohorts: rules that say who is in, worked out over the path log.

A rule is a small tree, kept as JSON. Its leaves:

    {"of": "scope", "scope": {…}}                                  anyone with an event in the scope
    {"of": "did", "event": "view[category=Shoes]", "times": 2, "days": 30, "scope": {…}}
                                                                   at least so often in the log's last days
    {"of": "rfm", "recency": [4, 5], "frequency": [1, 5], "money": [1, 5]}
    {"of": "funnel", "scope": {…}, "options": {…}, "step": 3, "outcome": "reached" or "dropped"}
    {"of": "path", "scope": {…}, "options": {…}, "level": 2, "source": "cart", "target": "purchase"}
    {"of": "pattern", "scope": {…}, "options": {"pattern": "cart->[^support]*->purchase"}}
    {"of": "retention", "scope": {…}, "options": {…}, "cohort": "2025-05-12", "period": 2, "outcome":
     "returned" or "lost"}                                         a cell of the retention table
    {"of": "lifecycle", "scope": {…}, "event": "*", "step": "week", "state": "dormant", "day": "2025-05-12"}
    {"of": "cohort", "name": "…"}                                  another cohort, as it is then

and what joins them: {"of": "and", "rules": […]}, "or", and {"of": "not", "rules": [one]}.

A dynamic cohort keeps its rule and is worked out anew when the log grows. A fixed one keeps its members.
Where a scope names a cohort, a rule in JSON may stand in place of a name: a cohort that nobody saved.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from core.errors import CartscapeError, WrongCall
from core.marts import Cube
from core.paths.choices import Picture, behind_edge, behind_pattern
from core.paths.did import rfm, times_did
from core.paths.lifecycle import in_state
from core.paths.log import PathLog
from core.paths.marks import parse_events
from core.paths.match import match
from core.paths.options import FunnelOptions
from core.paths.periods import periods
from core.paths.returns import Retention, returned
from core.paths.steps import ANY, parse_steps
from core.paths.tokens import titles, tokens
from core.scope import Scope
from core.store import Document, Documents, Store

Rule = dict[str, Any]

#: Leaves and joints of a rule → how its members are found: (cohorts, rule) → bool[shoppers].
FINDERS: dict[str, Callable[[Cohorts, Rule], np.ndarray]] = {}

#: Memberships that are kept in memory.
MOST_KEPT = 32


@dataclass
class Cohorts:
    """The cohorts of one store, over its cube and path log."""

    store: Store
    cube: Cube
    paths: PathLog

    def __post_init__(self) -> None:
        self._kept: dict[object, np.ndarray] = {}
        self._trail = threading.local()

    def of_scope(self, scope: Scope) -> np.ndarray | None:
        """Who is in any of the scope's cohorts: bool[shoppers]; None where it names none."""
        if not scope.cohorts:
            return None
        return np.any([self.members(name) for name in scope.cohorts], axis=0)

    def members(self, name: str) -> np.ndarray:
        """Who is in a cohort: bool[shoppers]. Raises a sentence for one unknown, or that goes in circles."""
        key = (name, self.store.cohorts.state)
        if key not in self._kept:
            rule = unnamed(name)
            with self._following(name):
                found = self.find(rule) if rule else self._found(self.store.cohorts.get(name))
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return self._kept[key]

    def find(self, rule: Rule) -> np.ndarray:
        """Who a rule means: bool[shoppers]. Raises a sentence where it cannot be read."""
        kind = rule.get("of")
        if kind not in FINDERS:
            raise WrongCall(f"A cohort's rule says of={kind!r}; it takes {', '.join(sorted(FINDERS))}.")
        try:
            return FINDERS[kind](self, rule)
        except (KeyError, TypeError, ValueError) as error:
            raise WrongCall(
                f"The cohort's rule of={kind!r} cannot be read: {error} is missing or odd."
            ) from None

    def save(self, name: str, rule: Rule, *, fixed: bool = False, seen: int = 0) -> Document:
        """Save a cohort; a fixed one keeps the shoppers that the rule means now.

        Raises a sentence where the rule cannot be read or would refer to the cohort itself.
        """
        with self._following(name.strip()):
            found = self.find(rule)
        table = pa.table({"user_id": self.user_ids(found)}) if fixed else None
        return self.store.cohorts.save(name, {"rule": rule, "fixed": fixed}, seen, table)

    def rename(self, name: str, to: str, seen: int) -> Document:
        """Give a cohort another name, in the rules of other cohorts and in saved views as well.

        Raises a sentence where somebody else changed it meanwhile, or where the name is taken.
        """
        new = self.store.cohorts.rename(name, to, seen)
        for documents in (self.store.cohorts, self.store.saved_views):
            for other in documents.all():
                if renamed(other.body, name, new.name) != other.body:
                    _rewrite(documents, other.name, name, new.name)
        return new

    def user_ids(self, members: np.ndarray) -> pa.Array:
        """The pseudonyms of members, in no order that says anything."""
        keys = pa.table({"shopper": self.paths["shopper"][np.flatnonzero(members)]})
        cursor = self.store.cursor()
        cursor.register("chosen", keys)
        found = cursor.sql(
            "SELECT DISTINCT user_id FROM events JOIN chosen"
            " ON CAST(CAST(hash(user_id) AS BIT) AS BIGINT) = chosen.shopper ORDER BY user_id"
        )
        return found.to_arrow_table()["user_id"].combine_chunks()

    def scope_of(self, rule: Rule) -> Scope:
        """The scope that a rule names, with its dates and nothing compared."""
        return replace(self.cube.fill(Scope.parse(rule.get("scope", {}))), compare="off")

    def from_numbers(self, shoppers: np.ndarray) -> np.ndarray:
        """bool[shoppers] from numbers of shoppers."""
        out = np.zeros(self.paths.shoppers, bool)
        out[shoppers] = True
        return out

    def _found(self, document: Document) -> np.ndarray:
        if not document.body.get("fixed"):
            return self.find(document.body["rule"])
        kept = self.store.cohorts.table(document)
        cursor = self.store.cursor()
        cursor.register("kept", kept)
        keys = cursor.sql("SELECT CAST(CAST(hash(user_id) AS BIT) AS BIGINT) AS shopper FROM kept")
        return np.isin(self.paths["shopper"], keys.to_arrow_table()["shopper"].to_numpy())

    @contextmanager
    def _following(self, name: str) -> Iterator[None]:
        """Within: the cohort is being worked out, so it may not be asked for again."""
        trail: list[str] = self._trail.__dict__.setdefault("names", [])
        if name in trail:
            way = " → ".join([*trail[trail.index(name) :], name])
            raise CartscapeError(f"The cohort {name!r} refers to itself ({way}); take it out of its rule.")
        trail.append(name)
        try:
            yield
        finally:
            trail.pop()


def unnamed(word: str) -> Rule | None:
    """The rule that stands in place of a cohort's name, or None for a name."""
    if not word.startswith("{"):
        return None
    try:
        rule = json.loads(word)
    except ValueError as error:
        raise WrongCall(f"The cohort {word!r} is neither a name nor a rule in JSON: {error}.") from None
    return rule if isinstance(rule, dict) else None


def _rewrite(documents: Documents, document: str, name: str, to: str) -> None:
    """Put a cohort's new name into a document, again where somebody else saved it in that moment."""
    for tries in range(3):
        try:
            now = documents.get(document)
            table = documents.table(now) if now.table else None
            documents.save(document, renamed(now.body, name, to), now.revision, table)
            return
        except CartscapeError:
            if tries == 2:
                raise


def renamed(body: Any, name: str, to: str) -> Any:
    """A rule or a saved view in which a cohort goes by another name."""
    if isinstance(body, list):
        return [renamed(part, name, to) for part in body]
    if not isinstance(body, dict):
        return body
    out = {key: renamed(value, name, to) for key, value in body.items()}
    if out.get("of") == "cohort" and out.get("name") == name:
        out["name"] = to
    told = {name: to, f"cohort:{name}": f"cohort:{to}"}
    for key in ("cohort", "cohort_mine", "cohort_other", "against"):  # words of a scope and of a view
        if isinstance(out.get(key), list):
            out[key] = [told.get(value, value) for value in out[key]]
    if isinstance(out.get("cohort"), str) and out.get("of") != "retention":
        out["cohort"] = to if out["cohort"] == name else out["cohort"]
    return out


def _scope(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    return times_did(cohorts.paths, cohorts.scope_of(rule), parse_steps("*")[0]) > 0


def _did(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    scope = cohorts.scope_of(rule)
    if days := int(rule.get("days") or 0):
        scope = replace(
            scope, start=cohorts.cube.last_day - timedelta(days=days - 1), end=cohorts.cube.last_day
        )
    return times_did(cohorts.paths, scope, parse_steps(rule["event"])[0]) >= int(rule.get("times", 1))


def _rfm(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    scores = rfm(cohorts.paths)
    found = np.ones(cohorts.paths.shoppers, bool)
    for name in ("recency", "frequency", "money"):
        low, high = rule.get(name, (1, 5))
        score = getattr(scores, name)
        found &= (score >= int(low)) & (score <= int(high))
    return found


def _funnel(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    options = FunnelOptions(**rule.get("options", {}))
    funnel = options.funnel("")
    names = tokens(cohorts.paths, funnel.naming, titles(cohorts.store) if options.nodes == "page" else None)
    found = match(cohorts.paths, cohorts.scope_of(rule), funnel, names)
    step = int(rule["step"]) - 1
    reached = cohorts.from_numbers(found.shoppers_at(step))
    if rule.get("outcome", "reached") == "reached":
        return reached
    before = next((s for s in range(step - 1, -1, -1) if not funnel.steps[s].optional), 0)
    return cohorts.from_numbers(found.shoppers_at(before)) & ~reached


def _path(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    picture = Picture(**rule.get("options", {}))
    found = behind_edge(
        cohorts.store, cohorts.paths, cohorts.scope_of(rule), picture, int(rule["level"]), rule["source"],
        rule.get("target", ""),
    )  # fmt: skip
    return cohorts.from_numbers(found)


def _pattern(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    picture = Picture(**rule["options"])
    return cohorts.from_numbers(behind_pattern(cohorts.store, cohorts.paths, cohorts.scope_of(rule), picture))


def _retention(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    words = rule.get("options", {})
    asked = Retention(
        parse_events(words.get("start", ANY), "start"), parse_events(words.get("back", ANY), "back"),
        words.get("step", "week"), words.get("mode", "on"), words.get("entry", "first"),
    )  # fmt: skip
    scope = cohorts.scope_of(rule)
    period = periods(cohorts.paths, scope, asked.step).at(date.fromisoformat(rule["cohort"]))
    back = cohorts.from_numbers(returned(cohorts.paths, scope, asked, period, int(rule["period"])))
    if rule.get("outcome", "returned") == "returned":
        return back
    return cohorts.from_numbers(returned(cohorts.paths, scope, asked, period)) & ~back


def _lifecycle(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    scope, step = cohorts.scope_of(rule), rule.get("step", "week")
    period = periods(cohorts.paths, scope, step).at(date.fromisoformat(rule["day"]))
    event = parse_events(rule.get("event", ANY), "event")
    return cohorts.from_numbers(in_state(cohorts.paths, scope, rule["state"], period, event, step))


def _cohort(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    return cohorts.members(rule["name"])


def _and(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    return np.all([cohorts.find(part) for part in rule["rules"]], axis=0)


def _or(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    return np.any([cohorts.find(part) for part in rule["rules"]], axis=0)


def _not(cohorts: Cohorts, rule: Rule) -> np.ndarray:
    (part,) = rule["rules"]
    return ~cohorts.find(part)


FINDERS |= {
    "scope": _scope,
    "did": _did,
    "rfm": _rfm,
    "funnel": _funnel,
    "path": _path,
    "pattern": _pattern,
    "retention": _retention,
    "lifecycle": _lifecycle,
    "cohort": _cohort,
    "and": _and,
    "or": _or,
    "not": _not,
}
