"""A training as it stands, in one file: whole or refused, never half-read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from core.errors import CartscapeError
from core.store.files import room_on_disk, write_durably

_HEAD = b"cartscape tuning 1\n"
_DIGEST = 64


def save(path: Path, state: dict[str, Any]) -> None:
    """Put tensors, numbers and texts into a file, in one step and under a digest."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    with room_on_disk(path.parent):
        write_durably(path, _HEAD + hashlib.sha256(content).hexdigest().encode() + content)


def load(path: Path) -> dict[str, Any] | None:
    """What was saved, None where nothing was. Raises `CartscapeError` where the file is not whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    start = len(_HEAD) + _DIGEST
    said, body = content[len(_HEAD) : start], content[start:]
    if not content.startswith(_HEAD) or hashlib.sha256(body).hexdigest().encode() != said:
        raise CartscapeError(
            f"The checkpoint {path} was cut short or changed, so training cannot go on from it; "
            "delete the file and run the same call again to begin anew."
        )
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state
