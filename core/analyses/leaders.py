"""Which item or category leads at each place and hour by the model, and what is taken there now?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import B, TwoWords, read_two, said
from core.analyses.chance import FALSE_ALARMS
from core.analyses.proportions import false_discovery
from core.analyses.tables import column
from core.analyses.ways import hidden_notes
from core.analyses.whom import distinct
from core.errors import CartscapeError, WrongCall
from core.events import NONE
from core.marts.privacy import hide_small
from core.recommender.acts import SLOTS, slot_name
from core.recommender.features import Signals
from core.recommender.interactions import DAY
from core.recommender.leaders import Everywhere, at_places, everywhere
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked
from core.recommender.recommend import warnings, whose
from core.recommender.ruled_many import ManyRules
from core.recommender.season import season_of
from core.scope import Scope
from core.space.cells import centres, from_addresses
from core.store import Store

#: Takings by which a place's shares are drawn towards those of everywhere.
PRIOR = 20.0
LEADS = ("category", "item")
RANKS = ("most", "above")
ALL = "all"
#: Chances that differ by less than this share are the same.
SAME = 0.001
#: A note.
SILENT = (
    "Places say nothing to this model: everything is as likely in one place as in another, so nothing "
    "stands out."
)


@dataclass(frozen=True)
class LeadersWords(TwoWords):
    """What is asked of A and B, as `what-if` reads it, but for the place: every one is asked for."""

    what: str = "category"  # or item
    rank: str = "most"  # by the chance itself, or above: against the same where no place is known
    hours: str = ""  # all: every time of the week in turn, in place of at= and b_at=
    days: str = ""  # before the log's end in which is counted what is taken; the model's where it is empty


def leaders(store: Store, scope: Scope, options: LeadersWords) -> Answer:
    """What leads at each cell of the model (each region, in a log without coordinates).

    Columns: cell (H3 address), lat, lon, region, hour (in words; null: any), and of A and B each (_a, _b):
    leader (item_id, or the category), title, category, chance (ŷ of the item; of a category the sum over its
    items in question there, which is how many of them one shopper is expected to take), above (chance ÷ the
    same where no place is known), taken and taken_title (what most shoppers took there at that hour in the
    last `days`), taken_by (how many), leader_by (how many took the leader there), differs (whether fewer took
    the leader), sure (whether they are fewer beyond chance: exact binomial test of the two numbers, times the
    number of things that the most taken could have been, false discoveries among all rows of a side held at
    5 % by Benjamini-Hochberg). differs and sure are null where there is no leader, or too little was taken.
    rank=above takes the leader by `above` among the first `n` there, what is taken by its share there against
    its share everywhere, shrunk as the model does it, and differs and sure by those shares; where `above` is
    the same of all of them nothing leads, and a note tells where it is so everywhere. Rules apply where
    they hold: an item leads as the first of the list that `recommended` gives there, a category by odds as
    they are raised and lowered, without what is forbidden; chances stay the model's. Numbers of fewer than k
    shoppers are null, and so is what would tell them by subtraction; places of fewer have no row.

    Raises `WrongCall` for a scope and for words that are not known, `CartscapeError` where there is no model
    or no place.
    """
    if scope.words():
        raise WrongCall(
            "A model is of the whole log; leave --scope out, and say a time or path with options."
        )
    for name, known in (("what", LEADS), ("rank", RANKS), ("hours", ("", ALL))):
        if (value := getattr(options, name)) not in known:
            raise WrongCall(f"{name}={value!r} is not known; it takes {', '.join(filter(None, known))}.")
    model = open_model(store)
    if options.what == "category" and set(model.ground.world.categories) <= {NONE}:
        raise CartscapeError("The items of this log have no categories; ask with what=item.")
    days = _days(options.days, model)
    its = places_of(model)
    notes = list(its.notes)
    a, b, told = _asked(options)
    notes += told
    sides = [_Side.of(store, model, its, asked, options, days) for asked in ((a,) if a == b else (a, b))]
    for side in sides:
        notes += side.notes
    hours = [_hour(slot) for slot in sides[0].slots]
    columns = {name: pa.concat_arrays([its_column] * len(hours)) for name, its_column in its.columns.items()}
    columns["hour"] = pa.array(np.repeat(np.array(hours, object), its.size), pa.string())
    for name, side in (("a", sides[0]), ("b", sides[-1])):
        columns |= {f"{word}_{name}": values for word, values in side.columns.items()}
    of = (
        f"model {model.version.number}: the estimated chance of a {model.event} within "
        f"{model.version.about.settings['days']:g} days, if they come"
        f"{', summed over the items of a category' if options.what == 'category' else ''}; what is taken: "
        f"{model.event} in the last {days:g} days, local time"
    )
    what = f"{'Category' if options.what == 'category' else 'Item'} that leads at each place"
    return Answer(pa.table(columns), what, of, tuple(dict.fromkeys(notes)))


@dataclass(frozen=True, eq=False)
class Places:
    """The cells of a model that may be shown, or its regions where the log has no coordinates."""

    of_act: str  # which field of `Acts` says where it was
    codes: np.ndarray  # int64[places], in the model's order of them
    size: int
    columns: dict[str, pa.Array]  # cell, lat, lon, region
    local: Signals  # what each place says, the last row no place
    notes: tuple[str, ...]


@lru_cache(maxsize=1)
def places_of(model: Model) -> Places:
    """The places of a model; raises `CartscapeError` where the log has none."""
    world = model.ground.world
    by_cell = world.cells.size > 0
    named = world.cells if by_cell else world.regions
    of_act = "cell" if by_cell else "region"
    at = getattr(world.acts, of_act)
    held = distinct(at[at >= 0], world.acts.row[at >= 0], named.size)
    hidden = hide_small(held, world.k, overlapping=True)
    codes = np.flatnonzero((held > 0) & ~hidden & (named != NONE))
    if not codes.size:
        raise CartscapeError(
            "This log has no place with enough shoppers for a map of what leads; load it with the columns "
            "lat and lon, or region."
        )
    region = world.region_of_cell[codes] if by_cell else codes
    lat, lon = centres(from_addresses(named[codes])) if by_cell else np.full((2, codes.size), np.nan)
    columns = {
        "cell": pa.array(named[codes] if by_cell else [None] * codes.size, pa.string()),
        "lat": column(lat),
        "lon": column(lon),
        "region": pa.array([str(world.regions[code]) if code >= 0 else None for code in region], pa.string()),
    }
    local = at_places(model, codes if by_cell else np.full(codes.size, -1), region)
    notes = hidden_notes(world.k, [hidden & (held > 0)], "places are")
    return Places(of_act, codes, codes.size, columns, local, notes)


@dataclass(frozen=True, eq=False)
class _Side:
    """A or B: what leads at each place, one time of the week after the other."""

    slots: list[int]
    columns: dict[str, pa.Array]
    notes: list[str]

    @classmethod
    def of(
        cls, store: Store, model: Model, its: Places, asked: Asked, options: LeadersWords, days: float
    ) -> _Side:
        own, usual, notes = whose(store, model, asked)
        when, more = asked.context(model.ground.world, usual)
        rules = ManyRules.of(store, asked, model.ground.world.regions)
        more += [*warnings(model, asked), *season_of(model, asked)[1], *rules.notes]
        if options.what == "category" and (names := rules.of_lists):
            rules = rules.of_items()
            more.append(
                "What is always in a list, at most n times, or there for parity "
                f"({', '.join(map(repr, names))}) says nothing of which category leads."
            )
        n = asked.n if options.what == "item" else 0
        slots = list(range(SLOTS)) if options.hours == ALL else [int(when.slot[0])]
        parts = []
        for slot in slots:
            found = everywhere(model, asked, own, its.local, replace(when, slot=np.array([slot])), rules, n)
            parts.append(_one_hour(model, its, found, options, asked.n, days, slot))
        if all(part.silent for part in parts):
            more.append(SILENT)
        columns = {
            name: pa.concat_arrays([part.columns[name] for part in parts]) for name in parts[0].columns
        }
        # One test a cell and hour: what so many find by chance is held down over all of them.
        q = false_discovery(np.concatenate([part.p for part in parts]))
        columns["sure"] = pa.array(q < FALSE_ALARMS, mask=np.isnan(q))
        return cls(slots, columns, notes + more)


@dataclass(frozen=True, eq=False)
class _Hour:
    """One side at one time of the week."""

    columns: dict[str, pa.Array]
    p: np.ndarray  # float64[places], of the leader being taken no less than another; NaN where it is not told
    silent: bool  # whether at no place anything is likelier or less likely than anywhere


def _one_hour(
    model: Model, its: Places, found: Everywhere, options: LeadersWords, n: int, days: float, slot: int
) -> _Hour:
    from scipy import stats  # here, as the command line starts sooner without it

    world, rows = model.ground.world, np.arange(its.size)
    by_category, above_all = options.what == "category", options.rank == "above"
    if by_category:
        its_groups = world.category_of, world.categories.size
        chance, ranked = found.summed(found.chances, *its_groups), found.summed(found.ruled, *its_groups)
        usual = found.summed(found.chances > 0, *its_groups)
        ranked[:, world.categories == NONE] = 0
        thing = np.arange(world.categories.size)
        most_of_all = min(n, thing.size)
        among = ranked >= -np.partition(-ranked, most_of_all - 1, axis=1)[:, [most_of_all - 1]]
        first = ranked.argmax(axis=1)
        none = ranked[rows, first] <= 0
    else:
        usual = np.broadcast_to(found.anywhere, found.chances.shape)
        chance, thing, first = found.chances, found.items, found.lists[:, 0]
        among = np.zeros(chance.shape, bool)
        among[np.nonzero(found.lists >= 0)[0], found.lists[found.lists >= 0]] = True
        none = first < 0
    above = np.divide(chance, usual, out=np.zeros(chance.shape), where=among & (usual > 0))
    low, high = np.where(above > 0, above, np.inf).min(axis=1), above.max(axis=1)
    usual_here = (high <= 1 + SAME) & (low >= 1 - SAME)
    if above_all:  # the first of equals would lead by its number alone
        none = none | usual_here | (((above > 0).sum(axis=1) > 1) & (high - low <= SAME * high))
    best = above.argmax(axis=1) if above_all else first
    leader = thing[best]
    counts, hidden = _taken(model, its, world.category_of if by_category else None, days, slot)
    seen = np.where(hidden, 0, counts)
    if by_category:
        seen[:, world.categories == NONE] = 0
    share = seen.sum(axis=0) / max(seen.sum(), 1) if above_all else np.ones(seen.shape[1])
    worth = _lifted(seen, share) if above_all else seen
    most = np.where(worth.max(axis=1) > 0, worth.argmax(axis=1), -1)
    by, mine, unseen = seen[rows, most], counts[rows, leader], hidden[rows, leader]
    # Of a number that is hidden it is told at most that it is below one that is shown.
    worst = np.where(unseen, world.k - 1, mine)
    less = (most >= 0) & (leader != most) & (worst * share[most] < by * share[leader])
    untold = (most < 0) | (unseen & ~less)
    odds = share[leader] / np.maximum(share[leader] + share[most], 1e-12)
    # What is taken most is chosen by the same counts: any other thing that is taken could have been it.
    others = max(np.count_nonzero(seen.any(axis=0)) - 1, 1)
    p = np.where(less, np.minimum(others * stats.binom.cdf(worst, worst + by, odds), 1), 1.0)
    untold |= none
    told, taken = (
        [(None, None, None) if code < 0 else _named(model, options.what, int(code)) for code in codes]
        for codes in (np.where(none, -1, leader), most)
    )
    columns = {
        **{
            word: pa.array([one[at] for one in told], pa.string())
            for at, word in enumerate(("leader", "title", "category"))
        },
        "chance": column(np.where(none, np.nan, chance[rows, best])),
        "above": column(
            np.where(~none & (usual[rows, best] > 0), chance[rows, best] / usual[rows, best], np.nan)
        ),
        "taken": pa.array([one[0] for one in taken], pa.string()),
        "taken_title": pa.array([one[1] for one in taken], pa.string()),
        "taken_by": column(np.where(most >= 0, by, np.nan), "count"),
        "leader_by": column(np.where(unseen | none, np.nan, mine), "count"),
        "differs": pa.array(less, mask=untold),
    }
    return _Hour(columns, np.where(untold, np.nan, p), bool(usual_here.all()))


def _taken(
    model: Model, its: Places, category_of: np.ndarray | None, days: float, slot: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many shoppers took each thing at each place, int64[places, things], and which may not be told."""
    world = model.ground.world
    acts = world.acts
    at = getattr(acts, its.of_act)
    place = np.full(int(max(at.max(initial=0), its.codes.max())) + 2, -1)
    place[its.codes] = np.arange(its.size)
    some = acts.taken & (acts.second >= model.end - days * DAY) & (place[at] >= 0)
    if slot >= 0:
        some &= acts.slot == slot
    thing = acts.item[some] if category_of is None else category_of[acts.item[some]]
    things = world.items if category_of is None else world.categories.size
    counts = distinct(place[at[some]] * things + thing, acts.row[some], its.size * things)
    counts = counts.reshape(its.size, things)
    return counts, hide_small(counts, world.k, overlapping=True)


