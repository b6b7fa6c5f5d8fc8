"""What parity of exposure costs, as a curve; and groups with their exposure and quality, as rows."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import share_axis, written

#: What groups are of, as a narrow column says it.
BY = {
    "items": "Items",
    "everybody": "Everybody",
    "history": "History",
    "region": "Region",
    "hour": "Hour",
    "device": "Device",
}


def parity_curve(table: pa.Table, style: Look) -> go.Figure:
    """The `fairness-curve` table: exposure of the small, across, against the change of ndcg@10.

    The band is the 95 % interval of the change on the test; the dotted line is of the days that chose the
    step, which is marked; the dashed one is parity.
    """
    rows = [row for row in table.to_pylist() if row["lost"] is not None]
    across = [row["exposure"] for row in rows]
    figure = go.Figure()
    bounds = {name: [-row[f"lost_{name}"] for row in rows] for name in ("low", "high")}
    figure.add_scatter(
        x=[*across, *reversed(across)], y=[*bounds["low"], *reversed(bounds["high"])], fill="toself",
        fillcolor=style.band, line={"width": 0}, hoverinfo="skip", name="95 % interval", mode="lines",
    )  # fmt: skip
    figure.add_scatter(
        x=[row["past_exposure"] for row in rows], y=[-row["past_lost"] for row in rows], mode="lines",
        line={"color": style.muted, "width": 1.5, "dash": "dot"}, name="days that chose", hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=across, y=[-row["lost"] for row in rows], mode="lines+markers", name="last days",
        line={"color": style.accent, "width": 2}, hovertext=[_told(row) for row in rows],
        marker={
            "size": [12 if row["chosen"] else 7 for row in rows],
            "color": [style.flag if row["chosen"] else style.accent for row in rows],
        },
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    target = rows[0]["target"] if rows else 0.0
    dressed(figure, style, height=300)
    figure.add_vline(x=target, line={"color": style.muted, "dash": "dash", "width": 1})
    figure.add_annotation(
        x=target, y=1, yref="paper", text="parity", showarrow=False, xanchor="left", xshift=4,
        font={"size": 12, "color": style.muted},
    )  # fmt: skip
    wide = [*across, *(row["past_exposure"] for row in rows), target]
    deep = [*bounds["low"], *bounds["high"], *(-row["past_lost"] for row in rows), 0.0]
    figure.update_xaxes(title="exposure of the small", **share_axis(min(wide), max(wide)))
    figure.update_yaxes(title="ndcg@10, change", **share_axis(min(deep), max(deep), sign=True))
    figure.update_layout(margin_t=34)
    return figure


def _told(row: dict[str, Any]) -> str:
    chosen = ", chosen" if row["chosen"] else ""
    return (
        f"<b>Step {row['step']}{chosen}</b><br>exposure {written(row['exposure'], 'share')} "
        f"({written(row['exposure_low'], 'share')} – {written(row['exposure_high'], 'share')})<br>"
        f"ndcg@10 {row['ndcg@10']:.4f} ({row['ndcg@10_low']:.4f} – {row['ndcg@10_high']:.4f})<br>"
        f"given up {written(row['lost'], 'share')} "
        f"({written(row['lost_low'], 'share')} – {written(row['lost_high'], 'share')})"
    )


def group_rows(table: pa.Table) -> pa.Table:
    """The `fairness` table for a screen: shares in per cent, intervals written out."""
    return pa.Table.from_pylist(
        [
            {
                "by": row["by"].capitalize(), "group": row["group"], "shoppers": row["shoppers"],
                "takes": _per_cent(row["takes"]), "exposure": _per_cent(row["exposure"]),
                "ratio": row["ratio"], "ndcg": row["ndcg@10"], "gap": _interval(row),
            }
            for row in table.to_pylist()
        ],
        pa.schema(
            [("by", pa.string()), ("group", pa.string()), ("shoppers", pa.int64())]
            + [(name, pa.float64()) for name in ("takes", "exposure", "ratio", "ndcg")]
            + [("gap", pa.string())]
        ),
    )  # fmt: skip


def _per_cent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _interval(row: dict[str, Any]) -> str | None:
    if row["gap"] is None:
        return None
    return f"{row['gap']:+.3f} ({row['gap_low']:+.3f} … {row['gap_high']:+.3f})".replace("-", "−")


def summary(table: pa.Table) -> str:
    """The `fairness-curve` table in a sentence: what the chosen step gave on the last days."""
    rows = table.to_pylist()
    row = next(row for row in rows if row["chosen"])
    if row["lost"] is None:
        return "No item was found for anybody, so that nothing can be given up."
    shares = [written(one["exposure"], "share") for one in (rows[0], row)]
    return (
        f"On the last days the chosen step takes the small from {shares[0]} to {shares[1]} of exposure "
        f"(parity is {written(row['target'], 'share')}) and gives up {written(row['lost'], 'share')} of "
        f"ndcg@10 ({written(row['lost_low'], 'share')} to {written(row['lost_high'], 'share')}); "
        f"on the days that chose it, {written(row['past_lost'], 'share')}."
    )
