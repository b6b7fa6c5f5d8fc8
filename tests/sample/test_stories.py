"""Every planted story is found in the log by a plain query, where, when and as large as the truth says."""

from __future__ import annotations

import math
from datetime import timedelta

from data.sample.stories import (
    BAD_REVIEWS,
    BROKEN_CHECKOUT,
    CAMPAIGN,
    EVENING_TYPE,
    RISING_CATEGORY,
    STOCK_OUT,
    UNMET_DEMAND,
)
from tests.sample.conftest import Ask


def test_checkout_breaks_in_one_state_on_one_device_from_one_day(ask: Ask) -> None:
    truth = BROKEN_CHECKOUT.truth
    rows = ask(
        """
        select region = $1 and device = $2 as there, day >= $3 as since,
               count(distinct session_id) as reached,
               count(distinct session_id) filter (session_id in
                   (select session_id from log where event = 'purchase')) as bought
        from log where event = 'checkout' group by all
        """,
        truth["region"], truth["device"], truth["first_day"],
    )  # fmt: skip
    passed = {(there, since): (reached, bought) for there, since, reached, bought in rows}
    reached, bought = passed[True, True]
    assert reached >= 25
    assert bought / reached < 0.15
    for elsewhere in ((True, False), (False, True), (False, False)):
        reached, bought = passed[elsewhere]
        assert 0.55 < bought / reached < 0.95


def test_broken_checkout_is_the_worst_of_all_states_and_devices(ask: Ask) -> None:
    truth = BROKEN_CHECKOUT.truth
    rows = ask(
        """
        select region, device,
               count(*) filter (event = 'purchase') / count(*) filter (event = 'checkout') as rate
        from log where day >= $1 group by all having count(*) filter (event = 'checkout') >= 25 order by rate
        """,
        truth["first_day"],
    )
    assert len(rows) > 20
    assert rows[0][:2] == (truth["region"], truth["device"])
    assert rows[1][2] > 3 * rows[0][2]


def test_category_rises_in_its_region_alone(ask: Ask) -> None:
    truth = RISING_CATEGORY.truth
    late = truth["last_day"] - timedelta(days=41)
    counts = _clusters(
        ask,
        "list_contains($1, region)",
        "day >= $2",
        "category = $3 and (day < $4 or day >= $2)",
        list(truth["regions"]), late, truth["category"], truth["first_day"],
    )  # fmt: skip
    ratio, error = _ratio_of_ratios(counts)
    # Demand climbs in a straight line: in the middle of the last six weeks it has come this far.
    climb = 1 - 21 / (truth["last_day"] - truth["first_day"]).days
    expected = 1 + (truth["factor"] - 1) * climb
    assert abs(math.log(ratio) - math.log(expected)) < 2.5 * error
    assert math.log(ratio) > 4 * error  # beyond chance


def test_campaign_lifts_treated_regions_by_what_it_says(ask: Ask) -> None:
    truth = CAMPAIGN.truth
    counts = _clusters(
        ask,
        "list_contains($1, region)",
        "day between $3 and $4",
        "list_contains($1 || $2, region) and category = $5 and day between $3 - 56 and $4 + 56",
        list(truth["treated"]), list(truth["control"]), truth["first_day"], truth["last_day"],
        truth["category"],
    )  # fmt: skip
    ratio, error = _ratio_of_ratios(counts)
    assert abs(math.log(ratio) - math.log(1 + truth["lift"])) < 2.5 * error
    assert math.log(ratio) > 3 * error  # beyond chance


Counts = dict[tuple[bool, bool], tuple[float, float]]


def _clusters(ask: Ask, there: str, during: str, where: str, *values: object) -> Counts:
    """Visits inside and outside of a region and a period, each with its variance: visits of one shopper
    come together, so that the sum of their squares is the variance, not their number."""
    rows = ask(
        f"""
        with shopper as (
            select {there} as there, {during} as during, count(distinct session_id) as visits
            from log where {where} group by there, during, user_id)
        select there, during, sum(visits), sum(visits * visits) from shopper group by all
        """,
        *values,
    )
    return {(inside, within): (count, variance) for inside, within, count, variance in rows}


def _ratio_of_ratios(counts: Counts) -> tuple[float, float]:
    """Change there ÷ change elsewhere, and the standard error of its logarithm."""
    ratio = (counts[True, True][0] / counts[True, False][0]) / (
        counts[False, True][0] / counts[False, False][0]
    )
    return ratio, math.sqrt(sum(variance / count**2 for count, variance in counts.values()))


def test_campaign_table_says_who_was_treated(ask: Ask) -> None:
    truth = CAMPAIGN.truth
    rows = ask(
        'select arm, list(region), any_value(start), any_value("end") from campaigns group by 1 order by 1'
    )
    assert [(arm, tuple(regions)) for arm, regions, _, _ in rows] == [
        ("control", truth["control"]),
        ("treated", truth["treated"]),
    ]
    assert {(first, last) for _, _, first, last in rows} == {(truth["first_day"], truth["last_day"])}
    assert len(truth["treated"]) == len(truth["control"])


