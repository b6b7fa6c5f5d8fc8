"""Features of shown lists, worked out anew for each item from all events before, in plain loops."""

from __future__ import annotations

import math

from core.recommender.shown_log import Event
from core.recommender.shown_visit import TAKEN


def slow(log: list[Event], of: Event) -> list[dict[str, float]]:
    """Features by name of each item of the list of one event of a log in time."""
    before = [event for event in log if event.second < of.second]
    mine = [event for event in before if event.visit == of.visit]
    rest = [event for event in before if event.visit != of.visit]
    items = of.step.shown
    its = {item: [n for n, event in enumerate(mine) if event.step.item == item] for item in items}
    trail = [event.step.item for event in mine if event.step.item is not None]
    latest = next((items.index(item) for item in reversed(trail) if item in items), None)
    lowest = max((place for place, item in enumerate(items) if its[item]), default=None)
    pages = [event.step.shown for event in mine if event.step.shown]
    taken_last = next((e.step.item for e in reversed(mine) if e.step.kind == TAKEN), None)
    prices = [price if price > 0 else math.nan for price in of.step.prices or [math.nan] * len(items)]
    known = sorted(price for price in prices if not math.isnan(price))
    middle = math.log(known[len(known) // 2] * known[(len(known) - 1) // 2]) / 2 if known else 0.0
    logs = [middle if math.isnan(price) else math.log(price) for price in prices]
    out = []
    for place, item in enumerate(items):
        at = its[item]
        steps = [mine[n] for n in at]
        runs = [n for n in at if n == 0 or mine[n - 1].step.item != item]
        took = [event for event in steps if event.step.kind == TAKEN]
        others = [event for event in rest if event.step.item == item]
        places = [event.step.shown.index(item) for event in rest if item in event.step.shown]
        page = pages[-1] if pages else ()
        touched_before = {seen for seen in items if its[seen]}
        priced = [
            event.step.prices[event.step.shown.index(item)]
            for event in mine
            if event.step.prices and item in event.step.shown
        ]
        ends = [*(event.second for event in mine[1:]), of.second]
        own = [e for e in rest if e.shopper == of.shopper and e.step.item == item]
        rank = sum(
            max(its[other]) > max(at) for other in items if its[other]
        ) if at else None  # fmt: skip
        everywhere = [event.step.item for event in mine]
        newer = len({seen for seen in everywhere[max(at) + 1 :] if seen is not None}) if at else None
        row = {
            "place_inverse": 1 / (1 + place), "place_last": place == len(items) - 1,
            "seen_ever": bool(at), "seen_times": math.log1p(len(at)), "seen_once": len(at) == 1,
            "seen_since": math.log1p(of.second - steps[-1].second) if at else 0.0,
            "seen_ago": math.log1p(len(mine) - at[-1]) if at else 0.0,
            "seen_since_first": math.log1p(of.second - steps[0].second) if at else 0.0,
            "seen_run": math.log1p(at[-1] - runs[-1] + 1) if at else 0.0,
            "seen_returns": math.log1p(len(runs)),
            "seen_dwell": math.log1p(sum(ends[n] - mine[n].second for n in at)),
            "seen_current": bool(mine) and everywhere[-1] == item,
            "seen_recency": 1 / (1 + newer) if newer is not None else 0.0,
            "seen_latest_listed": rank == 0, "seen_second_latest_listed": rank == 1,
            "seen_most": bool(at) and len(at) == max(len(its[other]) for other in items),
            "taken_times": math.log1p(len(took)),
            "taken_since": math.log1p(of.second - took[-1].second) if took else 0.0,
            "taken_looked_at_after": bool(took) and steps[-1] is not took[-1],
            "taken_last": item == taken_last,
            "beside_latest_next": latest is not None and place == latest + 1,
            "beside_latest_far_above": math.log1p(max(latest - place, 0)) if latest is not None else 0.0,
            "beside_lowest_below": lowest is not None and place > lowest,
            "beside_after_seen": place > 0 and bool(its[items[place - 1]]),
            "beside_before_seen": place + 1 < len(items) and bool(its[items[place + 1]]),
            "beside_seen_above": math.log1p(sum(bool(its[other]) for other in items[:place])),
            "beside_seen_below": math.log1p(sum(bool(its[other]) for other in items[place + 1 :])),
            "beside_first_unseen": not at and all(its[other] for other in items[:place]),
            "beside_next_unseen": not at and lowest == place - 1,
            "shown_times": math.log1p(sum(item in page for page in pages)),
            "shown_skipped": 0.0 if took else math.log1p(sum(item in page for page in pages)),
            "shown_on_page": item in page,
            "shown_same_place": item in page and page.index(item) == place,
            "shown_fresh": bool(page) and item not in page,
            "popular_taken": math.log1p(sum(event.step.kind == TAKEN for event in others)),
            "popular_visits": math.log1p(len({event.visit for event in others})),
            "popular_shown": math.log1p(len(places)),
            "popular_higher_elsewhere": (sum(places) / len(places) - place) / 10 if places else 0.0,
            "habit_visits": math.log1p(len(own)),
            "habit_taken": math.log1p(sum(event.step.kind == TAKEN for event in own)),
            "price_to_median": logs[place] - middle if known else math.nan,
            "price_rank": sum((other, n) < (logs[place], place) for n, other in enumerate(logs)) / len(items)
            if known else math.nan,
            "price_least_so_far": logs[place] < min(logs[:place], default=math.inf) if known else math.nan,
            "price_change": math.nan if not known
            else max(-1.0, min(1.0, logs[place] - math.log(priced[-1])))
            if priced and not math.isnan(prices[place]) and priced[-1] > 0 else 0.0,
            "moment_seen": math.log1p(len(touched_before)), "moment_steps": math.log1p(len(mine)),
            "moment_gap": math.log1p(of.second - mine[-1].second) if mine else 0.0,
            "moment_takings": math.log1p(sum(event.step.kind == TAKEN for event in mine)),
            "moment_filter": bool(mine) and mine[-1].step.kind == "filter", "moment_no_step": not mine,
            "moment_repeats": sum(other in page for other in items) / len(items),
        }  # fmt: skip
        out.append({name: float(value) for name, value in row.items()})
    return out
