"""Collections of garbage that look at what may be garbage, and not at all that a process ever imported.

Python stops all threads while it collects. Over the million objects that the libraries of a server consist of
that takes a third of a second, and Streamlit collects after every run of a page.
"""

from __future__ import annotations

import gc
import sys
import threading

_modules = 0
_guard = threading.Lock()


def settle() -> None:
    """Collect now, and leave what remains out of later collections, until the next time."""
    with _guard:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def settle_imports() -> None:
    """Leave what modules hold out of later collections, where some were imported since the last time. What is
    left out already is not looked at again, so that only the first time takes long.
    """
    global _modules
    with _guard:
        if len(sys.modules) > _modules:
            _modules = len(sys.modules)
            gc.collect()
            gc.freeze()
