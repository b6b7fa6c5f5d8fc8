"""The marketplace is believable: people where people live, local hours, weeks, seasons, prices, paths."""

from __future__ import annotations

import csv

import h3.api.basic_int as h3
import numpy as np
import shapely

from core.space import boundaries
from data.sample import TYPE_NAMES
from data.sample.people import TYPES
from data.sample.places import HERE, places
from tests.sample.conftest import EVENTS, Ask


def test_counts_are_what_the_brief_of_a_demo_needs(ask: Ask) -> None:
    [(events, shoppers, visits, items, categories, cities)] = ask(
        "select count(*), count(distinct user_id), count(distinct session_id), count(distinct item_id), "
        "count(distinct category), count(distinct city || region) from log"
    )
    assert events == EVENTS
    assert 0.999 < shoppers / (EVENTS / 20) <= 1
    assert 3 < visits / shoppers < 6
    assert items > 3_900
    assert 25 <= categories <= 30
    assert 295 <= cities <= 320


def test_no_row_comes_twice(ask: Ask) -> None:
    assert ask("select count(*) from (select distinct user_id, session_id, ts, event, item_id from log)") == [
        (EVENTS,)
    ]


def test_three_visits_in_a_hundred_buy(ask: Ask) -> None:
    [(conversion,)] = ask(
        "select count(distinct session_id) filter (event = 'purchase') / count(distinct session_id) from log"
    )
    assert 0.025 < conversion < 0.042


def test_states_have_shoppers_in_proportion_to_their_people(ask: Ask) -> None:
    with (HERE / "states.csv").open() as file:
        people = {row["state"]: float(row["population"]) for row in csv.DictReader(file)}
    shoppers = dict(ask("select region, count(distinct user_id) from log group by 1"))
    assert set(shoppers) == set(people)
    assert len(people) == 51
    states = sorted(people)
    expected = np.array([people[state] for state in states]) / sum(people.values())
    seen = np.array([shoppers[state] for state in states]) / sum(shoppers.values())
    assert np.corrcoef(expected, seen)[0, 1] > 0.995
    assert np.abs(seen / expected - 1)[expected > 0.02].max() < 0.12


def test_places_are_on_land_in_their_own_state_and_few_enough(ask: Ask) -> None:
    rows = ask("select distinct region, lat, lon from log")
    assert len({h3.latlng_to_cell(lat, lon, 9) for _, lat, lon in rows}) == len({row[1:] for row in rows})
    where = places()
    assert 5_000 <= len(where.hood_city) <= 6_000
    assert len(where.spot_lat) <= 40_000
    for region in boundaries.load(boundaries.US).regions:
        mine = np.array([row[1:] for row in rows if row[0] == region.name]).reshape(-1, 2)
        near = shapely.dwithin(region.geometry, shapely.points(mine[:, 1], mine[:, 0]), 0.06)
        assert near.all(), region.name


def test_hours_are_local_in_every_zone(ask: Ask) -> None:
    rows = ask(
        """
        select tz, median(hour(local) + minute(local) / 60) from log join types using (user_id)
        where type = 'weekday-evening browser' group by 1 having count(*) > 500
        """
    )
    assert len(rows) >= 7
    assert all(abs(hour - 20.2) < 0.5 for _, hour in rows)
    # Mid-day is busy and the small hours are quiet, whatever the zone and on both sides of the clock change.
    profile = dict(ask("select hour(local), count(*) / (select count(*) from log) from log group by 1"))
    assert profile[3] + profile[4] < 0.01
    assert profile[12] > 0.05
    assert profile[20] > 0.06


def test_span_is_fixed_in_local_days(ask: Ask) -> None:
    [(first, last, days)] = ask("select min(day)::text, max(day)::text, count(distinct day) from log")
    assert (first, last, days) == ("2025-01-01", "2025-06-30", 181)


def test_weeks_and_seasons_show(ask: Ask) -> None:
    weekday = dict(ask("select isodow(local), count(*) from log group by 1"))
    assert 1.05 < max(weekday.values()) / min(weekday.values()) < 1.6
    by_month = {
        (category, month): count
        for category, month, count in ask("select category, month(local), count(*) from log group by all")
    }
    assert by_month["Snow Sports", 1] > 4 * by_month["Snow Sports", 6]
    assert by_month["Swim & Beach", 6] > 3 * by_month["Swim & Beach", 1]
    assert by_month["Fitness", 1] > 1.4 * by_month["Fitness", 5]
    gifts = dict(ask("select day::text, count(*) from log where category = 'Jewelry & Watches' group by 1"))
    assert gifts["2025-05-08"] > 1.4 * gifts["2025-05-22"]


def test_regions_have_tastes(ask: Ask) -> None:
    share = dict(
        ask("select region, count(*) filter (category = 'Snow Sports') / count(*) from log group by 1")
    )
    assert share["Colorado"] > 5 * share["Florida"]


