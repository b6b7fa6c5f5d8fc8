"""A store: one log on disk with everything derived from it, and the connection that reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError, WrongCall
from core.events import SIDE_TABLES
from core.settings import settings
from core.sources.reader import Reader
from core.store import views
from core.store.absorb import absorb
from core.store.columns import SESSION_CUT
from core.store.documents import Documents
from core.store.files import room_on_disk
from core.store.ingest import SAMPLE, Load
from core.store.journal import Journal
from core.store.lock import WriterLock
from core.store.manifest import NAME, Manifest, Part
from core.store.place import known_zones
from core.store.pseudonyms import Secret
from core.store.report import LoadReport, Progress

_ROOMS = ("events", "side", "rejects")
_Stamp = tuple[int, int, int]


class Store:
    """One generation of a store, open for reading; `append` writes the next one.

    Readers in other processes keep the generation that they opened until they call `refresh`; the
    files of the generation before the newest one stay on disk for them.
    """

    def __init__(self, path: Path, manifest: Manifest, stamp: _Stamp) -> None:
        """Use `Store.open` or `Store.create`."""
        self.path = path
        self.name = path.name
        self._lock = WriterLock(path / "lock", self.name)
        self.journal = Journal(path / "journal")
        self._show(manifest, stamp)

    def _show(self, manifest: Manifest, stamp: _Stamp) -> None:
        """Become this generation."""
        for part in (*manifest.months.values(), *manifest.side.values(), *manifest.rejects):
            _check(self.path, part)
        database = views.connect(self.path)
        views.make_views(database, self.path, manifest)
        self._database, self._manifest, self._stamp = database, manifest, stamp

    @classmethod
    def create(
        cls, path: Path, kind: Literal["log", "sample"] = "log", default_tz: str = "UTC", *, seed: int = 0
    ) -> Store:
        """Make an empty store. `default_tz` is the zone of rows without zone and place.

        A sample's pseudonyms are made under a public key that follows from `seed`. Raises `WrongCall`
        when there is something at `path`, or no such zone.
        """
        path = Path(path).absolute()
        if (path / NAME).exists():
            raise WrongCall(f"{path} holds a store already; open it, or name another folder.")
        if path.exists() and (not path.is_dir() or any(p for p in path.rglob("*") if not _left_by_create(p))):
            raise WrongCall(f"{path} holds other files; name a new folder for the store.")
        if default_tz not in known_zones():
            raise WrongCall(f"{default_tz!r} is not a time zone; a zone looks like America/New_York.")
        secret = Secret.of_sample(seed) if kind == SAMPLE else Secret.load()
        with room_on_disk(path):
            for room in _ROOMS:
                (path / room).mkdir(parents=True, exist_ok=True)
            manifest = Manifest(kind=kind, default_tz=default_tz, secret_check=secret.check, seed=seed)
            manifest.following().save(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a store for reading; raises a sentence when it is missing, damaged or too new."""
        path = Path(path).absolute()
        while True:
            manifest, stamp = _read(path)
            try:
                return cls(path, manifest, stamp)
            except CartscapeError:
                if stamp == _stamp(path):  # else writers went on so far that its files are gone
                    raise

    @property
    def kind(self) -> str:
        """Either "log" or "sample"."""
        return self._manifest.kind

    @property
    def fingerprint(self) -> str:
        """Changes at every commit."""
        return f"{self._manifest.generation}-{self._manifest.written}"

    @property
    def default_tz(self) -> str:
        """The zone of rows that have neither a zone nor a place."""
        return self._manifest.default_tz

    @property
    def reports(self) -> tuple[LoadReport, ...]:
        """What each load did, the oldest first."""
        return self._manifest.reports

    @property
    def months(self) -> dict[str, str]:
        """UTC month → absolute path of its Parquet file, sorted by user_id, then ts.

        Beside the contract's columns a file holds `utc_offset` (seconds that local time is ahead of
        UTC) and `session_cut` (the store cut the session, the source gave none).
        """
        return {month: str(self.path / part.file) for month, part in self._manifest.months.items()}

    @property
    def month_fingerprints(self) -> dict[str, str]:
        """UTC month → hash of its file's bytes."""
        return {month: part.digest for month, part in self._manifest.months.items()}

    @property
    def events(self) -> int:
        """Number of stored events."""
        return self._manifest.events

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last local day with an event, ISO 8601; None for an empty store."""
        return self._manifest.days

    @property
    def k(self) -> int:
        """A group of fewer distinct shoppers than this is not shown."""
        return 1 if self.kind == SAMPLE else settings().k_anonymity

    @property
    def marts_dir(self) -> Path:
        """The folder of the tables that are derived from the log."""
        return self.path / "marts"

    @cached_property
    def cuts_every_session(self) -> bool:
        """Whether the log came without sessions, so that the store cut them all."""
        for path in self.months.values():
            found = pq.read_metadata(path)
            place = found.schema.names.index(SESSION_CUT)
            for group in range(found.num_row_groups):
                held = found.row_group(group).column(place).statistics
                if held is None or not held.min:
                    return False
        return bool(self.months)

    @property
    def cohorts(self) -> Documents:
        """The cohorts that were saved with this log."""
        return Documents(self.path / "cohorts", "cohort")

    @property
    def saved_views(self) -> Documents:
        """The views that were saved with this log."""
        return Documents(self.path / "views", "view")

    def refresh(self) -> Store:
        """The store itself, or the newer generation that a writer put in place since."""
        return self if _stamp(self.path) == self._stamp else Store.open(self.path)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own for one call or thread.

        Views: events (the contract's columns), log (and local_ts: local time at the place), rejects
        (and load: the number of the load that rejected it), and the tables beside the log.
        """
        return self._database.cursor()

    def table(self, name: str) -> pa.Table:
        """A table beside the log; empty where the log has none."""
        if name not in SIDE_TABLES:
            raise WrongCall(f"The store keeps no table {name!r}; it keeps {', '.join(SIDE_TABLES)}.")
        part = self._manifest.side.get(name)
        if part is None:
            return SIDE_TABLES[name].empty_table()
        try:
            return pq.read_table(self.path / part.file).cast(SIDE_TABLES[name])
        except (OSError, pa.ArrowException) as error:
            raise _broken(self.path / part.file) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store against other writers; raises `StoreBusy` where there is one."""
        with room_on_disk(self.path), self._lock.held():
            yield

    @property
    def secret(self) -> Secret:
        """The key of the shoppers' pseudonyms."""
        manifest = self._manifest
        return Secret.of_sample(manifest.seed) if manifest.kind == SAMPLE else Secret.load()

    def append(self, reader: Reader, progress: Callable[[Progress], None] | None = None) -> LoadReport:
        """Load a source: all of it, or nothing. What is stored already counts as duplicate.

        A load that was cut short resumes where it stopped when it is started again. This object moves
        on to the generation that was written. Raises `CartscapeError` when there is no usable row or
        the disk is full, and `StoreBusy` while another writer is at work.
        """
        with self.writing():
            self.absorb()
            manifest = Manifest.load(self.path)
            with self._moving_on() as cursor:
                return Load(self.path, manifest, reader, self.secret, cursor, progress).run()

    def absorb(self, progress: Callable[[Progress], None] | None = None) -> LoadReport | None:
        """Take the events of the journal into the months, each once; None where there are none. Every load
        begins with it. Raises as `append` does.
        """
        with self.writing():
            manifest = Manifest.load(self.path)
            with self._moving_on() as cursor:
                return absorb(self.path, manifest, self.journal, self.secret, cursor, progress)

    @contextmanager
    def _moving_on(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for a load, after which this object is of the generation that was written."""
        with self.cursor() as cursor:
            try:
                yield cursor
            finally:
                if _stamp(self.path) != self._stamp:
                    self._show(*_read(self.path))

    @property
    def taken_in(self) -> int:
        """The last segment of the journal that this generation's months hold."""
        return self._manifest.journal

    @property
    def secret_check(self) -> str:
        """Tells whether a secret is the one that the pseudonyms were made under."""
        return self._manifest.secret_check

    def remove(self) -> None:
        """Delete the store and all that was derived from it, for good."""
        with self.writing():
            aside = self.path.with_name(f".removed-{self.name}-{os.getpid()}")
            self.path.replace(aside)
            shutil.rmtree(aside, ignore_errors=True)


def _left_by_create(path: Path) -> bool:
    """Whether a `create` that was cut short may have left this."""
    return path.name in _ROOMS or path.name.startswith(f".{NAME}.")


def _read(path: Path) -> tuple[Manifest, _Stamp]:
    """The manifest and its stamp, both of one generation."""
    while True:
        stamp = _stamp(path)
        manifest = Manifest.load(path)
        if stamp == _stamp(path):
            return manifest, stamp


def _stamp(path: Path) -> _Stamp:
    """Changes whenever another manifest is put in place."""
    try:
        found = (path / NAME).stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size


def _check(path: Path, part: Part) -> None:
    try:
        size = (path / part.file).stat().st_size
    except OSError:
        raise CartscapeError(
            f"The store {path} lacks its file {part.file}; restore it from a backup, "
            "or remove the store and load its logs anew."
        ) from None
    if size != part.size:
        raise _broken(path / part.file)


def _broken(file: Path) -> CartscapeError:
    return CartscapeError(
        f"{file} is damaged; restore it from a backup, or remove the store and load its logs anew."
    )
