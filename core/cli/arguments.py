"""What a call may say: commands, arguments and their help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from core.errors import WrongCall
from core.scope import KEYS


class Parser(argparse.ArgumentParser):
    """Raises a wrong call instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise WrongCall(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def parser() -> Parser:
    """The parser of `python -m core`; a call's `command` is a key of `core.cli.commands.COMMANDS`."""
    top = Parser(
        prog="python -m core",
        description="Cartscape without a browser.",
        epilog="Exit codes: 0 done, 1 nothing usable, 2 wrong call, 130 stopped. "
        "The last line on standard error says why.",
    )
    top.set_defaults(debug=False)
    verbs = top.add_subparsers(metavar="COMMAND", required=True, title="commands")

    sample = _verb(verbs, "sample", "make the sample marketplace")
    sample.add_argument("--events", type=_count, default=1_000_000, metavar="N", help="default 1_000_000")
    sample.add_argument("--seed", type=int, default=7, metavar="S", help="the same seed gives the same bytes")

    ingest = _verb(verbs, "ingest", "load files or folders into a store, new or old")
    ingest.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    ingest.add_argument("--format", default="auto", help="auto (seen from the columns), events, olist, …")
    ingest.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        dest="mapping",
        help="the source's column for a field of the event contract; may be repeated",
    )
    ingest.add_argument("--tz", metavar="ZONE", help="zone of times and places that name none: Europe/London")

    build = _verb(verbs, "build", "rebuild the small tables that analyses read")
    build.add_argument("--engine", choices=["duckdb"], default="duckdb")

    encode = _verb(verbs, "encode", "turn the log's texts into vectors, those that have none yet")
    _scope(encode)
    encode.add_argument("--model", metavar="NAME", help="a BERT encoder by name or folder")
    encode.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda or mps")
    encode.add_argument("--precision", metavar="PRECISION", help="auto, fp32, bf16, fp16 or int8")

    project = _verb(verbs, "project", "make the map of journeys of a scope, and keep it")
    _scope(project)
    _option(project, "of the map: unit, what, when, where, how, most, detail, seed, dims; may be repeated")

    tune = _verb(verbs, "tune", "fine-tune the encoder on what shoppers took next, or go on with it")
    tune.add_argument("--model", metavar="NAME", help="the BERT encoder to begin with, by name or folder")
    _option(
        tune,
        "method (lora, adalora, full, mlm, distil), event, pairs, tested, history, within (visit, ever), "
        "epochs, batch, tokens, rate, warmup, decay, temperature, head, rank, masked, layers, checks, "
        "patience, seed; minutes or trials of a search for the best settings, searched; may be repeated",
    )

    compress = _verb(verbs, "compress", "make smaller encoders, and measure what each is worth")
    compress.add_argument(
        "--model", metavar="NAME", help="the BERT encoder to make smaller, by name or folder"
    )
    _option(compress, "texts, distil (1 or 0), and of the smaller model all of tune; may be repeated")
    _output(compress)

    train = _verb(verbs, "train", "train a recommender on the log, measure it, and keep it")
    _option(train, "event, days, items (new, any, or shown), seed; may be repeated")

    evaluate = _verb(verbs, "evaluate", "hold recommenders against what shoppers took next")
    _option(
        evaluate,
        "event, days, items (new, any, shown), by (history, age, region, device, "
        "or fairness of the promoted model), "
        "model (all, peers, scorer), seeds, without (a group of features, or each); may be repeated",
    )
    _output(evaluate)

    recommend = _verb(verbs, "recommend", "list what the promoted model recommends, and why")
    for name, metavar, about in (
        ("shopper", "ID", "a pseudonym, or the id in the source"),
        ("path", "STEPS", "a path made by hand instead: view:P123, cart:P123"),
        ("lat", "DEGREES", "the place; else the shopper's last"),
        ("lon", "DEGREES", "the place; else the shopper's last"),
        ("region", "NAME", "in place of a point"),
        ("at", "TIME", "local time, 2026-06-01T19:30; else the shopper's last"),
        ("month", "N", "1 to 12, the season; else that of the log's end"),
        ("device", "NAME", "else the shopper's last"),
        ("phrase", "TEXT", "what is looked for"),
        ("price", "ITEM=NUMBER", "a price tried; several with commas"),
        ("out", "ITEM", "out of stock; several with commas"),
        ("n", "N", "how many, default 10"),
        ("rules", "on|off", "off: what the model alone would say"),
        ("shown", "ITEMS", "a list to put in order, with commas; for a model trained with items=shown"),
    ):
        recommend.add_argument(f"--{name}", metavar=metavar, help=about)
    _output(recommend)

    rules = _verb(verbs, "rules", "write, change, switch or remove a rule that comes after the model")
    rules.add_argument("action", choices=["add", "change", "on", "off", "remove"])
    rules.add_argument("name", metavar="NAME", help="the rule's; `show rules` lists them")
    for name, metavar, about in (
        ("kind", "KIND", "never, always, boost, in_stock, at_most or parity"),
        ("item", "ID", "of never or always"),
        ("category", "NAME", "of never or boost"),
        ("brand", "NAME", "of never or boost"),
        ("place", "N", "of always: the place in the list, from 1; else where it stands, or the end"),
        ("factor", "X", "of boost: times the odds, below 1 to lower"),
        ("most", "N", "of at_most: how many a list may have"),
        ("each", "TRAIT", "of at_most: of each brand or category; default brand"),
        ("give-up", "X", "of parity: per cent of ndcg@10 to give up at most, as measured; default 5"),
        ("region", "NAME", "where it holds; else everywhere"),
        ("from", "DAY", "the first day that it holds"),
        ("to", "DAY", "the last one"),
    ):
        rules.add_argument(f"--{name}", metavar=metavar, help=about)
    _author(rules)

    promote = _verb(verbs, "promote", "put a version of the model to use")
    promote.add_argument("number", type=_count, metavar="VERSION", help="`show models` lists them")
    _author(promote)
    rollback = _verb(verbs, "rollback", "put the version to use again that was so before")
    _author(rollback)
    delete = _verb(verbs, "delete", "delete a version of the model that is not in use, for good")
    delete.add_argument("number", type=_count, metavar="VERSION", help="`show models` lists them")
    _author(delete)

    keys = verbs.add_parser(
        "keys", help="make and revoke keys of the HTTP API", description="Keys of clients."
    )
    keys.set_defaults(command="keys")
    keys.add_argument("deed", nargs="?", choices=["add", "revoke", "list"], help="what to do")
    keys.add_argument("name", nargs="?", default="", metavar="NAME", help="of the client")
    keys.add_argument("--debug", action="store_true", help="show where in the program a failure arose")

    show = _verb(verbs, "show", "print what a page shows")
    show.add_argument("analysis", metavar="ANALYSIS", help="overview, changes, demand, regions, hours, …")
    _scope(show)
    _option(show, "of the analysis; may be repeated")
    _output(show)
    return top


def _author(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--by", metavar="WHO", help="who changes it; else the user of this system")
    verb.add_argument("--why", metavar="TEXT", required=True, help="for the audit list")


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--output", choices=["json", "csv", "parquet"], default="json", help="default json")
    verb.add_argument("--to", type=Path, metavar="FILE", help="write there instead of standard output")


def _scope(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"a filter, as in the URL ({', '.join(KEYS)}); may be repeated",
    )


def _option(verb: argparse.ArgumentParser, words: str) -> None:
    verb.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=words)


def _verb(verbs: argparse._SubParsersAction[Parser], name: str, words: str) -> Parser:
    verb = verbs.add_parser(name, help=words, description=f"{words[:1].upper()}{words[1:]}.")
    verb.set_defaults(command=name)
    verb.add_argument("--store", type=Path, required=True, metavar="DIR", help="the folder of the store")
    verb.add_argument("--debug", action="store_true", help="show where in the program a failure arose")
    return verb


def _count(text: str) -> int:
    """A count above zero, as 50000000 or 50_000_000."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count above zero, such as 50_000_000")
    return count
