"""Every real log against plain pandas, computed from the files without any of our code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.sources.reading import Frame, Read, read

SAO_PAULO = "America/Sao_Paulo"


@pytest.fixture(scope="module")
def trivago(shared_data: Path) -> tuple[Frame, Read]:
    folder = shared_data / "trivago"
    return pd.read_parquet(folder / "trivago_100k_geocoded.parquet"), read(folder)


def test_trivago_is_recognised_and_whole(trivago: tuple[Frame, Read]) -> None:
    source, got = trivago
    assert got.described.format == "trivago"
    assert len(got.events) == len(source) and got.rejects.empty
    assert got.events["user_id"].nunique() == source["user_id"].nunique()
    assert got.events["session_id"].nunique() == source["session_id"].nunique()
    np.testing.assert_array_equal(
        got.events["ts"].dt.floor("s").astype("int64") // 10**6, source["timestamp"]
    )


def test_trivago_actions_become_events(trivago: tuple[Frame, Read]) -> None:
    source, got = trivago
    action = source["action_type"]
    expected = {
        "click": (action == "clickout item").sum(),
        "view": action.str.startswith("interaction item").sum(),
        "search": action.str.startswith("search for").sum(),
        "filter": (action == "filter selection").sum(),
        "sort": (action == "change of sort order").sum(),
    }
    assert got.events["event"].value_counts().to_dict() == expected
    texts = action.isin(
        ["search for destination", "search for poi", "filter selection", "change of sort order"]
    )
    assert got.events["query"].notna().sum() == texts.sum()
    assert (got.events["item_id"].notna().to_numpy() == ~texts.to_numpy()).all()


def test_trivago_keeps_what_was_shown_and_the_price_of_the_click(trivago: tuple[Frame, Read]) -> None:
    source, got = trivago
    clicks = got.events[got.events["event"] == "click"]
    rows = source[source["action_type"] == "clickout item"]
    for event, row in zip(clicks.head(2000).itertuples(), rows.head(2000).itertuples(), strict=True):
        shown, prices = row.impressions.split("|"), row.prices.split("|")
        assert list(event.shown) == shown
        assert list(event.shown_prices) == [float(price) for price in prices]
        price = float(prices[shown.index(row.reference)]) if row.reference in shown else None
        assert (event.price is None) == (price is None)
        assert price is None or float(event.price) == price
    assert got.events["shown"].notna().sum() == source["impressions"].notna().sum()


def test_trivago_places(trivago: tuple[Frame, Read]) -> None:
    source, got = trivago
    assert got.events["lat"].notna().sum() == source["lat"].notna().sum()
    parts = source["city"].str.rsplit(", ", n=1)
    assert (got.events["city"] == parts.str[0]).all()
    assert (got.events["region"] == parts.str[1]).all()
    assert (got.events["channel"] == source["platform"]).all()


@pytest.fixture(scope="module")
def retail(shared_data: Path) -> tuple[Frame, Read]:
    folder = shared_data / "online_retail_ii"
    return pd.read_parquet(folder / "online_retail_II_2009_2010.parquet"), read(folder)


def test_online_retail_counts(retail: tuple[Frame, Read]) -> None:
    source, got = retail
    known = source[source["Customer ID"].notna()]
    assert got.described.format == "online-retail"
    assert got.rows_read == len(source)
    assert got.reasons == {"missing user": len(source) - len(known)}
    cancelled = known["Invoice"].str.startswith("C")
    returned = ~cancelled & (known["Quantity"] < 0)
    expected = {"cancelled": cancelled.sum(), "return": returned.sum()}
    expected["purchase"] = len(known) - sum(expected.values())
    assert got.events["event"].value_counts().to_dict() == {k: v for k, v in expected.items() if v}
    assert set(got.events["user_id"]) == {str(int(one)) for one in known["Customer ID"]}
    assert (got.events["currency"] == "GBP").all()
    assert (got.events["region"].to_numpy() == known["Country"].to_numpy()).all()


def test_online_retail_money_and_time(retail: tuple[Frame, Read]) -> None:
    source, got = retail
    known = source[source["Customer ID"].notna()]
    ours = (got.events["price"].astype(float) * got.events["quantity"]).sum()
    assert ours == pytest.approx((known["Price"] * known["Quantity"]).sum(), abs=0.01)
    local = pd.to_datetime(known["InvoiceDate"]).dt.tz_localize("Europe/London").dt.tz_convert(None)
    np.testing.assert_array_equal(got.events["ts"].to_numpy(), local.to_numpy())


def test_online_retail_rejects_hold_their_row(retail: tuple[Frame, Read]) -> None:
    source, got = retail
    lines = got.rejects["line"].to_numpy()
    np.testing.assert_array_equal(lines, np.flatnonzero(source["Customer ID"].isna()) + 1)
    row = got.rejected_row(0)
    assert row["StockCode"] == source["StockCode"].iloc[lines[0] - 1]
    assert "Customer ID" not in row


def test_online_retail_items(retail: tuple[Frame, Read]) -> None:
    source, got = retail
    items = got.tables["items"].set_index("item_id")
    assert set(items.index) == set(source["StockCode"].str.strip())
    titles = source["Description"].str.strip()
    for code, said in titles.groupby(source["StockCode"].str.strip()).agg(list).head(300).items():
        counts = pd.Series([one for one in said if one]).value_counts()
        if len(counts):
            assert counts[items.loc[code, "title"]] == counts.max()


@pytest.fixture(scope="module")
def olist(shared_data: Path) -> tuple[dict[str, Frame], Read]:
    folder = shared_data / "olist"
    names = ("orders", "order_items", "customers", "order_reviews", "geolocation")
    files = {name: pd.read_csv(folder / f"olist_{name}_dataset.csv.gz", dtype=str) for name in names}
    return files, read(folder)


def test_olist_steps(olist: tuple[dict[str, Frame], Read]) -> None:
    files, got = olist
    orders, items = files["orders"], files["order_items"]
    without_items = ~orders["order_id"].isin(items["order_id"])
    off = orders["order_status"].isin(["canceled", "unavailable"])
    expected = {
        "purchase": len(items) + without_items.sum(),
        "approved": orders["order_approved_at"].notna().sum(),
        "shipped": orders["order_delivered_carrier_date"].notna().sum(),
        "delivered": orders["order_delivered_customer_date"].notna().sum(),
        "cancelled": items["order_id"].isin(orders["order_id"][off]).sum() + (off & without_items).sum(),
        "review": len(files["order_reviews"]),
    }
    assert got.events["event"].value_counts().to_dict() == expected
    assert got.rejects.empty
    assert not got.events.duplicated([c for c in got.events if c != "shown"]).any()


def test_olist_money_is_net_of_cancellations(olist: tuple[dict[str, Frame], Read]) -> None:
    files, got = olist
    orders, items = files["orders"], files["order_items"]
    off = orders["order_id"][orders["order_status"].isin(["canceled", "unavailable"])]
    kept = items[~items["order_id"].isin(off)]
    ours = (got.events["price"].astype(float) * got.events["quantity"]).sum()
    assert ours == pytest.approx(kept["price"].astype(float).sum(), abs=0.01)


def test_olist_times_are_those_of_sao_paulo(olist: tuple[dict[str, Frame], Read]) -> None:
    files, got = olist
    for event, column in (("approved", "order_approved_at"), ("delivered", "order_delivered_customer_date")):
        local = pd.to_datetime(files["orders"][column].dropna())
        expected = local.dt.tz_localize(SAO_PAULO, ambiguous=False, nonexistent="shift_forward")
        expected = expected.dt.tz_convert(None).sort_values()
        ours = got.events["ts"][got.events["event"] == event].sort_values()
        differing = ours.to_numpy() != expected.to_numpy()
        # Only an hour that comes twice, or never, may be read either way.
        assert differing.mean() < 0.001


def test_olist_shoppers_and_places(olist: tuple[dict[str, Frame], Read]) -> None:
    files, got = olist
    customers = files["customers"].set_index("customer_id")
    assert set(got.events["user_id"]) == set(
        customers.loc[files["orders"]["customer_id"], "customer_unique_id"]
    )
    points = files["geolocation"].astype({"geolocation_lat": float, "geolocation_lng": float})
    zips = points.groupby(points["geolocation_zip_code_prefix"].str.zfill(5))["geolocation_lat"].median()
    buyers = files["orders"].merge(files["customers"], on="customer_id")
    has_place = buyers["customer_zip_code_prefix"].str.zfill(5).isin(zips.index)
    approved = got.events[got.events["event"] == "approved"]
    assert approved["lat"].notna().sum() == (has_place & buyers["order_approved_at"].notna()).sum()
    assert approved["lat"].between(-33.8, 5.3).sum() == approved["lat"].notna().sum()
    assert "São Paulo" in set(got.events["region"]) and got.events["region"].nunique() == 27


def test_olist_reviews_are_a_table(olist: tuple[dict[str, Frame], Read]) -> None:
    files, got = olist
    reviews = got.tables["reviews"]
    assert len(reviews) == len(files["order_reviews"]) and reviews["review_id"].is_unique
    assert reviews["rating"].mean() == pytest.approx(
        files["order_reviews"]["review_score"].astype(int).mean()
    )
    said = files["order_reviews"][["review_comment_title", "review_comment_message"]].fillna("")
    assert reviews["text"].notna().sum() == (said.sum(axis=1).str.strip() != "").sum()


def test_olist_folder_does_not_count_the_join_twice(olist: tuple[dict[str, Frame], Read]) -> None:
    _, got = olist
    assert "order_items_joined.parquet" not in got.described.files
    assert any("order_items_joined.parquet" in note for note in got.described.notes)


def test_olist_join_alone_gives_the_same_sales(
    olist: tuple[dict[str, Frame], Read], shared_data: Path
) -> None:
    files, folder = olist
    joined = read(shared_data / "olist" / "order_items_joined.parquet")
    assert joined.described.format == "olist" and joined.rejects.empty
    counts = joined.events["event"].value_counts()
    assert counts["purchase"] == len(files["order_items"])

    def sales(got: Read) -> Frame:
        bought = got.events[(got.events["event"] == "purchase") & got.events["item_id"].notna()]
        keys = ["ts", "user_id", "item_id", "category", "region", "city"]
        return bought.assign(price=bought["price"].astype(float))[[*keys, "price"]].sort_values(
            keys, ignore_index=True
        )

    pd.testing.assert_frame_equal(sales(joined), sales(folder))
