"""The calls of the API: where each is, what it takes and answers, and what works it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from core.api.opened import Shelf
from core.api.posting import posted
from core.api.recommending import recommended
from core.api.words import EventsAnswer, EventsCall, RecommendAnswer, RecommendCall


@dataclass(frozen=True)
class Call:
    """One kind of call; all are POST."""

    path: str
    summary: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    work: Callable[[Shelf, Any], BaseModel]
    ranks: bool = False  # whether it asks a model, which is in a process of its own


CALLS = (
    Call(
        "/api/v1/recommend",
        "What to show a shopper, a path or nobody in particular, somewhere, at some time.",
        RecommendCall,
        RecommendAnswer,
        recommended,
        ranks=True,
    ),
    Call(
        "/api/v1/events",
        "Append what shoppers did; it counts in recommendations at once.",
        EventsCall,
        EventsAnswer,
        posted,
    ),
)
