"""What a region likes more, or less, than the country."""

from __future__ import annotations

DIVISIONS: dict[str, str] = {
    "New England": "Connecticut, Maine, Massachusetts, New Hampshire, Rhode Island, Vermont",
    "Middle Atlantic": "New Jersey, New York, Pennsylvania",
    "East North Central": "Illinois, Indiana, Michigan, Ohio, Wisconsin",
    "West North Central": "Iowa, Kansas, Minnesota, Missouri, Nebraska, North Dakota, South Dakota",
    "South Atlantic": "Delaware, District of Columbia, Florida, Georgia, Maryland, North Carolina, "
    "South Carolina, Virginia, West Virginia",
    "East South Central": "Alabama, Kentucky, Mississippi, Tennessee",
    "West South Central": "Arkansas, Louisiana, Oklahoma, Texas",
    "Mountain": "Arizona, Colorado, Idaho, Montana, Nevada, New Mexico, Utah, Wyoming",
    "Pacific": "Alaska, California, Hawaii, Oregon, Washington",
}

#: What a region likes more, or less, than the country: (categories, states or divisions, factor).
REGIONAL: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("Snow Sports", ("Colorado", "Utah", "Montana", "Idaho", "Wyoming"), 6.0),
    ("Snow Sports", ("Vermont", "New Hampshire", "Maine"), 6.0),
    ("Snow Sports", ("Minnesota", "Wisconsin", "Michigan", "New York", "Massachusetts", "Washington"), 2.5),
    ("Snow Sports", ("Florida", "Texas", "Louisiana", "Hawaii", "Georgia", "Alabama", "Mississippi"), 0.2),
    ("Swim & Beach", ("Florida", "Hawaii", "California", "South Carolina", "North Carolina"), 3.0),
    ("Swim & Beach", ("North Dakota", "South Dakota", "Montana", "Wyoming", "Alaska"), 0.4),
    ("Camping & Hiking", ("Mountain", "Oregon", "Washington", "Alaska", "Vermont"), 1.9),
    ("Cycling", ("Washington", "Oregon", "Idaho"), 2.4),
    ("Cycling", ("Colorado", "Minnesota", "Vermont"), 1.4),
    ("Coffee & Tea", ("Washington", "Oregon"), 1.7),
    ("Garden & Patio", ("East South Central", "South Atlantic"), 1.2),
    ("Tools & Hardware", ("West North Central", "Texas", "Oklahoma", "Michigan"), 1.3),
    ("Grocery & Snacks", ("Louisiana", "Mississippi", "Texas"), 1.3),
    ("Computers & Tablets", ("California", "Washington", "Massachusetts"), 1.3),
    ("Bags & Luggage", ("New York", "District of Columbia", "Illinois"), 1.5),
    ("Pet Supplies", ("Mountain", "Maine", "Vermont"), 1.3),
    ("Beauty & Skin Care", ("California", "New York", "Florida"), 1.25),
)


def states_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the states of a list that holds states and census divisions."""
    found: list[str] = []
    for name in names:
        members = DIVISIONS.get(name)
        found += [name] if members is None else members.split(", ")
    return tuple(found)
