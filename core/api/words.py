"""What calls take and answer: the types that validate them and that the description is made from."""

from __future__ import annotations

import json
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from core.recommender.moment import MOST_ITEMS, MOST_PRICE, MOST_STEPS, Asked
from core.store.posted import Refused

#: Characters of one text in a call.
MOST_TEXT = 500
#: Events of one call, and characters that are kept of one that is rejected.
MOST_EVENTS, MOST_ROW = 1_000, 5_000
#: Characters of a field's name that are told.
MOST_NAME = 60

Text = Annotated[str, Field(max_length=MOST_TEXT)]
Word = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Price = Annotated[float, Field(gt=0, le=MOST_PRICE, allow_inf_nan=False)]


class Words(BaseModel):
    """A body: no word that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Step(Words):
    """A step of a path made by hand."""

    event: Word = Field(description="What is done, as the log calls it: view, cart, purchase, …")
    item: Word = Field(description="The item's id.")


class RecommendCall(Words):
    """Whom to recommend to, where and when. What is left out is what is usual."""

    store: Text = Field("", description="Name of the log; may be left out where there is only one.")
    shopper: Text = Field(
        "",
        description="Id in the source, or pseudonym; in place of a path. One who is not known gets the list "
        "for nobody in particular, and a note says so.",
    )
    path: list[Step] = Field(
        default=[], max_length=MOST_STEPS, description="What somebody did, in time; in place of a shopper."
    )
    lat: Degrees | None = Field(None, ge=-90, le=90, description="Place, WGS84 degrees; with lon.")
    lon: Degrees | None = Field(None, ge=-180, le=180, description="Place, WGS84 degrees; with lat.")
    region: Text = Field("", description="In place of lat and lon.")
    at: Text = Field("", description="Local time, ISO 8601, without a zone: 2026-06-01T19:30.")
    month: int | None = Field(None, ge=1, le=12, description="Another season than that of the days to come.")
    device: Text = ""
    phrase: Text = Field("", description="What is looked for, in any words.")
    prices: dict[Word, Price] = Field(
        default={}, max_length=MOST_ITEMS, description="Item → price that is tried."
    )
    out_of_stock: list[Word] = Field(
        default=[], max_length=1_000, description="Items that are not to be recommended."
    )
    n: int = Field(10, ge=1, le=MOST_ITEMS, description="How many items.")

    def asked(self) -> Asked:
        """The same as the recommender takes it."""
        return Asked(
            shopper=self.shopper, path=tuple((step.event, step.item) for step in self.path), lat=self.lat,
            lon=self.lon, region=self.region, at=self.at, month=self.month, device=self.device,
            phrase=self.phrase.strip(), prices=dict(self.prices), out_of_stock=tuple(self.out_of_stock),
            n=self.n,
        )  # fmt: skip


class Item(BaseModel):
    """One item of a list."""

    place: int = Field(description="From 1.")
    item_id: str
    title: str
    category: str | None
    price: float | None = Field(description="In the log's currency; null where none is known.")
    chance: float = Field(
        description="Of being taken in the days foretold, by a shopper who comes; an estimate."
    )
    score: float = Field(description="Logit of the chance.")
    sources: list[str] = Field(description="What proposed it.")


class RecommendAnswer(BaseModel):
    """A list, best first."""

    store: str
    model: int = Field(description="Version of the model.")
    event: str = Field(description="The event that is foretold.")
    days: float = Field(description="Days within which it is foretold.")
    items: list[Item]
    notes: list[str] = Field(description="Sentences on what could not be taken into account.")


class Event(Words):
    """What a shopper did. Fields mean what they mean in a log that is loaded."""

    ts: Word = Field(description="When it happened, ISO 8601 with its zone; UTC where it names none.")
    user_id: Word = Field(description="The shopper's id in the source; kept as a pseudonym alone.")
    event: Word = Field(description="view, search, cart, purchase, …")
    session_id: Text | None = None
    item_id: Text | None = None
    category: Text | None = None
    query: Text | None = Field(None, description="What was searched for.")
    price: Number | None = Field(None, description="Of one piece.")
    quantity: int | None = Field(None, ge=-(2**62), le=2**62)
    currency: Text | None = Field(None, description="ISO 4217.")
    lat: Degrees | None = Field(None, description="WGS84 degrees.")
    lon: Degrees | None = Field(None, description="WGS84 degrees.")
    tz: Text | None = Field(None, description="IANA zone of the place.")
    region: Text | None = None
    city: Text | None = None
    device: Text | None = None
    channel: Text | None = None
    shown: list[Word] | None = Field(None, max_length=500, description="Items shown beside it, in order.")

    def fields(self) -> dict[str, Any]:
        """Those that are given."""
        return self.model_dump(exclude_none=True)


def _or_refused(value: Any, read: ValidatorFunctionWrapHandler) -> Event | Refused:
    """An event, or why it is none: one that does not fit must not cost the others of its call."""
    try:
        return cast(Event, read(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        reason, told = f"{where or 'event'}: {first['msg']}", ""
        if where and where not in Event.model_fields:
            # What it is called may be of somebody too: whoever sent it is told, and nobody else.
            reason = "unknown field"
            told = f"unknown field {where[:MOST_NAME]!r}; known are {', '.join(Event.model_fields)}"
        given = value if isinstance(value, dict) else {}
        user = given.get("user_id")
        # Unknown fields may hold anything about a person.
        row = {name: given[name] for name in given if name in Event.model_fields and name != "user_id"}
        return Refused(
            reason,
            user if isinstance(user, str) else None,
            json.dumps(row, default=str, ensure_ascii=True)[:MOST_ROW],
            told,
        )


class EventsCall(Words):
    """Events to append. Those of one call are written together."""

    store: Text = Field("", description="Name of the log; may be left out where there is only one.")
    events: list[Annotated[Event, WrapValidator(_or_refused)]] = Field(
        min_length=1, description=f"{MOST_EVENTS:,} at most."
    )


class Rejected(BaseModel):
    """An event that was not stored."""

    number: int = Field(description="Of the event in the call, from 1.")
    reason: str


class EventsAnswer(BaseModel):
    """What became of the events; stored + duplicate + rejected are all of the call's."""

    stored: int = Field(description="On the disk now; counted in recommendations from now on.")
    duplicate: int = Field(description="That the log held already; they count once.")
    rejected: list[Rejected]
    notes: list[str] = Field(description="Sentences on what is kept and counts only later.")


class Problem(BaseModel):
    """Why a call failed."""

    error: str = Field(description="One plain sentence: what was wrong, and what to do.")
