"""ClickHouse as a second opinion: SQL answered by chdb in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).parent / "bench" / "chdb_runner.py"


def ask(sql: str) -> list[dict[str, Any]]:
    """The rows of a query; files are read with file('path', Parquet)."""
    done = subprocess.run(
        [sys.executable, str(RUNNER)],
        input=json.dumps({"queries": [sql], "runs": 1}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)["found"][0]["rows"]
    return rows
