"""Stable 64-bit hashes of rows: the same row has the same `event_id` on every machine and in every year.

Every column becomes one 64-bit key a row; the keys are folded in column order with the finaliser of
splitmix64, which is a bijection, so that two rows that differ in one column never share a hash.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Keys = npt.NDArray[np.uint64]

_NULL = np.uint64(0x6E756C6C6E756C6C)
_START = np.uint64(0x9E3779B97F4A7C15)
_SIPHASH_KEY = "cartscape event "  # 16 bytes, as SipHash wants


def row_hashes(columns: list[pa.Array]) -> Keys:
    """One uint64 a row from columns of equal length (text, numbers, times, decimals, lists of text)."""
    hashes = np.full(len(columns[0]), _START)
    for column in columns:
        hashes = _mix(hashes + _keys(column))
    return hashes


def _mix(x: Keys) -> Keys:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), np.uint64)


def _keys(column: pa.Array) -> Keys:
    if pa.types.is_dictionary(column.type):
        if len(column.dictionary) == 0:
            return np.full(len(column), _NULL)
        values = _text_keys(column.dictionary)
        keys = values[column.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    elif pa.types.is_string(column.type):
        return _keys(column.dictionary_encode())
    elif pa.types.is_list(column.type):
        keys = _list_keys(column)
    elif pa.types.is_decimal(column.type):
        words = np.frombuffer(column.buffers()[1], "<u8")[2 * column.offset :][: 2 * len(column)]
        keys = words[0::2]  # 18 digits fit into the lower 64 bits
    elif pa.types.is_floating(column.type):
        numbers = column.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
        keys = numbers.view(np.uint64)
    else:
        keys = column.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        keys = np.where(missing, _NULL, keys)
    return keys


def _text_keys(texts: pa.Array) -> Keys:
    values = texts.to_numpy(zero_copy_only=False)
    return np.asarray(
        pd.util.hash_array(values, encoding="utf8", hash_key=_SIPHASH_KEY, categorize=False), np.uint64
    )


def _list_keys(column: pa.Array) -> Keys:
    """The wrapped sum of element keys mixed with their positions, mixed with the length."""
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = column.flatten()  # leaves out what hides behind a null list
    ends = np.cumsum(lengths)
    positions = np.arange(len(elements)) - np.repeat(ends - lengths, lengths)
    if len(elements):
        terms = _mix(_keys(elements) + _mix(positions.astype(np.uint64) + _START))
        running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
    else:
        running = np.zeros(1, np.uint64)
    return _mix(running[ends] - running[ends - lengths] + lengths.astype(np.uint64))
