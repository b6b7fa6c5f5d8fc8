"""What each command does: one call into the store, the marts or an analysis, and its result printed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from core import marts
from core.analyses import ANALYSES, Answer
from core.analyses.cluster_parts import opened_map, told_quality
from core.analyses.missing import missing_notes
from core.api.keys import Keys
from core.cli import changing, output
from core.cli.progress import shown
from core.cli.words import interruptible, typed
from core.encoder import open_vectors, said_of_caches
from core.encoder.card import find_card
from core.encoder.tuning import CompressOptions, SearchOptions, TuneOptions
from core.errors import CartscapeError, WrongCall
from core.journeys import MapOptions
from core.journeys.encoding import encode_scope
from core.journeys.kept_maps import TELLING
from core.recommender import evaluation, long_lists
from core.recommender.card import told
from core.recommender.evaluation import EvaluateOptions
from core.recommender.groups import FAIRNESS
from core.recommender.models import TrainOptions, train_model
from core.recommender.pairs import PairOptions, encoders_of, pairs_of
from core.scope import Scope
from core.settings import settings
from core.sources import open_source
from core.store import LoadReport, Store


def sample(call: argparse.Namespace) -> None:
    """Make the sample marketplace, or go on with one that was cut short."""
    from data.sample import sample_reader  # its vocabulary takes time to read, and no other command needs it

    if call.store.exists():
        store = Store.open(call.store)
        if store.kind != "sample" or store.reports:
            raise WrongCall(f"{call.store} holds a log already; name another folder with --store.")
    else:
        store = Store.create(call.store, kind="sample", seed=call.seed)
    with shown() as teller:
        report = store.append(sample_reader(events=call.events, seed=call.seed), teller.of_load)
        marts.build(store, teller.of_build)
    _print(report)


def ingest(call: argparse.Namespace) -> None:
    """Load files into a store and build its marts; a store made for a load that gave nothing goes again."""
    for path in call.paths:
        if not path.exists():
            raise WrongCall(f"{path} does not exist; check the path.")
    mapping = pairs(call.mapping, "--map", "FIELD=COLUMN")
    fresh = not call.store.exists()
    store = Store.create(call.store, default_tz=call.tz or "UTC") if fresh else Store.open(call.store)
    store.absorb()
    before = len(store.reports)
    try:
        reader = open_source(
            call.paths,
            format=call.format,
            mapping={field: values[-1] for field, values in mapping.items()},
            tz=call.tz,
            connection=store.cursor(),
        )
        with shown() as teller:
            report = store.append(reader, teller.of_load)
            marts.build(store, teller.of_build)
    except CartscapeError:
        store = store.refresh()
        if len(store.reports) > before:
            _print(store.reports[-1])
        elif fresh:
            store.remove()
        raise
    _print(report)


def build(call: argparse.Namespace) -> None:
    """Take in what came through the API, and rebuild the marts of the months that changed."""
    store = Store.open(call.store)
    with shown() as teller:
        report = store.absorb(teller.of_load)
        marts.build(store, teller.of_build)
    if report is not None:
        _print(report)


def show(call: argparse.Namespace) -> None:
    """Print one analysis; what its numbers are of goes to standard error."""
    analysis = ANALYSES.get(call.analysis)
    if analysis is None:
        raise WrongCall(f"There is no analysis {call.analysis!r}; known are {', '.join(sorted(ANALYSES))}.")
    options = _options(call)
    scope = Scope.parse(pairs(call.scope, "--scope", "KEY=VALUE"))
    store = Store.open(call.store)
    answer = analysis.run(store, scope, **options)
    notes = (*missing_notes(store, scope), *answer.notes, *said_of_caches())
    _write(call, replace(answer, notes=notes))


def encode(call: argparse.Namespace) -> None:
    """Encode what the paths of a scope are about; what was done before stays, and is not done again."""
    for name in ("model", "device", "precision"):
        if getattr(call, name):
            os.environ[f"CARTSCAPE_{name.upper()}"] = getattr(call, name)
    settings.cache_clear()
    store = Store.open(call.store)
    scope = Scope.parse(pairs(call.scope, "--scope", "KEY=VALUE"))
    with shown() as teller:
        report = encode_scope(store, scope, teller.of_build)
    for warning in report.warnings:
        print(warning, file=sys.stderr)
    output.say(asdict(report) | {"encoder": open_vectors().encoder.describe()})


def project(call: argparse.Namespace) -> None:
    """Make the map of journeys of a scope and keep it, so that the page and `show` open it at once."""
    options = MapOptions(**_options(call))
    store = Store.open(call.store)
    scope = Scope.parse(pairs(call.scope, "--scope", "KEY=VALUE"))
    with shown() as teller:
        TELLING.set(teller.of_build)
        opened = opened_map(store, scope, options)
    made, quality = opened.map, told_quality(opened)
    for warning in quality.warnings():
        print(warning, file=sys.stderr)
    drawn = {"paths": len(made), "fitted": made.fitted.size, "clusters": made.clusters}
    output.say(drawn | {k: round(v, 4) for k, v in asdict(quality).items() if k != "of_cluster"})


def tune(call: argparse.Namespace) -> None:
    """Tune the encoder on a store's pairs and print what it was worth; Ctrl-C leaves a checkpoint."""
    if call.model:
        os.environ["CARTSCAPE_MODEL"] = call.model
        settings.cache_clear()
    options, drawn, budget = typed(_options(call), TuneOptions, PairOptions, SearchOptions)
    store, card = Store.open(call.store), find_card()
    folder = encoders_of(store)
    about: dict[str, Any] = {"drawn": asdict(drawn)}
    with shown() as teller, interruptible() as stop:
        from core.encoder.tuning import search, tune  # torch and transformers take seconds to import

        teller.of_build(0.0, "reading pairs")
        data = pairs_of(store, drawn, options.seed)
        if budget.wanted:
            sought = search.search(card, data, options, budget, folder, teller.of_build, stop)
            if sought is None:
                raise KeyboardInterrupt
            options, about["search"] = sought
        found = tune.tune(card, data, options, folder, teller.of_build, stop, about)
    if found is None:
        raise KeyboardInterrupt
    output.say(found)