def test_stock_out_stops_carts_but_not_views(ask: Ask) -> None:
    truth = STOCK_OUT.truth
    rows = ask(
        """
        select day between $1 and $2 as out, event, count(*) / count(distinct day) as a_day, count(*)
        from log where item_id = $3 group by all
        """,
        truth["first_day"], truth["last_day"], truth["item_id"],
    )  # fmt: skip
    a_day = {(out, event): value for out, event, value, _ in rows}
    assert a_day[False, "cart"] > 2
    for event in ("cart", "checkout", "purchase"):
        assert (True, event) not in a_day
    assert a_day[True, "view"] > 0.7 * a_day[False, "view"]


def test_stock_is_nothing_on_the_days_of_the_stock_out_alone(ask: Ask) -> None:
    truth = STOCK_OUT.truth
    empty = ask("select item_id, min(day), max(day), count(*) from stock where on_hand = 0 group by 1")
    days = (truth["last_day"] - truth["first_day"]).days + 1
    assert empty == [(truth["item_id"], truth["first_day"], truth["last_day"], days)]
    assert ask("select count(*) from stock where on_hand < 0") == [(0,)]
    before = ask(
        "select on_hand from stock where item_id = $1 and day < $2 and day >= $2 - 20 order by day",
        truth["item_id"], truth["first_day"],
    )  # fmt: skip
    run_down = [on_hand for (on_hand,) in before]
    assert run_down == sorted(run_down, reverse=True)


def test_reviews_turn_bad_in_stars_and_words(ask: Ask) -> None:
    truth = BAD_REVIEWS.truth
    rows = ask(
        """
        select log.day >= $1 as since, avg(rating), count(*),
               avg((rating <= 3 and regexp_matches(lower(text), $2))::int) as complains
        from reviews join log using (item_id, user_id, ts)
        where log.event = 'review' and item_id = $3 group by all order by since
        """,
        truth["first_day"], "|".join(truth["words"]), truth["item_id"],
    )  # fmt: skip
    (_, before, many_before, complaints_before), (_, after, many_after, complaints_after) = rows
    assert min(many_before, many_after) >= 20
    assert abs(before - truth["before"]) < 0.45
    assert abs(after - truth["after"]) < 0.45
    assert complaints_after > 0.6
    assert complaints_before < 0.25


def test_no_other_product_falls_as_far(ask: Ask) -> None:
    truth = BAD_REVIEWS.truth
    rows = ask(
        """
        select item_id, avg(rating) filter (ts >= $1) - avg(rating) filter (ts < $1) as change from reviews
        group by 1 having count(*) filter (ts >= $1) >= 10 and count(*) filter (ts < $1) >= 10 order by change
        """,
        truth["first_day"],
    )
    assert rows[0][0] == truth["item_id"]
    assert rows[0][1] < -2
    assert all(change > -1.2 for _, change in rows[1:])


def test_weekday_evening_type_lives_up_to_its_name(ask: Ask) -> None:
    truth = EVENING_TYPE.truth
    rows = ask(
        """
        with event as (
            select user_id, device, category, isodow(local) as weekday,
                   hour(local) + minute(local) / 60 as hour from log)
        select type = $1 as mine, count(distinct user_id) as shoppers,
               avg((list_contains($2, weekday) and hour between $3 and $4)::int) as evening,
               avg((device = $5)::int) as mobile, avg(list_contains($6, category)::int) as taste
        from event join types using (user_id) group by all order by mine
        """,
        truth["type"], list(truth["weekdays"]), truth["first_hour"] - 0.5, truth["last_hour"] + 0.5,
        truth["device"], list(truth["categories"]),
    )  # fmt: skip
    (_, others, other_evening, _, other_taste), (_, shoppers, evening, mobile, taste) = rows
    assert abs(shoppers / (shoppers + others) - truth["share"]) < 0.01
    assert evening > 0.85
    assert other_evening < 0.06
    assert mobile > 0.7
    assert taste > 0.4
    assert other_taste < 0.05


def test_unmet_searches_are_where_the_truth_says_and_lead_nowhere(ask: Ask) -> None:
    truth = UNMET_DEMAND.truth
    queries = truth["queries"]
    for query, states in queries.items():
        there, elsewhere = (
            ask(
                f"""
                select avg((query = $1)::int) from log where event = 'search' and
                {"" if inside else "not"} list_contains($2, region)
                """,
                query, list(states),
            )[0][0]
            for inside in (True, False)
        )  # fmt: skip
        assert abs(elsewhere / truth["share"] - 1) < 0.15
        if states:
            assert abs(there / elsewhere / truth["factor"] - 1) < 0.4
    clicked = ask(
        """
        with step as (
            select query, lead(event) over (partition by session_id order by ts) as next from log)
        select list_contains($1, query) as unmet, avg((next = 'click')::int) from step
        where query is not null and next is not null group by all order by unmet
        """,
        list(queries),
    )
    assert clicked[0][1] > 0.4
    assert clicked[1][1] == 0
