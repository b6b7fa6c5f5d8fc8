"""Options that several analyses of paths share, each defined once."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import WrongCall
from core.paths.match import Funnel
from core.paths.steps import parse_exclusions, parse_steps, parse_window
from core.paths.tokens import Naming


@dataclass(frozen=True)
class FunnelOptions:
    """A funnel in words; `core.paths.match` says what the rules mean."""

    steps: str = ""  # view,cart[device=mobile],purchase; empty: what the log suggests
    window: str = "any"  # 30m, 24h, 7d, 4w, any
    order: str = "ordered"  # ordered, strict, any
    entry: str = "any"  # any, first, start, last
    unit: str = "shopper"  # shopper, session
    hold: str = "nothing"  # nothing, item, category
    exclude: str = ""  # support, or support@1-2 between the first and the second step
    nodes: str = "event"  # event, category, page: what a step is called
    hide: str = ""  # events that are not on the path
    group: str = ""  # PATTERN=>NAME;PATTERN=>NAME
    collapse: str = "no"  # yes: repeats in a row are one

    def funnel(self, suggested: str) -> Funnel:
        """The funnel that the words mean; raises `WrongCall`."""
        steps = parse_steps(self.steps or suggested)
        return Funnel(
            steps, self.order, parse_window(self.window), self.entry, self.unit, self.hold,
            parse_exclusions(self.exclude, len(steps)), self.naming(),
        )  # fmt: skip

    def naming(self) -> Naming:
        """How events are named."""
        return Naming.parse(self.nodes, self.hide, self.group, self.collapse)


@dataclass(frozen=True)
class SplitOptions(FunnelOptions):
    """A funnel and what it is split by."""

    by: str = ""  # region, city, cell, device, channel, category, day, week, cohort
    value: str = "first"  # whose value: the first step's, the last reached step's, or each step's own
    top: str = "10"  # groups shown; the rest is "other"; 0 shows all
    resolution: str = "5"  # of by=cell

    def most(self) -> int:
        """How many groups are shown, 0 for all."""
        return number("top", self.top)


@dataclass(frozen=True)
class TimeOptions(SplitOptions):
    """A funnel, and the two of its steps that time is taken between."""

    between: str = ""  # 1-3; empty: the first and the last


@dataclass(frozen=True)
class TrendOptions(TimeOptions):
    """A funnel over time."""

    every: str = "day"  # hour, day, week, month


@dataclass(frozen=True)
class MapOptions(TimeOptions):
    """A funnel by cell."""

    resolution: str = "auto"
    least: str = "20"  # who entered in a cell, at least


@dataclass(frozen=True)
class DriverOptions(FunnelOptions):
    """A funnel, the steps whose conversion is explained, and how much must stand behind a driver."""

    between: str = ""
    support: str = "30"  # shoppers (or sessions) with the driver, at least
    top: str = "40"

    def least(self) -> int:
        """The least number of shoppers behind a driver."""
        return number("support", self.support)


def number(name: str, text: str) -> int:
    """A whole number from 0; raises `WrongCall`."""
    if not text.isdecimal():
        raise WrongCall(f"{name}={text!r} is not a whole number.")
    return int(text)


def between(text: str, steps: int) -> tuple[int, int]:
    """Two steps, counted from 0, from "1-3"; first to last where it is empty. Raises `WrongCall`."""
    if not text:
        return 0, steps - 1
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 1 <= int(first) < int(last) <= steps):
        raise WrongCall(f"between={text!r} names no two steps in order; with {steps} steps write 1-{steps}.")
    return int(first) - 1, int(last) - 1
