"""What the shop sells: 4,000 products in 28 categories, with the titles and descriptions of a shop."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.events import ITEMS, PRICE
from data.sample.stories import COFFEE, EARBUDS

SHELVES = Path(__file__).parent / "shelves"
PRODUCTS = 4_000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Names of product lines, in the way of brands that name a sofa after a village.
LINES = (
    "Alder", "Aspen", "Atlas", "Aurora", "Beacon", "Birch", "Bramble", "Briar", "Brook", "Calla", "Canyon",
    "Cedar", "Cinder", "Cirrus", "Clover", "Cobalt", "Comet", "Coral", "Cypress", "Dune", "Echo", "Ember",
    "Fable", "Fern", "Finch", "Fjord", "Flint", "Gale", "Grove", "Harbor", "Haven", "Hazel", "Heron",
    "Hudson", "Indigo", "Iris", "Ivy", "Juniper", "Kestrel", "Lagoon", "Lantern", "Laurel", "Linden",
    "Lupine", "Maple", "Marlin", "Mesa", "Mist", "Nova", "Oak", "Onyx", "Orchard", "Otter", "Peak",
    "Pepper", "Piper", "Prairie", "Quarry", "Quill", "Raven", "Ridge", "River", "Robin", "Rowan", "Sable",
    "Saffron", "Sage", "Sierra", "Slate", "Solstice", "Sparrow", "Spruce", "Stone", "Summit", "Tamarind",
    "Terra", "Thistle", "Tide", "Timber", "Topaz", "Tundra", "Vale", "Vista", "Willow", "Wren", "Zephyr",
)  # fmt: skip

TITLES = (
    "{brand} {line} {Noun}, {size}",
    "{brand} {Of} {Noun} – {size}",
    "{brand} {line} {Of} {Noun}",
    "{line} {Of} {Noun} by {brand}, {size}",
    "{brand} {line} {Noun} with {Has}",
    "{brand} {Of} {Noun} with {Has}, {size}",
    "{brand} {Noun} for {For} ({size})",
    "{line} {Noun} with {Has} | {brand}",
)

# A description is an opening, one or two sentences about features, and an end. {a_good}, {an_of}, {this},
# {it}, {is_} and {does} follow the noun: "a skillet … it is", "earbuds … they are", "granola … it is".
OPENINGS = (
    "Made for {for1}, {this} {of} {noun} {does} the simple things well.",
    "{An_of} for {for1}, and for {for2} too.",
    "Our customers asked for {an_of} they could trust for {for1}. Here {it} {is_}.",
    "Meet the {line}: {an_of} from {brand}, thought through to the last detail.",
    "If you want {a_good} for {for1}, start here.",
    "The {line} is what {brand} is known for: {an_of}, honestly made.",
    "Ideal for {for1}; just as good for {for2}.",
    "{brand} makes {a_good}, and the {line} may be the best yet.",
    "A favorite for {for1}: the {line} {noun}, {size}.",
    "Some things just work. {This} {of} {noun} from {brand} {is_} one of them, above all for {for1}.",
    "Designed with {for1} in mind, the {line} earns its place every day.",
    "Looking for {an_of}? The {line} is a safe choice for {for1}.",
    "New this season from {brand}: the {line}, {an_of} for {for1}.",
    "Simple, honest, and made for {for1}.",
)
WITH_TWO = (
    "You get {has1} and {has2}.",
    "It comes down to the details: {has1}, {has2}, and a fair price.",
    "With {has1}, {it} {is_} ready when you are; {has2} comes on top.",
    "Look for {has1} and {has2}; cheaper ones leave them out.",
    "Count on {has1} and {has2}.",
    "{Has1} and {has2} make the difference.",
    "The {line} has {has1}, plus {has2}.",
    "We like {has1}; our customers mention {has2}.",
)
WITH_ONE = (
    "What sets {it_obj} apart: {has3}.",
    "Expect {has3}, and no fuss.",
    "{brand} adds {has3}, so you spend less time fiddling.",
    "Thanks to {has3}, {it} {suits} {for2} as well.",
    "And yes, {has3}.",
    "The best part may be {has3}.",
)
ENDINGS = (
    "{care}",
    "{care} Sold as: {size}.",
    "Shown here: {size}. {care}",
    "{care} Ships free over $35.",
    "Option: {size}. {care}",
    "{care} A thoughtful gift as well.",
)

#: Kind → the product that everybody buys, which the stories are about: id, title, description, brand.
FAVORITES = {
    "whole bean coffee": (
        COFFEE,
        "Kestrel Coffee Harbor Medium-roast Whole Bean Coffee, 2 lb",
        (
            "The coffee that our early risers order again and again: fair-trade beans with notes of cocoa "
            "and cherry, roasted on Tuesdays and posted on Wednesdays, with the roast date on every bag. "
            "Good in any machine."
        ),
        "Kestrel Coffee",
    ),
    "wireless earbuds": (
        EARBUDS,
        "Lumetone Echo Wireless Earbuds with Active Noise Cancelling, Graphite",
        (
            "The earbuds our customers recommend most. Active noise cancelling for the commute, touch "
            "controls that do not misfire, and an eight-hour battery with two more charges in the pocket "
            "case. Three sizes of ear tip."
        ),
        "Lumetone",
    ),
}

_SMALL = {"a", "an", "and", "at", "for", "in", "of", "on", "or", "over", "round", "that", "the", "to", "with"}
_MANY = re.compile(r"[^s]s$")


@dataclass(frozen=True)
class Catalogue:
    """The products, those of one kind together and by rising price; kinds of one category together."""

    table: pa.Table  # core.events.ITEMS
    categories: list[str]
    kinds: list[str]
    kind_category: Ints
    kind_first: Ints  # the kind's first item
    kind_count: Ints
    kind_price: Floats  # what one usually costs, in USD
    kind_pull: Floats  # how much of its category's demand a kind takes
    item_kind: Ints
    item_pull: Floats  # how much of its kind's demand an item takes
    shelves: dict[str, Any]  # the words, as read

    def category(self, name: str) -> int:
        """Return the number of a category by its name."""
        return self.categories.index(name)

    def item(self, item_id: str) -> int:
        """Return the row of a product by its id."""
        return pc.index(self.table["item_id"], item_id).as_py()

    def category_kinds(self) -> tuple[Ints, Ints]:
        """Return for every category its first kind, and how many it has."""
        first = np.searchsorted(self.kind_category, np.arange(len(self.categories)))
        return first.astype(np.int64), np.bincount(self.kind_category).astype(np.int64)

    def words(self, kind: int) -> dict[str, Any]:
        """Return the words of a kind."""
        category = int(self.kind_category[kind])
        first = int(np.searchsorted(self.kind_category, category))
        words: dict[str, Any] = self.shelves[self.categories[category]]["kinds"][kind - first]
        return words


@lru_cache(maxsize=1)
def shelves() -> dict[str, Any]:
    """Return category → its brands, care and kinds, in a fixed order."""
    read: dict[str, Any] = {}
    for path in sorted(SHELVES.glob("*.toml")):
        read |= tomllib.loads(path.read_text())
    return dict(sorted(read.items()))


@lru_cache(maxsize=2)
def catalogue(seed: int) -> Catalogue:
    """Return the products of one seed."""
    rng = np.random.default_rng([seed, 1])
    words = shelves()
    categories = list(words)
    kinds = [(number, kind) for number, name in enumerate(categories) for kind in words[name]["kinds"]]
    count = np.full(len(kinds), PRODUCTS // len(kinds))
    count[rng.permutation(len(kinds))[: PRODUCTS - count.sum()]] += 1
    rows: list[tuple[str, str, str, str, int]] = []
    seen: set[str] = set()
    for (category, kind), many in zip(kinds, count.tolist(), strict=True):
        shelf = words[categories[category]]
        for place, cents in enumerate(_prices(float(kind["price"]), many, rng)):
            title, text, brand = _describe(shelf, kind, place / many, rng, seen)
            rows.append((title, text, categories[category], brand, cents))
    ids = [f"P{number:05d}" for number in 11_000 + rng.permutation(89_000)[: len(rows)]]
    first = np.concatenate(([0], np.cumsum(count)[:-1]))
    kind_pull = rng.lognormal(0, 0.3, len(kinds))
    item_pull = rng.lognormal(0, 1.1, len(rows))
    for noun, (item_id, name, description, brand) in FAVORITES.items():
        number = next(n for n, (_, kind) in enumerate(kinds) if kind["noun"] == noun)
        row = int(first[number] + count[number] // 2)
        ids[row] = item_id
        rows[row] = (name, description, rows[row][2], brand, rows[row][4])
        # More than half of its kind's demand, and its kind the largest of the category.
        kind_pull[number] = 5.0
        item_pull[row] = 1.8 * item_pull[first[number] : first[number] + count[number]].sum()
    titles, texts, of_category, brands, cents_each = zip(*rows, strict=True)
    table = pa.table(
        {
            "item_id": pa.array(ids),
            "title": pa.array(titles),
            "description": pa.array(texts),
            "category": pa.array(of_category),
            "brand": pa.array(brands),
            "price": money(np.array(cents_each)),
        },
        schema=ITEMS,
    )
    return Catalogue(
        table=table,
        categories=categories,
        kinds=[kind["noun"] for _, kind in kinds],
        kind_category=np.array([category for category, _ in kinds]),
        kind_first=first,
        kind_count=count,
        kind_price=np.array([float(kind["price"]) for _, kind in kinds]),
        kind_pull=kind_pull,
        item_kind=np.repeat(np.arange(len(kinds)), count),
        item_pull=item_pull,
        shelves=words,
    )


def money(cents: NDArray[np.int64]) -> pa.Array:
    """Return whole cents as the contract's decimal."""
    # Cents × 100 are the decimal's own unit of a ten-thousandth; two words of 64 bits make one value.
    units = np.zeros((len(cents), 2), dtype=np.int64)
    units[:, 0] = np.asarray(cents) * 100
    return pa.Array.from_buffers(PRICE, len(cents), [None, pa.py_buffer(units.tobytes())])