def test_each_type_walks_in_its_own_way(ask: Ask) -> None:
    rows = ask(
        """
        select type, avg((event = 'search')::int), avg((event = 'wishlist')::int), avg((event = 'cart')::int),
               avg((event = 'view')::int), avg((event = 'browse')::int), count(distinct user_id)
        from log join types using (user_id) group by 1
        """
    )
    mix = {row[0]: row[1:] for row in rows}
    assert set(mix) == set(TYPE_NAMES)
    signs = {0: "weekend deal hunter", 1: "gift seeker", 2: "loyal replenisher", 4: "window shopper"}
    for place, leader in signs.items():
        assert all(mix[leader][place] >= row[place] for row in mix.values())
    shoppers = sum(row[5] for row in mix.values())
    for kind in TYPES:
        assert abs(mix[kind.name][5] / shoppers - kind.share) < 0.015


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_types_can_be_told_apart_without_knowing_them(ask: Ask) -> None:
    """Nearest centroid on hours, devices, channels, tastes and steps; learnt on one half of the shoppers."""
    columns = [f"avg({wave}(2 * pi() * {k} * hour))" for wave in ("cos", "sin") for k in (1, 2)]
    columns.append("avg((weekday > 5)::int)")
    for field in ("device", "channel", "event", "category"):
        values = ask(f"select distinct {field} from log where {field} is not null order by 1")
        columns += [f"avg(({field} is not distinct from {quoted(value)})::int)" for (value,) in values]
    rows = ask(
        f"""
        with event as (
            select *, isodow(local) as weekday, (hour(local) + minute(local) / 60) / 24 as hour from log)
        select type, {", ".join(columns)} from event join types using (user_id)
        group by user_id, type order by user_id
        """
    )
    truth = np.array([row[0] for row in rows])
    vectors = np.array([row[1:] for row in rows], dtype=float)
    learn = np.arange(len(rows)) % 2 == 0
    centroids = np.stack([vectors[learn & (truth == name)].mean(axis=0) for name in TYPE_NAMES])
    spread = vectors[learn].std(axis=0) ** 0.5 + 1e-3
    tested = vectors[~learn] / spread
    distance = ((tested[:, None, :] - (centroids / spread)[None]) ** 2).sum(axis=2)
    guessed = np.array(TYPE_NAMES)[distance.argmin(axis=1)]
    assert (guessed == truth[~learn]).mean() > 0.88


def test_events_carry_what_their_kind_needs(ask: Ask) -> None:
    [(bad,)] = ask(
        """
        select count(*) from log where
            (event = 'search') <> (query is not null)
            or (event = 'click') <> (shown is not null)
            or (event in ('cart', 'checkout', 'purchase', 'return')) <> (quantity is not null)
            or (event in ('view', 'click', 'cart', 'checkout', 'purchase', 'return', 'review', 'wishlist')
                and (item_id is null or category is null))
            or (price is null) <> (currency is null)
            or (event = 'return') <> (coalesce(quantity, 1) < 0)
        """
    )
    assert bad == 0
    assert ask("select count(*) from log where event = 'click' and not list_contains(shown, item_id)") == [
        (0,)
    ]
    assert ask(
        "select count(*) from log join items using (item_id) where log.category <> items.category"
    ) == [(0,)]


def test_a_purchase_follows_its_cart_and_checkout(ask: Ask) -> None:
    [(without,)] = ask(
        """
        select count(*) from log as bought where event = 'purchase' and not exists (
            select 1 from log as put where put.session_id = bought.session_id
            and put.item_id = bought.item_id and put.event = 'cart' and put.ts < bought.ts)
        """
    )
    assert without == 0


def test_returns_follow_a_purchase_of_the_same_item(ask: Ask) -> None:
    [(returns, without)] = ask(
        """
        select count(*), count(*) filter (not exists (
            select 1 from log as bought where bought.event = 'purchase' and bought.user_id = back.user_id
            and bought.item_id = back.item_id and bought.ts < back.ts and bought.quantity = -back.quantity))
        from log as back where event = 'return'
        """
    )
    assert returns > 100
    # The one visit that is cut short at the very end of a block may lose a purchase.
    assert without <= 4


def test_prices_are_log_normal_and_end_as_prices_end(ask: Ask) -> None:
    prices = np.array([float(p) for (p,) in ask("select price from items")])
    logs = np.log(prices)
    skew = ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3
    assert abs(skew) < 0.8
    assert 0.7 < logs.std() < 1.3
    assert np.mean(np.isin(np.round(prices * 100) % 100, (99, 95, 50, 0))) == 1


def test_reviews_agree_with_review_events(ask: Ask) -> None:
    [(events, reviews, together)] = ask(
        """
        select (select count(*) from log where event = 'review'), (select count(*) from reviews),
               (select count(*) from reviews join log using (item_id, user_id, ts) where event = 'review')
        """
    )
    assert events == reviews == together
    stars = dict(ask("select rating, count(*) / (select count(*) from reviews) from reviews group by 1"))
    assert set(stars) == {1, 2, 3, 4, 5}
    assert stars[5] > stars[3] > stars[1]
