"""The eight types of shopper: each with hours, tastes, places, devices and paths of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from data.sample.stories import EVENING_TYPE

#: What a shopper can do next. "leave" ends the visit.
STEPS = (
    "browse", "search", "click", "view", "wishlist", "cart", "checkout", "purchase", "support", "review",
    "leave",
)  # fmt: skip
STEP = {name: number for number, name in enumerate(STEPS)}
BROWSE, SEARCH, CLICK, VIEW, WISHLIST, CART, CHECKOUT, PURCHASE, SUPPORT, REVIEW, LEAVE = range(len(STEPS))

DEVICES = ("mobile", "desktop", "tablet")
CHANNELS = ("direct", "search", "email", "social", "ads")

#: A path: from each step, how likely each next step is (in parts; they are made to sum to one).
Path = dict[str, dict[str, float]]

#: Steps at which all types are alike.
BOTTOM: Path = {
    "checkout": {"purchase": 66, "cart": 6, "support": 3, "leave": 25},
    "purchase": {"leave": 88, "view": 9, "support": 3},
    "support": {"leave": 76, "view": 14, "cart": 10},
    "review": {"leave": 62, "view": 28, "browse": 10},
}


@dataclass(frozen=True)
class ShopperType:
    """One type of shopper. `hours` are (weekdays, first hour, last hour, weight) in local time."""

    name: str
    share: float  # of all shoppers
    visits: float  # candidates for a visit, on average
    stays: float  # days until half of its shoppers have left
    hours: tuple[tuple[str, float, float, float], ...]
    devices: tuple[float, float, float]
    channels: tuple[float, float, float, float, float]
    tastes: dict[str, float]  # category → weight; every other category has a small one
    path: Path
    price_level: float  # 0 picks the cheapest of a kind, 1 the dearest
    pace: float  # median seconds between two steps
    repeats: float = 0.0  # how often a view is of the shopper's own regular item
    strays: float = 0.2  # how often a new view or list turns to another category, if that is in season
    compares: float = 0.0  # how often a view goes back to the item that was seen first
    moved_by: str = ""  # "gifts" or "deals": the holidays that bring them
    big_city: float = 0.0  # power of the city's size by which they prefer it
    suburb: float = 0.35  # how slowly they thin out with distance from the centre
    divisions: dict[str, float] = field(default_factory=dict)  # census division → preference


#: The one type that a story is about.
_EVENING = EVENING_TYPE.truth

TYPES: tuple[ShopperType, ...] = (
    ShopperType(
        name=_EVENING["type"], share=_EVENING["share"], visits=3.8, stays=120,
        hours=(
            ("MTWRF", _EVENING["first_hour"], _EVENING["last_hour"], 1.0), ("SU", 18, 22, 0.05),
            ("MTWRFSU", 8, 23, 0.012),
        ),
        devices=(0.78, 0.14, 0.08), channels=(0.34, 0.34, 0.12, 0.14, 0.06),
        tastes={
            "Shoes": 5, "Fitness": 4, "Cycling": 2.0, "Camping & Hiking": 2.2, "Men's Clothing": 1.2,
            "Garden & Patio": 0.8,
        },
        path={
            "start": {"browse": 55, "view": 25, "search": 20},
            "browse": {"click": 62, "browse": 18, "leave": 16, "search": 4},
            "search": {"click": 70, "search": 14, "leave": 16},
            "click": {"view": 92, "leave": 8},
            "view": {
                "view": 30, "browse": 28, "cart": 5.5, "search": 5, "wishlist": 3, "review": 0.9,
                "leave": 24,
            },
            "wishlist": {"view": 40, "browse": 25, "leave": 35},
            "cart": {"checkout": 36, "view": 20, "browse": 10, "leave": 34},
        },
        price_level=0.5, pace=38, suburb=0.55,
        divisions={"Pacific": 1.2, "Mountain": 1.2},
    ),
    ShopperType(
        name="weekend deal hunter", share=0.15, visits=3.4, stays=140,
        hours=(("S", 9, 18, 1.0), ("U", 10, 18, 1.0), ("MTWRF", 9, 22, 0.015)),
        devices=(0.24, 0.64, 0.12), channels=(0.1, 0.2, 0.3, 0.06, 0.34),
        tastes={
            "Tools & Hardware": 4.5, "Toys & Games": 1.5, "Kitchen": 3, "Garden & Patio": 7,
            "Smart Home": 1.5,
        },
        path={
            "start": {"search": 62, "browse": 26, "view": 12},
            "search": {"search": 30, "click": 50, "browse": 5, "leave": 15},
            "browse": {"click": 46, "search": 28, "browse": 10, "leave": 16},
            "click": {"view": 84, "search": 10, "leave": 6},
            "view": {
                "search": 42, "cart": 8, "view": 13, "browse": 8, "wishlist": 2, "review": 1.0,
                "leave": 24,
            },
            "wishlist": {"search": 55, "leave": 45},
            "cart": {"search": 28, "checkout": 26, "view": 12, "leave": 34},
        },
        price_level=0.2, pace=30, moved_by="deals", suburb=0.6,
        divisions={"West South Central": 1.3, "East North Central": 1.2, "South Atlantic": 1.1},
    ),
    ShopperType(
        name="lunch-break mobile shopper", share=0.13, visits=4.6, stays=100,
        hours=(("MTWRF", 11.75, 13.5, 1.0), ("SU", 11, 14, 0.05), ("MTWRFSU", 8, 22, 0.008)),
        devices=(0.96, 0.02, 0.02), channels=(0.5, 0.12, 0.16, 0.14, 0.08),
        tastes={
            "Beauty & Skin Care": 5, "Women's Clothing": 3.5, "Phone Accessories": 3, "Swim & Beach": 1.2,
        },
        path={
            "start": {"view": 70, "browse": 25, "search": 5},
            "view": {"view": 52, "cart": 4.5, "wishlist": 5, "browse": 8, "review": 0.7, "leave": 28},
            "browse": {"click": 58, "view": 14, "leave": 28},
            "search": {"click": 70, "leave": 30},
            "click": {"view": 90, "leave": 10},
            "wishlist": {"view": 50, "leave": 50},
            "cart": {"checkout": 32, "view": 28, "leave": 40},
        },
        price_level=0.42, pace=17, big_city=0.25, suburb=0.22,
        divisions={"Middle Atlantic": 1.3, "Pacific": 1.2},
    ),
    ShopperType(
        name="early-morning repeat buyer", share=0.10, visits=5.0, stays=220,
        hours=(("MTWRF", 5.25, 8.0, 1.0), ("SU", 6, 9, 0.7), ("MTWRFSU", 8, 21, 0.01)),
        devices=(0.46, 0.22, 0.32), channels=(0.74, 0.06, 0.16, 0.02, 0.02),
        tastes={"Coffee & Tea": 6, "Pet Supplies": 4, "Grocery & Snacks": 3.5, "Garden & Patio": 0.8},
        path={
            "start": {"view": 66, "browse": 12, "search": 22},
            "view": {"cart": 14, "view": 34, "browse": 10, "review": 1.8, "leave": 36},
            "browse": {"click": 60, "leave": 40},
            "search": {"click": 82, "leave": 18},
            "click": {"view": 92, "leave": 8},
            "wishlist": {"view": 50, "leave": 50},
            "cart": {"checkout": 27, "view": 36, "leave": 37},
        },
        price_level=0.5, pace=24, repeats=0.7, strays=0.08, suburb=0.75,
        divisions={"Mountain": 1.4, "Pacific": 1.3, "West North Central": 1.3, "New England": 1.1},
    ),
    ShopperType(
        name="gift seeker", share=0.12, visits=2.8, stays=110,
        hours=(("SU", 18, 22, 1.0), ("MTWRF", 15.5, 17.75, 0.75), ("MTWRFSU", 9, 22, 0.02)),
        devices=(0.3, 0.62, 0.08), channels=(0.12, 0.46, 0.1, 0.22, 0.1),
        tastes={"Jewelry & Watches": 5.5, "Toys & Games": 4, "Books": 2.5, "Bags & Luggage": 1.2},
        path={
            "start": {"search": 55, "browse": 45},
            "search": {"click": 66, "browse": 16, "search": 8, "leave": 10},
            "browse": {"click": 60, "browse": 20, "search": 10, "leave": 10},
            "click": {"view": 90, "browse": 6, "leave": 4},
            "view": {
                "wishlist": 30, "browse": 18, "cart": 4.5, "view": 16, "search": 8, "review": 0.5,
                "leave": 24,
            },
            "wishlist": {"browse": 34, "view": 20, "search": 14, "cart": 4, "leave": 28},
            "cart": {"checkout": 40, "wishlist": 6, "browse": 16, "leave": 38},
        },
        price_level=0.62, pace=45, strays=0.45, moved_by="gifts", suburb=0.45,
        divisions={"New England": 1.2, "South Atlantic": 1.2},
    ),
    ShopperType(
        name="researcher who compares", share=0.10, visits=2.7, stays=130,
        hours=(("MTWRU", 22, 25.5, 1.0), ("FS", 22.5, 26, 0.5), ("MTWRFSU", 10, 23, 0.012)),
        devices=(0.07, 0.88, 0.05), channels=(0.2, 0.68, 0.05, 0.03, 0.04),
        tastes={"Computers & Tablets": 5, "Audio": 4.5, "Smart Home": 3, "Camping & Hiking": 0.8},
        path={
            "start": {"search": 60, "view": 40},
            "search": {"click": 76, "search": 16, "leave": 8},
            "browse": {"click": 70, "leave": 30},
            "click": {"view": 96, "leave": 4},
            "view": {"view": 66, "search": 10, "support": 1.5, "cart": 1.9, "review": 2.2, "leave": 13},
            "wishlist": {"view": 70, "leave": 30},
            "cart": {"view": 44, "checkout": 30, "leave": 26},
        },
        price_level=0.66, pace=85, compares=0.45, strays=0.06, big_city=0.1, suburb=0.4,
        divisions={"Pacific": 1.3, "New England": 1.3, "Middle Atlantic": 1.1},
    ),
    ShopperType(
        name="loyal replenisher", share=0.12, visits=5.2, stays=260,
        hours=(("MTWR", 9, 11.25, 1.0), ("F", 9, 11.25, 0.8), ("SU", 9, 11, 0.12), ("MTWRFSU", 8, 21, 0.01)),
        devices=(0.14, 0.34, 0.52), channels=(0.24, 0.04, 0.66, 0.03, 0.03),
        tastes={"Household Supplies": 6, "Baby": 3.5, "Vitamins & Health": 4.5, "Bedding & Bath": 0.9},
        path={
            "start": {"cart": 24, "view": 64, "browse": 12},
            "view": {"cart": 22, "view": 28, "browse": 4, "review": 2.0, "leave": 40},
            "browse": {"click": 64, "leave": 36},
            "search": {"click": 76, "leave": 24},
            "click": {"view": 88, "leave": 12},
            "wishlist": {"view": 50, "leave": 50},
            "cart": {"cart": 42, "checkout": 13, "view": 12, "leave": 33},
        },
        price_level=0.36, pace=22, repeats=0.72, strays=0.1, suburb=0.8,
        divisions={"East North Central": 1.4, "West North Central": 1.3, "East South Central": 1.2},
    ),
    ShopperType(
        name="window shopper", share=0.08, visits=3.6, stays=90,
        hours=(("MTWRFSU", 14, 16, 1.0), ("MTWRFSU", 9, 23, 0.02)),
        devices=(0.3, 0.1, 0.6), channels=(0.08, 0.1, 0.04, 0.74, 0.04),
        tastes={"Furniture & Decor": 6, "Bedding & Bath": 3, "Garden & Patio": 1.0},
        path={
            "start": {"browse": 86, "view": 14},
            "browse": {"browse": 46, "click": 32, "leave": 22},
            "search": {"click": 60, "browse": 20, "leave": 20},
            "click": {"view": 74, "browse": 20, "leave": 6},
            "view": {"browse": 56, "wishlist": 14, "view": 8, "cart": 0.9, "review": 0.2, "leave": 20},
            "wishlist": {"browse": 62, "leave": 38},
            "cart": {"checkout": 14, "browse": 40, "leave": 46},
        },
        price_level=0.8, pace=26, strays=0.6, big_city=0.2, suburb=0.3,
        divisions={"Middle Atlantic": 1.3, "Pacific": 1.3, "South Atlantic": 1.2},
    ),
)  # fmt: skip
TYPE_NAMES = tuple(kind.name for kind in TYPES)