def compress(call: argparse.Namespace) -> None:
    """Make smaller models of the encoder, and print speed, size and loss of quality of each, side by side."""
    if call.model:
        os.environ["CARTSCAPE_MODEL"] = call.model
        settings.cache_clear()
    if "method" in (asked := _options(call)):
        raise WrongCall("compress always distils its smaller model; leave method= out.")
    options, tuning, drawn = typed(asked, CompressOptions, TuneOptions, PairOptions)
    store, card = Store.open(call.store), find_card()
    with shown() as teller, interruptible() as stop:
        from core.encoder.tuning import smaller  # torch and transformers take seconds to import

        data = pairs_of(store, drawn, tuning.seed)
        table = smaller.compress(card, data, options, tuning, encoders_of(store), teller.of_build, stop)
    if table is None:
        raise KeyboardInterrupt
    of = f"{card.name}, {len(data.catalogue):,} items and {len(data.test):,} later pairs of {store.name}"
    output.write(table, call.output, call.to, {"title": "Smaller encoders", "of": of})
    print(f"Smaller encoders: {of}", file=sys.stderr)


def train(call: argparse.Namespace) -> None:
    """Train a model, keep it with the store, and print what it is and how good."""
    asked = _known(call, TrainOptions)
    for name in asked.keys() & {"days", "seed"}:
        try:
            asked[name] = float(asked[name]) if name == "days" else int(asked[name])
        except ValueError:
            what = "number" if name == "days" else "whole number"
            raise WrongCall(f"--option {name}={asked[name]} must be a {what}.") from None
    if asked.get("seed", 0) < 0:
        raise WrongCall(f"--option seed={asked['seed']} must be 0 or more.")
    store = Store.open(call.store)
    with shown() as teller:
        version = train_model(store, TrainOptions(**asked), teller.of_build)
    words = told(version, store.k)
    shown_of = {"metrics": words.metrics, "curve": words.curve, "learnt_from": words.learnt_from}
    output.say({"number": version.number, "made": version.made} | asdict(version.about) | shown_of)
    if words.hidden:
        print(words.hidden, file=sys.stderr)


