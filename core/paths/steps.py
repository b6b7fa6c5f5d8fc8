"""Steps of a funnel, as they are written in a link, on the command line and on the page.

view, cart, purchase                        three events
view[category=Footwear&device=mobile]       narrowed by category, item, device, channel or query
search[query=*boots*]                       * in a value stands for any letters
*                                           any event
coupon?                                     may be left out
"a name, with signs"                        in quotes where a name holds one of , [ ] & = ? "
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

import numpy as np

from core.errors import WrongCall

ANY = "*"
#: What a step may be narrowed by.
FIELDS = ("category", "item", "device", "channel", "query")
MOST_STEPS = 20

_NAME = r'"(?:[^"\\]|\\.)*"|[^,\[\]&="?]+'
_STEP = re.compile(
    rf"\s*(?P<event>{_NAME})(?:\[(?P<narrowed>(?:\"(?:[^\"\\]|\\.)*\"|[^\]\"])*)\])?(?P<optional>\?)?\s*"
)
_PAIR = re.compile(rf"\s*(?P<field>[a-z]+)\s*=\s*(?P<value>{_NAME})\s*")


@dataclass(frozen=True)
class Step:
    """One step: an event, or what `core.paths.tokens` calls it, and what narrows it."""

    event: str
    narrowed: tuple[tuple[str, str], ...] = ()  # field, value
    optional: bool = False

    @property
    def label(self) -> str:
        """The step as a person reads it."""
        name = "any event" if self.event == ANY else self.event
        return " · ".join([name, *(value for _, value in self.narrowed)])

    def __str__(self) -> str:
        narrowed = "&".join(f"{field}={_quoted(value)}" for field, value in self.narrowed)
        return f"{_quoted(self.event)}{f'[{narrowed}]' if narrowed else ''}{'?' if self.optional else ''}"


@dataclass(frozen=True)
class Exclusion:
    """An event that breaks a path between two steps, counted from 0."""

    step: Step
    after: int
    before: int


def parse_steps(text: str, least: int = 1) -> tuple[Step, ...]:
    """The steps that a text writes; raises `WrongCall` saying where it cannot be read."""
    found: list[Step] = []
    at = 0
    while at < len(text.rstrip()) or not found:
        match = _STEP.match(text, at)
        if not match or not _plain(match["event"]).strip():
            raise WrongCall(
                f"The steps cannot be read from {text[at : at + 30]!r} on; write them as "
                "view,cart[category=Shoes],purchase, with quotes around a name that holds a sign."
            )
        found.append(
            Step(_plain(match["event"]), _narrowed(match["narrowed"] or ""), bool(match["optional"]))
        )
        at = match.end()
        if at < len(text):
            if text[at] != ",":
                raise WrongCall(
                    f"After the step {found[-1].label!r} stands {text[at : at + 20]!r}; put a comma between "
                    "steps, and quotes around a name that holds a sign."
                )
            at += 1
    if len(found) > MOST_STEPS:
        raise WrongCall(f"A funnel has {MOST_STEPS} steps at most, not {len(found)}; leave some out.")
    if len(found) < least:
        raise WrongCall(f"A funnel needs {least} steps or more; add one to {found[0].label!r}.")
    if found[0].optional or found[-1].optional:
        raise WrongCall("The first and the last step cannot be optional; drop their question mark.")
    return tuple(found)


def write_steps(steps: tuple[Step, ...]) -> str:
    """The steps as `parse_steps` reads them."""
    return ",".join(map(str, steps))


def parse_exclusions(text: str, steps: int) -> tuple[Exclusion, ...]:
    """Exclusions: events between any two steps, or `event@1-2` between the first and the second."""
    found = []
    for part in _split(text):
        event, at, span = part.rpartition("@")
        first, last = 0, steps - 1
        if at and re.fullmatch(r"\d+-\d+", span):
            first, last = (int(n) - 1 for n in span.split("-"))
            if not 0 <= first < last < steps:
                raise WrongCall(
                    f"exclude={part!r} names steps that the funnel does not have in that order; it has "
                    f"{steps}, written as {event}@1-{steps}."
                )
        else:
            event = part
        found += [Exclusion(step, first, last) for step in parse_steps(event)]
    if len(found) > 11:
        raise WrongCall(f"A funnel takes 11 exclusions at most, not {len(found)}.")
    return tuple(found)


_WINDOW = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_window(text: str) -> int:
    """A window in seconds from "30m", "7d", "2w" …; 0 means any time. Raises `WrongCall`."""
    if text in ("", "any"):
        return 0
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if not match:
        raise WrongCall(f"window={text!r} is no length of time; write 30m, 24h, 7d, 4w, or any.")
    seconds = int(match[1]) * _WINDOW[match[2]]
    if not seconds:
        raise WrongCall("A window of 0 leaves no time to take a second step; write 30m, 7d, or any.")
    return min(seconds, 2**40)


def matching(labels: np.ndarray, pattern: str) -> np.ndarray:
    """Which labels a name or a pattern with * means, regardless of case: bool[labels]."""
    if pattern == ANY:
        return np.ones(labels.size, bool)
    if "*" not in pattern:
        exact = np.asarray(labels == pattern, bool)
        if exact.any():
            return exact
    # fnmatch knows more signs than *; only * is ours.
    wanted = re.compile(translate(re.sub(r"([\[?])", r"[\1]", pattern)), re.IGNORECASE)
    return np.fromiter((wanted.match(label) is not None for label in labels), bool, labels.size)


def _narrowed(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if not match:
            raise WrongCall(
                f"A step cannot be narrowed by {text[at:]!r}; write category=Shoes&device=mobile."
            )
        if match["field"] not in FIELDS:
            raise WrongCall(f"A step is narrowed by {', '.join(FIELDS)}, not by {match['field']!r}.")
        found.append((match["field"], _plain(match["value"])))
        at = match.end()
        if at < len(text):
            if text[at] != "&":
                raise WrongCall(f"A step cannot be narrowed by {text[at:]!r}; put & between two conditions.")
            at += 1
    return tuple(found)


def _split(text: str) -> list[str]:
    """Parts between commas that are outside quotes and brackets."""
    return [p.strip() for p in re.findall(r'(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,])+', text) if p.strip()]


def _plain(name: str) -> str:
    name = name.strip()
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name


def _quoted(name: str) -> str:
    if re.search(r'[,\[\]&="?\\@]', name) or name != name.strip():
        return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return name
