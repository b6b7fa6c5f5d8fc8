"""What is a model: what it foretells, from which data, how good it is, since when it serves, its limits."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.analyses.answer import Answer
from core.errors import WrongCall
from core.recommender import card
from core.recommender.audit import Change
from core.recommender.card import BESIDE, MEASURES, PARTS, Told
from core.recommender.features import GROUPS
from core.recommender.matching import new_since, standing
from core.recommender.ruled import rules_of
from core.recommender.versions import Version, bytes_of, promoted, serving, versions
from core.scope import Scope
from core.store import Store

#: Versions that stand side by side where none are named.
SIDE_BY_SIDE = 4
_CARD = pa.schema([(name, pa.string()) for name in ("section", "name", "value", "note")])
_CURVE = pa.schema([("epoch", pa.int64()), ("learning", pa.float64()), ("validation", pa.float64())])


def model_card(store: Store, scope: Scope, number: str = "") -> Answer:
    """The card of a version, of the one in use where none is named: a line a row, to be read from the top.

    Columns: section, name, value, note; null for nothing. Raises `WrongCall` for a version that there is not.
    """
    del scope  # a model is of the whole log
    version = chosen(store, number)
    told, now = card.told(version, store.k), serving(store)
    in_use = promoted(store) == version.number
    rows = [
        *_use(store, version, now if in_use else None),
        *_data(store, version, told),
        *_quality(version, told),
        *_settings(version),
        *(("limits", name, text, None) for name, text in card.limits(version, store.k, _on(store)).items()),
    ]
    lines = [dict(zip(_CARD.names, row, strict=True)) for row in rows]
    of = f"version {version.number} of the model, {'in use' if in_use else 'not in use'}"
    notes = [note for note in (version.problem, told.hidden) if note]
    return Answer(pa.Table.from_pylist(lines, _CARD), "Model card", of, tuple(notes))


def model_curve(store: Store, scope: Scope, number: str = "") -> Answer:
    """How the loss fell while a version learnt, epoch by epoch from 0 (before any).

    Columns: epoch, learning and validation (mean binary cross-entropy of a shopper and an item;
    validation is of the days that were held out). No rows where none was kept, with a note.
    """
    del scope
    version = chosen(store, number)
    told = card.told(version, store.k)
    notes = [note for note in (version.problem, told.hidden) if note]
    if not told.curve and not notes:
        why = "puts lists in order, of which no curve is kept"
        if not version.orders_lists:
            why = "was trained before curves were kept; train again to have one"
        notes = [f"Version {version.number} {why}."]
    rows = [{**point, "epoch": int(point["epoch"])} for point in told.curve]
    of = f"version {version.number}, mean cross-entropy of a shopper and an item, of up to 100,000 pairs"
    return Answer(pa.Table.from_pylist(rows, _CURVE), "Training curve", of, tuple(notes))


def models_compared(store: Store, scope: Scope, numbers: str = "") -> Answer:
    """Versions side by side: those named with commas, else the newest SIDE_BY_SIDE and the one in use.

    Columns: section, name, and a column a version (v2, v1, …) of texts, null where it does not tell.
    """
    del scope
    named = [part.strip() for part in numbers.split(",") if part.strip()]
    if named:
        found = [chosen(store, part) for part in dict.fromkeys(named)]
    else:
        every, now = versions(store), promoted(store)
        newest = every[:SIDE_BY_SIDE]
        found = [*newest, *(v for v in every[SIDE_BY_SIDE:] if v.number == now)]
    cards = [_lines(store, version) for version in found]
    names = list(dict.fromkeys(key for lines in cards for key in lines))
    schema = pa.schema([("section", pa.string()), ("name", pa.string())] + [
        (f"v{version.number}", pa.string()) for version in found
    ])  # fmt: skip
    rows: list[dict[str, str | None]] = [
        {
            "section": section,
            "name": name,
            **{f"v{v.number}": lines.get((section, name)) for v, lines in zip(found, cards, strict=True)},
        }
        for section, name in names
    ]
    of = f"{len(found)} version{'' if len(found) == 1 else 's'}, each measured on the last days of its log"
    notes = tuple(dict.fromkeys(v.problem or card.told(v, store.k).hidden for v in found))
    return Answer(pa.Table.from_pylist(rows, schema), "Versions side by side", of, tuple(filter(None, notes)))


def chosen(store: Store, number: str) -> Version:
    """A version by what is said of it, the one in use where nothing is; raises `WrongCall`."""
    every = {version.number: version for version in versions(store)}
    if not every:
        raise WrongCall(
            f"There is no model of this log yet; train one: python -m core train --store {store.path}"
        )
    known = f"there are {', '.join(map(str, sorted(every)[-12:]))}"
    if not number.strip():
        now = promoted(store)
        if now is None or now not in every:
            raise WrongCall(f"No version of the model is in use; name one with number=N: {known}.")
        return every[now]
    if not number.strip().isdecimal() or int(number) not in every:
        raise WrongCall(f"There is no version {number!r} of the model in this store; {known}.")
    return every[int(number)]


Row = tuple[str, str, str | None, str | None]


def _use(store: Store, version: Version, now: Change | None) -> list[Row]:
    rows: list[Row] = [("use", "Version", str(version.number), "in use" if now else "not in use")]
    if now:
        rows.append(("use", "In use since", moment(now.at), author(now)))
    rows.append(("use", "Gives the chance of", card.foretells(version), card.formula(version)))
    rows.append(("use", "Trained", moment(version.made), version.about.note or None))
    rows.append(("use", "Disk space", disk_space(bytes_of(store, version.number)), None))
    return rows


def _data(store: Store, version: Version, told: Told) -> list[Row]:
    log = told.learnt_from
    as_now = version.data == store.fingerprint
    misfit, new = standing(store, version)
    note = "the log as it is now" if as_now else "the log has changed since"
    rows: list[Row] = [("data", "Log", _as_of(version.data), f"{note}: {new_since(new)}" if new else note)]
    if misfit and not version.problem:
        rows.append(("data", "Can serve", "no", misfit))
    if not log:
        rows.append(("data", "What it held", None, "kept of models that recommend, by newer versions"))
        return rows
    for name in ("events", "shoppers", "items"):
        count = log[name]
        rows.append(("data", name.capitalize(), None if count is None else f"{count:,}", None))
    rows.append(("data", "Days", f"{log['first_day']} – {log['last_day']}", None))
    rows.append(
        ("data", "Held out from", log["held_from"], "measured on what came then, and not learnt from it")
    )
    if "learnt" in told.metrics:
        rows.append(("data", "Pairs learnt from", f"{told.metrics['learnt']:,.0f}", None))
    return rows


def _quality(version: Version, told: Told) -> list[Row]:
    rows: list[Row] = []
    for name, label in MEASURES.items():
        if name not in told.metrics:
            continue
        value = told.metrics[name]
        beside = [
            f"{what} {told.metrics[f'{name}_{peer}']:.4f}" + (f" (× {value / least:.1f})" if least else "")
            for peer, what in BESIDE.items()
            if (least := told.metrics.get(f"{name}_{peer}")) is not None
        ]
        rows.append(("quality", label, f"{value:.4f}", ", ".join(beside) or None))
    for part, (of, who) in PARTS.items():
        if (value_of := told.metrics.get(f"ndcg@10_{part}")) is not None:
            least = told.metrics[f"ndcg@10_{part}_popular"]
            note_of = f"{told.metrics[f'tested_{part}']:,.0f} {who}; {BESIDE['popular']} {least:.4f}"
            rows.append(("quality", f"NDCG@10, {of}", f"{value_of:.4f}", note_of))
    if "tested" in told.metrics:
        what, note = (
            ("Lists", "the last of each session")
            if version.orders_lists
            else ("Shoppers", "all items ranked, nothing sampled")
        )
        rows.append(("quality", f"{what} tested", f"{told.metrics['tested']:,.0f}", note))
    if "ndcg@10" in told.metrics and "ndcg@10_popular" not in told.metrics:
        rows.append(
            ("quality", "Beside chance", None, "not kept with versions as old as this one; see evaluate")
        )
    return rows


def _settings(version: Version) -> list[Row]:
    rows: list[Row] = [
        ("settings", name, _text(value), None)
        for name, value in version.about.settings.items()
        if name != "without"
    ]
    if without := version.about.settings.get("without"):
        parts = [GROUPS.get(part, part) for part in str(without).split(", ")]
        why = "lists of the days before the test were better without it"
        rows.append(("settings", "left out", ", ".join(parts), why if without != "nothing" else None))
    rows.append(("settings", "encoder", version.about.encoder or None, "fingerprint"))
    rows.append(("settings", "items known", version.about.items or None, "fingerprint"))
    return rows


def _lines(store: Store, version: Version) -> dict[tuple[str, str], str | None]:
    told = card.told(version, store.k)
    rows = [
        *_use(store, version, None),
        *_quality(version, told),
        *_data(store, version, told),
        *_settings(version),
    ]
    found = {(section, name): value for section, name, value, _ in rows}
    found["use", "Version"] = f"{version.number}" + (", in use" if promoted(store) == version.number else "")
    for peer in BESIDE:
        if (least := told.metrics.get(f"ndcg@10_{peer}")) is not None:
            found["quality", f"NDCG@10 of {BESIDE[peer]}"] = f"{least:.4f}"
    return found


def _on(store: Store) -> int:
    return sum(rule.on for rule in rules_of(store))


def moment(at: str) -> str | None:
    """A moment in UTC as people write it: 2026-11-26 03:08 UTC."""
    return f"{at[:16].replace('T', ' ')} UTC" if at else None


def _as_of(data: str) -> str | None:
    """A fingerprint of a log, by its last change where it says one."""
    return f"as of {moment(said)}" if (said := data.partition("-")[2]).startswith("20") else data or None


def disk_space(size: int) -> str:
    """Bytes as people write them: 1.2 MB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def author(change: Change) -> str:
    """Who made a change, and why, in words."""
    return f"by {change.by or 'somebody who did not say'}" + (f": {change.why}" if change.why else "")


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
