"""Compile the loops behind funnels, paths and retention before the tests: `python -m tests.loops`.

Every worker that meets a loop first would compile it for itself; here each is compiled once, beside the
linters, and numba's cache gives it to all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from core import marts
from core.settings import settings
from core.store import Store
from data.sample import sample_reader
from pages.parts import warm

#: Events of the log that the questions are asked of; what it says does not matter.
EVENTS = 5_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CARTSCAPE_HOME"] = folder
        settings.cache_clear()
        store = Store.create(Path(folder) / "sample", kind="sample")
        store.append(sample_reader(events=EVENTS))
        marts.build(store.refresh())
        warm.ask_all(Store.open(store.path))


if __name__ == "__main__":
    main()
