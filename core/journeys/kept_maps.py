"""Maps of journeys that were made before: kept on disk with their store, made anew where the log moved on."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.encoder import Vectors, open_vectors
from core.errors import CartscapeError
from core.jobs import Told
from core.journeys.describe import Described
from core.journeys.gathered import shoppers_of
from core.journeys.journey_map import Fit, JourneyMap, make_map
from core.journeys.options import MapOptions
from core.journeys.quality import Quality
from core.journeys.texts import LogTexts, log_texts
from core.paths import PathLog, open_cube, open_paths
from core.scope import OFF, Scope
from core.store import Store
from core.store.files import room_on_disk, write_durably

#: Raise it when the meaning of a kept map changes.
VERSION = 4
#: Maps kept with a store; those that were opened longest ago go.
MOST_KEPT = 40
#: Maps kept in memory.
MOST_OPEN = 8

_T = TypeVar("_T")
_ARRAYS = ("keys", "placed", "labels", "fitted", "centres", "stability", "central", "buyers", "others")
_NUMBERS = (
    "spread", "too_short", "too_short_shoppers", "wordless", "wordless_shoppers", "worded_shoppers",
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A map, and the log that it is of."""

    map: JourneyMap
    store: Store
    paths: PathLog
    scope: Scope  # with its dates, nothing compared
    options: MapOptions
    digest: str  # names the map: the same question to the same data has the same


def _silent(_done: float, _stage: str) -> None:
    """Where nobody waits."""


#: Who is told how far a map is that must be made first: a page, or the command line.
TELLING: ContextVar[Told] = ContextVar("telling", default=_silent)

#: A store's folder and the digest of a question to it: a copy of a log has the digests of its original.
_Key = tuple[str, str]

_open: dict[_Key, Opened] = {}
_texts: dict[_Key, LogTexts] = {}
_fits: dict[_Key, Fit] = {}
_guard = threading.Lock()
#: One map at a time: each takes all cores.
_making = threading.Lock()


def texts_of(store: Store) -> LogTexts:
    """The texts of a store's log, kept in memory."""
    paths = open_paths(store)
    key = (str(store.path), store.fingerprint)
    with _guard:
        if key not in _texts:
            while len(_texts) >= MOST_OPEN:
                _texts.pop(next(iter(_texts)))
            _texts[key] = log_texts(store, paths)
        return _texts[key]


def filled(store: Store, scope: Scope) -> Scope:
    """The scope with its dates, and nothing compared."""
    return replace(open_cube(store).fill(scope), compare=OFF)


def digest_of(store: Store, scope: Scope, options: MapOptions, vectors: Vectors) -> str:
    """Names the map of a question to a log as it is now."""
    asked = [
        VERSION, store.fingerprint, vectors.encoder.card.fingerprint, filled(store, scope).words(),
        store.cohorts.state if scope.cohorts else (), sorted(asdict(options).items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:24]


def names_clusters(store: Store, scope: Scope, options: MapOptions) -> str:
    """As `digest_of`, but the same for all pictures of the same clusters: their numbers mean the same."""
    return digest_of(store, scope, replace(options, dims=MapOptions().dims), open_vectors())


def is_kept(store: Store, scope: Scope, options: MapOptions) -> bool:
    """Whether the map was made before, so that opening it takes a moment."""
    digest = digest_of(store, scope, options, open_vectors())
    return (str(store.path), digest) in _open or _file(store, digest).exists()


def open_map(store: Store, scope: Scope, options: MapOptions) -> Opened:
    """The map of a scope: from memory, from disk, or made now, which tells TELLING.

    Raises as `make_map`, and a sentence where the paths are of fewer shoppers than may be told of.
    """
    vectors = open_vectors()
    digest = digest_of(store, scope, options, vectors)
    key = (str(store.path), digest)
    with _guard:
        found = _open.get(key)
    if found is not None:
        return found
    with _making:
        found = _open.get(key)
        if found is None:
            asked = filled(store, scope)
            made = _read(_file(store, digest))
            if made is None:
                made, fit = make_map(
                    open_paths(store),
                    asked,
                    options,
                    texts_of(store),
                    vectors,
                    str(store.path),
                    TELLING.get(),
                )
                _keep(_fits, key, fit)
                _write(store, digest, made)
            found = Opened(made, store, open_paths(store), asked, options, digest)
            if np.unique(shoppers_of(found.paths, options.unit, made.keys)).size < found.paths.k:
                raise CartscapeError(
                    f"A map of journeys needs paths of {found.paths.k} shoppers, and in this scope there are "
                    "fewer; widen the scope, or choose a larger cohort."
                )
            _keep(_open, key, found)
        return found


def fit_of(opened: Opened) -> Fit:
    """What places further paths on an opened map; fitted again, to the same, where it is not in memory."""
    key = (str(opened.store.path), opened.digest)
    with _making:
        if key not in _fits:
            _, fit = make_map(
                opened.paths, opened.scope, opened.options, texts_of(opened.store), open_vectors(),
                str(opened.store.path),
            )  # fmt: skip
            _keep(_fits, key, fit)
        return _fits[key]


def _keep(held: dict[_Key, _T], key: _Key, value: _T) -> None:
    with _guard:
        while len(held) >= MOST_OPEN:
            held.pop(next(iter(held)))
        held[key] = value


def _file(store: Store, digest: str) -> Path:
    return store.path / "journeys" / f"{digest}.npz"


def _write(store: Store, digest: str, made: JourneyMap) -> None:
    folder = store.path / "journeys"
    buffer = io.BytesIO()
    words = {
        **{name: getattr(made, name) for name in _NUMBERS},
        "described": [asdict(one) for one in made.described],
        "quality": {k: v for k, v in asdict(made.quality).items() if k != "of_cluster"},
    }  # fmt: skip
    np.savez(
        buffer, words=np.array(json.dumps(words)), of_cluster=made.quality.of_cluster,
        **{name: getattr(made, name) for name in _ARRAYS},
    )  # fmt: skip
    with room_on_disk(folder):
        folder.mkdir(exist_ok=True)
        write_durably(_file(store, digest), buffer.getvalue())
        kept = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime)
        for file in kept[:-MOST_KEPT]:
            file.unlink(missing_ok=True)


def _read(file: Path) -> JourneyMap | None:
    """A kept map; None where there is none, or where its file is damaged and the map must be made anew."""
    try:
        with np.load(file) as arrays:
            words = json.loads(str(arrays["words"]))
            quality = Quality(of_cluster=arrays["of_cluster"], **words["quality"])
            described = tuple(
                Described(**{**one, "words": tuple(one["words"])}) for one in words["described"]
            )
            found = JourneyMap(
                **{name: arrays[name] for name in _ARRAYS}, described=described, quality=quality,
                **{name: words[name] for name in _NUMBERS},
            )  # fmt: skip
        file.touch()
        return found
    except FileNotFoundError:
        return None
    except Exception:  # a damaged archive raises whatever its reader stumbles on
        file.unlink(missing_ok=True)
        return None
