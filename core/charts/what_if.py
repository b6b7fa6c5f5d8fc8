"""Two lists of recommendations beside each other, and what adds to one item's score."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import short

ROW = 34
#: More rows than these are lower.
MANY, LOW_ROW = 12, 24
#: Letters of a title beside the picture.
LETTERS = 56
#: Letters of an id beside a category.
ID_LETTERS = 9
#: What adds less to a score than is written of it has no bar.
LEAST = 0.005


def moves(
    rows: list[dict[str, Any]], n: int, style: Look, names: tuple[str, str] = ("A", "B")
) -> go.Figure:  # fmt: skip
    """Items of list A at the left and of B at the right, a line from place to place: those that rise, fall,
    and stay told apart by colour and by an arrow with the places gained. `rows` are those of `what_if`; what
    is `taken` is set apart.
    """
    figure = go.Figure()
    for row in rows:
        a, b = row["place_a"], row["place_b"]
        inside = [place is not None and place <= n for place in (a, b)]
        at = [place if ok else n + 1 for place, ok in zip((a, b), inside, strict=True)]
        colour, width = _colour(row["moved"], inside, style), 4 if row.get("taken") else 2
        figure.add_scatter(
            x=[0, 1], y=at, mode="lines+markers", showlegend=False, hovertemplate="%{text}<extra></extra>",
            line={"color": colour, "width": width}, marker={"size": 8, "color": colour},
            text=[_told(row)] * 2,
        )  # fmt: skip
        for x, place, ok, anchor in ((0, a, inside[0], "right"), (1, b, inside[1], "left")):
            if ok:
                figure.add_annotation(
                    x=x, y=place, text=_beside(row, place, x == 1, style.muted), xanchor=anchor,
                    xshift=8 if x else -8,
                    showarrow=False, font={"size": 12, "color": style.ink},
                )  # fmt: skip
    dressed(figure, style, height=(ROW if n <= MANY else LOW_ROW) * n + 60)
    figure.update_xaxes(range=[-1.6, 2.6], visible=False, fixedrange=True)
    figure.update_yaxes(range=[n + 1.4, 0.2], visible=False, fixedrange=True)
    for x, name in enumerate(names):
        figure.add_annotation(
            x=x, y=0.35, text=f"<b>{name}</b>", showarrow=False, font={"size": 13, "color": style.ink}
        )
    figure.update_layout(dragmode=False)
    return figure


def _colour(moved: int | None, inside: list[bool], style: Look) -> str:
    if not all(inside):
        return style.muted if not inside[1] else style.up
    if not moved:
        return style.muted
    return style.up if moved > 0 else style.down


def _beside(row: dict[str, Any], place: int, is_b: bool, muted: str) -> str:
    title = short(called(row), LETTERS)
    if row.get("taken"):
        title = f"<b>{title}, taken</b>"
    if rule := row.get("rule_b" if is_b else "rule_a"):
        title += f" <i>{escape(rule.partition(' by ')[0])}</i>"
    if not is_b:
        chance = "" if row["chance_a"] is None else _percent(row["chance_a"])
        return f"<span style='color:{muted}'>{chance}</span>  {title}  <b>{place}</b>"
    moved = row["moved"]
    sign = "" if not moved else f" ▲{moved}" if moved > 0 else f" ▼{-moved}"
    return f"<b>{place}</b>{sign}  {title}  <span style='color:{muted}'>{_percent(row['chance_b'])}</span>"


def _percent(chance: float) -> str:
    share = 100 * chance
    return f"{share:.2f} %" if share >= 0.1 else f"{share:.2g} %"


def called(row: dict[str, Any]) -> str:
    """What an item is called: one without a title by its category and the start of its id."""
    if row["title"] != row.get("item_id") or not row.get("category"):
        return str(row["title"])
    return f"{row['category']}, {short(str(row['item_id']), ID_LETTERS)}"


def _told(row: dict[str, Any]) -> str:
    lines = [f"<b>{called(row)}</b>"]
    for name in ("a", "b"):
        chance, reason = row[f"chance_{name}"], row[f"reason_{name}"]
        if chance is not None:
            lines.append(f"{name.upper()}: {_percent(chance)}, {reason}")
        if rule := row.get(f"rule_{name}"):
            lines.append(f"{name.upper()}: {escape(rule)}")
    if row["because"]:
        lines.append(f"what changed most: {row['because']}")
    return "<br>".join(lines)


def shares(row: dict[str, Any], names: dict[str, str], prefix: str, style: Look) -> go.Figure:
    """Bars of what each group adds to a score (or to its change): `row` has a column prefix + group."""
    worth = {words: row.get(prefix + name.replace(" ", "_")) or 0.0 for name, words in names.items()}
    kept = sorted(((w, v) for w, v in worth.items() if abs(v) >= LEAST), key=lambda pair: -abs(pair[1]))
    return _bars([words for words, _ in kept], [value for _, value in kept], 2, style)


def changes(row: dict[str, Any]) -> bool:
    """Whether B changes anything in an item's score that can be seen: a row of the `what_if` table."""
    return any(abs(value or 0.0) >= LEAST for name, value in row.items() if name.startswith("change_"))


def words(table: pa.Table, style: Look) -> go.Figure:
    """Bars of what each word adds to a score, in the order of the text: the `why_words` table."""
    return _bars(table["word"].to_pylist(), table["adds"].to_pylist(), 3, style)


def _bars(labels: list[str], values: list[float], digits: int, style: Look) -> go.Figure:
    """One bar a label, the first at the top; labels may be equal."""
    at = list(range(len(labels)))
    told = [short(label, LETTERS) for label in labels]
    figure = go.Figure()
    figure.add_bar(
        x=values, y=at, orientation="h", width=0.66, customdata=labels,
        marker={"color": [style.up if value > 0 else style.down for value in values], "line": {"width": 0}},
        text=[f"{value:+.{digits}f}" for value in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{customdata}: %{x:+.4f}<extra></extra>",
    )  # fmt: skip
    dressed(figure, style, height=26 * max(len(at), 3) + 40)
    most = max((abs(value) for value in values), default=1.0)
    figure.update_xaxes(
        range=[-1.5 * most, 1.5 * most], showticklabels=False, showgrid=False, fixedrange=True
    )
    figure.update_yaxes(
        autorange="reversed", showgrid=False, fixedrange=True, tickfont={"size": 12}, tickvals=at,
        ticktext=told,
    )  # fmt: skip
    figure.update_layout(showlegend=False, dragmode=False)
    return figure
