"""Measures Cartscape on a generated log, beside peers in the same run; prints Markdown.

`python -m tests.bench [SECTION …] [--events N] [--cache DIR] [--again]`. A section that has a result in
the cache is printed from there, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from core.store import Store
from tests.bench.workplace import ROOT, Workplace, core, machine, percentile, run, table

RUNS = 7
PEER_RUNS = 3
PAINTS = 5
#: Events of the sample on which pages are painted: what `make run` shows.
PAINTED = 1_000_000


def make(place: Workplace) -> dict[str, Any]:
    """Generate the sample and store it, marts included."""
    shutil.rmtree(place.store, ignore_errors=True)
    done = core("sample", "--store", place.store, "--events", place.events)
    size = sum(file.stat().st_size for file in place.store.rglob("*") if file.is_file())
    return {
        "seconds": done.seconds,
        "peak_mb": done.peak_mb,
        "mb": size / 2**20,
        "load": json.loads(done.output),
    }


def load(place: Workplace) -> dict[str, Any]:
    """Load the same log from one Parquet file, as another system would hand it over."""
    if not place.log_file.exists():
        _export(Store.open(place.store), place.log_file)
    target = place.home / "loaded"
    shutil.rmtree(target, ignore_errors=True)
    done = core("ingest", place.log_file, "--store", target)
    shutil.rmtree(target)
    return {
        "seconds": done.seconds,
        "peak_mb": done.peak_mb,
        "mb": place.log_file.stat().st_size / 2**20,
        "load": json.loads(done.output),
    }


def _export(store: Store, to: Path) -> None:
    part = to.with_suffix(".part")
    duckdb.connect().execute(
        f"""COPY (
            SELECT ts AS timestamp, tz, user_id AS visitorid, session_id, event, item_id AS itemid, category,
                query, price, quantity, currency, lat, lon, region, city, device, channel
            FROM read_parquet(?)
        ) TO '{str(part).replace("'", "''")}' (FORMAT parquet)""",
        [list(store.months.values())],
    )
    part.rename(to)


def marts(place: Workplace) -> dict[str, Any]:
    """Build every mart anew from the stored log."""
    folder = Store.open(place.store).marts_dir
    shutil.rmtree(folder)
    done = core("build", "--store", place.store)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"seconds": done.seconds, "peak_mb": done.peak_mb, "mb": size / 2**20}


def queries(place: Workplace) -> dict[str, Any]:
    """Time every analysis behind the pages over every scope."""
    done = run(sys.executable, "-m", "tests.bench.queries", place.store, RUNS)
    return {**json.loads(done.output), "peak_mb": done.peak_mb}


def peers(place: Workplace) -> dict[str, Any]:
    """Ask the raw log the same questions."""
    python = place.cache / "peers" / "bin" / "python"
    if not python.exists():
        venv.create(place.cache / "peers", with_pip=True, clear=True)
        run(python, "-m", "pip", "install", "-qq", "-r", ROOT / "tests" / "bench" / "requirements.txt")
    done = run(sys.executable, "-m", "tests.bench.peers", place.store, PEER_RUNS, python)
    found: dict[str, Any] = json.loads(done.output)
    return found


def paint(place: Workplace) -> dict[str, Any]:
    """Open each page in Chromium on the sample as `make run` makes it."""
    home = place.cache / "home"
    if not (home / "sample").exists():
        core("sample", "--store", home / "sample", "--events", PAINTED)
    chromium = os.environ.get("CARTSCAPE_CHROMIUM") or shutil.which("chromium") or "chromium"
    done = run(sys.executable, "-m", "tests.bench.paint", home, PAINTS, chromium)
    found: dict[str, Any] = json.loads(done.output)
    return found


SECTIONS: dict[str, Callable[[Workplace], dict[str, Any]]] = {
    section.__name__: section for section in (make, load, marts, queries, peers, paint)
}


def report(found: dict[str, dict[str, Any]], events: int) -> str:
    """The results as Markdown."""
    parts = [f"Machine: {machine()}.", f"Log: the sample marketplace with {events:,} events asked for."]
    if heavy := [name for name in ("make", "load", "marts") if name in found]:
        says = {
            "make": "generate, store, build marts",
            "load": "load from one Parquet file, build marts",
            "marts": "build all marts",
        }
        rows = [
            [says[n], f"{found[n]['seconds']:.1f}", f"{found[n]['peak_mb']:,.0f}", f"{found[n]['mb']:,.0f}"]
            for n in heavy
        ]
        parts.append(table(["work", "seconds", "peak MiB", "MiB on disk"], rows))
    if "queries" in found:
        parts.append(_queries(found["queries"]))
    if "peers" in found:
        parts.append(_peers(found["peers"]))
    if "paint" in found:
        rows = [
            [page, *(_median(times, k) for k in ("contentful", "chart", "settled"))]
            for page, times in found["paint"].items()
        ]
        parts.append(
            f"Pages on the sample of {PAINTED:,} events, warm, median of {PAINTS}, milliseconds:\n\n"
            + table(["page", "first contentful paint", "first number or chart", "at rest"], rows)
        )
    return "\n\n".join(parts)


def _queries(found: dict[str, Any]) -> str:
    rows = []
    for name, by_scope in found["times"].items():
        times = [second for seconds in by_scope.values() for second in seconds]
        slowest = max(by_scope, key=lambda scope: percentile(by_scope[scope], 0.5))
        rows.append(
            [
                name,
                f"{percentile(times, 0.5) * 1000:.1f}",
                f"{percentile(times, 0.95) * 1000:.1f}",
                f"{slowest} ({percentile(by_scope[slowest], 0.5) * 1000:.1f})",
            ]
        )
    count = max(len(by_scope) for by_scope in found["times"].values())
    return (
        f"Analyses behind the pages, {count} scopes × {RUNS} runs each, milliseconds (the first question of "
        f"a process, which opens the marts: {found['first']:.2f} s; peak {found['peak_mb']:,.0f} MiB):\n\n"
        + table(["analysis", "p50", "p95", "slowest scope (its p50)"], rows)
    )


def _peers(found: dict[str, Any]) -> str:
    rows = [
        [
            row["question"],
            row["scope"],
            f"{row['groups']:,}",
            *(f"{row[peer] * 1000:,.0f}" for peer in ("cartscape", "duckdb", "chdb")),
            "equal" if row["agree"] else "**differ**",
        ]
        for row in found["rows"]
    ]
    head = ["question", "scope", "groups", "Cartscape", "DuckDB", "chdb", "numbers"]
    return (
        f"The same questions asked of the raw log (median of {PEER_RUNS}, milliseconds; "
        f"{found['versions']}):\n\n" + table(head, rows)
    )


def _median(times: list[dict[str, float]], key: str) -> str:
    return f"{percentile([t[key] for t in times], 0.5):.0f}"


def main() -> None:
    """Run or recall the sections asked for and print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"all of {', '.join(SECTIONS)}")
    parser.add_argument("--events", type=int, default=int(os.environ.get("EVENTS", "50_000_000")))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "cartscape-bench")
    parser.add_argument("--again", action="store_true", help="run sections that have a result already")
    call = parser.parse_args()
    if unknown := set(call.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    place = Workplace(call.cache, call.events)
    found = {}
    for name in call.sections or SECTIONS:
        kept = None if call.again else place.result(name)
        if kept is None:
            print(f"{name} …", file=sys.stderr)
        found[name] = kept or place.keep(name, SECTIONS[name](place))
    print(report(found, call.events))


if __name__ == "__main__":
    main()
