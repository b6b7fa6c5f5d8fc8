"""A load from beginning to end: stage, merge the touched months, commit in one step."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from core.errors import CartscapeError, WrongCall
from core.sources.reader import REJECTS, Chunk, Reader
from core.store import months, side
from core.store.files import is_disk_full, room_on_disk
from core.store.manifest import Manifest, Part
from core.store.place import Locator
from core.store.pseudonyms import Secret
from core.store.report import LoadReport, Meter, Progress
from core.store.sessions import Tail
from core.store.staging import FORMAT, Preparer, Staging
from core.store.views import sweep_spill

#: Chunks are gathered until they hold this many rows.
STAGED_ROWS = 262_144
#: Share of a load's time that goes into reading and staging; the rest sorts the months.
_READING = 0.6
_FORGOTTEN = 7 * 86_400  # seconds after which the staged part of an abandoned load is dropped

SAMPLE = "sample"


@dataclass
class Load:
    """One load into a store; the caller holds the writer's lock."""

    folder: Path
    manifest: Manifest
    reader: Reader
    secret: Secret
    cursor: duckdb.DuckDBPyConnection
    listener: Callable[[Progress], None] | None

    def run(self) -> LoadReport:
        """Load everything and commit it.

        Raises `CartscapeError` when no row was usable; the rejects are kept all the same.
        """
        started = datetime.now(UTC)
        self._meter = Meter(self.listener, time.monotonic)
        self._check_kind()
        self._rows = 0
        with room_on_disk(self.folder), self._staging() as staging:
            self._stage(staging)
            incoming = {n: t for n, t in self.reader.side_tables().items() if t.num_rows}
            if not staging.total("rows_read") and not incoming:
                raise CartscapeError(
                    f"There is no row in {', '.join(self.reader.described.files)}, so nothing was loaded; "
                    "name a file that holds events."
                )
            touched, duplicates = self._merge(staging)
            self._meter.report(1.0, self._rows, "saving")
            report = self._report(staging, duplicates, started)
            manifest = self.manifest.following(
                months={**self.manifest.months, **touched},
                side={**self.manifest.side, **self._side(incoming)},
                rejects=self.manifest.rejects + self._rejects(staging),
                reports=(*self.manifest.reports, report),
                **self._more(),
            )
            manifest.save(self.folder)
        sweep(self.folder, manifest)
        sweep_spill(self.folder)
        shutil.rmtree(staging.folder, ignore_errors=True)
        self._check_usable(report)
        return report

    def _check_usable(self, report: LoadReport) -> None:
        if report.rows_read and report.rows_read == sum(report.rejected.values()):
            reasons = ", ".join(f"{n} × {reason}" for reason, n in report.rejected.items())
            raise CartscapeError(
                f"None of the {report.rows_read} rows could be used ({reasons}), so no event was stored; "
                "check the format, the separator and the mapping. The rows are kept among the rejects."
            )

    def _more(self) -> dict[str, Any]:
        """What else the manifest is to remember."""
        return {}

    def _check_kind(self) -> None:
        """Real shoppers must not get the sample's public key, nor a store two different secrets."""
        if self.manifest.kind == SAMPLE and self.reader.described.format != SAMPLE:
            raise WrongCall(
                f"The store {self.folder.name} holds the sample marketplace, whose pseudonyms anyone "
                "can make; load your own log into a store of its own."
            )
        if self.manifest.secret_check != self.secret.check:
            raise CartscapeError(
                f"The pseudonyms of the store {self.folder.name} were made under another secret; bring "
                "that one back (HOME/secret or CARTSCAPE_SECRET), or load the log into a new store."
            )

    @contextmanager
    def _staging(self) -> Iterator[Staging]:
        """The load's staging folder. It outlives a load that was cut short, but not a full disk."""
        root = self.folder / "staging"
        key = "|".join((str(FORMAT), self.reader.fingerprint(), self.secret.check, self.manifest.default_tz))
        mine = root / hashlib.sha256(key.encode()).hexdigest()[:16]
        if root.exists():
            for other in root.iterdir():
                if other != mine and time.time() - other.stat().st_mtime > _FORGOTTEN:
                    shutil.rmtree(other, ignore_errors=True)
        try:
            yield Staging(mine)
        except (OSError, duckdb.Error) as error:
            if is_disk_full(error):
                shutil.rmtree(mine, ignore_errors=True)
            raise

    def _stage(self, staging: Staging) -> None:
        """Read, prepare and write the source's chunks, each in a thread of its own, in order."""
        self._rows = staging.total("rows_read")
        self._meter.start_at(staging.done * _READING)
        if staging.complete:
            return
        preparer = Preparer(self.secret, Locator(self.manifest.default_tz), self.cursor)

        writing: Future[None] | None = None

        def prepare(chunks: list[Chunk]) -> None:
            nonlocal writing
            ready = preparer.prepare(chunks)
            if writing is not None:
                writing.result()
            writing = writer.submit(staging.add, *ready)

        with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(1) as preparing:
            pending: Future[None] | None = None
            for chunks in _gathered(self.reader.chunks(staging.chunks)):
                if pending is not None:
                    pending.result()
                pending = preparing.submit(prepare, chunks)
                self._rows += sum(c.rows_read for c in chunks)
                self._meter.report(chunks[-1].done * _READING, self._rows, "reading")
            if pending is not None:
                pending.result()
            if writing is not None:
                writing.result()
        staging.finish()

    def _merge(self, staging: Staging) -> tuple[dict[str, Part], int]:
        """New files of the months that change, and the number of duplicates."""
        folder = self.folder / "events"
        rows = staging.months()
        work = sum(rows.values()) + sum(p.rows for m, p in self.manifest.months.items() if m in rows)
        done = 0
        written: dict[str, months.Merged] = {}

        def advance(number: int) -> None:
            nonlocal done
            done += number
            share = min(done / work, 1.0) if work else 1.0
            self._meter.report(_READING + (1 - _READING) * share, self._rows, f"sorting {month}")

        with ThreadPoolExecutor(1) as pool:
            for month in sorted({*rows, *self.manifest.months}):
                before = months.previous_month(month)
                if month not in rows and (
                    before not in written or written[before].tail == self._tail(before)
                ):
                    continue
                tail = written[before].tail if before in written else self._tail(before)
                held = self.manifest.months.get(month)
                existing = self.folder / held.file if held else None
                try:
                    written[month] = months.merge(month, existing, staging.files, tail, folder, pool, advance)
                except (pa.ArrowException, OSError) as error:
                    raise _damaged(existing, error) from error
            parts = {month: merged.part.result() for month, merged in written.items()}
        return parts, sum(merged.duplicates for merged in written.values())

    def _tail(self, month: str) -> Tail:
        """The tail of a month as the store held it before this load."""
        part = self.manifest.months.get(month)
        if part is None:
            return Tail()
        try:
            return months.tail_of(self.folder / part.file, month)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.folder / part.file, error) from error

    def _side(self, incoming: dict[str, pa.Table]) -> dict[str, Part]:
        """New files of the tables beside the log."""
        parts = {}
        preparer = Preparer(self.secret, Locator(self.manifest.default_tz), self.cursor)
        for name, table in sorted(incoming.items()):
            table = side.conform(name, table)
            if "user_id" in table.column_names:
                table = preparer.hide(table)
            held = self.manifest.side.get(name)
            existing = self.folder / held.file if held else None
            parts[name] = side.upsert(name, table, existing, self.folder / "side", self.cursor)
        return parts

    def _rejects(self, staging: Staging) -> tuple[Part, ...]:
        """The rejects of the load as one file, if there are any."""
        tables = list(staging.rejects())
        if not tables:
            return ()
        number = len(self.manifest.reports) + 1
        table = pa.concat_tables(tables).cast(REJECTS)
        return (side.write_part(table, f"load-{number:04d}", self.folder / "rejects"),)

    def _report(self, staging: Staging, duplicates: int, started: datetime) -> LoadReport:
        described = self.reader.described
        notes = list(described.notes)
        for zone, count in sorted(staging.counted("unknown_zones").items()):
            notes.append(
                f"{count} rows named the unknown time zone {zone}; the zone of their place was taken."
            )
        rejected = dict(sorted(staging.counted("rejected").items()))
        read = staging.total("rows_read")
        first, last = staging.days()
        return LoadReport(
            format=described.format,
            files=described.files,
            rows_read=read,
            stored=read - sum(rejected.values()) - duplicates,
            duplicate=duplicates,
            rejected=rejected,
            started=started.isoformat(timespec="seconds"),
            seconds=round(self._meter.seconds, 3),
            first_day=first,
            last_day=last,
            notes=tuple(notes),
        )


def _damaged(file: Path | None, error: Exception) -> Exception:
    """A sentence if the file's content is at fault; the error itself if the system is."""
    if file is None or (isinstance(error, OSError) and error.errno is not None):
        return error
    return CartscapeError(
        f"{file} is damaged, so nothing was stored; restore the store from a backup, "
        "or load its logs into a new one."
    )


def _gathered(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    """Small chunks in lists of about STAGED_ROWS rows."""
    waiting: list[Chunk] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(c.rows_read for c in waiting) >= STAGED_ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove files that neither this generation nor the one before uses."""
    kept = {*manifest.files, *manifest.previous}
    for room in ("events", "side", "rejects"):
        for path in (folder / room).iterdir():
            if f"{room}/{path.name}" not in kept:
                path.unlink(missing_ok=True)
