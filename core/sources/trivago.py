"""The `trivago` format: hotel search sessions, with what was shown at each click-out.

| action_type | event | reference becomes |
|---|---|---|
| clickout item | click | item_id; price is the one shown for it |
| interaction item image, info, rating, deals | view | item_id |
| search for item | search | item_id |
| search for destination, search for poi | search | query |
| filter selection | filter | query: the filter's name |
| change of sort order | sort | query: the order's name |

The place is the city that is searched; `platform`, the country site, becomes the channel. Times are
whole seconds, so the step within the session is added as microseconds: the order of steps within a
second is kept, and two equal steps stay two events.
"""

from __future__ import annotations

from core.sources import values
from core.sources.flat import Flat, first_of, parsed
from core.sources.raw import RawFile
from core.sources.times import time
from core.sources.validate import Recipe
from core.sources.values import Column, Value

NEEDS = ("user_id", "session_id", "timestamp", "action_type", "reference")


def _recipe(raw: RawFile, zone: str) -> Recipe:
    def named(name: str) -> Column:
        return Column.named(name, raw.schema)

    action = f"lower({values.text(named('action_type'))})"
    reference = values.identifier(named("reference"))
    impressions, prices = (first_of(raw.schema, name) for name in ("impressions", "prices"))
    city = first_of(raw.schema, "city")
    step = first_of(raw.schema, "step")
    when = time(named("timestamp"), zone)
    after = f"COALESCE({values.integer(step).sql}, 0)" if step else "0"
    about_item = (
        f"{action} IN ('clickout item', 'search for item') OR starts_with({action}, 'interaction item')"
    )
    recipe: dict[str, Value] = {
        "ts": Value(f"({when.sql}) + to_microseconds({after})", when.given),
        "user_id": Value(values.identifier(named("user_id"))),
        "session_id": Value(values.identifier(named("session_id"))),
        "event": Value(
            f"CASE WHEN {action} = 'clickout item' THEN 'click' "
            f"WHEN starts_with({action}, 'interaction item') THEN 'view' "
            f"WHEN starts_with({action}, 'search for') THEN 'search' "
            f"WHEN {action} = 'filter selection' THEN 'filter' "
            f"WHEN {action} = 'change of sort order' THEN 'sort' ELSE {action} END"
        ),
        "item_id": Value(f"CASE WHEN {about_item} THEN {reference} END"),
        "query": Value(f"CASE WHEN NOT ({about_item}) THEN {reference} END"),
        "lat": parsed(first_of(raw.schema, "lat"), values.degrees),
        "lon": parsed(first_of(raw.schema, "lon"), values.degrees),
        "device": parsed(first_of(raw.schema, "device"), values.text),
        "channel": parsed(first_of(raw.schema, "platform"), values.text),
    }
    if city is not None:
        recipe["city"] = Value(f"regexp_replace({values.text(city)}, ',[^,]*$', '')")
        recipe["region"] = Value(f"nullif(trim(regexp_extract({values.text(city)}, ',([^,]*)$', 1)), '')")
    if impressions is not None:
        recipe["shown"] = Value(values.texts(impressions))
    if impressions is not None and prices is not None:
        place = f"list_position({values.texts(impressions)}, {reference})"
        shown_price = f"CASE WHEN {action} = 'clickout item' THEN {values.texts(prices)}[{place}] END"
        recipe["price"] = Value(f"TRY_CAST({shown_price} AS DECIMAL(18, 4))", f"({shown_price}) IS NOT NULL")
        recipe["shown_prices"] = Value(values.numbers(prices))
        recipe["currency"] = Value(f"CASE WHEN ({shown_price}) IS NOT NULL THEN 'EUR' END")
    return Recipe(values=recipe, user_columns=("user_id",))


TRIVAGO = Flat(
    name="trivago",
    needs=NEEDS,
    mapping={
        "ts": "timestamp",
        "user_id": "user_id",
        "session_id": "session_id",
        "event": "action_type",
        "item_id": "reference",
        "price": "prices",
        "lat": "lat",
        "lon": "lon",
        "city": "city",
        "device": "device",
        "channel": "platform",
        "shown": "impressions",
        "shown_prices": "prices",
    },
    recipe=_recipe,
    notes=(
        "Prices are taken as EUR; a click-out has the price that was shown for its item.",
        "A search, filter or sort keeps its reference as the query; the place is the city searched.",
        "The step within the session is added to the time as microseconds, which keeps the order of steps.",
    ),
)
