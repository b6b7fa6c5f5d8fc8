"""Titles, descriptions, searches, reviews and FAQ read like a shop's: varied, and no slot is left over."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from data.sample import sample_reader
from data.sample.catalogue import an, bare, catalogue, headline, money

_SLOT = re.compile(r"[{}]|\s{2,}| ,| \.|\.\.")


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return sample_reader(200_000).side_tables()


def test_titles_are_unique_and_start_in_many_ways(tables: dict[str, pa.Table]) -> None:
    titles = tables["items"]["title"].to_pylist()
    assert len(set(titles)) == len(titles)
    assert all(12 <= len(title) <= 110 for title in titles)
    assert not [title for title in titles if _SLOT.search(title)]
    assert len({title.split()[0] for title in titles}) > 150


def test_descriptions_do_not_repeat(tables: dict[str, pa.Table]) -> None:
    texts = tables["items"]["description"].to_pylist()
    assert len(set(texts)) > 0.995 * len(texts)
    assert not [text for text in texts if _SLOT.search(text)]
    assert all(text[-1] in ".!?" and 60 < len(text) < 420 for text in texts)
    sentences = Counter(sentence for text in texts for sentence in re.split(r"(?<=[.!?]) ", text))
    assert sentences.most_common(1)[0][1] < 0.2 * len(texts)  # "Ships free over $35."


def test_brands_belong_to_categories_and_are_many(tables: dict[str, pa.Table]) -> None:
    items = tables["items"].to_pydict()
    brands: dict[str, set[str]] = {}
    for brand, category in zip(items["brand"], items["category"], strict=True):
        brands.setdefault(category, set()).add(brand)
    assert len(set(items["brand"])) > 150
    assert all(5 <= len(names) <= 8 for names in brands.values())


def test_reviews_do_not_repeat_and_match_their_stars(tables: dict[str, pa.Table]) -> None:
    reviews = tables["reviews"].to_pydict()
    assert len(reviews["text"]) > 1_000
    assert len(set(reviews["text"])) > 0.97 * len(reviews["text"])
    assert not [text for text in reviews["text"] if _SLOT.search(text)]
    good = " ".join(t for t, r in zip(reviews["text"], reviews["rating"], strict=True) if r == 5)
    assert "Waste of money" not in good
    assert len(set(reviews["review_id"])) == len(reviews["review_id"])


def test_searches_are_typed_by_people() -> None:
    [chunk] = sample_reader(200_000).chunks()
    searches = Counter(chunk.events["query"].drop_null().to_pylist())
    assert len(searches) > 2_000
    assert all(query == query.lower() and "{" not in query for query in searches)
    assert searches.most_common(1)[0][1] < 0.05 * searches.total()


def test_faq_is_forty_different_questions(tables: dict[str, pa.Table]) -> None:
    questions = tables["faq"]["question"].to_pylist()
    assert len(set(questions)) == 40
    assert all(len(answer) > 40 for answer in tables["faq"]["answer"].to_pylist())


def test_words() -> None:
    assert an("oak stool") == "an oak stool"
    assert an("eucalyptus patio dining set") == "a eucalyptus patio dining set"
    assert bare("a dust cover") == "dust cover"
    assert headline("laptop and lunch") == "Laptop and Lunch"
    assert money(np.array([1999, 5])).to_pylist() == [Decimal("19.9900"), Decimal("0.0500")]


def test_items_of_a_kind_lie_by_rising_price() -> None:
    goods = catalogue(7)
    kind = goods.kinds.index("sheet set")
    first, many = int(goods.kind_first[kind]), int(goods.kind_count[kind])
    rows = goods.table.slice(first, many).to_pylist()
    prices = [row["price"] for row in rows]
    assert prices == sorted(prices)
