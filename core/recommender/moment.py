"""What a recommendation is asked for: whose path, where, when, on what, at which prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import h3.api.basic_str as h3
import numpy as np

from core.errors import CartscapeError, WrongCall
from core.events import NONE
from core.recommender.acts import HERE_RESOLUTION, STRENGTH, USUAL_STRENGTH, Acts, Contexts, World, slot_of

#: A place farther than this from every cell of the log has no region of it, in kilometres.
FARTHEST = 100.0
#: Seconds between the steps of a path made by hand.
STEP = 60
MOST_STEPS = 200
MOST_ITEMS = 100
MOST_PRICE = 1e12
SWITCH = ON, OFF = "on", "off"


#: A sentence.
NO_ITEM = "No item is left to recommend; allow more of them."


class NothingLeft(CartscapeError):  # noqa: N818
    """What is asked, or rules, leave no item to show."""


@dataclass(frozen=True)
class Asked:
    """What somebody asks, in words and numbers of the command line; None and "" are what is usual."""

    shopper: str = ""  # pseudonym, or id in the source; "" for a path or nobody
    path: tuple[tuple[str, str], ...] = ()  # (event, item) of a path made by hand, in time
    lat: float | None = None  # degrees
    lon: float | None = None
    region: str = ""  # in place of a point
    at: str = ""  # local time, ISO 8601: 2026-06-01T19:30
    device: str = ""
    phrase: str = ""  # what is looked for
    prices: dict[str, float] = field(default_factory=dict)  # item → price tried
    out_of_stock: tuple[str, ...] = ()
    month: int | None = None  # 1 to 12, the season
    n: int = 10
    rules: bool = True  # whether the rules of the store apply

    @classmethod
    def read(cls, words: dict[str, str]) -> Asked:
        """From words by the names of the fields; path=event:item, …, price=item=number, …, out=item, ….

        Raises `WrongCall`.
        """
        known = (
            "shopper", "path", "lat", "lon", "region", "at", "month", "device", "phrase", "price", "out", "n",
            "rules",
        )  # fmt: skip
        for word in words:
            if word not in known:
                raise WrongCall(f"{word}=… is not known here; it takes {', '.join(known)}.")
        prices = {}
        for part in _parts(words.get("price", "")):
            item, sign, number = part.rpartition("=")
            if not sign:
                raise WrongCall(f"price={part!r} is not of the form ITEM=NUMBER.")
            prices[item] = _price(item, number)
        if (rules := words.get("rules", ON)) not in SWITCH:
            raise WrongCall(f"rules={rules!r} is not known; it takes {' or '.join(SWITCH)}.")
        return cls(
            shopper=words.get("shopper", ""),
            path=read_path(words.get("path", "")),
            lat=_number("lat", words["lat"], -90, 90) if words.get("lat") else None,
            lon=_number("lon", words["lon"], -180, 180) if words.get("lon") else None,
            region=words.get("region", ""),
            at=words.get("at", ""),
            device=words.get("device", ""),
            phrase=words.get("phrase", "").strip(),
            prices=prices,
            out_of_stock=tuple(_parts(words.get("out", ""))),
            month=_month(words["month"]) if words.get("month") else None,
            n=_whole("n", words.get("n", "10"), 1, MOST_ITEMS),
            rules=rules == ON,
        )

    def write(self) -> dict[str, str]:
        """The words that `read` takes; those that say nothing are left out."""
        words = {
            "shopper": self.shopper,
            "path": ", ".join(f"{kind}:{item}" for kind, item in self.path),
            "lat": "" if self.lat is None else str(self.lat),
            "lon": "" if self.lon is None else str(self.lon),
            "region": self.region, "at": self.at, "month": str(self.month or ""),
            "device": self.device, "phrase": self.phrase,
            "price": ", ".join(f"{item}={price!r}" for item, price in self.prices.items()),
            "out": ", ".join(self.out_of_stock), "n": str(self.n), "rules": "" if self.rules else OFF,
        }  # fmt: skip
        return {word: value for word, value in words.items() if value}

    @property
    def day(self) -> date | None:
        """The day that is asked for, None where none is. To be read after `context`, which checks it."""
        return datetime.fromisoformat(self.at).date() if self.at else None

    @property
    def hour(self) -> int:
        """The hour of the day that is asked for, −1 where none is; to be read as `day`."""
        return datetime.fromisoformat(self.at).hour if self.at else -1

    def context(self, world: World, usual: Contexts) -> tuple[Contexts, list[str]]:
        """Where, when and on what, the one row of `usual` where nothing is said, and what must be told."""
        notes: list[str] = []
        cell, region = usual.cell, usual.region
        if (self.lat is None) != (self.lon is None):
            raise WrongCall("A place needs both lat= and lon=, in degrees.")
        if self.lat is not None and self.lon is not None:
            found, place = place_of(world, self.lat, self.lon)
            cell, region = np.array([found]), np.array([place])
            if place < 0 and found < 0:
                notes.append(
                    f"Nobody of this log is within {FARTHEST:.0f} km of {self.lat:g}, {self.lon:g}, so the "
                    "place says nothing here."
                )
        if self.region:
            if self.lat is not None:
                raise WrongCall("Say a place with lat= and lon=, or with region=, not with both.")
            cell, region = np.array([-1]), _among(world.regions, self.region, "region")
        slot = usual.slot
        if self.at:
            hours = _local_hours(self.at)
            slot = np.array([slot_of(np.array([hours]))[0]])
        device = _among(world.devices, self.device, "device") if self.device else usual.device
        return Contexts(cell, region, slot, device), notes

    def acts(self, codes: dict[str, int], kinds: set[str], event: str, end: float) -> Acts:
        """The path made by hand, as one session that ends at second `end`. Raises `WrongCall`."""
        if len(self.path) > MOST_STEPS:
            raise WrongCall(f"A path takes {MOST_STEPS} steps at most; this one has {len(self.path)}.")
        see_kinds(self.path, kinds)
        item = np.array([code_of(codes, name) for _, name in self.path], np.int64)
        strength = [max(STRENGTH.get(k, USUAL_STRENGTH), 0.5 * (k == event)) for k, _ in self.path]
        kept = np.array(strength) > 0
        second = end - STEP * np.arange(len(self.path), 0, -1)
        nowhere = np.full(item.size, -1, np.int64)
        made = Acts(
            row=np.zeros(item.size, np.int64), item=item, second=second.astype(np.int64),
            strength=np.array(strength, np.float32),
            taken=np.array([kind == event for kind, _ in self.path], bool),
            session=np.zeros(item.size, np.int64), cell=nowhere, region=nowhere, slot=nowhere, device=nowhere,
        )  # fmt: skip
        return made.only(kept) if item.size else made


def read_path(text: str, word: str = "path") -> tuple[tuple[str, str], ...]:
    """The steps, (event, item), of a path made by hand: event:item, event:item, ….

    Raises `WrongCall`, by the `word` that it was given for.
    """
    return tuple(_step(part, word) for part in _parts(text))


def see_kinds(path: Sequence[tuple[str, str]], kinds: set[str]) -> None:
    """Raise `WrongCall` for a step of a path made by hand whose event the log does not have."""
    for kind, _ in path:
        if kind not in kinds:
            raise WrongCall(f"There is no event {kind!r} in this log; it has {', '.join(sorted(kinds))}.")


def path_words(path: Sequence[tuple[str, str]]) -> str:
    """Whom a list is for, in words, by a path made by hand."""
    if not path:
        return "nobody in particular"
    return "a path of one step" if len(path) == 1 else f"a path of {len(path)} steps"


def unknown_item(item: str) -> WrongCall:
    """What is wrong with an item that is not in the log."""
    return WrongCall(f"There is no item {item!r} in this log; check its id, or look it up with similar.")


def code_of(codes: dict[str, int], item: str) -> int:
    """The code of an item by its id; raises `WrongCall` for one that is not in the log."""
    if item not in codes:
        raise unknown_item(item)
    return codes[item]


def place_of(world: World, lat: float, lon: float) -> tuple[int, int]:
    """The cell that a place is in, −1 where nobody ever was, and the region of the nearest cell within
    FARTHEST kilometres, −1 for none.
    """
    found = np.flatnonzero(world.cells == h3.latlng_to_cell(lat, lon, HERE_RESOLUTION))
    if found.size:
        return int(found[0]), int(world.region_of_cell[found[0]])
    if not world.cells.size:
        return -1, -1
    far = [h3.great_circle_distance((lat, lon), h3.cell_to_latlng(cell), unit="km") for cell in world.cells]
    nearest = int(np.argmin(far))
    return -1, int(world.region_of_cell[nearest]) if far[nearest] <= FARTHEST else -1


def _among(names: np.ndarray, name: str, kind: str) -> np.ndarray:
    found = np.flatnonzero(names == name)
    if not found.size:
        known = ", ".join(str(known) for known in names if known != NONE)
        raise WrongCall(f"{kind}={name!r} is not in this log; it has {known or 'none'}.")
    return found[:1]


def last_days(last: date) -> dict[str, date]:
    """The last working day and the last day of a weekend up to a day, by what people call them."""
    days = [last - timedelta(days=back) for back in range(7)]
    return {
        "Working day": next(day for day in days if day.weekday() < 5),
        "Weekend": next(day for day in days if day.weekday() >= 5),
    }


def nobody() -> Contexts:
    """No place, no time, no device."""
    return Contexts(*(np.array([-1]) for _ in range(4)))


def _local_hours(text: str) -> int:
    """Local hours since 1970 of a time in ISO 8601."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise WrongCall(
            f"at={text!r} is no time; write it as 2026-06-01T19:30 (hours go from 00 to 23)."
        ) from None
    if when.tzinfo is not None:
        raise WrongCall(f"at={text!r} names a time zone; hours are those of the place, so leave it out.")
    return int((when - datetime(1970, 1, 1)).total_seconds() // 3600)


def _number(name: str, text: str, low: float, high: float) -> float:
    value = _float(text)
    if not low <= value <= high:
        raise WrongCall(f"{name}={text!r} must be a number from {low:g} to {high:g}.")
    return value


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not (value := _float(text)).is_integer() or not low <= value <= high:
        raise WrongCall(f"{name}={text!r} must be a whole number from {low} to {high}.")
    return int(value)


def _price(item: str, text: str) -> float:
    value = _float(text)
    if not 0 < value <= MOST_PRICE:
        raise WrongCall(f"price={text!r} of {item} must be a number above 0 and not above {MOST_PRICE:,.0f}.")
    return value


def _float(text: str) -> float:
    """A number, NaN for a text that is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _month(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 12:
        raise WrongCall(f"month={text!r} is no month; write it as a number from 1 to 12.")
    return int(text)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _step(part: str, word: str) -> tuple[str, str]:
    kind, sign, item = part.partition(":")
    if not (kind and sign and item):
        raise WrongCall(f"{word}={part!r} is not of the form EVENT:ITEM, EVENT:ITEM, ….")
    return kind, item