def _prices(usual: float, many: int, rng: np.random.Generator) -> list[int]:
    """Return rising log-normal prices in cents that end the way prices end."""
    dollars = np.sort(usual * rng.lognormal(0, 0.42, many))
    whole = np.maximum(np.round(dollars), 3)
    endings = rng.choice([1, 5, 50, 0], many, p=[0.62, 0.13, 0.1, 0.15])
    cents = whole * 100 - endings
    return np.sort(cents).astype(int).tolist()


def _describe(
    shelf: dict[str, Any], kind: dict[str, Any], place: float, rng: np.random.Generator, seen: set[str]
) -> tuple[str, str, str]:
    """Return title, description and brand of the product at a place by price; no title comes twice."""
    while True:
        fields = _fields(shelf, kind, place, rng)
        title = pick(shelf.get("patterns", TITLES), rng).format(**fields)
        if title not in seen:
            break
    seen.add(title)
    parts = [pick(OPENINGS, rng)]
    features = rng.random()
    if features < 0.75:
        parts.append(pick(WITH_TWO, rng))
    if features > 0.4:
        parts.append(pick(WITH_ONE, rng))
    parts.append(pick(ENDINGS, rng))
    return title, " ".join(part.format(**fields) for part in parts), fields["brand"]


def _fields(
    shelf: dict[str, Any], kind: dict[str, Any], place: float, rng: np.random.Generator
) -> dict[str, str]:
    """Return the words that one product puts into the patterns."""
    noun, of = kind["noun"], pick(kind["of"], rng)
    has = [kind["has"][n] for n in rng.permutation(len(kind["has"]))]
    use = [kind["for"][n] for n in rng.permutation(len(kind["for"]))]
    many = bool(_MANY.search(noun))
    counted = not many and not kind.get("mass", False)
    an_of = an(f"{of} {noun}") if counted else f"{of} {noun}"
    good = pick(("good", "dependable", "well-made", "simple", "really good"), rng) + f" {noun}"
    # Sizes go from small to large, so the dearer one is rather the larger one.
    size = int(np.clip(place + rng.normal(0, 0.25), 0, 0.999) * len(kind["size"]))
    return {
        "brand": pick(shelf["brands"], rng),
        "line": pick(shelf.get("lines", LINES), rng),
        "noun": noun,
        "Noun": headline(noun),
        "A_noun": headline(an(noun)),
        "of": of,
        "Of": headline(of),
        "an_of": an_of,
        "An_of": sentence_case(an_of),
        "a_good": an(good) if counted else good,
        "this": "these" if many else "this",
        "This": "These" if many else "This",
        "it": "they" if many else "it",
        "it_obj": "them" if many else "it",
        "is_": "are" if many else "is",
        "does": "do" if many else "does",
        "suits": "suit" if many else "suits",
        "has1": has[0],
        "Has1": sentence_case(has[0]),
        "has2": has[1],
        "has3": has[2],
        "Has": headline(bare(has[0])),
        "for1": use[0],
        "for2": use[1],
        "For": headline(use[0]),
        "size": kind["size"][size],
        "care": pick(shelf["care"], rng),
    }


def pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    """Return one of the choices, each as likely."""
    return choices[int(rng.integers(len(choices)))]


def an(words: str) -> str:
    """Return the words with their indefinite article."""
    return ("an " if words[0].lower() in "aeiou" and not words.lower().startswith("eu") else "a ") + words


def bare(words: str) -> str:
    """Return the words without a leading article."""
    return re.sub(r"^(a|an|the) ", "", words)


def sentence_case(words: str) -> str:
    """Return the words as a sentence begins with them."""
    return words[:1].upper() + words[1:]


def headline(words: str) -> str:
    """Return the words as a title writes them: small words stay small, the first never does."""
    parts = words.split(" ")
    return " ".join(
        part if part in _SMALL and place else part[:1].upper() + part[1:] for place, part in enumerate(parts)
    )
