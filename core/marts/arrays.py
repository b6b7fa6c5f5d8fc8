"""What every assembly of arrays does: take shoppers by ranges of their key, append to files on disk."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np


def key_ranges(cursor: duckdb.DuckDBPyConnection, parts: list[Path], rows_in_memory: int) -> list[int]:
    """Bounds of shopper keys that hold about `rows_in_memory` rows each.

    Keys are hashes, so equal ranges hold equal shares of the rows.
    """
    rows = cursor.execute("SELECT count(*) FROM read_parquet(?)", [[str(p) for p in parts]]).fetchall()[0][0]
    pieces = max(1, -(-rows // rows_in_memory))
    return [round(-(2**63) + i * 2**64 / pieces) for i in range(pieces)] + [2**63]


class Appender:
    """Grows one .npy file; its header, of fixed size, is written when the length is known."""

    def __init__(self, path: Path, dtype: np.dtype) -> None:
        self.dtype, self.length = dtype, 0
        self._file = path.open("wb")
        self._write_header()

    def _write_header(self) -> None:
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.length,)}
        text = repr(header).encode("latin1").ljust(117) + b"\n"
        self._file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text)

    def append(self, values: np.ndarray) -> None:
        """Add values to the end; they are cast to the file's type."""
        self._file.write(np.ascontiguousarray(values, self.dtype).tobytes())
        self.length += values.size

    def close(self) -> None:
        """Write the header that says how long the file is."""
        self._file.seek(0)
        self._write_header()
        self._file.close()
