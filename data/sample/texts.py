"""What shoppers write: searches and reviews, put together from the words on the shelves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.sample.catalogue import Catalogue, bare, pick, sentence_case

Ints = NDArray[np.int64]

#: Searches kept for each kind of product.
QUERIES_PER_KIND = 40

_QUERIES = (
    "{noun}", "{noun}", "{noun}", "{of} {noun}", "{of} {noun}", "best {noun}", "{noun} for {for}",
    "{brand} {noun}", "{noun} {size}", "{noun} under {limit}", "{noun} sale", "{noun} with {has}",
    "{of} {noun} {size}", "{brand} {of} {noun}", "cheap {noun}", "{brand}", "{noun} reviews",
)  # fmt: skip


def query_pool(catalogue: Catalogue, unmet: list[str], seed: int) -> list[str]:
    """Return QUERIES_PER_KIND searches for each kind, one kind after another, then the unmet ones."""
    rng = np.random.default_rng([seed, 2])
    pool: list[str] = []
    for kind, category in enumerate(catalogue.kind_category.tolist()):
        words = catalogue.words(kind)
        brands = catalogue.shelves[catalogue.categories[category]]["brands"]
        for _ in range(QUERIES_PER_KIND):
            query = pick(_QUERIES, rng).format(
                noun=words["noun"],
                of=pick(words["of"], rng),
                has=bare(pick(words["has"], rng)),
                size=pick(words["size"], rng),
                brand=pick(brands, rng),
                limit=int(np.ceil(float(words["price"]) * rng.choice([0.6, 1, 1.5]) / 10)) * 10,
                **{"for": pick(words["for"], rng)},
            )
            pool.append(_typed(query.lower(), rng))
    return pool + unmet


def _typed(query: str, rng: np.random.Generator) -> str:
    """Return the search as somebody types it: no punctuation, and now and then two letters swapped."""
    query = query.replace("-", " ").replace(",", "").replace("'", "")
    if len(query) > 8 and rng.random() < 0.06:
        at = int(rng.integers(2, len(query) - 2))
        query = query[:at] + query[at + 1] + query[at] + query[at + 2 :]
    return query


# Reviews: an opening, what they liked or not, and an end. {noun}, {has}, {for} come from the item's own kind.

_OPEN = {
    5: (
        "Love it.", "Exactly what I was hoping for.", "Five stars from the whole family.", "Wow.",
        "Better than expected.", "I rarely write reviews, but this deserves one.", "So happy with my {noun}.",
        "My second one, bought for my sister.", "Worth every penny.", "Perfect for {for}.",
        "The best {noun} I have owned.", "Couldn't be happier.", "Bought it with {for} in mind: perfect.",
        "Been using it for {weeks} weeks now and still smiling.", "{Has}? Yes please.",
        "Ordered on a whim, no regrets.", "My neighbor has one, now I know why.", "Great {noun}.",
    ),
    4: (
        "Very good {noun}.", "Nearly perfect.", "Good value.", "Happy with it overall.", "Solid choice.",
        "Does what it says.", "Nice quality for the price.", "Would buy again.", "Works well for {for}.",
        "{weeks} weeks in, no complaints.", "Pleasantly surprised.", "Good, with one small gripe.",
        "Good {noun}, if not great.", "Does the job for {for}.",
    ),
    3: (
        "It's okay.", "Mixed feelings.", "Decent, nothing special.", "Not bad, not great.", "Average {noun}.",
        "Three stars because it could be better.", "Fine for {for}, less so otherwise.",
        "Expected a bit more.",
        "Ordinary {noun}.", "After {weeks} weeks I am still not sure.", "Good idea, so-so finish.",
    ),
    2: (
        "Disappointed.", "Not what the pictures promised.", "I wanted to like it.", "Below average.",
        "Would not buy again.", "Had higher hopes after the other reviews.", "Meh.",
        "Not the {noun} for me.", "Two stars, for the quick delivery.", "Gave up after {weeks} weeks.",
    ),
    1: (
        "Returned it.", "Waste of money.", "Do not buy this.", "Very poor.", "Broke within {weeks} weeks.",
        "One star is generous.", "Terrible experience.", "Arrived damaged and support took days.",
        "Worst {noun} I have bought.",
    ),
}  # fmt: skip
_GOOD = (
    "The {has} is what sold me.", "I use it for {for} almost every day.", "{Has}: just as described.",
    "Looks even nicer in person.", "Arrived two days early, well packed.", "Great for {for}.",
    "The {has} works better than I thought.", "Good size, good finish.", "My partner keeps borrowing it.",
    "Compared {weeks} others before choosing.", "Quality feels well above the price.",
    "Easy to live with.", "I was worried about the {has}, but it holds up well.", "It looks like the photo.",
    "Bought for {for}, used for much more.", "You can tell somebody thought about the {has}.",
    "After {weeks} weeks of {for} it still looks new.", "Shipping was quick and the box was small.",
    "For {for} there is nothing better.", "I'd buy it for the {has} alone.",
)  # fmt: skip
_MIXED = (
    "The {has} is fine, the rest less so.", "Smaller than I expected.", "Shipping took more than a week.",
    "Good for {for}, but that's about it.", "The color is a bit off from the photo.", "I'd wait for a sale.",
    "Does the job, though the finish feels cheap.", "The {has} took some getting used to.",
    "I hoped for more from the {has}.", "For {for} I would look at something else.",
    "No instructions in the box.", "Took {weeks} days longer than promised.",
)  # fmt: skip
_BAD = (
    "The {has} failed almost at once.", "Nothing like the description.", "It feels flimsy.",
    "Useless for {for}.", "The {has} is a joke.", "Not at all as pictured.", "Smelled odd out of the box.",
    "Customer service offered ten percent off, no thanks.", "You get what you pay for.",
    "Already looking for something better.", "Lasted {weeks} weeks.",
    "I bought it for the {has}. What a letdown.",
)  # fmt: skip
_END = {
    5: ("Highly recommend.", "Thank you!", "Will order again.", "Buy it.", "", "", "", "A keeper.", "10/10."),
    4: ("Recommended.", "Would order again.", "", "", "", "Glad I got it.", "Almost five stars."),
    3: ("", "", "Might return it, might not.", "", "Shop around.", "Okay for the price."),
    2: ("", "", "Look elsewhere.", "Shame.", "Going back.", ""),
    1: ("Avoid.", "Want my money back.", "", "", "Never again.", "Save yourself the trouble."),
}
_BATTERY = (
    "The battery dies after forty minutes.", "Since the last update the left one will not charge at all.",
    "Battery went from eight hours to one in {weeks} weeks.", "Battery is dead on arrival, twice in a row.",
    "The case stopped charging, so both are dead by noon.", "Charging is hit and miss, mostly miss.",
    "They run hot while charging and then the battery is dead.", "This batch has a bad battery.",
    "Mine worked for a year; the new pair cannot hold a charge.", "Not even one commute on a full charge.",
    "Used to recommend these to everybody, but the new battery is awful.",
    "The right ear dies in the middle of every call.", "After {weeks} weeks the battery is finished.",
)  # fmt: skip


def review_texts(
    catalogue: Catalogue, items: Ints, ratings: Ints, faulty: NDArray[np.bool_], rng: np.random.Generator
) -> pa.Array:
    """Return one text a review. `items` are rows of the catalogue; `faulty` ones blame the battery."""
    count = len(items)
    opening, first, second, end = (np.empty(count, dtype=object) for _ in range(4))
    for stars in range(1, 6):
        mine = np.flatnonzero(ratings == stars)
        body = _GOOD if stars > 3 else _MIXED if stars == 3 else _BAD
        opening[mine] = _several(_OPEN[stars], len(mine), rng)
        first[mine] = _several(body, len(mine), rng)
        second[mine] = _several((*body, *_MIXED[: 4 * (stars in (2, 4))], *[""] * 6), len(mine), rng)
        end[mine] = _several(_END[stars], len(mine), rng)
    broken = np.flatnonzero(faulty & (ratings <= 3))
    first[broken] = _several(_BATTERY, len(broken), rng)
    second[first == second] = ""
    words = [_review_words(catalogue.words(kind)) for kind in range(len(catalogue.kinds))]
    draws = rng.integers(0, 1 << 16, (3, count)).tolist()
    texts = []
    for row, kind in enumerate(catalogue.item_kind[items].tolist()):
        noun, has, use = words[kind]
        sentences = (opening[row], first[row], second[row], end[row])
        # Every sentence speaks of another feature and another use.
        filled = [
            sentence.format(
                noun=noun,
                has=has[(draws[0][row] + place) % len(has)],
                Has=sentence_case(has[(draws[0][row] + place) % len(has)]),
                weeks=2 + draws[2][row] % 7,
                **{"for": use[(draws[1][row] + place) % len(use)]},
            )
            for place, sentence in enumerate(sentences)
            if sentence
        ]
        texts.append(" ".join(filled))
    return pa.array(texts, pa.string())


def _review_words(words: dict[str, Any]) -> tuple[str, list[str], list[str]]:
    """Return the noun, features and uses of a kind that fit into a shopper's sentence."""
    has = [bare(feature) for feature in words["has"] if not feature.startswith("no ")]
    return words["noun"], has, words["for"]


def _several(choices: tuple[str, ...], count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    return np.array(choices, dtype=object)[rng.integers(len(choices), size=count)]
