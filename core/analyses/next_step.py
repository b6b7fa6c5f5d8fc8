"""What comes next on a path, how does it come to a purchase, and what would bring that nearer?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.next_steps import next_, parse_prefix
from core.analyses.proportions import difference, wilson
from core.analyses.tables import column, ratio
from core.analyses.top_paths import ARROW
from core.analyses.ways import OTHER, Asked, Telling, ask, count_columns, hidden_notes, whole_number
from core.analyses.whom import distinct, hidden_parts
from core.errors import CartscapeError, WrongCall
from core.events import PURCHASE
from core.marts.privacy import hide_small
from core.paths.chain import Chain, Stream
from core.paths.tokens import WITH, Tokens
from core.recommender.moment import read_path, see_kinds, unknown_item
from core.recommender.recommend import shopper_number
from core.scope import Scope
from core.store import Store

ASKED = ("next", "ways", "place", "paths")
#: Steps of a path that decide what comes next; of a shopper's path so many are looked at.
LAST, OF_SHOPPER = 2, 5


@dataclass(frozen=True)
class NextStepWords:
    """What is asked, in words of the command line; those of `core.analyses.ways` among them."""

    ask: str = "next"  # next, ways, place or paths
    path: str = ""  # names joined by ->, the last one last
    did: str = ""  # instead: event:item, event:item, …, as `recommend` reads a path
    shopper: str = ""  # instead: the last steps of a shopper
    goal: str = PURCHASE  # the event that counts as one
    within: str = "10"  # steps in which a purchase counts
    support: str = "30"
    nodes: str = "page"
    hide: str = ""
    group: str = ""
    collapse: str = "yes"
    unit: str = "session"
    top: str = "20"


def next_step(store: Store, scope: Scope, options: NextStepWords) -> Answer:
    """What to expect after a path; see `core.analyses.ways` for how paths are told, and `core.paths.chain`.

    ask=next: what follows its last two steps, as `next` tells it, with its back-off to the last step and to
    any; beside its columns bought (times that a purchase came within `within` steps of that node), of (all
    times at it), buys (share) with buys_low and buys_high (Wilson), and steps (expected from there to the
    purchase where one comes, of the chain).
    ask=ways: the ways from the same steps to the next purchase within `within` steps, most first: way, steps,
    count, shoppers, share (of all times there), low, high. “(other)” are all other ways.
    ask=place: for each step of the path and each node (an item, where paths are told by page) that paths come
    to within `within` steps of it, what showing it right after the step may be worth: after, show, followed
    and shoppers (who went there at once), without (share of the times at the step with a purchase within
    `within` steps) with its without_of, with (share of the times at the shown node, within one step fewer, as
    it takes one to get there) with with_of, of (right after the step, or anywhere where that came up fewer
    than `support` times), gain (with − without) with low and high (Newcombe), and of the chain chain_without,
    chain_with, steps_without and steps_with (to the purchase where one comes). Who goes there by themselves
    may want it more than who is sent: no experiment.
    ask=paths: the pairs of steps that come up most, as paths to ask about: path, count, shoppers.

    Numbers of fewer than k shoppers are null or have no row. Raises `WrongCall` for words that are not known
    and where there is no path to place something on, `CartscapeError` for a log without the goal.
    """
    if options.ask not in ASKED:
        raise WrongCall(f"ask={options.ask!r} is not known; it takes {', '.join(ASKED)}.")
    if sum(map(bool, (options.path, options.did, options.shopper))) > 1:
        raise WrongCall("Ask for one of path, did and shopper, not for two.")
    within = whole_number("within", options.within, 2, 200)
    support, top = (
        whole_number("support", options.support, 1, 10**9),
        whole_number("top", options.top, 1, 500),
    )
    telling = Telling(options.nodes, options.hide, options.group, options.collapse, options.unit)
    asked = ask(store, scope, telling)
    stream = Stream.of(asked.walk, options.goal)
    if not stream.buys.any():
        known = ", ".join(map(str, asked.cube.dimensions.values("event")))
        raise CartscapeError(
            f"No path of this scope has a {options.goal}, so that no way leads to one; load some, widen the "
            f"scope, or choose another with goal=NAME: {known}."
        )
    parts = parse_prefix(options.path) or _did(asked, options)
    if options.shopper:
        number = shopper_number(store, options.shopper)
        parts = [str(asked.labels[t]) for t in stream.token[stream.shopper == number][-OF_SHOPPER:]]
    question = _Question(store, scope, options, asked, stream, parts, within, support, top)
    answers: dict[str, Callable[[], Answer]] = {
        "next": question.next, "ways": question.ways, "place": question.place, "paths": question.paths,
    }  # fmt: skip
    return answers[options.ask]()


def _did(asked: Asked, options: NextStepWords) -> list[str]:
    """The names of the steps of `did`."""
    paths, names, parts = asked.walk.paths, asked.walk.names, []
    did = read_path(options.did, "did")
    see_kinds(did, set(map(str, paths.kinds[0])))
    for event, item in did:
        at = np.flatnonzero(paths.items == item)
        if not at.size:
            raise unknown_item(item)
        category = str(paths.category_of_item[at[0]])
        told = f"{event}{WITH}{category}" if options.nodes == "category" and category else event
        parts.append(str(names.labels[names.of_item[at[0]]]) if names.by_item else told)
    return parts


def quoted(name: str) -> str:
    """A name as `parse_prefix` reads it, whatever signs it holds."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, eq=False)
