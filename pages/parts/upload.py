"""Loading a log: upload, what was recognised, a mapping form, a preview, and the load itself."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pyarrow as pa
import streamlit as st

from core import marts
from core.charts.numbers import exact
from core.cli.progress import Teller
from core.errors import CartscapeError
from core.events import DERIVED, EVENTS
from core.settings import settings
from core.sources import FORMATS, Described, columns_of, open_source, preview
from core.store import LoadReport, Store
from pages.parts import ask, first_start, state, tables

NEW = "A new log"
OWN_ZONE = "As the format has it"
UNMAPPED = "—"
#: Fields that the form asks for first; the rest is folded away.
USUAL = ("ts", "user_id", "event", "item_id", "category", "price", "quantity", "session_id", "lat", "lon")
#: How the form calls the contract's fields, where their own name would be jargon.
NAMES = {
    "ts": "Time",
    "user_id": "Shopper",
    "item_id": "Item",
    "session_id": "Session",
    "lat": "Latitude",
    "lon": "Longitude",
    "tz": "Time zone",
    "query": "Search text",
    "shown": "Items listed",
}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Wish:
    """How the visitor wants the files to be read, and into which log."""

    paths: tuple[Path, ...]
    format: str
    mapping: tuple[tuple[str, str], ...]
    tz: str | None
    target: str


def form() -> None:
    """The whole form, in a frame of its own."""
    with st.container(border=True, key="frame_upload"):
        st.markdown("**Load a log**")
        _said()
        files = st.file_uploader(
            "CSV, JSON lines or Parquet, gzip too; several files of one log together",
            accept_multiple_files=True,
            key=f"upload_{st.session_state.get('_uploads', 0)}",
        )
        if not files:
            st.caption(
                "A log larger than memory, or a folder, loads faster from the command line: "
                "`python -m core ingest PATH --store " + str(settings().home / "NAME") + "`"
            )
            return
        paths = _on_disk(files)
        try:
            _wish(paths)
        except CartscapeError as error:
            _sentence(error, paths)


def _sentence(error: CartscapeError, paths: tuple[Path, ...]) -> None:
    """The failure, with the files named as the visitor knows them."""
    st.error(str(error).replace(f"{paths[0].parent}/", ""), icon=":material/error:")


def _said() -> None:
    """What the last load gave; said once the page has been drawn anew."""
    for sentence in st.session_state.pop("_load_said", []):
        st.success(sentence, icon=":material/check_circle:")


def _wish(paths: tuple[Path, ...]) -> None:
    target, form_place, zone_place = st.columns(3, gap="small")
    names = [info.name for info in ask.stores() if not info.error and info.kind != "sample"]
    with target:
        chosen = st.selectbox("Into", [NEW, *names], key="upload_into")
        if chosen == NEW:
            chosen = st.text_input("Name of the new log", _free_name(paths), key="upload_name")
    with form_place:
        summaries = {name: f"{name}: {info.summary}" for name, info in FORMATS.items()}
        kind = st.selectbox(
            "Format",
            ["auto", *FORMATS],
            format_func=lambda name: summaries.get(name, "Recognise it by its columns"),
            key="upload_format",
        )
    with zone_place:
        tz = st.selectbox(
            "Zone of times that carry none",
            [OWN_ZONE, *sorted(available_timezones())],
            key="upload_zone",
            help="Times with an offset, and events with a place, keep their own zone.",
        )
    mapping = st.session_state.get(_mapping_key(paths), {})
    wish = Wish(paths, kind, tuple(mapping.items()), None if tz == OWN_ZONE else tz, chosen)
    try:
        described, events, rejects = _preview(wish)
    except CartscapeError as error:
        if kind not in ("auto", "events"):
            raise
        columns = columns_of(paths, connection=_scratch(paths))  # raises where there are no columns at all
        _sentence(error, paths)
        _mapping(paths, columns, dict(mapping), open_now=True)
        return
    _recognised(described, events, rejects)
    if described.format == "events":
        columns = (*described.mapping.values(), *described.unmapped)
        _mapping(paths, columns, described.mapping, open_now=False)
    if st.button("Load", type="primary", icon=":material/upload:", key="upload_load"):
        _load(wish)


def _recognised(described: Described, events: pa.Table, rejects: pa.Table) -> None:
    mapped = ", ".join(f"{field} ← {column}" for field, column in described.mapping.items())
    unused = f" Not used: {', '.join(described.unmapped)}." if described.unmapped else ""
    st.markdown(f"Recognised as **{described.format}**. {mapped + '.' if mapped else ''}{unused}")
    for note in described.notes:
        st.caption(note)
    st.caption(f"The first {events.num_rows} events, as they are read; ids are stored as pseudonyms:")
    there = [name for name in events.column_names if events[name].null_count < events.num_rows]
    st.dataframe(events.select(there), hide_index=True, height=220, key="preview_events", placeholder="–")
    if rejects.num_rows:
        st.caption(f"{rejects.num_rows} of the first rows would be rejected:")
        st.dataframe(
            rejects.select(["line", "reason", "row"]),
            hide_index=True,
            height=tables.height_of(rejects.num_rows, 220),
            key="preview_rejects",
        )


def _mapping(paths: tuple[Path, ...], columns: tuple[str, ...], now: dict[str, str], open_now: bool) -> None:
    """Which column gives which field. Takes effect at once on the preview."""
    fields = [name for name in EVENTS.names if name not in DERIVED]
    ordered = [*USUAL, *(name for name in fields if name not in USUAL)]
    with (
        st.expander("Which column is what", expanded=open_now, icon=":material/rule:"),
        st.form("mapping", border=False),
    ):
        st.caption("Time, shopper and event are needed. Everything else makes more pages answer.")
        chosen: dict[str, Any] = {}
        grid = st.columns(5, gap="small")
        for i, field in enumerate(ordered):
            options = [UNMAPPED, *dict.fromkeys(columns)]
            column = now.get(field, UNMAPPED)
            with grid[i % len(grid)]:
                chosen[field] = st.selectbox(
                    NAMES.get(field, field.capitalize()),
                    options,
                    index=options.index(column) if column in options else 0,
                    key=f"map_{field}",
                    help=f"The field {field} of the event contract",
                )
        if st.form_submit_button("Use this mapping"):
            st.session_state[_mapping_key(paths)] = {f: c for f, c in chosen.items() if c != UNMAPPED}
            st.rerun()


def _load(wish: Wish) -> None:
    """Load the files, build the marts, and show the log."""
    path = settings().home / wish.target
    fresh = not path.exists()
    store = Store.create(path, default_tz=wish.tz or "UTC") if fresh else Store.open(path)
    bar = first_start.Bar("Starting")
    teller = Teller(bar)
    try:
        reader = open_source(wish.paths, wish.format, dict(wish.mapping), wish.tz, connection=store.cursor())
        report = store.append(reader, teller.of_load)
        marts.build(store.refresh(), teller.of_build)
    except CartscapeError:
        if fresh and not store.refresh().reports:
            store.remove()
        raise
    st.session_state["_load_said"] = [_sum_of(report, wish.target)]
    st.session_state["_uploads"] = st.session_state.get("_uploads", 0) + 1
    shutil.rmtree(wish.paths[0].parent, ignore_errors=True)
    state.set_store(wish.target)
    st.rerun()


def _sum_of(report: LoadReport, name: str) -> str:
    rejected = sum(report.rejected.values())
    return (
        f"{name}: {exact(report.rows_read, 'count')} rows read = {exact(report.stored, 'count')} stored + "
        f"{exact(report.duplicate, 'count')} duplicates + {exact(rejected, 'count')} rejected."
    )


@st.cache_data(show_spinner="Looking into the files …", max_entries=8)
def _preview(wish: Wish) -> tuple[Described, pa.Table, pa.Table]:
    return preview(wish.paths, wish.format, dict(wish.mapping), connection=_scratch(wish.paths), tz=wish.tz)


def _scratch(paths: tuple[Path, ...]) -> Any:
    """A connection to look into files with, before there is a log for them."""
    path = paths[0].parent / ".scratch"
    return (Store.open(path) if path.exists() else Store.create(path)).cursor()


def _on_disk(files: list[Any]) -> tuple[Path, ...]:
    """The uploaded files in a folder of the home, written once an upload."""
    token = "-".join(file.file_id for file in files)
    if st.session_state.get("_upload_token") != token:
        old = st.session_state.get("_upload_paths")
        if old:
            shutil.rmtree(old[0].parent, ignore_errors=True)
        settings().home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".upload-", dir=settings().home))
        paths = []
        for file in files:
            paths.append(folder / Path(file.name).name)
            with paths[-1].open("wb") as out:
                shutil.copyfileobj(file, out, _CHUNK)
        st.session_state["_upload_token"] = token
        st.session_state["_upload_paths"] = tuple(paths)
    kept: tuple[Path, ...] = st.session_state["_upload_paths"]
    return kept


def _mapping_key(paths: tuple[Path, ...]) -> str:
    return f"_mapping_{paths[0].parent.name}"


def _free_name(paths: tuple[Path, ...]) -> str:
    """A folder name made of the first file's, not in use yet."""
    stem = re.sub(r"[^\w-]+", "-", paths[0].name.split(".")[0].lower()).strip("-") or "log"
    taken = {info.name for info in ask.stores()}
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if name not in taken)