def recommend(call: argparse.Namespace) -> None:
    """Print what the promoted model recommends; of what goes to standard error."""
    names = (
        "shopper", "path", "lat", "lon", "region", "at", "month", "device", "phrase", "price", "out", "n",
        "rules", "shown",
    )  # fmt: skip
    words = {name: getattr(call, name) for name in names if getattr(call, name) is not None}
    answer = ANALYSES["recommended"].run(Store.open(call.store), Scope(), **words)
    _write(call, answer)


def evaluate(call: argparse.Namespace) -> None:
    """Print how well each recommender foretells what shoppers took; of what goes to standard error."""
    asked = _known(call, EvaluateOptions)
    store = Store.open(call.store)
    if asked.get("by") == FAIRNESS:
        if len(asked) > 1:
            raise WrongCall(
                f"by={FAIRNESS} is of the promoted model and takes no other option; leave them out."
            )
        with shown() as teller:
            long_lists.measure(store, teller.of_build)
        _write(call, ANALYSES[FAIRNESS].run(store, Scope()))
        return
    with shown() as teller:
        table, of = evaluation.evaluate(store, EvaluateOptions(**asked), teller.of_build)
    output.write(table, call.output, call.to, {"title": "Recommenders", "of": of})
    print(f"Recommenders: {of}", file=sys.stderr)


def keys(call: argparse.Namespace) -> None:
    """Make a key, which is printed this once, end one, or list whose there are."""
    known = Keys(settings().home)
    if call.deed is None:
        raise WrongCall("Say what to do with keys: python -m core keys add NAME, revoke NAME, or list.")
    if call.deed == "list":
        for key in known.all():
            output.say({"name": key.name, "made": key.made, "revoked": key.revoked or None})
        if not known.all():
            print("There is no key yet; make one with python -m core keys add NAME.", file=sys.stderr)
        return
    if not call.name:
        raise WrongCall(f"Name the client: python -m core keys {call.deed} NAME.")
    if call.deed == "add":
        print(known.add(call.name))
        print("This key is kept nowhere and shown this once; hand it over now.", file=sys.stderr)
    else:
        known.revoke(call.name)
        print(f"The key of {call.name} is revoked, in servers that run too.", file=sys.stderr)


#: By the word that calls it.
COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "sample": sample,
    "ingest": ingest,
    "build": build,
    "encode": encode,
    "project": project,
    "tune": tune,
    "compress": compress,
    "train": train,
    "evaluate": evaluate,
    "recommend": recommend,
    "rules": changing.rules,
    "promote": changing.promote,
    "rollback": changing.rollback,
    "delete": changing.delete,
    "keys": keys,
    "show": show,
}


def pairs(texts: list[str], argument: str, form: str) -> dict[str, list[str]]:
    """KEY=VALUE texts as key → values; raises `WrongCall` for a text without a sign or a key."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not (key and sign):
            raise WrongCall(f"{argument} {text!r} is not of the form {form}.")
        found.setdefault(key, []).append(value)
    return found


def _known(call: argparse.Namespace, options: type[Any]) -> dict[str, Any]:
    """The options of a call, all of them fields of a class; raises `WrongCall` for others."""
    asked = _options(call)
    known = [field.name for field in fields(options)]
    for name in asked:
        if name not in known:
            raise WrongCall(f"--option {name}=… is not known here; it takes {', '.join(known)}.")
    return asked


def _write(call: argparse.Namespace, answer: Answer) -> None:
    about = {"title": answer.title, "of": answer.of, "notes": "\n".join(answer.notes)}
    output.write(answer.table, call.output, call.to, about)
    for line in (f"{answer.title}: {answer.of}", *answer.notes):
        print(line, file=sys.stderr)


def _options(call: argparse.Namespace) -> dict[str, str]:
    return {key: values[-1] for key, values in pairs(call.option, "--option", "KEY=VALUE").items()}


def _print(report: LoadReport) -> None:
    output.say(report.as_dict())
