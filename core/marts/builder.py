"""Builds the marts of a store: dictionaries, monthly parts, and the arrays of the cube and the path log.

Only months whose file changed are read again, and a build that was cut short goes on with the months
that it had not reached. Everything is written beside what is in use and taken into use by one atomic
rename of `marts.json`, so a build that dies leaves the last good marts.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError
from core.events import EVENTS, PURCHASE
from core.marts import activity as marts
from core.marts.assemble import assemble
from core.marts.cube import Cube
from core.marts.manifest import VERSION, Begun, MartsManifest
from core.marts.path_arrays import assemble_paths
from core.store import Store

#: Says how far a build is: share done (0–1) and the stage in words.
Advance = Callable[[float, str], None]


def _quiet(done: float, stage: str) -> None:
    """Progress that nobody watches."""


def build(store: Store, advance: Advance = _quiet) -> MartsManifest:
    """Brings the store's marts up to date; returns at once where they are.

    Raises `StoreBusy` while another process writes to the store.
    """
    current = MartsManifest.read(store.marts_dir)
    if current and current.store == store.fingerprint:
        return current
    with store.writing():
        store = store.refresh()
        return _Build(store, current, advance).run()


class _Build:
    def __init__(self, store: Store, current: MartsManifest | None, advance: Advance) -> None:
        self.store, self.current, self.advance = store, current, advance
        self.folder = store.marts_dir
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cursor = store.cursor()
        self.tag = uuid.uuid4().hex[:12]
        self.known = Begun.read(self.folder) or Begun()
        if not self.known.months and current:
            self.known = Begun(months=current.months, dictionaries=current.dictionaries)

    def run(self) -> MartsManifest:
        if not self.store.months:
            raise CartscapeError(
                f"The store {self.store.name} holds no events yet; load a log with "
                f"`python -m core ingest PATH --store {self.store.path}`."
            )
        known, prints = self.known.months, self.store.month_fingerprints
        kept = {m: known[m] for m in prints if m in known and known[m]["of"] == prints[m]}
        changed = [m for m in sorted(prints) if m not in kept]
        dictionaries = self._dictionaries(changed)
        for i, month in enumerate(changed):
            self.advance(0.1 + 0.4 * i / len(changed), f"events of {month}")
            kept[month] = {"of": prints[month]} | self._parts(month)
            Begun(months=kept, dictionaries=dictionaries).write(self.folder)
        manifest = self._arrays(dict(sorted(kept.items())), dictionaries)
        manifest.write(self.folder)
        self._clear(manifest)
        self.advance(1.0, "done")
        return manifest

    def _bind_log(self, months: list[str]) -> None:
        relation = self.cursor.read_parquet([str(self.store.months[m]) for m in months])
        relation.create_view("month_log", replace=True)

    def _sql(self, expression: Any) -> str:
        return str(ibis.to_sql(expression, dialect="duckdb"))

    def _dictionaries(self, changed: list[str]) -> dict[str, str]:
        files = dict(self.known.dictionaries)
        for i, name in enumerate(marts.DICTIONARIES):
            self.advance(0.1 * i / len(marts.DICTIONARIES), name)
            table = pq.read_table(self.folder / files[name]) if name in files else _empty(name)
            if changed:
                self._bind_log(changed)
                self.cursor.register(name, table)
                fresh = self.cursor.sql(
                    self._sql(marts.new_entries(marts.log_table("month_log"), name))
                ).to_arrow_table()
                codes = np.arange(table.num_rows, table.num_rows + fresh.num_rows, dtype=np.int32)
                table = pa.concat_tables(
                    [table, fresh.add_column(0, "code", pa.array(codes)).cast(table.schema)]
                )
                files[name] = f"{name}-{self.tag}.parquet"
                pq.write_table(table, self.folder / files[name])
            self.cursor.register(name, table)
        return files

    def _parts(self, month: str) -> dict[str, str]:
        """Builds one month's marts; their files by mart."""
        self._bind_log([month])
        log = marts.log_table("month_log")
        slots = self.cursor.sql(self._sql(marts.slots(log))).to_arrow_table()
        self.cursor.register("clock", local_clock(slots))
        built = {name: f"{name}-{month}-{self.tag}.parquet" for name in ("steps", "activity", "completeness")}
        self._write(marts.steps(log), built["steps"])
        self.cursor.read_parquet(str(self.folder / built["steps"])).create_view("month_steps", replace=True)
        self._write(marts.activity(marts.steps_table("month_steps")), built["activity"])
        self._write(marts.completeness(log), built["completeness"])
        return built

    def _write(self, expression: Any, file: str) -> None:
        self.cursor.execute(
            f"COPY ({self._sql(expression)}) TO '{self.folder / file}' (FORMAT parquet, COMPRESSION lz4_raw)"
        )

    def _arrays(self, months: dict[str, dict[str, str]], files: dict[str, str]) -> MartsManifest:
        parts = [self.folder / m["activity"] for m in months.values()]
        steps = [self.folder / m["steps"] for m in months.values()]
        first, last, first_second = self.cursor.execute(
            "SELECT min(hour), max(hour), min(second) FROM read_parquet(?)", [[str(p) for p in steps]]
        ).fetchall()[0]
        kinds = pq.read_table(self.folder / files["kinds"], columns=["event"])
        purchases = np.array([e == PURCHASE for e in kinds["event"].to_pylist()], bool)
        first = first // 24 * 24  # begin at a local midnight
        hours = last - first + 1
        cube, paths = f"cube-{self.tag}", f"paths-{self.tag}"
        for folder in (cube, paths):
            (self.folder / folder).mkdir()
        assemble(
            self.cursor, parts, self.folder / cube, purchases, first, hours,
            lambda done: self.advance(0.5 + 0.25 * done, "cube"),
        )  # fmt: skip
        assemble_paths(
            self.cursor, steps, self.folder / paths, kinds.num_rows, first_second, first, hours,
            lambda done: self.advance(0.75 + 0.25 * done, "paths"),
        )  # fmt: skip
        manifest = MartsManifest(
            version=VERSION,
            duckdb=duckdb.__version__,
            store=self.store.fingerprint,
            cube=cube,
            paths=paths,
            first_second=first_second,
            first_hour=first,
            hours=hours,
            months=months,
            dictionaries=files,
        )
        Cube(self.store, manifest).answer_whole(self.folder / cube)
        return manifest

    def _clear(self, manifest: MartsManifest) -> None:
        """Removes what neither this generation nor the one before it uses: readers may lag by one."""
        used = {"marts.json"}
        for generation in filter(None, (manifest, self.current)):
            used |= {generation.cube, generation.paths, *generation.dictionaries.values()}
            used |= {file for month in generation.months.values() for file in month.values()}
        for path in self.folder.iterdir():
            if path.name not in used:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _empty(name: str) -> pa.Table:
    columns = [pa.field("code", pa.int32()), pa.field("key", pa.int64())]
    columns += [pa.field(c, EVENTS.field(c).type) for c in marts.DICTIONARIES[name]]
    return pa.schema(columns).empty_table()


def local_clock(slots: pa.Table) -> pa.Table:
    """Local hours for zones and UTC slots: tick, hour (local hours since 1970).

    `slots` has tz, slot (the number of the quarter of an hour since 1970 in UTC) and their key, tick.
    """
    zones = slots["tz"].to_pylist()
    numbers = slots["slot"].to_numpy()
    found = {name: ZoneInfo(name) for name in set(zones)}
    utc, epoch = ZoneInfo("UTC"), datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    hours = np.empty(len(zones), np.int32)
    for i, (zone, number) in enumerate(zip(zones, numbers, strict=True)):
        moment = epoch + timedelta(seconds=int(number) * marts.SLOT_SECONDS)
        local = moment.astimezone(found[zone]).replace(tzinfo=utc)
        hours[i] = (local - epoch) // timedelta(hours=1)
    return pa.table({"tick": slots["tick"], "hour": hours})
