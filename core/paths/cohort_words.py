"""A cohort's rule as a sentence that a person reads."""

from __future__ import annotations

from typing import Any

from core.errors import CartscapeError
from core.paths.choices import step_of
from core.paths.steps import parse_steps
from core.scope import Scope, span_words

Rule = dict[str, Any]


def words(rule: Rule) -> str:
    """The rule in words; what cannot be read is shown as it is."""
    try:
        return WORDS[rule["of"]](rule)
    except (KeyError, TypeError, ValueError, CartscapeError):
        return str(rule)


def _scope(rule: Rule) -> str:
    found = Scope.parse(rule.get("scope", {}))
    said = [span_words(found.start, found.end)] if found.start and found.end else []
    several = (
        found.regions, found.cells, found.categories, found.events, found.devices, found.cohorts,
    )  # fmt: skip
    said += [_some(chosen) for chosen in several if chosen]
    if found.hours:
        said.append(f"{len(found.hours)} hours of the week")
    return f" ({', '.join(said)})" if said else ""


def _some(chosen: tuple[str, ...]) -> str:
    return " or ".join(chosen) if len(chosen) < 4 else f"{chosen[0]} or {len(chosen) - 1} more"


def _label(step: str) -> str:
    return parse_steps(step)[0].label


def _did(rule: Rule) -> str:
    times, days = int(rule.get("times", 1)), int(rule.get("days") or 0)
    often = "" if times == 1 else f" {times} times or more"
    when = f" in the last {days} days of the log" if days else ""
    return f"did {_label(rule['event'])}{often}{when}{_scope(rule)}"


def _rfm(rule: Rule) -> str:
    said = []
    for name in ("recency", "frequency", "money"):
        low, high = rule.get(name, (1, 5))
        if (low, high) != (1, 5):
            said.append(f"{name} {low}" if low == high else f"{name} {low}–{high}")
    return f"bought, scores {', '.join(said)}" if said else "bought"


def _funnel(rule: Rule) -> str:
    steps = parse_steps(rule["options"]["steps"])
    step = steps[int(rule["step"]) - 1].label
    way = " → ".join(s.label for s in steps)
    said = "got to" if rule.get("outcome", "reached") == "reached" else "dropped before"
    return f"{said} {step} of {way}{_scope(rule)}"


def _path(rule: Rule) -> str:
    options, level = rule.get("options", {}), int(rule["level"])
    anchor = options.get("anchor", "start")
    where = {
        "start": "from the start", "end": "back from the end", "after": f"after {options.get('at')}",
        "before": f"back from {options.get('at')}", "around": f"around {options.get('at')}",
    }[anchor]  # fmt: skip
    to = f" → {rule['target']}" if rule.get("target") else ""
    return f"went {rule['source']}{to} at step {step_of(level, anchor)} {where}{_scope(rule)}"


def _retention(rule: Rule) -> str:
    options, n = rule.get("options", {}), int(rule["period"])
    step, start, back = options.get("step", "week"), options.get("start", "*"), options.get("back", "*")
    said = "came back" if rule.get("outcome", "returned") == "returned" else "did not come back"
    return f"{said} with {_label(back)} {n} {step}s after {_label(start)} in the {step} of {rule['cohort']}"


def _lifecycle(rule: Rule) -> str:
    return f"{rule['state']} in the {rule.get('step', 'week')} of {rule['day']}"


def _joined(word: str) -> Any:
    return lambda rule: f" {word} ".join(
        f"({words(part)})" if part.get("of") in ("and", "or") else words(part) for part in rule["rules"]
    )


#: Kind of a rule → what says it; rooms above add theirs, as to `core.paths.cohorts.FINDERS`.
WORDS = {
    "scope": lambda rule: f"seen{_scope(rule)}",
    "did": _did,
    "rfm": _rfm,
    "funnel": _funnel,
    "path": _path,
    "pattern": lambda rule: f"has a path with {rule['options']['pattern']}{_scope(rule)}",
    "retention": _retention,
    "lifecycle": _lifecycle,
    "cohort": lambda rule: f"in “{rule['name']}”",
    "and": _joined("and"),
    "or": _joined("or"),
    "not": lambda rule: f"not: {words(rule['rules'][0])}",
}
