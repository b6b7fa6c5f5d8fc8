"""What a server does beside its pages: it compiles their loops and goes on with encoding that was cut.

The first run on a machine compiles for a minute or two; later ones find it in numba's cache. It happens once
a server, so that no visitor waits for a compiler.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.analyses import ANALYSES
from core.analyses.cluster_parts import unnamed
from core.errors import CartscapeError
from core.journeys import ahead, encoding
from core.paths import open_cube
from core.scope import Scope
from core.settings import settings
from core.store import Store

log = logging.getLogger("cartscape")

#: A question for each loop, those that pages ask first come first.
QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("funnel", {}), ("drivers", {}), ("paths", {}), ("steps", {}), ("next", {}), ("top-paths", {}),
    ("retention", {}), ("lifecycle", {}), ("stickiness", {}), ("transitions", {}),
    ("paths", {"unit": "session"}), ("funnel", {"by": "device"}), ("funnel", {"order": "strict"}),
    ("pattern", {"pattern": ".->."}), ("unmet", {}),
)  # fmt: skip


@st.cache_resource(show_spinner=False)
def begin(_store: Store) -> None:
    """Start compiling in the background, over the log of a store that has its marts."""
    if settings().warm:
        threading.Thread(target=ask_all, args=(_store,), name="warm", daemon=True).start()


@st.cache_resource(show_spinner=False)
def resume(path: Path) -> None:
    """Go on with the encoding of a store that ended with its server; looked for once a server and store."""
    encoding.resume(Store.open(path))


def ask_all(store: Store) -> None:
    """Compile each loop that is not in numba's cache by asking for what it answers."""
    whole = Scope(compare="off")
    events = tuple(open_cube(store).dimensions.values("event")[:1])
    some = {"name": unnamed({"of": "did", "event": events[0]})} if events else {}
    asked = [
        *((name, whole, options) for name, options in QUESTIONS),
        ("overview", replace(whole, events=events), {}),
        ("cohort", whole, some),
    ]
    for name, scope, options in asked:
        try:
            ANALYSES[name].run(store, scope, **options)
        except CartscapeError:
            continue  # a log that has no answer to this one
        except Exception:
            log.warning("Compiling %s in the background failed", name, exc_info=True)
    try:
        ahead.compile_loops(store)
    except Exception:
        log.warning("Compiling the map of journeys in the background failed", exc_info=True)
