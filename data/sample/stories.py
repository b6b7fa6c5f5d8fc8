"""The stories that are planted in the sample: what happens, where and when, as data that tests can check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Story:
    """One planted story: a name, a sentence for a demo, where to see it, and the truth."""

    name: str
    summary: str
    look: str
    truth: dict[str, Any]


#: Products that stories are about; the same ids and titles whatever the seed.
COFFEE, EARBUDS = "P10017", "P10042"

BROKEN_CHECKOUT = Story(
    name="broken checkout",
    summary="From 12 May 2025 the checkout fails on mobile in Ohio; hardly anybody gets to purchase.",
    look="Overview › what changed, 12 May – 30 June against the 50 days before: Ohio, mobile. "
    "Funnel checkout → purchase by region and device.",
    truth={
        "region": "Ohio",
        "device": "mobile",
        "first_day": date(2025, 5, 12),
        "still_pass": 0.03,  # share of those who would have bought that still can
    },
)

RISING_CATEGORY = Story(
    name="rising category",
    summary="Cycling rises in the Pacific Northwest, from 1 March on, to more than three times its usual.",
    look="Demand map › hot spots with category Cycling; When › trend by region.",
    truth={
        "category": "Cycling",
        "regions": ("Idaho", "Oregon", "Washington"),
        "first_day": date(2025, 3, 1),
        "last_day": date(2025, 6, 30),
        "factor": 3.4,  # reached on the last day, in a straight line from 1 on the first
    },
)

CAMPAIGN = Story(
    name="campaign with a known lift",
    summary="Spring Garden Weeks bring Garden & Patio 60 % more visits in ten states, none in ten like them.",
    look="Overview with category Garden & Patio, 7 April – 4 May against the four weeks before, treated "
    "against control states (table `campaigns`).",
    truth={
        "campaign": "Spring Garden Weeks",
        "category": "Garden & Patio",
        # The first treated state is matched with the first control state, and so on.
        "treated": (
            "Texas",
            "Georgia",
            "Illinois",
            "Virginia",
            "Missouri",
            "Colorado",
            "Michigan",
            "Massachusetts",
            "Minnesota",
            "South Carolina",
        ),
        "control": (
            "Florida",
            "North Carolina",
            "Pennsylvania",
            "New Jersey",
            "Tennessee",
            "Arizona",
            "Indiana",
            "Maryland",
            "Wisconsin",
            "Alabama",
        ),
        "first_day": date(2025, 4, 7),
        "last_day": date(2025, 5, 4),
        "lift": 0.6,
    },
)

STOCK_OUT = Story(
    name="stock-out",
    summary="The best-selling coffee beans are out of stock from 17 March to 4 April: viewed, never bought.",
    look="Overview › what changed with category Coffee & Tea, 17 March – 4 April; table `stock`.",
    truth={
        "item_id": COFFEE,
        "category": "Coffee & Tea",
        "first_day": date(2025, 3, 17),
        "last_day": date(2025, 4, 4),
    },
)

BAD_REVIEWS = Story(
    name="reviews turn bad",
    summary="From 21 April 2025 the reviews of the favorite earbuds fall from 4.5 stars to below 2.",
    look="Reviews of the item by week, ratings and words.",
    truth={
        "item_id": EARBUDS,
        "category": "Audio",
        "first_day": date(2025, 4, 21),
        "before": 4.5,
        "after": 1.7,
        "words": ("battery", "charge", "charging", "dies", "dead"),
    },
)

EVENING_TYPE = Story(
    name="weekday-evening shoppers",
    summary="One shopper in five browses on weekday evenings between 18:30 and 22:00, mostly on mobile, "
    "mostly shoes and sports.",
    look="When › hour × weekday, category Shoes; the path clusters.",
    truth={
        "type": "weekday-evening browser",
        "share": 0.20,
        "weekdays": (1, 2, 3, 4, 5),  # Monday is 1
        "first_hour": 18.5,
        "last_hour": 22.0,
        "device": "mobile",
        "categories": ("Shoes", "Fitness"),
    },
)

UNMET_DEMAND = Story(
    name="unmet demand",
    summary="Shoppers search for things the shop does not sell: pickleball in Arizona and Florida, "
    "storm shutters on the Gulf, snow chains in the mountains.",
    look="Searches by query and region: no click follows.",
    truth={
        "share": 0.005,  # of all searches, each, everywhere
        "factor": 6.0,  # in the regions that want it
        "queries": {
            "pickleball paddle set": ("Arizona", "Florida"),
            "hurricane storm shutters": ("Florida", "Louisiana", "Alabama", "Mississippi"),
            "tire snow chains": ("Colorado", "Utah", "Idaho", "Montana", "Wyoming"),
            "left handed acoustic guitar": (),
        },
    },
)

STORIES: dict[str, Story] = {
    story.name: story
    for story in (
        BROKEN_CHECKOUT,
        RISING_CATEGORY,
        CAMPAIGN,
        STOCK_OUT,
        BAD_REVIEWS,
        EVENING_TYPE,
        UNMET_DEMAND,
    )
}
