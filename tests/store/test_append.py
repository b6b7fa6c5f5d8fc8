"""A load: sums, duplicates, order, bytes."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import CartscapeError, WrongCall
from core.events import EVENTS
from core.sources.reader import REJECTS
from core.store import Progress, Store, ingest, parts, staging
from tests.store.fakes import TableReader, busy_log, source_table


def rejects(count: int) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"file": "table.csv", "line": n, "reason": "unreadable time", "user_id": f"u{n}", "row": "{}"}
            for n in range(count)
        ],
        schema=REJECTS,
    )


def content(store: Store) -> dict[str, str]:
    return {m: hashlib.sha256(Path(p).read_bytes()).hexdigest() for m, p in store.months.items()}


def rows(store: Store) -> list[tuple[object, ...]]:
    return store.cursor().sql("SELECT * FROM log ORDER BY ALL").fetchall()


def test_rows_read_are_stored_duplicate_or_rejected(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    table = busy_log(5_000)
    twice = pa.concat_tables([table, table.slice(100, 50)])
    report = store.append(TableReader(twice, rejects=rejects(3)))
    assert (report.rows_read, report.stored, report.duplicate) == (5_053, 5_000, 50)
    assert report.rejected == {"unreadable time": 3}
    assert store.events == 5_000
    assert store.reports == (report,)
    assert Store.open(store.path).reports == (report,)


def test_the_same_file_twice_stores_nothing_twice(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    table = busy_log(5_000)
    store.append(TableReader(table))
    before, fingerprint = content(store), store.fingerprint
    report = store.append(TableReader(table, step=777))
    assert (report.stored, report.duplicate) == (0, 5_000)
    assert content(store) == before
    assert store.fingerprint != fingerprint


def test_columns_and_order_are_the_contract(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.append(TableReader(busy_log(3_000)))
    arrow = store.cursor().sql("SELECT * FROM events").to_arrow_table()
    assert arrow.schema.names == EVENTS.names
    assert [f.type for f in arrow.schema] == [f.type for f in EVENTS]
    for path in store.months.values():
        month = pq.read_table(path).to_pandas()
        assert month[["user_id", "ts"]].equals(month.sort_values(["user_id", "ts"])[["user_id", "ts"]])


def test_events_of_one_moment_stay_in_the_order_of_the_source(tmp_path: Path) -> None:
    names = [f"step-{i:02d}" for i in np.random.default_rng(3).permutation(40)]
    table = source_table(ts=[0] * 40, user_id=["a"] * 40, event=names)
    store = Store.create(tmp_path / "s")
    store.append(TableReader(table, step=7))
    (path,) = store.months.values()
    assert pq.read_table(path)["event"].to_pylist() == names


@pytest.mark.parametrize("users", [200, 1])
def test_small_parts_and_groups_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: int
) -> None:
    """With few users, one of them alone is more than a part, and is cut by time."""
    table = busy_log(8_000, users)
    whole = Store.create(tmp_path / "whole")
    whole.append(TableReader(table))
    monkeypatch.setattr(parts, "PART_ROWS", 500)
    monkeypatch.setattr(ingest, "STAGED_ROWS", 1_500)
    monkeypatch.setattr(staging, "_ROW_GROUP", 200)
    pieces = Store.create(tmp_path / "pieces")
    pieces.append(TableReader(table.slice(0, 5_000), step=400))
    pieces.append(TableReader(table.slice(4_000), step=400))
    assert pieces.events == whole.events
    assert content(pieces) == content(whole)


def test_one_load_or_many_in_any_order_give_the_same_rows(tmp_path: Path) -> None:
    table = busy_log(4_000)
    whole = Store.create(tmp_path / "whole")
    whole.append(TableReader(table))
    pieces = Store.create(tmp_path / "pieces")
    for start in (3_000, 0, 2_000, 1_000):
        pieces.append(TableReader(table.slice(start, 1_100)))
    assert rows(pieces) == rows(whole)


def test_only_touched_months_are_written(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.append(TableReader(busy_log(1_000, start="2025-01-02", days=5)))
    store.append(TableReader(busy_log(1_000, start="2025-02-02", days=5)))
    before = store.month_fingerprints
    store.append(TableReader(busy_log(10, start="2025-02-20", days=1, seed=5)))
    assert store.month_fingerprints["2025-01"] == before["2025-01"]
    assert store.month_fingerprints["2025-02"] != before["2025-02"]


def test_a_load_without_rows_is_a_sentence(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with pytest.raises(CartscapeError, match=r"no row in table\.csv") as caught:
        store.append(TableReader(busy_log(0)))
    assert caught.value.exit_code == 1
    assert store.reports == ()


def test_all_rows_bad_is_a_sentence_and_keeps_the_rejects(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with pytest.raises(CartscapeError, match=r"None of the 3 rows .*3 × unreadable time"):
        store.append(TableReader(busy_log(0), rejects=rejects(3)))
    kept = Store.open(store.path).cursor().sql("SELECT * FROM rejects ORDER BY line").fetchall()
    assert [(r[0], r[1], r[2], r[4], r[5]) for r in kept] == [
        ("table.csv", n, "unreadable time", "{}", 1) for n in range(3)
    ]
    assert all(len(r[3]) == 32 for r in kept)
    assert store.events == 0
    assert store.reports[0].rejected == {"unreadable time": 3}


def test_progress_rises_to_one_and_estimates(tmp_path: Path) -> None:
    seen: list[Progress] = []
    store = Store.create(tmp_path / "s")
    store.append(TableReader(busy_log(5_000)), seen.append)
    done = [p.done for p in seen]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert {p.stage for p in seen} == {"reading", "sorting 2025-01", "sorting 2025-02", "saving"}
    assert all(p.remaining is not None and p.remaining >= 0 for p in seen)
    assert seen[-1].rows == 5_000


def test_side_tables_are_upserted_and_their_shoppers_hidden(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    events = source_table(ts=[0], user_id=["anna"])

    def load(title: str, item: str) -> None:
        items = pa.table({"item_id": [item, "shared"], "title": [title, title]})
        reviews = pa.table({"review_id": ["r1"], "user_id": ["anna"], "rating": [5], "text": [title]})
        store.append(TableReader(events, sides={"items": items, "reviews": reviews}))

    load("first", "a")
    load("second", "b")
    assert store.table("items").select(["item_id", "title"]).to_pylist() == [
        {"item_id": "a", "title": "first"},
        {"item_id": "b", "title": "second"},
        {"item_id": "shared", "title": "second"},
    ]
    (review,) = store.table("reviews").to_pylist()
    assert review["text"] == "second"
    assert store.cursor().sql("SELECT user_id FROM events").fetchall() == [(review["user_id"],)]
    assert store.table("faq").num_rows == 0
    with pytest.raises(WrongCall, match="no table 'nothing'"):
        store.table("nothing")


def test_a_sample_has_the_same_bytes_everywhere(tmp_path: Path) -> None:
    table = busy_log(3_000)
    found = []
    for name in ("a", "b"):
        store = Store.create(tmp_path / name, kind="sample", seed=7)
        store.append(TableReader(table, format="sample"))
        found.append(content(store))
        assert store.k == 1
    assert found[0] == found[1]
    assert not (tmp_path / "home" / "secret").exists()


def test_a_real_log_never_goes_under_the_samples_public_key(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", kind="sample")
    with pytest.raises(WrongCall, match="store of its own"):
        store.append(TableReader(busy_log(10)))


def test_a_store_from_before_prices_of_lists_reads_and_grows(tmp_path: Path) -> None:
    """Its files lack the column: it reads as null, what is loaded again is known, what is new has prices."""
    shown = [["a", "b"], None, ["b"]]
    moments = [datetime(2025, 1, 3), datetime(2025, 1, 4), datetime(2025, 2, 1)]
    table = source_table(
        ts=moments, user_id=["u", "v", "u"], item_id=["a", "b", "b"], shown=shown,
        shown_prices=[[1.0, 2.0], None, [3.0]],
    )  # fmt: skip
    store = Store.create(tmp_path / "shop")
    store.append(TableReader(table.set_column(
        table.schema.get_field_index("shown_prices"), table.schema.field("shown_prices"),
        pa.nulls(3, table.schema.field("shown_prices").type),
    )))  # fmt: skip
    manifest = json.loads((store.path / "manifest.json").read_text())
    for month, path in store.months.items():
        pq.write_table(pq.read_table(path).drop_columns(["shown_prices"]), path)
        manifest["months"][month]["size"] = Path(path).stat().st_size
    (store.path / "manifest.json").write_text(json.dumps(manifest))
    asked = "SELECT shown_prices FROM log ORDER BY ts"
    store = Store.open(store.path)
    assert store.cursor().sql(asked).fetchall() == [(None,)] * 3
    again = store.append(TableReader(table, name="again.csv"))
    assert (again.stored, again.duplicate) == (0, 3)
    new = source_table(ts=[datetime(2025, 2, 2)], user_id=["u"], shown=[["c"]], shown_prices=[[4.0]])
    assert store.append(TableReader(new, name="new.csv")).stored == 1
    # January's file is still an old one, February's is new.
    assert store.cursor().sql(asked).fetchall() == [(None,)] * 3 + [([4.0],)]
