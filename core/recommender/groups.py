"""Groups of a task's shoppers and items: whose numbers stand in a row, and which are hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from core.events import NONE
from core.marts.privacy import hide_small
from core.recommender.acts import SLOTS, World, slot_name
from core.recommender.histories import arrivals
from core.recommender.interactions import DAY, Task

#: What groups may be of.
TABLES = ("history", "age", "region", "hour", "device")
#: One more, which the command line asks of `long_lists`.
FAIRNESS = "fairness"
EVERYBODY = "everybody"
#: Shoppers who had done nothing with an item before the split, and those who had but took nothing.
NEW, LOOKED = "new to the shop", "took nothing yet"
#: Different items that a shopper took before the split, and days since an item was first taken.
_HISTORY = ((5, "1 – 5 items"), (20, "6 – 20 items"), (np.inf, "21 or more items"))
_AGE = ((30, "30 days or less on sale"), (np.inf, "longer on sale"))
COLD = "never taken before"
COLD_AMONG = "never taken before, among themselves"


@dataclass(frozen=True, eq=False)
class Group:
    """Some of a task's shoppers, and what counts of what they took."""

    name: str
    shoppers: np.ndarray  # bool[tested]
    items: np.ndarray | None  # bool[items], wanted ones that count; None: all
    among: bool  # whether these alone are ranked

    def wanted_of(self, test: Task) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
        """What counts of what its shoppers took, of those who took such; bool[shoppers of it], who did."""
        wanted = test.wanted[self.shoppers]
        if self.items is not None:
            wanted = scipy.sparse.csr_matrix(wanted.multiply(self.items.astype(np.float32)))
            wanted.eliminate_zeros()
        some = np.diff(wanted.indptr) > 0
        return wanted[some], some


def groups_of(world: World, test: Task, by: str) -> list[Group]:
    """Everybody, and the groups of one of TABLES; "" for everybody alone. Region, hour and device are those
    of each shopper's first event with an item after the split, as a shop sees them when it is asked.
    """
    everybody = np.ones(test.shoppers.size, bool)
    found = [Group(EVERYBODY, everybody, None, False)]
    if by == "history":
        many = np.diff(test.train.taken[test.shoppers].indptr)
        found.append(Group(NEW, test.new, None, False))
        found.append(Group(LOOKED, ~test.took & ~test.new, None, False))
        low = 0.0
        for most, name in _HISTORY:
            found.append(Group(name, (many > low) & (many <= most), None, False))
            low = most
    elif by == "age":
        first = np.full(test.train.items, np.inf)
        np.minimum.at(first, test.train.item, test.train.second.astype(float))
        age = (test.end - first) / DAY
        found.append(Group(COLD, everybody, np.isinf(first), False))
        found.append(Group(COLD_AMONG, everybody, np.isinf(first), True))
        low = -1.0
        for most, name in _AGE:
            found.append(Group(name, everybody, np.isfinite(first) & (age > low) & (age <= most), False))
            low = most
    elif by:
        codes, names = _named(world, test, by)
        found += [Group(str(names[at]), codes == at, None, False) for at in np.unique(codes)]
    return found


def _named(world: World, test: Task, by: str) -> tuple[np.ndarray, list[str]]:
    """Each tested shopper's number among names, the last of which is of none."""
    come = arrivals(world, test.shoppers, test.end)
    codes, names = {
        "region": (come.region, world.regions),
        "hour": (come.slot, np.array([slot_name(slot) for slot in range(SLOTS)], object)),
        "device": (come.device, world.devices),
    }[by]
    return np.where(codes >= 0, codes, names.size), [*map(str, names), NONE]


def hidden_of(test: Task, groups: list[Group], k: int) -> list[bool]:
    """Which groups are of too few shoppers, or would tell of one that is by subtraction from everybody."""
    sizes = np.array([group.wanted_of(test)[1].sum() for group in groups])
    parts = np.array([group.items is None and group.name != EVERYBODY for group in groups])
    # A model's card tells of those who had taken something, all together.
    known = np.array([group.name in [name for _, name in _HISTORY] for group in groups])
    hidden = (sizes > 0) & (sizes < k)
    while True:
        before = hidden.copy()
        for some in (parts, known):
            hidden[some] = hide_small(sizes[some], k, also=hidden[some])
        if (hidden == before).all():
            return [bool(one) for one in hidden | (sizes == 0)]
