"""Maps of journeys: parts of h and quality against plain loops, planted types, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as exact_trustworthiness
from sklearn.metrics import adjusted_rand_score

from core.analyses import ANALYSES
from core.analyses.journeys import _nearest_of
from core.errors import CartscapeError, WrongCall
from core.journeys import MapOptions, NotEncoded, kept_maps, open_map
from core.journeys.describe import _roles, _words
from core.journeys.gathered import Gathered, shoppers_of
from core.journeys.given_names import give_name, given_names, names_of
from core.journeys.quality import trustworthiness
from core.journeys.texts import LogTexts
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Secret, Store
from data.sample import shopper_types
from tests.analyses import search_oracle
from tests.analyses.search_oracle import CountedWords
from tests.conftest import SAMPLE_EVENTS, SAMPLE_SEED

WHOLE = Scope(compare="off")


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> CountedWords:
    """Texts are alike by the words that they share: no model is needed."""
    stand_in = CountedWords()
    stand_in.encoder.card.fingerprint = "counted words"
    monkeypatch.setattr(kept_maps, "open_vectors", lambda: stand_in)
    return stand_in


def test_planted_types_are_found_and_the_evening_type_by_its_name(sample_store: Store) -> None:
    opened = open_map(sample_store, WHOLE, MapOptions())
    types = shopper_types(SAMPLE_SEED, SAMPLE_EVENTS)
    secret = Secret.of_sample(SAMPLE_SEED)
    pseudonyms = secret.pseudonyms(types["user_id"].to_pylist())
    told = dict(zip(pseudonyms, types["type"].to_pylist(), strict=True))
    users = open_cohorts(sample_store)
    found = {}
    cursor = sample_store.cursor()
    rows = cursor.sql(
        "SELECT DISTINCT CAST(CAST(hash(user_id) AS BIT) AS BIGINT) AS key, user_id FROM events"
    ).fetchall()
    by_key = {key: told[user] for key, user in rows}
    for shopper in opened.map.keys.tolist():
        found[shopper] = by_key[int(users.paths["shopper"][shopper])]
    kinds = [found[shopper] for shopper in opened.map.keys.tolist()]
    assert adjusted_rand_score(kinds, opened.map.labels) > 0.7  # of 3,000 shoppers; see README for a million
    names = [one.name.lower() for one in opened.map.described]
    evening = next(n for n, name in enumerate(names) if name.startswith("weekday-evening"))
    inside = [kind for kind, label in zip(kinds, opened.map.labels, strict=True) if label == evening]
    assert inside.count("weekday-evening browser") > 0.8 * len(inside)


def test_the_same_seed_gives_the_same_map_and_it_is_kept(
    sample_store: Store, copied: Callable[[Store], Store]
) -> None:
    store = copied(sample_store)
    options = MapOptions(most="800")
    first = open_map(store, WHOLE, options)
    assert first.map.sampled and first.map.fitted.size == 800
    kept_maps._open.clear()
    kept = open_map(store, WHOLE, options)
    assert kept is not first
    for name in ("keys", "placed", "labels", "central", "centres"):
        assert (getattr(kept.map, name) == getattr(first.map, name)).all()
    kept_maps._open.clear()
    file = store.path / "journeys" / f"{first.digest}.npz"
    file.write_bytes(file.read_bytes()[:5000])  # damaged: made anew, to the same
    again = open_map(store, WHOLE, options)
    assert (again.map.placed == first.map.placed).all() and (again.map.labels == first.map.labels).all()


def test_a_cluster_and_a_lasso_are_cohorts(sample_store: Store) -> None:
    opened = open_map(sample_store, WHOLE, MapOptions())
    cohorts = open_cohorts(sample_store)
    rule: dict[str, Any] = {"of": "journeys", "scope": WHOLE.words(), "clusters": [0]}
    mine = shoppers_of(opened.paths, "shopper", opened.map.keys[opened.map.labels == 0])
    assert np.flatnonzero(cohorts.find(rule)).tolist() == sorted(mine.tolist())
    x, y = np.median(opened.map.placed, axis=0).tolist()
    corners = [[x, y], [x + 50, y], [x + 50, y + 50], [x, y + 50]]
    within = (opened.map.placed > [x, y]).all(axis=1)
    lasso = cohorts.find({"of": "journeys", "scope": WHOLE.words(), "polygon": corners})
    assert abs(int(lasso.sum()) - int(within.sum())) <= 2  # points on an edge
    passed = {"of": "journeys", "scope": WHOLE.words(), "polygon": corners, "without": [0, -1]}
    left = within & ~np.isin(opened.map.labels, [0, -1])
    assert 0 < left.sum() < within.sum() and abs(int(cohorts.find(passed).sum()) - int(left.sum())) <= 2
    rows = ANALYSES["clusters"].run(sample_store, WHOLE).table.to_pylist()
    assert rows[0]["shoppers"] == mine.size
    assert sum(row["paths"] for row in rows) == len(opened.map)


def test_a_name_is_kept_and_found_on_another_map(
    sample_store: Store, copied: Callable[[Store], Store]
) -> None:
    store = copied(sample_store)
    opened = open_map(store, WHOLE, MapOptions())
    give_name(opened, 0, "Ours")
    assert names_of(opened) == {0: "Ours"}
    other = open_map(store, WHOLE, MapOptions(dims="3"))
    assert list(names_of(other).values()) == ["Ours"]
    give_name(opened, 0, "Theirs")
    assert names_of(opened) == {0: "Theirs"}


def test_the_name_just_given_is_shown_and_those_of_other_maps_survive(
    sample_store: Store, copied: Callable[[Store], Store]
) -> None:
    store = copied(sample_store)
    flat, deep = (open_map(store, WHOLE, MapOptions(dims=dims)) for dims in ("2", "3"))
    give_name(flat, 0, "Zebras")
    assert names_of(deep) == {0: "Zebras"}  # borrowed
    give_name(deep, 0, "Antelopes")
    assert names_of(deep) == {0: "Antelopes"} and names_of(flat) == {0: "Zebras"}
    give_name(deep, 0, "Zulus")  # in its own place; it stands after and before the others in the alphabet
    assert names_of(deep) == {0: "Zulus"} and names_of(flat) == {0: "Zebras"}
    assert {document.name for document in given_names(store).all()} == {"Zebras", "Zulus"}
    third = open_map(store, WHOLE, MapOptions(dims="2", seed="0", most="19999"))
    assert names_of(third) == {0: "Zulus"}  # of two borrowed ones the last


def test_names_that_differ_by_case_alone_are_one_name(
    sample_store: Store, copied: Callable[[Store], Store]
) -> None:
    opened = open_map(copied(sample_store), WHOLE, MapOptions())
    give_name(opened, 0, "Ours")
    for same in ("ours", "Ours", " OURS "):
        with pytest.raises(WrongCall, match="is called “Ours” already; upper and lower"):
            give_name(opened, 1, same)
    give_name(opened, 0, "OURS")  # its own may change its case
    assert names_of(opened) == {0: "OURS"}
    for bad in ("", "  ", "a\nb", "x" * 201):
        with pytest.raises(WrongCall, match="A cluster's name has 1 to 200 letters and no line breaks"):
            give_name(opened, 0, bad)


def test_a_cluster_goes_by_its_name_in_what_sets_it_apart(sample_store: Store) -> None:
    name = ANALYSES["clusters"].run(sample_store, WHOLE).table["name"][0].as_py()
    told = ANALYSES["cluster-traits"].run(sample_store, WHOLE, cluster="1")
    assert f"shoppers of “{name}” against" in told.of and f"“{name}”" in told.title
    assert f"“{name}”" in told.table["value"].to_pylist()[:2]


def test_a_cluster_is_not_held_against_itself(sample_store: Store) -> None:
    with pytest.raises(WrongCall, match="cluster=2 and against=2 are the same cluster"):
        ANALYSES["cluster-traits"].run(sample_store, WHOLE, cluster="2", against="2")


def test_a_cohort_of_a_cluster_that_is_not_there_counts_from_1(sample_store: Store) -> None:
    most = open_map(sample_store, WHOLE, MapOptions()).map.clusters
    rule = {"of": "journeys", "scope": WHOLE.words(), "clusters": [most]}
    with pytest.raises(WrongCall, match=f"names cluster {most + 1}; the map has clusters 1 to {most}, and"):
        open_cohorts(sample_store).find(rule)


def test_a_name_tells_what_the_list_does(sample_store: Store) -> None:
    opened = open_map(sample_store, WHOLE, MapOptions(most="600"))
    rows = ANALYSES["clusters"].run(sample_store, WHOLE, most="600").table.to_pylist()
    assert opened.map.sampled and any(one.conversion > 0 for one in opened.map.described)
    for one, row in zip(opened.map.described, rows, strict=False):
        assert one.conversion == pytest.approx(row["conversion"])
        assert f"{row['conversion']:.0%} buy".replace("%", " %") in one.name or row["conversion"] >= 0.95


def test_who_fills_a_cart_and_buys_is_a_buyer() -> None:
    """Where nearly all buy, nobody buys more than others; carts are then no sign of another kind."""
    names = np.array(["cart", "purchase", "view"], object)
    one, other = [0, 0, 0, 1], [2, 2, 2, 2, 2, 1]  # events of a path of each cluster
    events = np.array([*one, *other] * 5)
    cluster, labels = np.array([*([0] * 4), *([1] * 6)] * 5), np.array([0, 1] * 5)

    def roles(bought: np.ndarray) -> list[str]:
        told = SimpleNamespace(event_names=events, names=names, bought=bought)
        return _roles(cast(Gathered, told), cluster, labels, 2)

    assert roles(np.ones(10, bool)) == ["buyers", "viewers"]
    assert roles(np.zeros(10, bool)) == ["cart fillers", "viewers"]


def test_places_are_among_the_words_of_a_name_only_where_nothing_else_is() -> None:
    entries = {"city": np.array(["São Paulo", "Rio"]), "region": np.array(["Bahia"])}
    dimensions = SimpleNamespace(entries=lambda field: (entries[field], np.arange(len(entries[field]))))
    told = cast(Gathered, SimpleNamespace(paths=SimpleNamespace(dimensions=dimensions)))
    labels = np.array(["toys", "São Paulo", "Rio", "garden_tools"], object)
    texts = cast(LogTexts, SimpleNamespace(labels=labels, texts=labels))
    cluster, rows = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 3])
    assert _words(told, cluster, 3, rows, texts) == [["toys"], ["Rio"], ["garden tools"]]


def test_words_on_the_map_are_judged(sample_store: Store, model: CountedWords) -> None:
    def notes(text: str) -> str:
        with search_oracle.encoded(stand_in=model):
            return " ".join(ANALYSES["journeys"].run(sample_store, WHOLE, text=text).notes)

    alike, odd = notes("waterproof hiking boots"), notes("防水登山鞋 " + "word " * 500)
    assert "much like it" not in alike and "were read" not in alike
    assert "No path is much like it: the nearest has a similarity of" in odd
    assert "Of the text's 501 words only the first 256 were read" in odd
    with search_oracle.encoded(stand_in=model):
        answer = ANALYSES["journeys"].run(sample_store, WHOLE, text="word " * 500)
    assert "nearest to “word word" in answer.of and len(answer.of) < 300


def test_how_near_the_nearest_is_tells_of_k_shoppers() -> None:
    near, shoppers = np.array([0.9, 0.8, 0.7, 0.3, -np.inf]), np.array([4, 4, 1, 2, 0])
    told = [_nearest_of(near, shoppers, k) for k in (1, 2, 3, 4, 9)]
    assert told == [0.9, 0.7, 0.3, -np.inf, -np.inf]


def test_nobodys_revenue_is_told_on_shared_data(sample_store: Store, online_retail_store: Store) -> None:
    scope = Scope.parse({"from": "2010-11-25", "to": "2010-12-09", "compare": "off"})
    shared = ANALYSES["journeys"].run(online_retail_store, scope, what="0").table
    assert shared["revenue"].null_count == shared.num_rows > 30
    assert {minute % 60 for its in shared["minutes"].to_pylist() for minute in its} == {0}
    own = ANALYSES["journeys"].run(sample_store, WHOLE).table
    assert own["revenue"].null_count == 0


def test_a_copied_log_keeps_its_own_names(sample_store: Store, copied: Callable[[Store], Store]) -> None:
    original = open_map(sample_store, WHOLE, MapOptions())
    copy = open_map(copied(sample_store), WHOLE, MapOptions())
    assert copy.digest == original.digest and copy.store.path != original.store.path
    give_name(copy, 0, "Ours alone")
    assert names_of(original) == {} and names_of(copy) == {0: "Ours alone"}


def test_trustworthiness_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    h = rng.normal(size=(400, 6)).astype(np.float32)
    placed = (h[:, :2] + rng.normal(scale=0.7, size=(400, 2))).astype(np.float32)
    assert trustworthiness(h, placed) == pytest.approx(
        exact_trustworthiness(h, placed, n_neighbors=15), abs=1e-6
    )


def test_what_is_not_encoded_is_a_sentence(sample_store: Store, model: CountedWords) -> None:
    model._known = False
    model.encoder.card.fingerprint = "nothing known"
    with pytest.raises(NotEncoded, match="are not encoded yet; run: python -m core encode"):
        open_map(sample_store, WHOLE, MapOptions())
    assert open_map(sample_store, WHOLE, MapOptions(what="0")).map.clusters > 1  # no words, no vectors


def test_too_few_paths_are_a_sentence(sample_store: Store) -> None:
    scope = Scope.parse({"region": "Wyoming", "from": "2025-03-01", "to": "2025-03-02", "compare": "off"})
    with pytest.raises(CartscapeError, match="needs 30 paths"):
        open_map(sample_store, scope, MapOptions())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"unit": "city"}, "unit='city' is not known"),
        ({"what": "a lot"}, "what='a lot' is no weight"),
        ({"what": "0", "when": "0", "where": "0", "how": "0"}, "at least one must count"),
        ({"most": "5"}, "most='5' does not go"),
        ({"detail": "9"}, "detail='9' does not go"),
        ({"dims": "4"}, "dims='4' does not go"),
    ],
)
def test_odd_options_are_a_sentence(words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        MapOptions(**words)


@pytest.mark.parametrize("name", ["journeys", "cluster-traits", "cluster-drift", "cluster-paths"])
def test_what_pages_ask_of_a_map_answers(real_store: Store, name: str) -> None:
    answer = ANALYSES[name].run(real_store, WHOLE, unit="shopper")
    assert answer.table.num_rows and answer.of and "{" not in answer.of


def test_periods_are_held_against_each_other_on_one_map(sample_store: Store) -> None:
    scope = Scope.parse({"from": "2025-04-01", "to": "2025-05-31"})
    rows = ANALYSES["cluster-drift"].run(sample_store, scope, by="period").table.to_pylist()
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert sum(row["previous_share"] for row in rows) == pytest.approx(1)
    assert all(row["low"] <= row["difference"] <= row["high"] for row in rows)


def test_a_job_that_was_cut_goes_on(sample_store: Store, copied: Callable[[Store], Store]) -> None:
    from core.journeys import encoding

    store = copied(sample_store)
    assert encoding.resume(store) is None
    note = store.path / "journeys" / "encoding.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text("{}")
    job = encoding.resume(store)
    assert job is not None
    job.cancel()
    job.join(60)
    assert not note.exists()
