"""The models that this server has open. A call never waits for one: it is opened beside, in a thread."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from core.api.failures import Failure, later
from core.errors import CartscapeError
from core.garbage import settle
from core.recommender.live import open_live
from core.recommender.models import Model, open_model
from core.recommender.versions import promoted, versions
from core.store import Store, list_stores
from core.store.posted import Poster

log = logging.getLogger("cartscape")

#: Seconds after which to ask again: while a model is being opened, and where something must be mended.
OPENING, MENDED = 5, 60

_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Opened:
    """A store with its model, both of one moment."""

    store: Store
    model: Model


@dataclass
class _Place:
    """What is known of one store's model."""

    opened: Opened | None = None
    of: _Stamp = ()  # what `opened` or `failed` was found for
    failed: str = ""  # sentence
    lasts: bool = False  # whether that stays so until somebody does something
    thread: threading.Thread | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)


class Shelf:
    """Stores by name with their promoted models."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._places: dict[Path, _Place] = {}
        self._posters: dict[Path, Poster] = {}
        self._guard = threading.Lock()

    def path(self, name: str) -> Path:
        """The folder of a store; "" is the only one. Raises 404, and 422 where there are several."""
        found = {info.name: info for info in list_stores(self._home)}
        if not name:
            if len(found) > 1:
                raise Failure(422, "There are several logs here; say which one with store.")
            if not found:
                raise Failure(404, "There is no log here yet; load one with python -m core ingest.")
            name = next(iter(found))
        if name not in found:
            raise Failure(404, f"There is no log named {name!r} here.")
        if found[name].error:
            raise later(503, str(found[name].error), MENDED)
        return found[name].path

    def model(self, path: Path) -> Opened:
        """The store with its model. Raises 503 while it is opened, 409 where none recommends.

        While a newer one is being opened the one before answers.
        """
        with self._guard:
            place = self._places.setdefault(path, _Place())
        stamp = _stamp(path)
        with place.guard:
            if place.of != stamp and (place.thread is None or not place.thread.is_alive()):
                place.thread = threading.Thread(
                    target=_open, args=(path, place, stamp), name="opening", daemon=True
                )
                place.thread.start()
            opening = place.of != stamp
            if opening and place.opened is None:
                raise later(
                    503,
                    "The model of this log is being opened, which takes some seconds; ask again.",
                    OPENING,
                )
            if place.opened is None:
                raise Failure(409, place.failed) if place.lasts else later(503, place.failed, MENDED)
            return place.opened

    def poster(self, path: Path) -> Poster:
        """What takes events into a store."""
        with self._guard:
            if path not in self._posters:
                self._posters[path] = Poster(path)
            return self._posters[path]

    def warm(self, name: str) -> None:
        """Begin to open the model of a store; what is wrong with it is said when it is asked for."""
        try:
            self.model(self.path(name))
        except Failure as failure:
            log.info("Opening the model of %s: %s", name, failure)


def _open(path: Path, place: _Place, stamp: _Stamp) -> None:
    opened, failed, lasts = None, "", False
    try:
        store = Store.open(path)
        _see_that_one_serves(store)
        model = open_model(store)
        open_live(store, model).lists.make_ready()
        opened = Opened(store, model)
    except CartscapeError as error:
        failed, lasts = str(error), True
    except Exception as error:
        log.warning("Opening the model of %s failed", path, exc_info=True)
        failed = (
            f"The model of this log cannot be opened ({type(error).__name__}); the server's log says why."
        )
    with place.guard:
        place.opened, place.failed, place.lasts, place.of = opened, failed, lasts, stamp
    settle()


def _see_that_one_serves(store: Store) -> None:
    """Raise what to do where the model in use recommends nothing, or there is none."""
    there, number = versions(store), promoted(store)
    serves = "the API serves models that recommend, not those that order lists"
    if not there:
        raise CartscapeError(
            f"There is no model of this log yet; train one with python -m core train ({serves})."
        )
    if any(version.number == number and version.orders_lists for version in there):
        raise CartscapeError(
            f"The model in use, version {number}, orders lists that are shown, and {serves}; train one with "
            "python -m core train --option items=new, and promote it."
        )


def _stamp(path: Path) -> _Stamp:
    """Changes with the store's generation, with what is promoted and with how texts are read."""
    found = []
    for file in (path / "manifest.json", path / "audit" / "changes.jsonl"):
        try:
            stat = file.stat()
            found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
