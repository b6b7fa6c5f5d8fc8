"""What a map of journeys is asked by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

from core.errors import WrongCall
from core.journeys.clusters import DETAIL
from core.journeys.parts import PARTS
from core.paths.match import UNITS

#: Most paths on one picture; a browser draws and drags as many.
MOST_PATHS = 100_000


@dataclass(frozen=True)
class MapOptions:
    """Words of the command line and of the page, as they come."""

    unit: str = "shopper"  # a path is all that a shopper did in the scope, or one session
    what: str = "1"  # how much it counts what a path was about,
    when: str = "1"  # when it happened,
    where: str = "0.25"  # where,
    how: str = "0.5"  # and how it went; 0 leaves a part out
    most: str = "20000"  # paths drawn and fitted; the rest is assigned to their clusters
    detail: str = "3"  # few coarse clusters (1) to many fine ones (5)
    seed: str = "0"
    dims: str = "2"  # of the picture, 2 or 3

    def __post_init__(self) -> None:
        """Raises `WrongCall` for a word that cannot be."""
        if self.unit not in UNITS:
            raise WrongCall(f"unit={self.unit!r} is not known; it takes {', '.join(UNITS)}.")
        if not any(self.weights.values()):
            raise WrongCall("Of what, when, where and how at least one must count; give one more than 0.")
        _whole("most", self.most, 100, MOST_PATHS)
        _whole("detail", self.detail, min(DETAIL), max(DETAIL))
        _whole("seed", self.seed, 0, 2**31 - 1)
        _whole("dims", self.dims, 2, 3)

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each part of h counts."""
        found = {}
        for part in PARTS:
            word = getattr(self, part)
            try:
                found[part] = float(word)
            except ValueError:
                found[part] = -1.0
            if not 0 <= found[part] <= 10:
                raise WrongCall(f"{part}={word!r} is no weight; it takes a number from 0 to 10.")
        return found

    def words(self) -> dict[str, str]:
        """The options that are not as usual."""
        usual = MapOptions
        return {
            f.name: str(getattr(self, f.name)) for f in fields(usual) if getattr(self, f.name) != f.default
        }


def _whole(name: str, word: str, least: int, most: int) -> None:
    if not str(word).isdigit() or not least <= int(word) <= most:
        raise WrongCall(f"{name}={word!r} does not go; it takes a whole number from {least:,} to {most:,}.")
