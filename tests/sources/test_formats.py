"""Formats with published columns, on small files written here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources.reading import read, written


def test_online_retail_first_edition(tmp_path: Path) -> None:
    text = (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "C536379,D,Discount,-1,7/12/2010 9:41,27.5,14527,United Kingdom\n"
        "536380,85123A,,-2,12/1/2010 9:41,0,17850.0,France\n"
        "536381,POST,POSTAGE,1,12/1/2010 9:41,-3,17850,France\n"
        "536382,POST,POSTAGE,1,12/1/2010 9:41,3,,France\n"
    )
    got = read(written(tmp_path, "retail.csv", text))
    assert got.described.format == "online-retail"
    assert got.events["event"].tolist() == ["purchase", "cancelled", "return"]
    assert got.events["quantity"].tolist() == [6, -1, -2]
    # The first of December is winter in London, the twelfth of July is summer.
    assert got.events["ts"].iloc[0] == pd.Timestamp("2010-12-01 08:26")
    assert got.events["ts"].iloc[1] == pd.Timestamp("2010-07-12 08:41")
    assert got.events["user_id"].tolist() == ["17850", "14527", "17850"]
    assert got.rejects["reason"].tolist() == ["negative price", "missing user"]
    assert set(got.events["tz"]) == {"Europe/London"}


def _retailrocket(folder: Path) -> Path:
    written(
        folder,
        "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,1,view,10,\n1433221332118,1,addtocart,20,\n1433221332119,1,transaction,30,4000\n"
        "1433221332119,,view,10,\n",
    )
    return folder


def test_retailrocket_events_alone(tmp_path: Path) -> None:
    got = read(_retailrocket(tmp_path) / "events.csv")
    assert got.described.format == "retailrocket"
    assert got.events["event"].tolist() == ["view", "cart", "purchase"]
    assert got.events["ts"].iloc[0] == pd.Timestamp("2015-06-02 05:02:12.117")
    assert got.reasons == {"missing user": 1}
    assert got.events["category"].isna().all() and got.tables == {}


@pytest.mark.parametrize(("tree", "category"), [(False, "1016"), (True, "169")])
def test_retailrocket_categories(tree: bool, category: str, tmp_path: Path) -> None:
    folder = _retailrocket(tmp_path)
    first = (
        "timestamp,itemid,property,value\n100,10,categoryid,5\n300,10,categoryid,1016\n100,20,888,n277.2\n"
    )
    written(folder, "item_properties_part1.csv", first)
    written(folder, "item_properties_part2.csv", "timestamp,itemid,property,value\n200,10,categoryid,6\n")
    if tree:
        # 7 and 8 are each other's parents: no top, and no endless climb.
        written(folder, "category_tree.csv", "categoryid,parentid\n1016,213\n213,169\n169,\n7,8\n8,7\n")
    got = read(folder)
    assert got.rows_read == 4
    assert got.events["category"].tolist() == [category, None, None]
    assert got.tables["items"][["item_id", "category"]].to_numpy().tolist() == [["10", category]]


def test_rees46(tmp_path: Path) -> None:
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    text = (
        "2019-10-01 00:00:00 UTC,view,1,21,,shiseido,35.79,5,s1\n"
        "2019-10-01 00:00:01 UTC,remove_from_cart,2,22,appliances.kitchen,aqua,33.20,5,s1\n"
        "2019-10-01 00:00:04 UTC,purchase,2,22,appliances.kitchen,aqua,33.20,5,s1\n"
        "2019-10-01 00:00:04 UTC,purchase,2,22,appliances.kitchen,aqua,-1,6,s2\n"
    )
    got = read(written(tmp_path, "2019-Oct.csv", header + text))
    assert got.described.format == "rees46"
    assert got.events["event"].tolist() == ["view", "remove", "purchase"]
    assert got.events["ts"].iloc[2] == pd.Timestamp("2019-10-01 00:00:04")
    assert got.events["quantity"].iloc[2] == 1 and got.events["session_id"].iloc[0] == "s1"
    assert got.reasons == {"negative price": 1} and got.rejects["user_id"].tolist() == ["6"]
    items = got.tables["items"].set_index("item_id")
    assert items["brand"].to_dict() == {"1": "shiseido", "2": "aqua"}


def _param(key: str, **value: object) -> dict[str, object]:
    kinds = ("string_value", "int_value", "float_value", "double_value")
    return {"key": key, "value": {kind: value.get(kind) for kind in kinds}}


def _ga4_rows() -> list[dict[str, Any]]:
    shared = {
        "event_timestamp": 1612069510766593,
        "user_pseudo_id": "1026.7",
        "user_id": "someone@example.org",
        "geo": {"country": "United States", "region": "Ohio", "city": "(not set)"},
        "device": {"category": "mobile"},
        "traffic_source": {"medium": "(none)", "source": "(direct)"},
        "ecommerce": {"purchase_revenue": 60.0},
    }
    session = _param("ga_session_id", int_value=66)
    two = [
        {"item_id": "A", "item_name": "Shirt", "item_category": "Apparel", "price": 20.0, "quantity": 2},
        {"item_id": "B", "item_name": "Cap", "item_category": None, "price": 20.0, "quantity": 1},
    ]
    money = _param("currency", string_value="USD")
    return [
        {**shared, "event_name": "purchase", "event_params": [session, money], "items": two},
        {**shared, "event_name": "view_item_list", "event_params": [session], "items": two},
        {**shared, "event_name": "begin_checkout", "event_params": [session], "items": two},
        {**shared, "event_name": "add_to_cart", "event_params": [session], "items": two[:1]},
        {**shared, "event_name": "view_search_results", "items": [],
         "event_params": [session, _param("search_term", string_value="shoes")]},
        {**shared, "event_name": "purchase", "event_params": [], "items": []},
        {**shared, "event_name": "page_view", "event_params": [session], "items": [], "user_pseudo_id": ""},
    ]  # fmt: skip


def _as_strings(value: Any) -> Any:
    """BigQuery writes 64-bit integers in JSON as texts."""
    if isinstance(value, dict):
        return {key: _as_strings(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_as_strings(one) for one in value]
    return str(value) if isinstance(value, int) else value


def _ga4_json(folder: Path) -> Path:
    return written(folder, "ga4.jsonl", "\n".join(json.dumps(_as_strings(row)) for row in _ga4_rows()))


def _ga4_parquet(folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(_ga4_rows()), folder / "ga4.parquet")
    return folder / "ga4.parquet"


def _ga4_wrapped_parquet(folder: Path) -> Path:
    """As BigQuery writes lists where list inference is off."""
    rows = _ga4_rows()
    for row in rows:
        for name in ("items", "event_params"):
            row[name] = {"list": [{"element": one} for one in row[name]]}
    pq.write_table(pa.Table.from_pylist(rows), folder / "ga4.parquet")
    return folder / "ga4.parquet"


@pytest.mark.parametrize("make", [_ga4_json, _ga4_parquet, _ga4_wrapped_parquet])
def test_ga4(make: Any, tmp_path: Path) -> None:
    got = read(make(tmp_path))
    events = got.events
    assert got.described.format == "ga4"
    assert events["event"].tolist() == [
        "purchase", "purchase", "list", "checkout", "cart", "search", "purchase",
    ]  # fmt: skip
    assert events["item_id"].tolist() == ["A", "B", None, None, "A", None, None]
    assert [float(price) for price in events["price"].iloc[[0, 1, 4, 6]]] == [20, 20, 20, 60]
    assert events["quantity"].iloc[[0, 1, 6]].tolist() == [2, 1, 1]
    assert list(events["shown"].iloc[2]) == ["A", "B"] and events["shown"].notna().sum() == 1
    assert events["query"].dropna().tolist() == ["shoes"]
    assert events["currency"].iloc[0] == "USD"
    assert set(events["region"]) == {"Ohio"} and events["city"].isna().all()
    assert set(events["channel"]) == {"(direct)"} and set(events["device"]) == {"mobile"}
    assert events["session_id"].iloc[:6].nunique() == 1 and events["session_id"].iloc[6] is None
    assert events["ts"].iloc[0] == pd.Timestamp("2021-01-31 05:05:10.766593")
    assert got.reasons == {"missing user": 1}
    assert "someone@example.org" not in got.rejects["row"].iloc[0]


def _olist(folder: Path) -> Path:
    files = {
        "olist_orders_dataset": """order_id,customer_id,order_status,order_purchase_timestamp,\
