"""The shoppers behind a node or an edge are those that the picture and the funnel count."""

from __future__ import annotations

import pytest

from core.analyses import ANALYSES
from core.analyses.next_steps import parse_prefix
from core.errors import WrongCall
from core.paths import open_cohorts
from core.paths.choices import BEGAN, OTHER, STOPPED
from core.paths.pattern import path_pattern
from core.scope import Scope
from core.store import Store
from tests.analyses.test_funnel import steps_of

SCOPE = {"compare": "off"}


@pytest.fixture(params=["sample", "trivago", "olist"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.mark.parametrize("unit", ["shopper", "session"])
@pytest.mark.parametrize("anchor", ["start", "end", "after", "before", "around"])
def test_an_edges_shoppers_are_its_number(store: Store, anchor: str, unit: str) -> None:
    options = {"anchor": anchor, "depth": "3", "top": "3", "unit": unit, "collapse": "yes"}
    if anchor in ("after", "before", "around"):
        options["at"] = steps_of(store).split(",")[0]
    rows = ANALYSES["paths"].run(store, Scope.parse(SCOPE), **options).table.to_pylist()
    told = [row for row in rows if row["users"]][:12]
    assert told
    for row in told:
        rule = {"of": "path", "scope": SCOPE, "options": options} | {
            key: row[key] for key in ("level", "source", "target")
        }
        assert open_cohorts(store).find(rule).sum() == row["users"], row


def test_a_nodes_shoppers_are_the_sum_of_its_edges(sample_store: Store) -> None:
    options = {"depth": "3", "top": "4"}
    rows = ANALYSES["paths"].run(sample_store, Scope.parse(SCOPE), **options).table.to_pylist()
    for name in {row["source"] for row in rows if row["level"] == 1}:
        rule = {"of": "path", "scope": SCOPE, "options": options, "level": 1, "source": name}
        total = sum(row["users"] for row in rows if (row["level"], row["source"]) == (1, name))
        assert open_cohorts(sample_store).find(rule).sum() == total


def test_a_patterns_shoppers_are_its_number(sample_store: Store) -> None:
    pattern = "cart->[^support]*->purchase"
    rows = ANALYSES["pattern"].run(sample_store, Scope.parse(SCOPE), pattern=pattern).table.to_pylist()
    rule = {"of": "pattern", "scope": SCOPE, "options": {"pattern": pattern}}
    want = next(row["shoppers"] for row in rows if row["holds"])
    assert open_cohorts(sample_store).find(rule).sum() == want > 0


@pytest.mark.parametrize("unit", ["shopper", "session"])
@pytest.mark.parametrize("nodes", ["event", "category"])
def test_a_transitions_shoppers_are_those_of_its_pattern(store: Store, nodes: str, unit: str) -> None:
    options = {"nodes": nodes, "unit": unit, "collapse": "yes"}
    rows = ANALYSES["transitions"].run(store, Scope.parse(SCOPE), **options, top="500").table.to_pylist()
    told = [*[r for r in rows if r["source"] == BEGAN][:2], *[r for r in rows if r["target"] == STOPPED][:2]]
    told += [row for row in rows if row not in told][:4]
    for row in [row for row in told if row["shoppers"]]:
        names = [row[end] for end in ("source", "target") if row[end] not in (BEGAN, STOPPED)]
        pattern = path_pattern(names, from_start=row["source"] == BEGAN, to_end=row["target"] == STOPPED)
        rule = {"of": "pattern", "scope": SCOPE, "options": options | {"pattern": pattern}}
        assert open_cohorts(store).find(rule).sum() == row["shoppers"], row


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_what_comes_nexts_shoppers_are_those_of_its_pattern(store: Store, unit: str) -> None:
    first, second = steps_of(store).split(",")[:2]
    for prefix in (first, f"{first}->{second}"):
        asked = ANALYSES["next"].run(store, Scope.parse(SCOPE), prefix=prefix, unit=unit, support="1")
        for row in [row for row in asked.table.to_pylist() if row["shoppers"]][:5]:
            ends = row["next"] == STOPPED
            names = [*parse_prefix(row["used"]), *([] if ends else [row["next"]])]
            options = {"unit": unit, "pattern": path_pattern(names, to_end=ends)}
            rule = {"of": "pattern", "scope": SCOPE, "options": options}
            assert open_cohorts(store).find(rule).sum() == row["shoppers"], row


@pytest.mark.parametrize("anchor", ["start", "end", "around"])
def test_a_cells_shoppers_are_its_number(store: Store, anchor: str) -> None:
    options = {"anchor": anchor, "depth": "3"} | (
        {"at": steps_of(store).split(",")[0]} if anchor == "around" else {}
    )
    rows = ANALYSES["steps"].run(store, Scope.parse(SCOPE), **options).table.to_pylist()
    for row in [row for row in rows if row["users"] and row["node"] != OTHER][:12]:
        rule = {"of": "path", "scope": SCOPE, "options": options | {"top": "1000000"},
                "level": row["step"] - (anchor != "around"), "source": row["node"]}  # fmt: skip
        assert open_cohorts(store).find(rule).sum() == row["users"], row


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"level": 9, "source": "view"}, "has no level 9"),
        ({"level": 1, "source": "teleport"}, "No node of that level is called 'teleport'"),
        ({"level": 1, "source": "view", "options": {"pattern": "a->["}}, "pattern"),
        ({"level": 1, "source": "view", "options": {"colour": "red"}}, "cannot be read"),
    ],
)
def test_an_odd_rule_is_a_sentence(sample_store: Store, rule: dict[str, object], words: str) -> None:
    with pytest.raises(WrongCall, match=words):
        open_cohorts(sample_store).find({"of": "path", "scope": SCOPE} | rule)
