"""Failures of the machine and of libraries, as the sentence that the last line on standard error is."""

from __future__ import annotations

import duckdb

from core.store.files import is_disk_full

FULL = "The disk is full: {what}. Make room, then run the same call again; what was stored before stays."


def sentence(failure: Exception) -> str:
    """One line of plain words for any exception but `CartscapeError`, which is one."""
    said = _one_line(failure)
    if is_disk_full(failure):
        where = getattr(failure, "filename", None)
        return FULL.format(what=f"{where} could not be written" if where else said.rstrip("."))
    if isinstance(failure, OSError):
        return _of_system(failure)
    if isinstance(failure, MemoryError | duckdb.OutOfMemoryException):
        return (
            "The memory did not suffice. Close other programs, or set CARTSCAPE_MEMORY_LIMIT and "
            "CARTSCAPE_THREADS lower, then run the same call again."
        )
    return (
        f"Something failed that was not foreseen ({type(failure).__name__}: {said.rstrip('.')}). "
        "Run the same call with --debug to see where."
    )


def _of_system(failure: OSError) -> str:
    where = failure.filename if failure.filename is not None else "a file"
    if isinstance(failure, FileNotFoundError):
        return f"{where} does not exist; check the path."
    if isinstance(failure, PermissionError):
        return f"{where} may not be read or written by this user; change its permissions or its place."
    if isinstance(failure, IsADirectoryError | NotADirectoryError | FileExistsError):
        return f"{where} is in the way ({failure.strerror}); choose another path."
    return f"{where} could not be used: {failure.strerror or _one_line(failure)}."


def _one_line(failure: Exception) -> str:
    """The message's first line; DuckDB and Arrow append where in the query they were."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return lines[0] if lines else type(failure).__name__
