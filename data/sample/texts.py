"""What shoppers write: searches and reviews, put together from the words on the shelves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.sample.catalogue import Catalogue, bare

Ints = NDArray[np.int64]

#: Searches kept for each kind of product.
QUERIES_PER_KIND = 40

_QUERIES = (
    "{noun}", "{noun}", "{noun}", "{of} {noun}", "{of} {noun}", "best {noun}", "{noun} for {for}",
    "{brand} {noun}", "{noun} {size}", "{noun} under {limit}", "{noun} sale", "{noun} with {has}",
    "{of} {noun} {size}", "{brand} {of} {noun}", "cheap {noun}", "{noun} gift", "{noun} reviews",
)  # fmt: skip


def query_pool(catalogue: Catalogue, unmet: list[str], seed: int) -> list[str]:
    """Return QUERIES_PER_KIND searches for each kind, one kind after another, then the unmet ones."""
    rng = np.random.default_rng([seed, 2])
    pool: list[str] = []
    for kind, category in enumerate(catalogue.kind_category.tolist()):
        words = catalogue.words(kind)
        brands = catalogue.shelves[catalogue.categories[category]]["brands"]
        for _ in range(QUERIES_PER_KIND):
            query = _pick(rng, _QUERIES).format(
                noun=words["noun"],
                of=_pick(rng, words["of"]),
                has=bare(_pick(rng, words["has"])),
                size=_pick(rng, words["size"]),
                brand=_pick(rng, brands),
                limit=int(np.ceil(float(words["price"]) * rng.choice([0.6, 1, 1.5]) / 10)) * 10,
                **{"for": _pick(rng, words["for"])},
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


def _pick(rng: np.random.Generator, words: Any) -> Any:
    return words[int(rng.integers(len(words)))]


# Reviews: an opening, what they liked or not, and an end. {noun}, {has} and {for} come from the item's own kind.

_OPEN = {
    5: (
        "Love it.", "Exactly what I was hoping for.", "Five stars from the whole family.", "Better than expected.",
        "I rarely write reviews, but this deserves one.", "My second one, bought for my sister.", "So happy with this.",
        "Worth every penny.", "Bought it for {for} and it is perfect.", "This is the best {noun} I have owned.",
        "Wow.", "Couldn't be happier.", "Been using it for {weeks} weeks now and still smiling.",
    ),
    4: (
        "Very good {noun}.", "Nearly perfect.", "Good value.", "Happy with it overall.", "Solid choice for {for}.",
        "Does what it says.", "Nice quality for the price.", "Would buy again.", "{weeks} weeks in, no complaints.",
        "Pleasantly surprised.", "Good, with one small gripe.",
    ),
    3: (
        "It's okay.", "Mixed feelings.", "Decent, nothing special.", "Not bad, not great.", "Average {noun}.",
        "Three stars because it could be better.", "Fine for {for}, less so otherwise.", "Expected a bit more.",
    ),
    2: (
        "Disappointed.", "Not what the pictures promised.", "I wanted to like it.", "Below average.",
        "Would not buy again.", "Had higher hopes after the other reviews.", "Meh.",
    ),
    1: (
        "Returned it.", "Waste of money.", "Do not buy this.", "Very poor.", "Broke within {weeks} weeks.",
        "One star is generous.", "Terrible experience.", "Arrived damaged and support took days.",
    ),
}  # fmt: skip
_BODY_GOOD = (
    "The {has} is what sold me.", "I use it for {for} almost every day.", "{Has}: just as described.",
    "Looks even nicer in person.", "Arrived two days early, well packed.", "Great for {for}.",
    "The {has} works better than I thought.", "Good size, good finish.", "My partner keeps borrowing it.",
    "Compared three others before choosing this {noun}.", "Quality feels well above the price.",
    "Easy to set up, easy to live with.", "I was worried about the {has}, but it holds up well.",
    "The color is spot on.", "Perfect for {for}.",
)  # fmt: skip
_BODY_MIXED = (
    "The {has} is fine, the rest less so.", "Smaller than I expected.", "Shipping took more than a week.",
    "Good for {for}, but that's about it.", "The color is a bit off from the photo.", "Instructions are useless.",
    "Does the job, though the finish feels cheap.", "I'd wait for a sale.", "The {has} took some getting used to.",
)  # fmt: skip
_BODY_BAD = (
    "The {has} failed almost at once.", "Nothing like the description.", "It feels flimsy.",
    "Useless for {for}.", "The {has} is a joke.", "Sizing is way off.", "Smelled odd out of the box.",
    "Customer service offered ten percent off, no thanks.", "You get what you pay for.",
    "Already looking for another {noun}.",
)  # fmt: skip
_END = {
    5: ("Highly recommend.", "Thank you!", "Will order again.", "Buy it.", "", "", "A keeper.", "10/10."),
    4: ("Recommended.", "Would order again.", "", "", "Glad I got it.", "Almost five stars."),
    3: ("", "Might return it, might not.", "", "Shop around.", "Okay for the price."),
    2: ("", "Look elsewhere.", "Shame.", "Going back.", ""),
    1: ("Avoid.", "Want my money back.", "", "Never again.", "Save yourself the trouble."),
}
_BATTERY = (
    "The battery dies after forty minutes.", "Since the last update the left one will not charge at all.",
    "Battery went from eight hours to one in a few weeks.", "The case stopped charging, so both are dead by noon.",
    "They run hot while charging and then the battery is dead.", "Battery is dead on arrival, twice in a row.",
    "Mine worked for a year; the new pair cannot hold a charge.", "Charging is hit and miss, mostly miss.",
    "Used to recommend these to everybody, but the new battery is awful.", "Right ear dies in the middle of every call.",
    "Not even one commute on a full charge.", "My old pair was great, this batch has a bad battery.",
)  # fmt: skip


def review_texts(
    catalogue: Catalogue, items: Ints, ratings: Ints, faulty: NDArray[np.bool_], rng: np.random.Generator
) -> pa.Array:
    """Return one text a review. `items` are rows of the catalogue; `faulty` ones complain about the battery.

    Sentences are chosen by number and joined by Arrow; the item's own words are put in at the end.
    """
    count = len(items)
    opening, first, second, end = (np.empty(count, dtype=object) for _ in range(4))
    for stars in range(1, 6):
        mine = np.flatnonzero(ratings == stars)
        body = _BODY_GOOD if stars > 3 else _BODY_MIXED if stars == 3 else _BODY_BAD
        opening[mine] = _several(_OPEN[stars], len(mine), rng)
        first[mine] = _several(body, len(mine), rng)
        second[mine] = _several(("",) * len(body) + body + _BODY_MIXED[:3] * (stars in (2, 4)), len(mine), rng)
        end[mine] = _several(_END[stars], len(mine), rng)
    broken = np.flatnonzero(faulty & (ratings <= 3))
    first[broken] = _several(_BATTERY, len(broken), rng)
    second[first == second] = ""
    kinds = catalogue.item_kind[items]
    words = [catalogue.words(int(kind)) for kind in range(len(catalogue.kinds))]
    has, use, weeks = rng.random(count), rng.random(count), rng.integers(2, 9, count)
    texts = []
    for row in range(count):
        of = words[kinds[row]]
        thing = bare(of["has"][int(has[row] * len(of["has"]))])
        text = f"{opening[row]} {first[row]} {second[row]} {end[row]}"
        texts.append(
            text.replace("{noun}", of["noun"])
            .replace("{has}", thing)
            .replace("{Has}", thing[:1].upper() + thing[1:])
            .replace("{for}", of["for"][int(use[row] * len(of["for"]))])
            .replace("{weeks}", str(weeks[row]))
        )
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(pa.array(texts, pa.string()), r" +", " "))


def _several(choices: tuple[str, ...], count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    return np.array(choices, dtype=object)[rng.integers(len(choices), size=count)]
