"""How a page asks: one cached call an analysis, and the command that prints the same numbers."""

from __future__ import annotations

import shlex
import shutil
import threading
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import streamlit as st

from core.analyses import ANALYSES, Answer
from core.analyses.currency import currency as money_of
from core.analyses.measures import Measure
from core.analyses.missing import missing_notes
from core.analyses.span import busy_span as busy_days
from core.encoder import said_of_caches
from core.errors import CartscapeError, StoreBusy
from core.journeys.given_names import given_names
from core.paths import open_cohorts, open_cube, open_paths
from core.paths.steps import Step
from core.paths.suggest import suggest
from core.recommender import versions
from core.recommender.rule_book import RuleBook
from core.recommender.shown import names_lists
from core.recommender.titles import titled
from core.scope import Scope
from core.settings import settings
from core.store import Store, StoreInfo, list_stores
from pages.parts import state

#: Analyses whose answers follow rules, versions of the model, and what comes through the API.
RECOMMENDING = frozenset(
    ("recommended", "what-if", "rule-effects", "why-words", "past-buyers", "taken-after", "smallest-change",
     "leaders", "preview", "rules", "audit", "models", "model-card", "model-curve", "models-compared",
     "shown-lists", "fairness", "fairness-curve")
)  # fmt: skip


@dataclass
class _Held:
    """The store of a folder as it was last seen on disk, for all visitors."""

    store: Store
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> Store:
        with self.lock:
            self.store = self.store.refresh()
            return self.store


@st.cache_resource(show_spinner=False, max_entries=8)
def _held(path: str) -> _Held:
    return _Held(Store.open(Path(path)))


def stores() -> list[StoreInfo]:
    """The stores under the home folder, broken ones included."""
    return list_stores(settings().home)


def filled() -> list[str]:
    """Names of the stores that can be read and hold something."""
    return [info.name for info in stores() if not info.error and info.events]


def store() -> Store:
    """The store that the visitor looks at, as it is on disk now."""
    name = state.state().store
    assert name is not None, "the shell chooses a store before a page runs"
    return _held(str(settings().home / name)).now()


def ask(name: str, scope: Scope, /, **options: str) -> Answer:
    """The answer of the analysis `name`; the same question to the same data is asked once."""
    now = store()
    # Splits, comparisons and overlaps name cohorts beside the scope; clusters go by names they were given.
    # What is recommended follows rules, the version in use, and what came since the build: of this store, as
    # a copy of it may have been taught something else.
    recommends = (
        (str(now.path), RuleBook(now).state, versions.state(now), now.journal.state)
        if name in RECOMMENDING
        else ()
    )
    known = (now.cohorts.state, given_names(now).state, recommends)
    return _answer(now, now.fingerprint, known, name, scope, tuple(sorted(options.items())))


@st.cache_data(show_spinner=False, max_entries=400)
def _answer(
    _store: Store,
    fingerprint: str,
    cohorts: object,
    name: str,
    scope: Scope,
    options: tuple[tuple[str, str], ...],
) -> Answer:
    del fingerprint, cohorts  # parts of the key: a new generation of either is a new question
    return ANALYSES[name].run(_store, scope, **dict(options))


@st.cache_resource(show_spinner=False)
def _damages() -> list[str]:
    return []


def damages() -> list[str]:
    """What this server found damaged in its caches, a sentence each, for all visitors: whose question came
    upon it is chance.
    """
    _damages().extend(said_of_caches())
    return _damages()


def is_empty(scope: Scope) -> bool:
    """Whether the scope holds nothing to show, now and in the compared period; see `is_hidden`."""
    row = ask("overview", scope).table.slice(0, 1).to_pylist()[0]
    return not row["value"] and not row["previous"]


def is_hidden(scope: Scope) -> bool:
    """Whether the scope holds events; where nothing is drawn they are of too few shoppers to be shown."""
    value = ask("overview", scope).table["value"][0].as_py()
    return store().k > 1 and (value is None or value > 0)


def command(name: str, scope: Scope, /, **options: str) -> str:
    """The command line that prints what the page shows."""
    parts = ["python -m core show", name, "--store", shlex.quote(str(store().path))]
    parts += [scope.command()] if scope.words() else []
    parts += [f"--option {shlex.quote(f'{key}={value}')}" for key, value in sorted(options.items())]
    return " ".join(parts)


def span() -> tuple[date, date]:
    """First and last local day of the store."""
    cube = open_cube(store())
    return cube.first_day, cube.last_day


def busy_span() -> tuple[date, date]:
    """First and last day that are worth opening with."""
    now = store()
    return _busy_span(now, now.fingerprint)


