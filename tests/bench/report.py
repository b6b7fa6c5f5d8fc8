"""What was measured, as Markdown."""

from __future__ import annotations

from typing import Any

from tests.bench.questions import FUNNEL
from tests.bench.workplace import machine, percentile, table

RUNS = 7
PEER_RUNS = 3
PAINTS = 5
#: Events of the sample on which pages are painted: what `make run` shows.
PAINTED = 1_000_000


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
        parts.append("Analyses behind the pages, " + _queries(found["queries"]))
    if "journeys" in found:
        parts.append("Funnels, paths and retention, " + _queries(found["journeys"]))
    if "windowfunnel" in found:
        parts.append(_windowfunnel(found["windowfunnel"]))
    if "retentioneering" in found:
        parts.append(_walks(found["retentioneering"]))
    if "encoding" in found:
        parts.append(_encoding(found["encoding"]))
    if "compression" in found:
        parts.append(_compression(found["compression"]))
    if "projection" in found:
        parts.append(_projection(found["projection"]))
    if "fluidity" in found:
        parts.append(_fluidity(found["fluidity"]))
    if "recommend" in found:
        parts.append(_recommend(found["recommend"]))
    if "what_if" in found:
        parts.append(_what_if(found["what_if"]))
    if "serving" in found:
        parts.append(_serving(found["serving"]))
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
        f"{count} scopes × {RUNS} runs each, milliseconds (the first question of "
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


def _windowfunnel(found: dict[str, Any]) -> str:
    row = [
        f"{found['cartscape']:.3f}",
        f"{found['chdb']:.2f}",
        f"{found['chdb'] / found['cartscape']:.1f}",
        "equal" if found["equal"] else "**differ**",
    ]
    return (
        f"Shoppers at {FUNNEL['steps']} within {FUNNEL['window']}, median seconds; chdb {found['version']} "
        f"of its own table, which took {found['chdb_loading']:.0f} s to load:\n\n"
        + table(["Cartscape", "windowFunnel", "times as fast", "counts"], [row])
    )


def _walks(found: dict[str, dict[str, Any]]) -> str:
    rows = []
    for events, its in found.items():
        size = f"{int(events):,}"
        rows.append([size, "preparation", *_versus(its["prepare"]), ""])
        for name, seconds in its["times"].items():
            rows.append([size, name, *_versus(seconds), "equal" if its["equal"][name] else "**differ**"])
        rows.append([size, "peak memory, MiB", *(f"{mb:,.0f}" for mb in its["peak_mb"]), "", ""])
    version = next(iter(found.values()))["version"]
    return f"A path a shopper, median seconds, beside retentioneering {version}:\n\n" + table(
        ["events", "question", "Cartscape", "retentioneering", "times as fast", "answers"], rows
    )


def _projection(found: dict[str, Any]) -> str:
    rows = [
        [f"{each['paths']:,}", name, f"{its['seconds']:.1f}", f"{its['trust']:.3f}", f"{its['trust_h']:.3f}"]
        for each in found.values()
        if isinstance(each, dict)
        for name, its in each.items()
        if isinstance(its, dict)
    ]
    wholes = ", ".join(
        f"{each['whole map']:.1f} s for {each['paths']:,}"
        for each in found.values()
        if isinstance(each, dict)
    )
    return (
        "Maps of journeys, warm, from the parts of h to the picture:\n\n"
        + table(["paths", "engine", "seconds", "trustworthiness in all columns", "in h"], rows)
        + f"\n\nThe whole map from the log, with clusters, names and quality: {wholes} drawn; peak "
        f"{found['peak_mb']:,.0f} MiB in the process of all engines."
    )


def _fluidity(found: dict[str, Any]) -> str:
    rows = [
        [name, act, f"{its['frames_a_second']:.0f}", f"{its['median_ms']:.0f}", f"{its['p95_ms']:.0f}"]
        for name, acts in found.items()
        if isinstance(acts, dict)
        for act, its in acts.items()
    ]
    return f"A map of {found['points']:,} journeys in Chromium without a graphics card:\n\n" + table(
        ["engine", "hand", "frames/s", "median ms", "p95 ms"], rows
    )


def _recommend(found: dict[str, dict[str, Any]]) -> str:
    rows = [
        [
            log, row["model"], *(f"{row[name]:.4f}" for name in ("hr@10", "ndcg@10", "mrr", "coverage")),
            f"{row['lead']:+.4f} ({row['lead_low']:+.4f} … {row['lead_high']:+.4f})" if "lead" in row else "",
            f"`{row['settings']}`",
        ]
        for log, its in found.items()
        for row in its["rows"]
    ]  # fmt: skip
    versions = next(iter(found.values()))["versions"]
    head = ["log, items", "recommender", "HR@10", "NDCG@10", "MRR", "coverage", "lead of ours", "settings"]
    return (
        f"Recommenders on the same split, all items ranked, settings chosen on the days before ({versions}); "
        "the lead is of our weakest seed, with its 95 % interval:\n\n" + table(head, rows)
    )


