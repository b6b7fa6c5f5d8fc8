"""Patterns of paths, as a link writes them, and the automaton that finds them.

cart->[^support]*->purchase     elements one after another, joined by ->
view  "a -> b"  check*ut        a name; in quotes where it holds a sign; * in it stands for any letters
.                               any event
[view|search]  [^cart|remove]   any of these names; any but these
view*  .+  cart?  view{2,3}     any number, one or more, one or none, two to three; {2,} two or more
^view   purchase$               at the path's start; at its end

A pattern may begin and end anywhere on a path unless it says so. A * at the end of a name outside
brackets repeats it: for names that begin with pay, write [pay*].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from core.errors import WrongCall
from core.paths import walk_kernel
from core.paths.tokens import Tokens
from core.paths.walk import Tally, Walk

#: An automaton's states fit one machine word.
MOST_POSITIONS = 63

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_INSIDE = re.compile(rf'\s*(?P<name>{_QUOTED}|[^"\[\]|]+?)\s*(?P<sign>[|\]])')
_BARE = re.compile(r'(?:(?!->)[^"\[\]{}|])+')
_TIMES = re.compile(r"\s*(?:(?P<sign>[*+?])|\{\s*(?P<least>\d+)\s*(?P<comma>,)?\s*(?P<most>\d+)?\s*\})?\s*")


def whole_pattern(names: Sequence[str]) -> str:
    """The pattern of exactly these nodes from a path's start to its end, in writing."""
    return path_pattern(names, from_start=True, to_end=True)


def path_pattern(names: Sequence[str | None], *, from_start: bool = False, to_end: bool = False) -> str:
    """The pattern of nodes one after another, in writing; None is any event."""
    elements = "->".join("." if name is None else _quoted(name) for name in names)
    return f"{'^' if from_start else ''}{elements}{'$' if to_end else ''}"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True)
class Element:
    """Events that follow one another: `least` to `most` of them, or any number from `least` on."""

    names: tuple[str, ...]  # none means any event
    negated: bool = False
    least: int = 1
    most: int | None = 1

    def among(self, names: Tokens) -> np.ndarray:
        """Which tokens it means: bool[tokens]."""
        if not self.names:
            return np.ones(names.labels.size, bool)
        found = np.logical_or.reduce([names.find(name) for name in self.names])
        return ~found if self.negated else found


@dataclass(frozen=True)
class Pattern:
    """Elements one after another."""

    elements: tuple[Element, ...]
    from_start: bool = False
    to_end: bool = False

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """The pattern that a text writes; raises `WrongCall` naming the place that cannot be read."""
        return _Parser(text).pattern()

    def unmet(self, names: Tokens) -> list[str]:
        """Sentences on names that no event of the log has."""
        asked = dict.fromkeys(name for element in self.elements for name in element.names)
        some = ", ".join(names.labels[:12].tolist())
        return [
            f"The pattern's “{name}” never happens: the log has {some}."
            for name in asked
            if not names.find(name).any()
        ]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text.rstrip()
        self.at = 0

    def pattern(self) -> Pattern:
        if not self.text.strip():
            raise WrongCall("The pattern is empty; write one such as cart->[^support]*->purchase.")
        self._skip()
        from_start = self._take("^")
        elements = [self._element()]
        while self._take("->"):
            elements.append(self._element())
        to_end = self._take("$")
        if self.at < len(self.text):
            self._fail("put -> between two elements, and quotes around a name that holds a sign")
        if sum(_positions(e) for e in elements) > MOST_POSITIONS:
            raise WrongCall(
                f"The pattern is longer than {MOST_POSITIONS} events; repeat with * or +, or split it."
            )
        return Pattern(tuple(elements), from_start, to_end)

    def _element(self) -> Element:
        self._skip()
        if self._take("["):
            negated = self._take("^")
            names = self._names()
        else:
            negated = False
            name = self._name()
            names = () if name == "." else (_plain(name),)
        return self._times(names, negated)

    def _name(self) -> str:
        """A name outside brackets, without what says how often or that the path ends."""
        found = re.compile(_QUOTED).match(self.text, self.at) or _BARE.match(self.text, self.at)
        name = found[0] if found else ""
        if not name.startswith('"'):
            if self.at + len(name) == len(self.text):
                name = name.removesuffix("$")
            name = name.rstrip()
            name = name[:-1] if name.endswith(("*", "+", "?")) else name
        if not _plain(name):
            self._fail("an element is a name, . for any event, or names in brackets such as [view|cart]")
        self.at += len(name)
        return name.strip()

    def _names(self) -> tuple[str, ...]:
        names = []
        while True:
            found = _INSIDE.match(self.text, self.at)
            if not found or not _plain(found["name"]):
                self._fail("brackets hold names with | between them, such as [view|cart] or [^support]")
            names.append(_plain(found["name"]))
            self.at = found.end()
            if found["sign"] == "]":
                return tuple(names)

    def _times(self, names: tuple[str, ...], negated: bool) -> Element:
        found = _TIMES.match(self.text, self.at)
        assert found
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1), None: (1, 1)}[found["sign"]]
        if found["least"]:
            least = int(found["least"])
            most = least if not found["comma"] else int(found["most"]) if found["most"] else None
            if most is not None and (most < least or most == 0):
                self._fail("a range of repeats runs from the smaller to the larger number, such as {1,3}")
        elif not found["sign"] and self.text[self.at :].lstrip().startswith("{"):
            self._fail("a range of repeats is written {2}, {1,3} or {2,}")
        self.at = found.end()
        return Element(names, negated, least, most)

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _fail(self, advice: str) -> NoReturn:
        rest = self.text[self.at : self.at + 20]
        where = f"from {rest!r} on (sign {self.at + 1})" if rest.strip() else "after its last sign"
        raise WrongCall(f"The pattern {self.text!r} cannot be read {where}: {advice}.")


