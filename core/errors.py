"""Failures a person can read: what was wrong, where, and what to do."""

from __future__ import annotations


class CartscapeError(Exception):
    """Nothing usable came of the request. The message is one plain sentence; exit code 1."""

    exit_code = 1


class WrongCall(CartscapeError):  # noqa: N818
    """The request itself was wrong: an unknown key, a bad value, a missing file. Exit code 2."""

    exit_code = 2


class StoreBusy(CartscapeError):  # noqa: N818
    """Another process is writing to the store. Exit code 1."""
