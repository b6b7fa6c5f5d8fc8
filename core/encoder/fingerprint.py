"""The fingerprint of a model: 32 hex characters that change with any of its files, wherever they lie."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from core.settings import settings
from core.store.files import digest, write_durably

#: Raised when vectors of the same model come to differ by more than rounding.
_VERSION = 1

_READ = (
    "*.json",
    "*.safetensors",
    "pytorch_model*.bin",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*/config.json",
)
#: Notes on how the model was trained, which no vector depends on.
_UNREAD = ("data_config.json", "trainer_state.json", "tuning.json")

_NOTEBOOK = "models.json"

#: Size in bytes, time of change in nanoseconds, digest of a file.
_Note = tuple[int, int, str]


def fingerprint(folder: Path) -> str:
    """The fingerprint of the model in a folder.

    Digests are remembered in the home folder under the file's path, size and time of change, so that a
    model is read through once.
    """
    notebook = settings().home / "vectors" / _NOTEBOOK
    noted = _noted(notebook)
    known = dict(noted)
    whole = hashlib.sha256(f"vectors {_VERSION}".encode())
    for path in sorted({p for pattern in _READ for p in folder.glob(pattern) if p.name not in _UNREAD}):
        real = path.resolve()
        stat = real.stat()
        note = known.get(str(real))
        if note is None or note[:2] != (stat.st_size, stat.st_mtime_ns):
            note = known[str(real)] = (stat.st_size, stat.st_mtime_ns, digest(real))
        whole.update(f"\n{path.relative_to(folder)} {note[2]}".encode())
    if known != noted:
        # Where the home cannot be written, the model is read through each time.
        with suppress(OSError):
            notebook.parent.mkdir(parents=True, exist_ok=True)
            write_durably(notebook, json.dumps(known).encode())
    return whole.hexdigest()[:32]


def _noted(notebook: Path) -> dict[str, _Note]:
    """The notebook; an empty one where it is absent or was damaged."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        read = json.loads(notebook.read_text())
        return {path: (int(size), int(at), str(seen)) for path, (size, at, seen) in read.items()}
    return {}
