"""Fingerprints tell all short paths apart, by length alone too; the leading ones are counted."""

from __future__ import annotations

from collections import Counter
from itertools import product
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.paths import sequences
from core.paths.sequences import Sequences, fingerprints, leading
from core.paths.walk import Walk
from core.scope import Scope
from tests.paths.logs import filled, path_log


def test_every_short_path_has_a_fingerprint_of_its_own() -> None:
    every = [way for length in range(1, 6) for way in product("abcdef", repeat=length)]
    rows = [
        {"shopper": f"{n:05}", "session": "s", "second": second, "event": event}
        for n, way in enumerate(every)
        for second, event in enumerate(way)
    ]
    found = fingerprints(Walk.of(path_log(rows), filled(Scope())))
    assert found.prints.size == np.unique(found.prints).size == len(every)


#: Few of them, many in one slot, and many that come up equally often.
PRINTS = st.lists(
    st.one_of(st.integers(0, 30), st.integers(2**64 - 5, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=200
)


@given(blocks=st.lists(PRINTS, min_size=1, max_size=3), top=st.integers(1, 8), sample=st.integers(1, 50))
def test_the_leading_are_those_of_a_plain_count(blocks: list[list[int]], top: int, sample: int) -> None:
    told = [
        (np.zeros((len(its), 5), np.uint32), np.array(its, np.uint64), np.empty((len(its), 0), np.int8))
        for its in blocks
    ]
    counted = Counter(one for its in blocks for one in its)
    wanted = sorted(counted, key=lambda one: (-counted[one], one))[:top]
    with patch.object(sequences, "_SAMPLE", sample):  # most of the leading are missed by so small a sample
        assert leading(Sequences(told, np.arange(0), 1), top).tolist() == wanted
