"""The command line: every load, build and analysis without a browser.

Exit codes: 0 done, 1 nothing usable, 2 wrong call, 130 stopped by Ctrl-C. Where the code is not 0,
the last line on standard error says why in plain words.
"""

from __future__ import annotations

import os
import sys
import traceback

from core.cli.arguments import parser
from core.errors import CartscapeError

__all__ = ["main"]

STOPPED = 130


def main(argv: list[str]) -> int:
    """Run one call and return its exit code; nothing is raised but `SystemExit` of `--help`."""
    debug = "--debug" in argv
    try:
        call = parser().parse_args(argv)
        # Only now: help and a misspelt word need no engine, which takes seconds to import.
        from core.cli import commands

        commands.COMMANDS[call.command](call)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted (`… | head`). Python flushes once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _stopped()
    except CartscapeError as failure:
        return _failed(str(failure), failure.exit_code, debug)
    except Exception as failure:
        if str(failure) == "Query interrupted":  # DuckDB's word for Ctrl-C within a query
            return _stopped()
        from core.cli.failures import sentence

        return _failed(sentence(failure), 1, debug)
    return 0


def _stopped() -> int:
    print("\nStopped. What was stored stays; the same call again finishes the work.", file=sys.stderr)
    return STOPPED


def _failed(why: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(" ".join(why.split()), file=sys.stderr)
    return code
