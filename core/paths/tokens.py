"""What an event is called on a path: its event, event and category, or page; hidden, grouped, or as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall
from core.events import NONE
from core.paths.log import PathLog
from core.paths.steps import matching
from core.store import Store

#: How events are told apart on a path.
NODES = ("event", "category", "page")
#: Between an event and its category.
WITH = " · "
#: An event that the path leaves out.
HIDDEN = -1


@dataclass(frozen=True)
class Naming:
    """How a path is told: by what, what it hides, and how names are grouped, first rule first."""

    nodes: str = "event"
    hide: tuple[str, ...] = ()  # names, with * for any letters
    group: tuple[tuple[str, str], ...] = ()  # pattern, name of the group
    collapse: bool = False  # repeats of one name in a row are told once

    @classmethod
    def parse(cls, nodes: str, hide: str, group: str, collapse: str) -> Naming:
        """A naming from the words of a link; raises `WrongCall`.

        `group` is a list of PATTERN=>NAME: a name with * for any letters, or a regular expression
        between slashes.
        """
        if nodes not in NODES:
            raise WrongCall(f"nodes={nodes!r} is not known; paths are told by {', '.join(NODES)}.")
        if collapse not in ("yes", "no"):
            raise WrongCall(f"collapse={collapse!r} is not known; it takes yes or no.")
        rules = []
        for rule in filter(None, (part.strip() for part in group.split(";"))):
            pattern, sign, name = rule.partition("=>")
            if not (pattern.strip() and sign and name.strip()):
                raise WrongCall(f"The rule {rule!r} is not of the form PATTERN=>NAME.")
            _compiled(pattern.strip())
            rules.append((pattern.strip(), name.strip()))
        hidden = tuple(filter(None, (part.strip() for part in hide.split(","))))
        return cls(nodes, hidden, tuple(rules), collapse == "yes")

    def words(self) -> dict[str, str]:
        """The naming as options that `parse` reads; what is as usual is left out."""
        found = {
            "nodes": "" if self.nodes == "event" else self.nodes,
            "hide": ",".join(self.hide),
            "group": ";".join(f"{pattern}=>{name}" for pattern, name in self.group),
            "collapse": "yes" if self.collapse else "",
        }
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True)
class Tokens:
    """The name of every event, as a number: of its item where the page names it, else of its kind."""

    labels: np.ndarray  # object[tokens], sorted
    of_kind: np.ndarray  # int32[kinds] token of a kind, or HIDDEN
    of_item: np.ndarray  # int32[items] likewise; empty unless paths are told by page
    no_item: int  # code of events without an item

    @property
    def by_item(self) -> bool:
        """Whether an event's item decides its name."""
        return self.of_item.size > 0

    def find(self, pattern: str) -> np.ndarray:
        """Which tokens a name or a pattern with * means: bool[tokens].

        Where events are told with their category, an event that no token is called means it in any of them.
        """
        found = matching(self.labels, pattern)
        return found if found.any() else matching(self.labels, f"{pattern}{WITH}*")


def tokens(paths: PathLog, naming: Naming, titles: dict[str, str] | None = None) -> Tokens:
    """The names of a log's events under a naming. `titles` name items where paths are told by page."""
    if naming.hide or naming.group or naming.nodes == "page":
        return _told(paths, naming, titles)
    if naming.nodes not in paths.told:
        paths.told[naming.nodes] = _told(paths, naming, titles)
    found: Tokens = paths.told[naming.nodes]
    return found


def _told(paths: PathLog, naming: Naming, titles: dict[str, str] | None) -> Tokens:
    events, categories = paths.kinds
    names = events.copy()
    if naming.nodes == "category":
        held = categories != NONE
        names[held] = events[held] + WITH + categories[held]
    pages = np.empty(0, object)
    if naming.nodes == "page":
        known = titles or {}
        pages = np.array([known.get(item) or item for item in paths.items], object)
    every = np.concatenate([names, pages])
    distinct, at = np.unique(every, return_inverse=True)
    renamed = _grouped(distinct, naming)
    labels = np.unique(renamed[renamed != ""])
    codes = np.where(renamed == "", HIDDEN, np.searchsorted(labels, renamed)).astype(np.int32)
    of_every = codes[at]
    return Tokens(labels, of_every[: names.size], of_every[names.size :], paths.no_item)


def titles(store: Store) -> dict[str, str]:
    """Item → title, where the log has titles; two items of one title keep their ids apart."""
    items = store.table("items")
    found = dict(zip(items["item_id"].to_pylist(), items["title"].to_pylist(), strict=True))
    return {item: title for item, title in found.items() if title}


def _grouped(names: np.ndarray, naming: Naming) -> np.ndarray:
    """Each name after its rule; "" where it is hidden. Hiding looks at both names."""
    renamed = names.copy()
    free = np.ones(names.size, bool)
    for pattern, name in naming.group:
        rule = _compiled(pattern)
        hit = free & np.fromiter((rule.search(n) is not None for n in names), bool, names.size)
        renamed[hit] = name
        free &= ~hit
    for pattern in naming.hide:
        renamed[matching(names, pattern) | matching(renamed, pattern)] = ""
    return renamed


def _compiled(pattern: str) -> re.Pattern[str]:
    """A rule's pattern: a regular expression between slashes, else a whole name with * for any letters."""
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        try:
            return re.compile(pattern[1:-1])
        except re.error as error:
            raise WrongCall(f"The pattern {pattern} is no regular expression: {error}.") from None
    return re.compile("^" + ".*".join(map(re.escape, pattern.split("*"))) + "$", re.IGNORECASE | re.DOTALL)
