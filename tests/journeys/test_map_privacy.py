"""A map of shared data: whoever counts what its outputs tell never comes upon fewer than k shoppers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.analyses import ANALYSES
from core.analyses.cluster_parts import BETWEEN, FEW
from core.charts.journeys import COLOURS, coloured, sizes
from core.charts.look import LIGHT
from core.cli import main
from core.errors import CartscapeError
from core.journeys import MapOptions, Opened, open_map
from core.journeys.gathered import gather, shoppers_of
from core.scope import Scope
from core.settings import settings
from core.store import Store
from tests.analyses.search_oracle import CountedWords

WHOLE = Scope(compare="off")
BARE = {"what": "0"}  # without words there is nothing to encode
TRAITS = (
    "cluster", "converted", "region", "device", "last", "next", "hour",
    "steps", "minutes", "similarity", "lit",
)  # fmt: skip


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = CountedWords()
    stand_in.encoder.card.fingerprint = "counted words of privacy"
    for module in (
        "core.journeys.kept_maps",
        *(f"core.analyses.{n}" for n in ("journeys", "phrases", "meaning")),
    ):
        monkeypatch.setattr(import_module(module), "open_vectors", lambda: stand_in)


@pytest.fixture
def k_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    def change(k: int) -> None:
        monkeypatch.setenv("CARTSCAPE_K_ANONYMITY", str(k))
        settings.cache_clear()

    yield change
    settings.cache_clear()


def shoppers_by_row(opened: Opened) -> np.ndarray:
    """Whose each row of `journeys` is."""
    keys = opened.map.keys[opened.map.fitted]
    order = np.random.default_rng(int(opened.options.seed)).permutation(keys.size)
    return shoppers_of(opened.paths, opened.options.unit, keys)[order]


def fewest(table: pa.Table, names: tuple[str, ...], shoppers: np.ndarray) -> int:
    """The least shoppers of whom the table tells the same in some columns."""
    found: dict[str, set[int]] = {}
    for row, shopper in zip(table.select(list(names)).to_pylist(), shoppers.tolist(), strict=True):
        found.setdefault(str(row), set()).add(shopper)
    return min(map(len, found.values()))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"most": "4000"}, {"text": "hotel in London"}), ({"most": "4000", "unit": "session", **BARE}, {})],
)
def test_points_tell_what_k_shoppers_share(
    real_store: Store, options: dict[str, str], words: dict[str, str]
) -> None:
    opened = open_map(real_store, WHOLE, MapOptions(**options))
    table = ANALYSES["journeys"].run(real_store, WHOLE, **options, **words).table
    shoppers, k = shoppers_by_row(opened), real_store.k
    assert k == 10 and table.num_rows == shoppers.size
    assert table["events"].null_count == table["revenue"].null_count == table.num_rows
    told = tuple(name for name in TRAITS if name in table.column_names)
    for names in (told, *combinations(told, 1), *combinations(told, 2)):
        assert fewest(table, names, shoppers) >= k, names
    assert table["cluster"].null_count < table.num_rows
    clusters = ANALYSES["clusters"].run(real_store, WHOLE, **options).table.to_pylist()
    for colour in COLOURS:
        if colour == "nearness" and not words:
            continue
        by = coloured(table, colour, [row["name"] for row in clusters[:-1]], LIGHT)
        for group in np.unique(by.group):
            assert np.unique(shoppers[by.group == group]).size >= k, colour
    assert np.unique(sizes(table)).size == 1


def test_a_points_traits_are_its_own_or_nothing(trivago_store: Store) -> None:
    """What is told is true: it is held against the paths themselves."""
    opened = open_map(trivago_store, WHOLE, MapOptions(**BARE))
    table = ANALYSES["journeys"].run(trivago_store, WHOLE, **BARE).table.to_pylist()
    told = gather(opened.paths, opened.scope).only(opened.map.fitted)
    order = np.random.default_rng(0).permutation(len(told))
    devices, codes = told.paths.dimensions.entries("device")
    main_device = devices[told.main(codes[told.column("mean")])]
    hour = told.main((told.paths.dimensions.hours % 24)[told.column("hour")])
    longest = 0
    for row, at in zip(table, order.tolist(), strict=True):
        assert row["cluster"] in (None, (opened.map.labels[opened.map.fitted[at]] + 1))
        assert row["device"] in ("(other)", main_device[at])
        assert row["hour"] in (None, hour[at] // 4 * 4)
        events = [str(told.names[e]) for e in told.event_names[told.edges[at] : told.edges[at + 1]]]
        steps = row["steps"]
        assert steps == events or (steps[-1] == "…" and steps[:-1] == events[: len(steps) - 1])
        assert len(row["minutes"]) == len(steps) - (steps[-1] == "…")
        assert row["minutes"] == sorted(row["minutes"]) and {m % 60 for m in row["minutes"]} <= {0}
        longest = max(longest, len(steps))
    assert longest > 2


@pytest.fixture
def few(
    online_retail_store: Store, copied: Callable[[Store], Store], k_of: Callable[[int], None]
) -> tuple[Store, Scope, int]:
    """A log whose smallest cluster has fewer than k shoppers; its number."""
    scope = Scope.parse({"from": "2010-09-01", "to": "2010-12-09", "compare": "off"})
    labels = open_map(online_retail_store, scope, MapOptions(**BARE)).map.labels
    sizes_of = np.bincount(labels[labels >= 0])
    k_of(int(sizes_of.min()) + 1)
    return copied(online_retail_store), scope, int(sizes_of.argmin()) + 1


def test_a_hidden_cluster_cannot_be_had_from_any_output(
    few: tuple[Store, Scope, int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, scope, small = few
    k, opened = store.k, open_map(store, scope, MapOptions(**BARE))
    truth = np.bincount(np.where(opened.map.labels < 0, opened.map.clusters, opened.map.labels))

    def show(name: str, **more: str) -> list[dict[str, Any]]:
        return ANALYSES[name].run(store, scope, **BARE, **more).table.to_pylist()

    rows = show("clusters")
    hidden = [n for n, row in enumerate(rows) if row["shoppers"] is None]
    assert small - 1 in hidden and truth[hidden].sum() >= k and len(hidden) > 1
    for n in hidden:  # the total less what is shown is a group of k, and of more than one cluster
        for name in ("paths", "share", "conversion", "revenue", "events", "days", "stability", "silhouette"):
            assert rows[n][name] is None
        assert "buy" not in rows[n]["name"]
    assert rows[small - 1]["name"] == FEW and not rows[small - 1]["words"]

    points = show("journeys")
    counted = {n: sum(p["cluster"] == n for p in points) for n in range(opened.map.clusters + 1)}
    assert all(not counted[rows[n]["cluster"]] for n in hidden)
    assert {p["name"] for p in points if p["cluster"] is None} == {FEW}
    names = [row["name"] for row in rows[:-1]]
    table = ANALYSES["journeys"].run(store, scope, **BARE).table
    by = coloured(table, "cluster", names, LIGHT)
    assert not np.isin(by.group, [n for n in hidden if n < opened.map.clusters]).any()
    assert "too few" in by.noise and by.noise != BETWEEN

    for name in ("cluster-paths", "cluster-traits"):
        for n in hidden:
            if n < opened.map.clusters:
                with pytest.raises(CartscapeError, match="nothing more is told of it"):
                    show(name, cluster=str(n + 1))
    shown = next(str(n + 1) for n in range(opened.map.clusters) if n not in hidden)
    with pytest.raises(CartscapeError, match="nothing more is told of it"):
        show("cluster-traits", cluster=shown, against=str(small))

    weekly = show("cluster-drift")
    assert all(row["shoppers"] is None for row in weekly if row["cluster"] - 1 in hidden)

    words = [f"--scope={k}={v}" for k, v in (("from", scope.start), ("to", scope.end), ("compare", "off"))]
    main(["project", "--store", str(store.path), *words, "--option", "what=0"])
    told = json.loads(capsys.readouterr().out)
    assert (told["noise"] is None) == (opened.map.clusters in hidden)


def test_typical_paths_are_told_as_far_as_k_of_their_cluster_begin_alike(trivago_store: Store) -> None:
    opened = open_map(trivago_store, WHOLE, MapOptions(**BARE))
    told = gather(opened.paths, opened.scope)
    every = [
        [str(told.names[e]) for e in told.event_names[told.edges[n] : told.edges[n + 1]]]
        for n in range(len(told))
    ]
    seen = 0
    for cluster in range(opened.map.clusters):
        rows = ANALYSES["cluster-paths"].run(trivago_store, WHOLE, **BARE, cluster=str(cluster + 1)).table
        mine = [every[n] for n in np.flatnonzero(opened.map.labels == cluster).tolist()]
        for row in rows.to_pylist():
            steps = row["steps"]
            if steps[-1] == "…":
                alike = [path for path in mine if path[: len(steps) - 1] == steps[:-1]]
                assert row["events"] is None
            else:
                alike = [path for path in mine if path == steps]
                assert row["events"] == len(steps)
            assert len(alike) >= trivago_store.k
            seen += 1
    assert seen > opened.map.clusters


def test_who_bought_is_told_of_k_buyers_and_k_others(trivago_store: Store, olist_store: Store) -> None:
    for store in (trivago_store, olist_store):
        opened = open_map(store, WHOLE, MapOptions(**BARE))
        told = gather(opened.paths, opened.scope)
        place = np.where(opened.map.labels < 0, opened.map.clusters, opened.map.labels)
        rows = ANALYSES["clusters"].run(store, WHOLE, **BARE).table.to_pylist()
        for n, row in enumerate(rows):
            bought = int(told.bought[place == n].sum())
            small = 0 < bought < store.k or 0 < int((place == n).sum()) - bought < store.k
            if small:
                assert row["conversion"] is None and row["revenue"] is None and "buy" not in row["name"]


def test_a_map_of_fewer_than_k_shoppers_is_a_sentence(
    trivago_store: Store, copied: Callable[[Store], Store], k_of: Callable[[int], None]
) -> None:
    k_of(10_000)
    with pytest.raises(CartscapeError, match="needs paths of 10000 shoppers"):
        open_map(copied(trivago_store), WHOLE, MapOptions(**BARE))