order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2018-01-10 12:00:00,2018-01-10 13:00:00,2018-01-11 12:00:00,2018-01-20 12:00:00,2018-02-01
o2,c2,canceled,2018-06-10 12:00:00,,,,2018-07-01
o3,c3,unavailable,2018-06-11 12:00:00,2018-06-11 12:30:00,NaN,,2018-07-01
o4,c9,delivered,2018-06-11 12:00:00,,,,2018-07-01
o5,c1,delivered,sometime,,,,2018-07-01
""",
        "olist_customers_dataset": """customer_id,customer_unique_id,customer_zip_code_prefix,\
customer_city,customer_state
c1,u1,1037,sao paulo,SP
c2,u2,69000,manaus,AM
c3,u3,99999,nowhere,XX
""",
        "olist_order_items_dataset": """order_id,order_item_id,product_id,seller_id,\
shipping_limit_date,price,freight_value
o1,1,p1,s,2018-01-12,10.50,1
o1,2,p1,s,2018-01-12,10.50,1
o2,1,p2,s,2018-01-12,7,1
o9,1,p2,s,2018-01-12,7,1
""",
        "olist_products_dataset": "product_id,product_category_name\np1,beleza_saude\np2,sem_traducao\n",
        "product_category_name_translation": """product_category_name,product_category_name_english
