"""What changes that which is recommended: rules, and the version of the model that is in use."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from core.cli import output
from core.errors import WrongCall
from core.recommender import versions
from core.recommender.audit import Author, os_user
from core.recommender.rule_book import Kept, RuleBook
from core.recommender.rule_kinds import TAKES, Rule, day_of, does_of, words, words_of
from core.store import Store

#: Words of a rule beside what it does.
_BESIDE = ("region", "from", "to")


def rules(call: argparse.Namespace) -> None:
    """Write, change, switch or remove a rule, and print it as it is kept."""
    book, author = RuleBook(Store.open(call.store)), _author(call)
    given = {word: getattr(call, word) for word in _words() if getattr(call, word) is not None}
    if call.action not in ("add", "change") and given:
        raise WrongCall(f"rules {call.action} takes no --{next(iter(given))}; leave it out.")
    if call.action == "add":
        if "kind" not in given:
            raise WrongCall("A rule needs --kind: never, always, boost, in_stock, at_most or parity.")
        _print(book.save(_rule(Rule(call.name, does_of(given["kind"], _doing(given))), given), 0, author))
        return
    there = book.get(call.name)
    if call.action == "remove":
        book.delete(call.name, there.revision, author)
        output.say({"removed": call.name})
    elif call.action == "change":
        kind = given.get("kind", there.rule.kind)
        before = words_of(there.rule.does) if kind == there.rule.kind else {}
        if set(given) & {"item", "category", "brand"}:  # a rule is about one of them
            before = {word: text for word, text in before.items() if word in ("place", "factor")}
        rule = replace(there.rule, does=does_of(kind, before | _doing(given)))
        _print(book.save(_rule(rule, given), there.revision, author))
    else:
        if there.rule.on == (call.action == "on"):
            print(f"The rule {call.name} is {call.action} already; nothing was changed.", file=sys.stderr)
        _print(book.switch(call.name, call.action == "on", there.revision, author))


def promote(call: argparse.Namespace) -> None:
    """Put a version of the model to use."""
    store = Store.open(call.store)
    before = versions.promoted(store)
    _print_model(store, versions.promote(store, call.number, _author(call)), before)


def rollback(call: argparse.Namespace) -> None:
    """Put the version to use again that was so before."""
    store = Store.open(call.store)
    before = versions.promoted(store)
    _print_model(store, versions.rollback(store, _author(call)), before)


def delete(call: argparse.Namespace) -> None:
    """Delete a version of the model for good."""
    store = Store.open(call.store)
    freed = versions.delete(store, call.number, _author(call))
    output.say({"deleted": call.number, "bytes": freed, "promoted": versions.promoted(store)})


def _author(call: argparse.Namespace) -> Author:
    if not call.why.strip():
        raise WrongCall("--why is empty; say why, for the audit list.")
    return Author(os_user() if call.by is None else call.by, call.why)


def _words() -> tuple[str, ...]:
    return ("kind", *dict.fromkeys(word for takes in TAKES.values() for word in takes), *_BESIDE)


def _doing(given: dict[str, str]) -> dict[str, str]:
    return {word: text for word, text in given.items() if word not in ("kind", *_BESIDE)}


def _rule(rule: Rule, given: dict[str, str]) -> Rule:
    """The rule where and when it is said to hold; what is not said stays, and an empty word is everywhere."""
    if "region" in given:
        rule = replace(rule, region=given["region"].strip())
    if "from" in given:
        rule = replace(rule, start=day_of("from", given["from"]))
    if "to" in given:
        rule = replace(rule, end=day_of("to", given["to"]))
    return rule


def _print(kept: Kept) -> None:
    rule = kept.rule
    output.say(
        {
            "name": rule.name, "on": rule.on, "kind": rule.kind, "rule": words(rule),
            "region": rule.region or None, "start": rule.start, "end": rule.end, "revision": kept.revision,
            "saved": kept.written,
        }
    )  # fmt: skip


def _print_model(store: Store, version: versions.Version, before: int | None) -> None:
    from core.recommender.matching import standing  # here, as rules are written sooner without it

    if misfit := standing(store, version)[0]:
        print(misfit, file=sys.stderr)
    output.say({"promoted": version.number, "before": before, "made": version.made})