def _plain(name: str) -> str:
    name = name.strip()
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name


def _positions(element: Element) -> int:
    return max(element.least, 1) if element.most is None else element.most


@dataclass(frozen=True)
class Automaton:
    """A pattern's positions, each a bit: Glushkov 1961, "The abstract theory of automata"."""

    by_token: np.ndarray  # uint64[tokens] positions that a token can be
    first: int  # positions where it may begin
    last: int  # positions where it may end
    follow: np.ndarray  # uint64[positions] what may follow each
    from_start: bool
    to_end: bool
    anything: bool  # whether every path holds it

    @classmethod
    def of(cls, pattern: Pattern, names: Tokens) -> Automaton:
        """The automaton of a pattern over the tokens of a naming."""
        masks: list[np.ndarray] = []
        optional: list[bool] = []
        repeats: list[bool] = []
        for element in pattern.elements:
            count = _positions(element)
            masks += [element.among(names)] * count
            optional += [n >= element.least for n in range(count)]
            repeats += [element.most is None and n == count - 1 for n in range(count)]
        size = len(masks)
        follow = np.zeros(size, np.uint64)
        for p in range(size):
            follow[p] = _reach(p + 1, optional) | (repeats[p] << p)
        by_token = np.zeros(names.labels.size, np.uint64)
        for p, mask in enumerate(masks):
            by_token[mask] |= np.uint64(1 << p)
        last = sum(1 << p for p in range(size) if all(optional[p + 1 :]))
        anything = all(optional) and not (pattern.from_start and pattern.to_end)
        return cls(by_token, _reach(0, optional), last, follow, pattern.from_start, pattern.to_end, anything)

    @property
    def by_bytes(self) -> np.ndarray:
        """What may follow any set of positions, by each of the set's bytes: uint64[bytes, 256]."""
        out = np.zeros((-(-self.follow.size // 8), 256), np.uint64)
        for p, followers in enumerate(self.follow):
            holds = (np.arange(256) >> (p % 8)) & 1 == 1
            out[p // 8, holds] |= followers
        return out


def _reach(p: int, optional: list[bool]) -> int:
    """The positions that may come next where `p` is the next that is written."""
    out = 0
    while p < len(optional):
        out |= 1 << p
        if not optional[p]:
            break
        p += 1
    return out


def matching_paths(walk: Walk, pattern: Pattern) -> np.ndarray:
    """Which of the walk's paths hold the pattern: bool[keys]."""
    return _search(walk, pattern, np.zeros(0, bool))[0]


def tally_matching(walk: Walk, pattern: Pattern, marked: np.ndarray) -> tuple[Tally, Tally]:
    """Counts of the walk's paths that hold the pattern, and of those that do not; `marked` is bool[keys]."""
    without, holding = zip(*_search(walk, pattern, marked)[1], strict=True)
    return Tally.of(list(holding)), Tally.of(list(without))


def _search(walk: Walk, pattern: Pattern, marked: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """bool[keys] of the paths that hold the pattern, and of each block its tallies where some are marked."""
    its = Automaton.of(pattern, walk.names)
    automaton = (
        np.uint64(its.first), np.uint64(its.last), its.by_bytes,
        its.from_start, its.to_end, its.anything,
    )  # fmt: skip
    out = np.zeros(walk.keys, bool)
    blocks = walk.paths.in_blocks(
        lambda low, high: walk_kernel.mark_matching(
            low, high, walk.arguments, automaton, its.by_token, marked, out
        )
    )
    return out, blocks