def _compression(found: dict[str, Any]) -> str:
    rows = [
        [
            f"{row['variant']}, {row['precision']}",
            f"{row['mib']:.1f}",
            f"{row['texts_a_second']:,.0f}",
            f"{row['texts_a_cpu_second']:,.0f}",
            f"{row['cosine']:.4f}",
            f"{row['same_nearest']:.3f}",
            f"{row['hr@10']:.4f}",
            f"{row['ndcg@10']:.4f}",
        ]
        for row in found["rows"]
    ]
    names = ["encoder", "MiB", "texts/s", "texts/s a core", "cosine", "same top 10", "HR@10", "NDCG@10"]
    return f"Smaller encoders, made and measured in {found['seconds']:.0f} s:\n\n" + table(names, rows)


def _what_if(found: dict[str, Any]) -> str:
    names = ("first_ms", "median_ms", "p95_ms")
    rows = [[row["change"], *(f"{row[name]:.0f}" for name in names)] for row in found["rows"]]
    return (
        f"What-if of a model of the sample of {PAINTED:,} events, trained in {found['seconds']:.0f} s at "
        f"{found['peak_mb']:,.0f} MiB, warm, milliseconds:\n\n"
        + table(["B asks", "first", "median", "p95"], rows)
    )


def _serving(found: dict[str, Any]) -> str:
    rows = [
        [
            f"{row['rate']:g}",
            str(row["visitors"]),
            *(f"{row[f'{name}_ms']:.1f}" for name in ("p50", "p95", "p99")),
            *(f"{row[f'cpu_ms_a_call_{part}']:.1f}" for part in ("lists", "pages", "client")),
            f"{row['failed']} of {row['calls']:,}",
            str(row["pages_opened"]),
            f"{row['load_before']:g}",
        ]
        for row in found["rows"]
    ]
    head = ["calls/s", "visitors", "p50", "p95", "p99", "CPU of lists", "of the server", "of the client"]
    peak = found["rows"][-1]["peak_mb"]
    return (
        "The API over 100,000 items, milliseconds a call (the server's with the pages that visitors open), "
        f"at peak {peak['lists']:,} MiB in the process of lists and {peak['pages']:,} in the server's:\n\n"
        + table([*head, "failed", "pages opened", "load before"], rows)
    )


def _encoding(found: dict[str, Any]) -> str:
    says = {
        "textbook": f"textbook's loop (of {found['textbook_of']} texts)",
        "sentence_transformers": "sentence-transformers",
        "sentence_transformers_bf16": "sentence-transformers, bf16",
        "ours_fp32": "Cartscape, fp32",
        "ours_bf16": "Cartscape, bf16",
    }
    rows = [
        [
            words,
            f"{found['texts_a_second'][name]:,.0f}",
            f"{found['tokens_a_second'][name]:,.0f}",
            f"{found['times_the_textbook'][name]:.1f}",
            f"{found['agreement'][name]:.4f}" if name in found["agreement"] else "",
            f"{found['cosine_at_least'][name]:.5f}" if name in found["cosine_at_least"] else "",
        ]
        for name, words in says.items()
    ]
    lines, lookups = found["lines"], found["lookups"]
    share = (
        f" {found['share_of_peak']:.0%} of the peak of {found['card']}." if found.get("share_of_peak") else ""
    )
    return (
        f"Encoding {found['texts']:,} texts of {found['tokens_a_text']:.1f} tokens, no two equal "
        f"({found['titles_as_written']:,} distinct titles as written, the rest again in other case), "
        f"{found['describe']}, median of {PEER_RUNS}, {found['versions']}:\n\n"
        + table(["engine", "texts/s", "tokens/s", "× textbook", "top-10 agreement", "least cosine"], rows)
        + f"\n\n{lines['texts']:,} lines as they occur, {lines['distinct']:,} of them distinct: "
        f"{lines['texts_a_second']:,.0f} texts/s. Cache of {lookups['texts']:,}: "
        f"{lookups['known_a_second']:,.0f} look-ups/s, {lookups['vectors_a_second']:,.0f} with "
        f"their vectors.{share}"
    )


def _versus(seconds: list[float]) -> list[str]:
    return [f"{seconds[0]:.3f}", f"{seconds[1]:.2f}", f"{seconds[1] / seconds[0]:.1f}"]


def _median(times: list[dict[str, float]], key: str) -> str:
    return f"{percentile([t[key] for t in times], 0.5):.0f}"