@st.cache_data(show_spinner=False, max_entries=16)
def _busy_span(_store: Store, fingerprint: str) -> tuple[date, date]:
    del fingerprint
    return busy_days(_store)


def has(measure: Measure) -> bool:
    """Whether the log can give a measure at all."""
    cube = open_cube(store())
    return (cube.has_prices or measure.unit != "money") and (
        cube.has_purchases or not measure.needs_purchases
    )


def events() -> list[str]:
    """The kinds of events of the log, most frequent first."""
    return labels("event")


def suggested() -> list[tuple[Step, ...]]:
    """The funnels that the log suggests; raises a sentence where there is none."""
    now = store()
    found = _suggested(now, now.fingerprint)
    if not found:
        raise CartscapeError("This log has fewer than two kinds of events, so there is no way to follow.")
    return found


@st.cache_data(show_spinner=False, max_entries=16)
def _suggested(_store: Store, fingerprint: str) -> list[tuple[Step, ...]]:
    del fingerprint
    return suggest(open_paths(_store), open_cube(_store).fill(Scope(compare="off")))


def missing(scope: Scope) -> tuple[str, ...]:
    """Sentences on what of a scope the log does not have; none where its cohorts cannot be worked out."""
    try:
        return missing_notes(store(), scope)
    except CartscapeError:
        return ()


def members(rule: dict[str, Any]) -> int | None:
    """How many shoppers a cohort's rule means now; None where they are too few to show."""
    now = store()
    count = int(open_cohorts(now).find(rule).sum())
    return count if not count or count >= now.k else None


def save_cohort(name: str, rule: dict[str, Any], *, fixed: bool = False, seen: int = 0) -> None:
    """Save a cohort with the log that is shown; raises a sentence where it cannot be."""
    open_cohorts(store()).save(name, rule, fixed=fixed, seen=seen)


def rename_cohort(name: str, to: str, seen: int) -> None:
    """Give a cohort that was seen at a revision another name; raises a sentence where it cannot have it."""
    open_cohorts(store()).rename(name, to, seen)


def delete_cohort(name: str) -> None:
    """Delete a cohort as it is now; raises a sentence where somebody else changed it meanwhile."""
    documents = store().cohorts
    documents.delete(name, documents.get(name).revision)


def cohort_csv(names: list[str]) -> bytes:
    """The pseudonyms of cohorts, and which of them each shopper is in; empty where they are too few."""
    cohorts = open_cohorts(store())
    lines = ["user_id,cohort"]
    for name in names:
        members = cohorts.members(name)
        if members.sum() >= cohorts.paths.k:
            quoted = '"' + name.replace('"', '""') + '"'
            lines += [f"{user},{quoted}" for user in cohorts.user_ids(members).to_pylist()]
    return "\n".join([*lines, ""]).encode()


def labels(field_name: str) -> list[str]:
    """The values of a field of the log, most frequent first."""
    rows = ask("facets", Scope()).table.to_pylist()
    return [str(row["value"]) for row in rows if row["field"] == field_name]


def values(field_name: str) -> int:
    """How many values of a field the log has to choose from."""
    return len(labels(field_name))


def differs(field_name: str) -> bool:
    """Whether the log has more than one value of a field of its events or sessions."""
    return len(open_cube(store()).dimensions.values(field_name)) > 1


def has_places() -> bool:
    """Whether any event has coordinates."""
    return open_cube(store()).has_places


def has_lists() -> bool:
    """Whether the log says of any event which items were shown beside it."""
    now = store()
    return _has_lists(now, now.fingerprint)


@st.cache_data(show_spinner=False, max_entries=16)
def _has_lists(_store: Store, fingerprint: str) -> bool:
    del fingerprint
    return names_lists(_store)


def currency() -> str | None:
    """The currency of the log's money; None where it has none or several."""
    now = store()
    return _currency(now, now.fingerprint)


@st.cache_data(show_spinner=False, max_entries=16)
def _currency(_store: Store, fingerprint: str) -> str | None:
    del fingerprint
    return money_of(_store)


def items() -> dict[str, str]:
    """What each item of the log is called, by its id, in the order of what they are called."""
    now = store()
    return _items(now, now.fingerprint)


@st.cache_data(show_spinner=False, max_entries=8)
def _items(_store: Store, fingerprint: str) -> dict[str, str]:
    del fingerprint
    return titled(_store)


def rejects(of: Store) -> pa.Table:
    """The rejected rows of a store, with their reasons."""
    return of.cursor().view("rejects").to_arrow_table()


def remove(info: StoreInfo) -> None:
    """Delete a store. One that cannot be opened any more is deleted as a folder."""
    _held.clear()
    try:
        Store.open(info.path).remove()
    except StoreBusy:
        raise
    except CartscapeError:
        shutil.rmtree(info.path)