def _lifted(counts: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The share of each thing at a place against its share everywhere, drawn to it by PRIOR; 0 for none."""
    shrunk = (counts + PRIOR * share) / (counts.sum(axis=1, keepdims=True) + PRIOR)
    return np.divide(shrunk, share, out=np.zeros(counts.shape), where=counts > 0)


def _named(model: Model, what: str, code: int) -> tuple[str, str, str | None]:
    """Name, title and category of an item or a category by its code."""
    world = model.ground.world
    if what == "category":
        name = str(world.categories[code])
        return name, name, name
    category = str(world.categories[world.category_of[code]])
    return str(model.ids[code]), str(model.titles[code]), None if category == NONE else category


def _hour(slot: int) -> str | None:
    """A time of the week in words; None for any."""
    return slot_name(slot) if slot >= 0 else None


def _days(text: str, model: Model) -> float:
    if not text:
        return float(model.version.about.settings["days"])
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < float("inf"):
        raise WrongCall(f"days={text!r} must be a number above 0.")
    return days


def _asked(options: LeadersWords) -> tuple[Asked, Asked, list[str]]:
    """A and B without their places, and what must be told of that."""
    words = said(options)
    own = {"what", "rank", "hours", "days"}
    words = {name: word for name, word in words.items() if name not in own}
    placed = {f"{side}{name}" for side in ("", B) for name in ("region", "lat", "lon")} & set(words)
    words = {name: word for name, word in words.items() if name not in placed}
    told = ["Every place is asked for, so that the place of A and B is left out."] if placed else []
    return *read_two(words), told