beleza_saude,health_beauty
""",
        "olist_order_reviews_dataset": """review_id,order_id,review_score,review_comment_title,\
review_comment_message,review_creation_date,review_answer_timestamp
r1,o1,5,Bom,"duas
linhas",2018-01-21 00:00:00,2018-01-22 10:00:00
r1,o2,1,NaN,NaN,2018-06-12 00:00:00,2018-06-13 10:00:00
""",
        "olist_geolocation_dataset": """geolocation_zip_code_prefix,geolocation_lat,geolocation_lng
1037,-23.5,-46.6
01037,-23.6,-46.7
1037,-23.7,-46.8
1037,45.0,9.0
69000,-3.1,-60.0
""",
    }  # fmt: skip
    for name, text in files.items():
        written(folder, f"{name}.csv", text)
    return folder


def test_olist_steps_of_a_small_export(tmp_path: Path) -> None:
    got = read(_olist(tmp_path))
    assert got.described.format == "olist"
    steps = got.events.sort_values(["user_id", "ts"])
    first = steps[steps["user_id"] == "u1"]
    assert first["event"].tolist() == ["purchase", "purchase", "approved", "shipped", "delivered", "review"]
    assert first["category"].unique().tolist() == ["health_beauty"]
    # Summer time in São Paulo; two equal pieces are two events.
    assert first["ts"].iloc[0] == pd.Timestamp("2018-01-10 14:00:00")
    assert first["ts"].iloc[1] == pd.Timestamp("2018-01-10 14:00:00.000001")
    assert first.iloc[0][["lat", "lon", "region", "tz"]].tolist() == [
        -23.6, -46.7, "São Paulo", "America/Sao_Paulo",
    ]  # fmt: skip
    second = steps[steps["user_id"] == "u2"]
    assert second["event"].tolist() == ["purchase", "cancelled", "review"]
    assert (second["price"].iloc[:2].astype(float) * second["quantity"].iloc[:2]).sum() == 0
    assert second["tz"].iloc[0] == "America/Manaus" and second["category"].iloc[0] == "sem_traducao"
    third = steps[steps["user_id"] == "u3"]
    assert third["event"].tolist() == ["purchase", "approved", "cancelled"]
    assert third["lat"].isna().all() and third["region"].iloc[0] == "XX"


def test_olist_rejects(tmp_path: Path) -> None:
    got = read(_olist(tmp_path))
    found = list(zip(got.rejects["file"], got.rejects["line"], got.rejects["reason"], strict=True))
    assert sorted(found) == [
        ("olist_order_items_dataset.csv", 5, "unknown order"),
        ("olist_orders_dataset.csv", 5, "missing user"),
        ("olist_orders_dataset.csv", 6, "unreadable time"),
    ]
    assert json.loads(got.rejects["row"].iloc[0])["order_id"] == "o9"
    assert not got.rejects["row"].str.contains("u1").any()


def test_olist_reviews_of_two_orders_get_ids_of_their_own(tmp_path: Path) -> None:
    reviews = read(_olist(tmp_path)).tables["reviews"]
    assert reviews["review_id"].tolist() == ["r1:o1", "r1:o2"]
    assert reviews["text"].tolist() == ["Bom\nduas\nlinhas", None]
    assert reviews["user_id"].tolist() == ["u1", "u2"]


def test_trivago(tmp_path: Path) -> None:
    header = (
        "user_id,session_id,timestamp,step,action_type,reference,platform,city,device,impressions,prices\n"
    )
    start = "U,S,1541037460,"
    text = (
        f'{start}1,search for poi,Eiffel Tower,FR,"Paris, France",mobile,,\n'
        f'{start}2,interaction item image,109038,FR,"Paris, France",mobile,,\n'
        f'{start}3,interaction item image,109038,FR,"Paris, France",mobile,,\n'
        f'{start}4,clickout item,109038,FR,"Paris, France",mobile,1|109038|3,40|55|60\n'
        f'{start}5,clickout item,7,FR,"Paris, France",mobile,1|109038|3,40|55|60\n'
        "U,S,later,6,search for item,109038,FR,Nowhere,mobile,,\n"
    )
    got = read(written(tmp_path, "train.csv", header + text))
    assert got.described.format == "trivago"
    assert got.events["event"].tolist() == ["search", "view", "view", "click", "click"]
    assert got.events["ts"].is_unique and got.events["ts"].is_monotonic_increasing
    assert [None if one is None else float(one) for one in got.events["price"]] == [
        None,
        None,
        None,
        55,
        None,
    ]
    assert got.events["currency"].tolist() == [None, None, None, "EUR", None]
    assert (got.events["city"] == "Paris").all() and (got.events["region"] == "France").all()
    assert got.reasons == {"unreadable time": 1}
