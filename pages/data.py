"""Data: what is loaded, can I trust it, and how do I load my own?

Whoever brings a log asks
1. which logs are here, which one do I look at → a table of the logs, a click switches;
2. what is in it, and was anything lost → rows read = stored + duplicate + rejected as numbers, the loads one
   by one, and how many events have a place, a price, a device as bars; gaps in time by name;
3. why were rows rejected → reasons with counts, and the rows themselves to download;
4. how do I load mine → upload, a form that maps its columns to the contract's, a preview of events and
   rejects before anything is stored; and removing a log, with a confirmation.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from core.charts.numbers import compact, exact
from core.charts.page_html import table_csv
from core.charts.quality import completeness_bars, gap_rows
from core.scope import Scope, span_words
from core.store import StoreInfo
from pages.parts import ask, page, state, states, tables, upload
from pages.parts.chart_frame import Export, frame, plot, style

#: Pixels of the table of gaps; beyond, it scrolls.
MOST_GAPS = 200


def main() -> None:
    """Draw the page."""
    if state.state().store is None:
        states.notice("No log here can be read. Load one below, or remove the broken one.")
        _logs(ask.stores())
        upload.form()
        return
    page.toolbar("Data", choose_measure=False)
    left, right = st.columns([3, 2], gap="small")
    with left:
        _logs(ask.stores())
        _this_log()
        _loads()
        _rejects()
    with right:
        _completeness()
        _gaps()
    upload.form()


def _logs(infos: list[StoreInfo]) -> None:
    """The logs of the home folder: which is shown, switch, remove."""
    with st.container(border=True, key="frame_logs"):
        st.markdown("**Logs on this computer**")
        for info in infos:
            shown = info.name == state.state().store
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(_about(info, shown), width="stretch")
                if not shown and not info.error and info.events:
                    st.button(
                        "Show",
                        key=f"show_{info.name}",
                        type="tertiary",
                        on_click=state.set_store,
                        args=(info.name,),
                    )
                if st.button("Remove", key=f"remove_{info.name}", type="tertiary"):
                    _confirm_removal(info)


def _about(info: StoreInfo, shown: bool) -> str:
    mark = ":material/visibility: " if shown else ""
    if info.error:
        return f"**{info.name}** · :orange[{info.error}]"
    span = "empty"
    if info.first_day and info.last_day:
        span = span_words(date.fromisoformat(info.first_day), date.fromisoformat(info.last_day))
    kind = "sample of imaginary shoppers" if info.kind == "sample" else "log"
    return f"{mark}**{info.name}** · {kind} · {compact(info.events)} events · {span}"


@st.dialog("Remove this log?")
def _confirm_removal(info: StoreInfo) -> None:
    st.markdown(
        f"**{info.name}** and everything derived from it will be deleted from this computer. "
        "The files that it was loaded from are not touched. This cannot be undone."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it"):
            st.rerun()
        if st.button("Remove it", type="primary", key="remove_confirmed"):
            ask.remove(info)
            if info.name == state.state().store:
                state.set_store(None)
            st.rerun()


def _this_log() -> None:
    answer = ask.ask("quality", Scope())
    rows = answer.table.to_pylist()
    counts = {row["check"]: row["value"] for row in rows if row["check"] != "rejected"}
    rejected = _sum(answer.table, "rejected")

    def draw() -> None:
        with st.container(horizontal=True, gap="medium", key="numbers"):
            st.metric("Rows read", exact(counts.get("rows_read"), "count"))
            st.metric("= stored as events", exact(counts.get("stored"), "count"))
            st.metric("+ duplicates", exact(counts.get("duplicate"), "count"))
            st.metric("+ rejected", exact(rejected, "count"))

    frame(
        "quality", answer, ask.command("quality", Scope()), draw, Export(), title="What became of every row"
    )


def _sum(table: pa.Table, check: str) -> int:
    return pc.sum(table.filter(pc.equal(table["check"], check))["value"]).as_py() or 0


def _loads() -> None:
    """The loads, one row each."""
    reports = [report.as_dict() for report in ask.store().reports]
    with st.container(border=True, key="frame_loads"):
        st.markdown("**Loads**")
        st.dataframe(
            [
                {
                    "Format": report["format"],
                    "Files": ", ".join(report["files"]),
                    "Read": report["rows_read"],
                    "Stored": report["stored"],
                    "Duplicate": report["duplicate"],
                    "Rejected": sum(report["rejected"].values()),
                    "Events from": report["first_day"],
                    "to": report["last_day"],
                    "Loaded on": report["started"][:10],
                }
                for report in reports
            ],
            hide_index=True,
            key="loads",
            column_config={
                "Files": st.column_config.TextColumn(width="medium"),
                **{
                    name: st.column_config.NumberColumn(format="localized")
                    for name in ("Read", "Stored", "Duplicate", "Rejected")
                },
            },
        )
        # Once each: several loads of one format are read alike.
        if notes := dict.fromkeys(note for report in reports for note in report["notes"]):
            st.caption(" ".join(notes))


def _rejects() -> None:
    """Why rows were rejected, and the rows to download."""
    table = ask.ask("quality", Scope()).table
    reasons = table.filter(pc.equal(table["check"], "rejected")).to_pylist()
    with st.container(border=True, key="frame_rejects"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Rejected rows, by reason**", width="stretch")
            if reasons:
                now = ask.store()
                st.download_button(
                    "Download the rows",
                    data=lambda: table_csv(ask.rejects(now)),
                    file_name=f"cartscape-{now.name}-rejects.csv",
                    mime="text/csv",
                    icon=":material/download:",
                    on_click="ignore",
                    key="rejects_csv",
                )
        if not reasons:
            st.caption("No row was rejected.")
            return
        st.dataframe(
            [{"Reason": r["label"], "Rows": r["value"], "Share of rows read": r["share"]} for r in reasons],
            hide_index=True,
            key="reasons",
            column_config={
                "Rows": st.column_config.NumberColumn(format="localized"),
                "Share of rows read": st.column_config.NumberColumn(format="percent"),
            },
        )


def _completeness() -> None:
    answer = ask.ask("quality", Scope())
    figure = completeness_bars(answer.table, style())

    def draw() -> None:
        plot(figure, "completeness", answer.title, alt="Bars of the share of events that have each column.")

    frame(
        "completeness",
        answer,
        ask.command("quality", Scope()),
        draw,
        Export(figure),
        title="How many events have what",
        hint="A column at 0 % is missing: load the log again with it, or map it in the form below.",
    )


def _gaps() -> None:
    gaps = gap_rows(ask.ask("quality", Scope()).table)
    with st.container(border=True, key="frame_gaps"):
        st.markdown("**Gaps in time**")
        if not gaps.num_rows:
            st.caption("Every day between the first and the last has events.")
            return
        st.dataframe(
            [
                {"Without any event": span_words(gap["first"], gap["last"]), "Days": gap["days"]}
                for gap in gaps.to_pylist()
            ],
            hide_index=True,
            key="gaps",
            height=tables.height_of(gaps.num_rows, MOST_GAPS),
            column_config={"Days": st.column_config.NumberColumn(format="localized", width="small")},
        )
        if gaps.num_rows > 1:
            st.caption(f"{gaps.num_rows} gaps, the longest first.")


main()
