"""Compiles the loops behind funnels, paths and retention before anybody asks for them.

The first run on a machine compiles for a minute or two; later ones find it in numba's cache. It happens
beside the pages, once a server, so that no visitor waits for a compiler.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import streamlit as st

from core.analyses import ANALYSES
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


def ask_all(store: Store) -> None:
    """Go on with encoding that ended with its server, and compile each loop that is not in numba's cache by
    asking for what it answers.
    """
    encoding.resume(store)
    whole = Scope(compare="off")
    narrow = replace(whole, events=tuple(open_cube(store).dimensions.values("event")[:1]))
    asked = [*((name, whole, options) for name, options in QUESTIONS), ("overview", narrow, {})]
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
