"""Hand-made tables of the analyses' schemas."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

FIRST = date(2025, 6, 2)  # a Monday


def changes() -> pa.Table:
    rows = [
        ("Ohio", "Footwear", "mobile", 40_000.0, 62_000.0),
        ("Texas", None, None, 90_000.0, 80_000.0),
        (None, "Tea", None, 30_000.0, 24_000.0),
        (None, None, None, 500_000.0, 501_000.0),
        (None, None, None, 660_000.0, 667_000.0),
    ]
    total = 7_000
    return pa.table(
        {
            "rank": [1, 2, 3, None, None],
            "region": pa.array([r[0] for r in rows], pa.string()),
            "category": pa.array([r[1] for r in rows], pa.string()),
            "device": pa.array([r[2] for r in rows], pa.string()),
            "value": [r[4] for r in rows],
            "previous": [r[3] for r in rows],
            "change": [r[4] - r[3] for r in rows],
            "contribution": [(r[4] - r[3]) / total for r in rows],
            "words": ["Footwear on mobile in Ohio", "Texas", "Tea", "other", "total"],
        }
    )


def hours() -> pa.Table:
    at = [(day, hour) for day in range(1, 8) for hour in range(24) if (day, hour) != (7, 3)]
    return pa.table(
        {
            "weekday": [day for day, _ in at],
            "hour": [hour for _, hour in at],
            "events": [100 * day + hour for day, hour in at],
            "previous_events": [100 * day for day, _ in at],
        }
    )


def days(count: int = 40, groups: tuple[str, ...] = ()) -> pa.Table:
    """A `trend` (or, without groups, a `calendar`) table; day 5 is unusual, day 7 is missing."""
    rows = [
        {
            "day": FIRST + timedelta(days=i),
            "region": group,
            "events": float((10 + i % 7) * (g + 1)),
            "previous_events": float((9 + i % 7) * (g + 1)),
            "expected": 12.0 * (g + 1),
            "low": 9.0 * (g + 1),
            "high": 17.0 * (g + 1),
            "anomaly": i == 5,
        }
        for g, group in enumerate(groups or ("",))
        for i in range(count)
        if i != 7
    ]
    table = pa.Table.from_pylist(rows)
    return table if groups else table.drop_columns(["region"])