class _Question:
    """A path, and all paths that answer for it."""

    store: Store
    scope: Scope
    options: NextStepWords
    asked: Asked
    stream: Stream
    parts: list[str]
    within: int
    support: int
    top: int

    @property
    def names(self) -> Tokens:
        return self.asked.walk.names

    @property
    def goal(self) -> str:
        """What counts as a purchase, in words."""
        return "a purchase" if self.options.goal == PURCHASE else f"“{self.options.goal}”"

    def next(self) -> Answer:
        """What follows, and how near a purchase is from there."""
        its, telling = self.options, ("nodes", "hide", "group", "collapse", "unit")
        found = next_(
            self.store, self.scope, "->".join(quoted(part) for part in self.parts[-LAST:]), self.support,
            top=self.top, **{name: getattr(its, name) for name in telling},
        )  # fmt: skip
        place = {name: at for at, name in enumerate(self.asked.labels)}
        tokens = np.array([place.get(name, -1) for name in found.table["next"].to_pylist()], np.int64)
        there = np.flatnonzero(~self.stream.buys)
        bought, of, shown = self._counted(there, self.stream.token[there], self.stream.tokens, self.within)
        known = (tokens >= 0) & shown[tokens]
        counts = [np.where(known, values[tokens], np.nan) for values in (bought, of)]
        low, high = wilson(counts[0], counts[1])
        steps = np.where(known, self.chain.steps[tokens], np.nan)
        table = found.table
        for name, values, unit in (
            ("bought", counts[0], "count"), ("of", counts[1], "count"), ("buys", ratio(*counts), ""),
            ("buys_low", low, ""), ("buys_high", high, ""), ("steps", steps, ""),
        ):  # fmt: skip
            table = table.append_column(name, column(values, unit))
        return Answer(table, found.title, found.of, found.notes)

    @property
    def chain(self) -> Chain:
        return Chain.of(self.stream)

    def ways(self) -> Answer:
        """The ways to the next purchase."""
        ends, used = self._ends()
        near = ends[self.stream.bought_within(ends, self.within)]
        ways: list[tuple[tuple[int, ...], np.ndarray]] = []
        steps = self.stream.steps[near]
        for length in np.unique(steps).tolist():
            some = near[steps == length]
            rows = self.stream.token[some[:, None] + np.arange(1, length + 1)]
            distinct_rows, at = np.unique(rows, axis=0, return_inverse=True)
            order = np.argsort(at.ravel(), kind="stable")
            edges = np.cumsum(np.bincount(at.ravel()))[:-1]
            groups = np.split(some[order], edges)
            ways += [(tuple(row), group) for row, group in zip(distinct_rows.tolist(), groups, strict=True)]
        ways.sort(key=lambda way: (-way[1].size, way[0]))
        shown, rest = ways[: self.top], ways[self.top :]
        nodes = [nodes for _, nodes in shown] + [
            np.concatenate([np.empty(0, np.int64), *(n for _, n in rest)])
        ]
        shoppers = np.array([np.unique(self.stream.shopper[its]).size for its in nodes])
        counts = np.array([its.size for its in nodes], float)
        hidden = self._hidden_ways(nodes, shoppers)
        bought, of, known = self._counted(ends, np.zeros(ends.size, np.int64), 1, self.within)
        told = np.where(hidden, np.nan, counts)
        kept = np.flatnonzero(~hidden & (counts > 0))
        # Where those who do not buy are few, the whole less the ways would tell of them.
        whole = np.full(counts.size, float(ends.size) if known[0] else np.nan)
        low, high = wilson(told, whole)
        spelt = [ARROW.join(self.asked.labels[list(way)]) for way, _ in shown] + [OTHER]
        lengths = [float(len(way)) for way, _ in shown] + [np.nan]
        table = pa.table(
            {
                "way": pa.array([spelt[at] for at in kept], pa.string()),
                "steps": column(np.array(lengths)[kept], "count"),
                **count_columns({"count": told[kept], "shoppers": shoppers[kept]}, np.zeros(kept.size, bool)),
                "share": column(ratio(told, whole)[kept]),
                "low": column(low[kept]),
                "high": column(high[kept]),
            }
        )
        came = f"{int(bought[0]):,} of {_times(int(of[0]))} it came to {self.goal} within {self.within} steps"
        if not known[0]:
            came = f"how often it comes to {self.goal} may not be told"
        notes = self.asked.notes + self._backed_off(used) + hidden_notes(self.asked.k, [hidden], "ways are")
        title = f"Ways to {self.goal} after “{self._words(used)}”"
        return Answer(table, title, self.asked.of(came), notes)

    def _hidden_ways(self, nodes: list[np.ndarray], shoppers: np.ndarray) -> np.ndarray:
        """Which ways may not be told. All times less those that are shown are those of all hidden ones
        together, and a shopper may be on several: so many are hidden that these are of k shoppers.
        """
        hidden = hide_small(shoppers, self.asked.k)
        while hidden.any():
            held = np.concatenate([its for its, hide in zip(nodes, hidden, strict=True) if hide])
            left = np.flatnonzero(~hidden & (shoppers > 0))
            if np.unique(self.stream.shopper[held]).size >= self.asked.k or not left.size:
                break
            hidden[left[shoppers[left].argmin()]] = True
        return hidden

    def place(self) -> Answer:
        """What to show after which step."""
        if not self.parts:
            raise WrongCall("Say after which steps something may be shown: path=NAME->NAME, or shopper=ID.")
        chain, stream = self.chain, self.stream
        near, far = chain.within(self.within - 1), chain.within(self.within)
        there = np.flatnonzero(~stream.buys)
        whole = self._counted(there, stream.token[there], stream.tokens, self.within - 1)
        tables = []
        for part in dict.fromkeys(self.parts):
            step = self.names.find(part)
            at = np.flatnonzero(step[stream.token] & ~stream.buys)
            if at.size >= self.support:
                tables.append(self._after(part, at, step, whole, near, far, chain))
        if not tables:
            raise CartscapeError(
                f"No step of this path came up {_times(self.support)}, so that nothing can be said of what "
                "to show after it; ask with support=N, or for another path."
            )
        table = pa.concat_tables(tables)
        order = np.argsort(-np.nan_to_num(np.array(table["low"].to_pylist(), float), nan=-9), kind="stable")
        best = f"; the best of {table.num_rows:,} looks better than it is" if table.num_rows > 1 else ""
        warning = (
            "Who goes to a page by themselves may want it more than who is sent there: a gain is the most to "
            f"hope for, no experiment{best}. Intervals are by times, and a shopper may come more than once."
        )
        notes = (*self.asked.notes, *([warning] if table.num_rows else []))
        of = self.asked.of(f"{self.goal} within {self.within} steps")
        return Answer(table.take(pa.array(order[: self.top])), "What to show after which step", of, notes)

    def _after(
        self, part: str, at: np.ndarray, step: np.ndarray, whole: tuple[np.ndarray, ...], near: np.ndarray,
        far: np.ndarray, chain: Chain,
    ) -> pa.Table:  # fmt: skip
        """The rows of one step; `at` are the nodes at it."""
        stream, size = self.stream, self.stream.tokens
        later = np.zeros(size, np.int64)
        for ahead in range(1, self.within + 1):
            on = at[at + ahead < stream.path.size] + ahead
            same = (stream.path[on] == stream.path[on - ahead]) & ~stream.buys[on]
            later += np.bincount(stream.token[on[same]], minlength=size)
        on = at[stream.follows[at]] + 1
        on = on[~stream.buys[on]]
        right = self._counted(on, stream.token[on], size, self.within - 1)
        went = distinct(stream.token[on], stream.shopper[on], size)
        hidden = hide_small(went, self.asked.k, overlapping=True)
        direct = right[2] & (right[1] >= self.support)
        bought, of = (np.where(direct, right[n], whole[n]).astype(float) for n in (0, 1))
        kept = np.flatnonzero(
            (later >= self.support) & (of >= self.support) & ~step & (direct | whole[2]) & self._shown()
        )
        bought, of = bought[kept], of[kept]
        base, base_of, known = self._counted(at, np.zeros(at.size, np.int64), 1, self.within)
        before = np.full(kept.size, float(base[0]) if known[0] else np.nan)
        times = np.full(kept.size, float(base_of[0]))
        low, high = difference(bought, of, before, times)
        weight = np.bincount(stream.token[at], minlength=size).astype(float)
        weight /= weight.sum()
        count = kept.size
        return pa.table(
            {
                "after": pa.array([part] * count, pa.string()),
                "show": pa.array(self.asked.labels[kept], pa.string()),
                **count_columns({"followed": right[1][kept], "shoppers": went[kept]}, hidden[kept]),
                "without": column(ratio(before, times)),
                "without_of": column(times, "count"),
                "with": column(ratio(bought, of)),
                "with_of": column(of, "count"),
                "of": pa.array(np.where(direct[kept], "right after it", "anywhere"), pa.string()),
                "gain": column(ratio(bought, of) - ratio(before, times)),
                "low": column(low),
                "high": column(high),
                "chain_without": column(np.full(count, float(weight @ far))),
                "chain_with": column(near[kept]),
                "steps_without": column(np.full(count, _mean_steps(chain, weight))),
                "steps_with": column(1 + chain.steps[kept]),
            }
        )

    def _shown(self) -> np.ndarray:
        """Which nodes can be shown: bool[tokens], items where paths are told by page, else any."""
        if not self.names.by_item:
            return np.ones(self.stream.tokens, bool)
        of_item = np.delete(self.names.of_item, [self.names.no_item] if self._itemless() else [])
        return np.isin(np.arange(self.stream.tokens), of_item)

    def _itemless(self) -> bool:
        return self.names.no_item < self.names.of_item.size

    def paths(self) -> Answer:
        """Pairs of steps that come up most."""
        stream, size = self.stream, self.stream.tokens
        on = np.flatnonzero(stream.follows & ~stream.buys)
        on = on[~stream.buys[on + 1]]
        code, at = np.unique(stream.token[on] * size + stream.token[on + 1], return_inverse=True)
        times, shoppers = np.bincount(at), distinct(at, stream.shopper[on], code.size)
        rows = np.argsort(-times, kind="stable")[: self.top]
        rows = rows[shoppers[rows] >= self.asked.k]
        labels = self.asked.labels
        names = ["->".join(quoted(labels[t]) for t in divmod(int(code[row]), size)) for row in rows]
        table = pa.table(
            {"path": pa.array(names, pa.string()), "count": times[rows], "shoppers": shoppers[rows]}
        )
        return Answer(table, "Pairs of steps that come up most", self.asked.of(), self.asked.notes)

    def _counted(
        self, nodes: np.ndarray, group: np.ndarray, groups: int, most: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By group: times with a purchase within `most` steps, all times, and whether both may be told."""
        bought = self.stream.bought_within(nodes, most)
        who = self.stream.shopper[nodes]
        times = np.bincount(group, minlength=groups)
        hits = np.bincount(group[bought], minlength=groups)
        part, whole = distinct(group[bought], who[bought], groups), distinct(group, who, groups)
        few = hide_small(whole, self.asked.k, overlapping=True)
        shown = ~hidden_parts(part, whole, few, self.asked.k)
        return hits, times, shown

    def _ends(self) -> tuple[np.ndarray, list[str]]:
        """Where the last steps of the path came up, backed off until they did `support` times."""
        for length in range(min(LAST, len(self.parts)), 0, -1):
            used = self.parts[-length:]
            ends = self.stream.ends_of([self.names.find(part) for part in used])
            ends = ends[~self.stream.buys[ends]]
            if ends.size >= self.support:
                return ends, used
        return np.flatnonzero(~self.stream.buys), []

    def _backed_off(self, used: list[str]) -> tuple[str, ...]:
        wanted = self.parts[-LAST:]
        if len(used) == len(wanted):
            return ()
        instead = f"“{self._words(used)}”" if used else "any event"
        last = self.names.find(wanted[-1])[self.stream.token]
        if last.any() and self.stream.buys[last].all():
            return (f"With {self.goal} a way ends, and begins anew; this is what follows {instead}.",)
        rare = "never came up" if self.support == 1 else f"came up fewer than {self.support:,} times"
        return (f"The last steps {rare}; this is what follows {instead}.",)

    @staticmethod
    def _words(used: list[str]) -> str:
        return ARROW.join(used) if used else "any event"


def _times(count: int) -> str:
    return f"{count:,} {'time' if count == 1 else 'times'}"


def _mean_steps(chain: Chain, weight: np.ndarray) -> float:
    """Expected steps to the purchase from nodes of some weights, where one comes."""
    buys = weight * chain.ever
    met = buys > 0
    return float((buys[met] * chain.steps[met]).sum() / buys[met].sum()) if met.any() else float("nan")
