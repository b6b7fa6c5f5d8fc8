"""What a recommendation is asked for, in words of the command line: of one list, of two, of one item."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from core.errors import WrongCall
from core.recommender.models import Model
from core.recommender.moment import Asked, path_words
from core.scope import Scope

#: Words of B begin with this.
B = "b_"
#: Words that say a place.
PLACE = {"lat", "lon", "region"}
#: Words that say to whom.
WHOSE = {"shopper", "path"}
#: What is asked, as people call it.
CALLED = {
    "shopper": "shopper", "path": "path", "lat": "place", "lon": "place", "region": "place", "at": "hour",
    "month": "season", "device": "device", "phrase": "what they look for", "prices": "price",
    "out_of_stock": "stock",
    "n": "length", "rules": "rules",
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What is asked, as `Asked.read` reads it; "" is what is usual."""

    shopper: str = ""
    path: str = ""
    lat: str = ""
    lon: str = ""
    region: str = ""
    at: str = ""
    month: str = ""  # 1 to 12, the season
    device: str = ""
    phrase: str = ""
    price: str = ""
    out: str = ""
    n: str = "10"
    rules: str = "on"  # or off: what the model alone would say


@dataclass(frozen=True)
class ListWords(Words):
    """The words of one list that a model makes, or puts in order."""

    shown: str = ""  # a list to put in order, ITEM,ITEM,…


@dataclass(frozen=True)
class TwoWords(Words):
    """The same, and what is different in B; "" is what A has."""

    b_shopper: str = ""
    b_path: str = ""
    b_lat: str = ""
    b_lon: str = ""
    b_region: str = ""
    b_at: str = ""
    b_month: str = ""
    b_device: str = ""
    b_phrase: str = ""
    b_price: str = ""
    b_out: str = ""
    b_rules: str = ""


@dataclass(frozen=True)
class ItemWords(Words):
    """The words of one list, and one item."""

    item: str = ""  # its id


def said(options: Words) -> dict[str, str]:
    """The words that say something."""
    return {name: str(word) for name, word in asdict(options).items() if str(word).strip()}


def words_of_b(words: dict[str, str]) -> dict[str, str]:
    """What B asks in the words of one list: those of A but for what B says; a place of B's in any words
    stands for A's, and so does a shopper or a path.
    """
    plain = {name: word for name, word in words.items() if not name.startswith(B)}
    of_b = {name.removeprefix(B): word for name, word in words.items() if name.startswith(B)}
    for group in (PLACE, WHOSE):
        if group & of_b.keys():
            plain = {name: word for name, word in plain.items() if name not in group}
    return plain | of_b


def read_two(words: dict[str, str]) -> tuple[Asked, Asked]:
    """What A asks, and B. Raises `WrongCall`."""
    plain = {name: word for name, word in words.items() if not name.startswith(B)}
    return Asked.read(plain), Asked.read(words_of_b(words))


def read_item(options: ItemWords) -> tuple[Asked, str]:
    """What is asked, and the item. Raises `WrongCall`."""
    words = said(options)
    item = words.pop("item", "")
    if not item:
        raise WrongCall("Say which item with item=ID.")
    return Asked.read(words), item


def of_whole_log(scope: Scope) -> None:
    """Raises `WrongCall` for a scope that leaves anything out."""
    if scope.words():
        raise WrongCall(
            "A model is of the whole log; leave --scope out, and say a place or time with options."
        )


def of_model(model: Model, asked: Asked) -> str:
    """What a table of estimates is of."""
    whom = "one shopper" if asked.shopper else path_words(asked.path)
    days, event = model.version.about.settings["days"], model.event
    what = f"{event} of {'something new' if model.new_only else 'an item'} within {days:g} days"
    return f"model {model.version.number} for {whom}: the estimated chance of a {what}, if they come"


def differs(asked: Asked, b_asked: Asked) -> str:
    """What B asks otherwise than A, in words."""
    changed = [f.name for f in fields(Asked) if getattr(asked, f.name) != getattr(b_asked, f.name)]
    names = ", ".join(dict.fromkeys(CALLED[name] for name in changed))
    return f"B {f'differs in {names}' if names else 'is the same'}"
