"""What is known of a path, as numbers: what it was about, when, where, and how it went.

h of a path = what ⊕ when ⊕ where ⊕ how. Each part is a block of columns; `core.journeys.representation`
brings them to one scale and weighs them. The idea of joining the text of behaviour with a representation
of time and one of place is that of spatio-temporal models of e-commerce with pre-trained encoders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.events import MONEY_EVENTS
from core.journeys import gather_kernel as kernel
from core.journeys.gathered import Gathered
from core.paths.threads import side_by_side

#: The parts of h, in their order.
PARTS = ("what", "when", "where", "how")

#: Channels of the text part: what was browsed, searched for, and bought (or nearly).
CHANNELS = ("browse", "search", "purchase")
#: How much an event says of its shopper's interest; any other says 1.
EVENT_WEIGHTS = {
    "click": 0.5, "impression": 0.2, "browse": 0.7, "wishlist": 2.0, "cart": 1.0, "checkout": 1.0,
    "purchase": 2.0, "review": 1.0, "support": 0.3,
}  # fmt: skip
TO_PURCHASE = ("cart", "checkout", *MONEY_EVENTS)
#: After so long an event counts half of what the path's last one does, in seconds.
HALF_LIFE = {"shopper": 30 * 86_400.0, "session": 30 * 60.0}

#: Weight of the columns of the text part, by channel.
TEXT_BLOCKS = (0.5, 0.2, 0.3)

WEEK = 168
#: Turns a week of the harmonics of the hour: of the week itself, of the day, and of half to a quarter of it.
HARMONICS = (1, 2, 7, 14, 21, 28)
#: Weight of the columns of the time part, by block: hours, pace and length and gaps, season.
TIME_BLOCKS = (0.7, 0.2, 0.1)

#: Scales of positions on the sphere: a wave is 2π, π/2 … of the Earth's radius long (continent, country,
#: region, city).
SCALES = (1.0, 4.0, 16.0, 64.0)
#: Weight of the columns of the place part, by block: where, and how far about.
PLACE_BLOCKS = (0.8, 0.2)

MOST_TRANSITIONS = 48
#: Weight of the columns of the behaviour part, by block: events, transitions.
BEHAVIOUR_BLOCKS = (0.5, 0.5)


@dataclass(frozen=True)
class Block:
    """Columns of a part that belong together."""

    columns: int
    share: float  # of the part, once both are brought to one scale
    alike: bool = True  # whether its columns keep their own scales, as those of a vector do


@dataclass(frozen=True)
class Part:
    """One part of h for some paths."""

    values: np.ndarray  # float32[paths, columns]
    blocks: tuple[Block, ...]


def what(told: Gathered, text: np.ndarray, vectors: np.ndarray) -> Part:
    """What a path was about: for each channel the mean of its events' text vectors, of length 1.

    `text` is the row of `vectors` (float32[texts, d]) that each event is about, −1 for none. An event weighs
    as EVENT_WEIGHTS has it, and by half less for each HALF_LIFE before the path's end. A channel without
    text is all zeros. Columns: 3·d.
    """
    names = told.names
    channel_of = np.array([2 if name in TO_PURCHASE else 0 for name in names], np.int8)
    weight_of = np.array([EVENT_WEIGHTS.get(name, 1.0) for name in names], np.float32)
    searched = told.column("query") != told.paths.no_query
    channel = np.where(searched, 1, channel_of[told.event_names]).astype(np.int8)
    weight = np.empty(told.events.size, np.float32)
    seconds, half_life = told.column("second"), HALF_LIFE[told.unit]
    own = weight_of[told.event_names]
    out = np.zeros((len(told), len(CHANNELS), vectors.shape[1]), np.float32)

    def fill(low: int, high: int) -> None:
        kernel.weigh(low, high, told.edges, seconds, own, half_life, weight)
        kernel.text_sums(low, high, told.edges, text, channel, weight, vectors, out)

    _over(told, fill)
    length = np.linalg.norm(out, axis=2, keepdims=True)
    out /= np.where(length > 0, length, 1)
    width = vectors.shape[1]
    return Part(out.reshape(len(told), -1), tuple(Block(width, share) for share in TEXT_BLOCKS))


def nothing(told: Gathered) -> Part:
    """The text part where it does not count: one column of zeros."""
    return Part(np.zeros((len(told), 1), np.float32), (Block(1, 1.0),))


def when(told: Gathered) -> Part:
    """When a path happened, in local time.

    Columns: the mean over its events of cos and sin of HARMONICS turns a week at the hour; log(1 + …) of
    events, sessions, median pause within a session (s), mean gap between sessions (d), span (d); cos and sin
    of the season (a turn a year, at the path's middle).
    """
    hours = told.paths.dimensions.hours
    hour = told.column("hour")
    of_week = ((hours // 24 + 3) % 7 * 24 + hours % 24).astype(np.int64)[hour]
    day = (hours // 24).astype(np.float64)[hour]
    turns = 2 * np.pi * np.outer(np.arange(WEEK) + 0.5, HARMONICS) / WEEK
    table = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    seconds, session = told.column("second"), told.column("session")
    out = np.zeros((len(told), table.shape[1] + 6), np.float32)
    _over(
        told,
        lambda low, high: kernel.times(low, high, told.edges, seconds, of_week, day, session, table, out),
    )
    season = 2 * np.pi * out[:, -1:].astype(np.float64) / 365.25
    values = np.concatenate([out[:, :-1], np.cos(season), np.sin(season)], axis=1).astype(np.float32)
    hourly, pace, yearly = TIME_BLOCKS
    return Part(values, (Block(table.shape[1], hourly), Block(5, pace, alike=False), Block(2, yearly)))


def where(told: Gathered) -> Part:
    """Where a path happened.

    Columns: sine and cosine of its mean point on the unit sphere (x, y, z) at each of SCALES; log(1 + …) of
    different places and of the way between them (km). All zeros for a path without a place.
    """
    sphere = told.paths.dimensions.place_points()
    place = told.column("place")
    sums = np.zeros((len(told), 5))
    _over(told, lambda low, high: kernel.places(low, high, told.edges, place, sphere, sums))
    length = np.linalg.norm(sums[:, :3], axis=1, keepdims=True)
    point = sums[:, :3] / np.where(length > 0, length, 1)
    waves = np.concatenate([f(point * scale) for scale in SCALES for f in (np.sin, np.cos)], axis=1)
    waves[length[:, 0] == 0] = 0
    about = np.log1p(np.stack([sums[:, 3], sums[:, 4] * 6371.0], axis=1))
    values = np.concatenate([waves, about], axis=1).astype(np.float32)
    there, far = PLACE_BLOCKS
    return Part(values, (Block(waves.shape[1], there), Block(2, far, alike=False)))


def how(told: Gathered, transitions: np.ndarray) -> Part:
    """How a path went: the square roots of the shares of its events and of its transitions.

    Roots make Euclidean distance that of Hellinger between the shares. `transitions` is int[t, 2], the
    transitions that have a column, as `leading_transitions` finds them. Columns: events + t.
    """
    events = told.names.size
    rank = np.full((events + 1, events + 1), -1, np.int64)
    rank[transitions[:, 0], transitions[:, 1]] = np.arange(len(transitions))
    event, session = told.event_names, told.column("session")
    out = np.zeros((len(told), events + len(transitions)), np.float32)
    _over(
        told,
        lambda low, high: kernel.behaviours(low, high, told.edges, event, session, events, rank, out),
    )
    mix, moves = BEHAVIOUR_BLOCKS
    return Part(np.sqrt(out), (Block(events, mix), Block(len(transitions), moves)))


def leading_transitions(told: Gathered) -> np.ndarray:
    """The most frequent steps from one event of a session to the next, its begin and end included: int[t, 2].

    Begin and end are numbered as one more event.
    """
    event, session = told.event_names.astype(np.int64), told.column("session")
    events = told.names.size
    path = np.repeat(np.arange(len(told)), told.lengths)
    apart = np.flatnonzero((np.diff(session.astype(np.int64)) != 0) | (np.diff(path) != 0)) + 1
    begins = np.zeros(event.size, bool)
    begins[apart] = begins[:1] = True
    before = np.where(begins, events, np.concatenate([event[:1], event[:-1]]))
    last = event[np.append(apart - 1, event.size - 1)] if event.size else event
    steps = np.concatenate([before * (events + 1) + event, last * (events + 1) + events])
    found, counts = np.unique(steps, return_counts=True)
    top = np.sort(found[np.argsort(-counts, kind="stable")[:MOST_TRANSITIONS]])
    return np.stack([top // (events + 1), top % (events + 1)], axis=1)


def _over(told: Gathered, fill: Callable[[int, int], None]) -> None:
    """`fill(low, high)` for ranges of paths that hold equal shares of the events, side by side."""
    wanted = np.linspace(0, told.events.size, 9)
    cuts = np.unique(np.append(np.searchsorted(told.edges, wanted).clip(0, len(told)), [0, len(told)]))
    side_by_side(
        lambda cut: fill(int(cut[0]), int(cut[1])), pairwise(cuts),
        told.events.size,
    )  # fmt: skip
