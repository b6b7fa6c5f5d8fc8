"""Files as they lie on the disk: which to read, what they hold, and their bytes, unpacked."""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

from core.errors import CartscapeError, WrongCall

Kind = Literal["csv", "jsonl", "parquet"]

#: Ends of file names (before a `.gz`) that a folder is searched for.
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".json", ".jsonl", ".ndjson")

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive (or an Excel workbook); unpack it, or save the sheet as CSV"),
    (b"\x89PNG", "a PNG picture; choose a CSV, JSON lines or Parquet file"),
    (b"\xff\xd8\xff", "a JPEG picture; choose a CSV, JSON lines or Parquet file"),
    (b"%PDF", "a PDF document; choose a CSV, JSON lines or Parquet file"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"BZh", "a bzip2 archive; unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it, or pack it with gzip"),
)
_HEAD_BYTES = 4096
#: Share of control characters beyond which bytes are no text; random ones hold a tenth.
MOST_CONTROL = 0.05
_TEXT = b"\t\n\f\r" + bytes(range(0x20, 0x100))


@dataclass(frozen=True)
class SourceFile:
    """One input file and what its first bytes say it holds."""

    path: Path
    kind: Kind
    gzipped: bool

    @property
    def name(self) -> str:
        """The file's name, as reports and rejects show it."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The name in lower case without `.gz` and without the suffix before it."""
        name = self.path.name.lower().removesuffix(".gz")
        return name.rsplit(".", 1)[0]

    @property
    def bytes(self) -> int:
        """Size on the disk."""
        return self.path.stat().st_size


class Unpacked:
    """A file's bytes, unpacked where it is gzipped, with the share that was read so far.

    Raises CartscapeError where a gzip file was cut short or damaged.
    """

    def __init__(self, path: Path, gzipped: bool) -> None:
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise CartscapeError(f"{path} cannot be read: {error.strerror}.") from error
        self._path = path
        self._size = max(path.stat().st_size, 1)
        self._bytes = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if gzipped else self._raw

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, fewer only at the end."""
        try:
            return self._bytes.read(count)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CartscapeError(
                f"The gzip file {self._path} is cut short or damaged; copy or download it again."
            ) from error
        except OSError as error:
            raise CartscapeError(f"{self._path} cannot be read: {error}.") from error

    @property
    def done(self) -> float:
        """Share of the file read so far, 0–1."""
        return min(self._raw.tell() / self._size, 1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bytes.close()
        self._raw.close()


def list_files(paths: Sequence[Path]) -> list[SourceFile]:
    """The files behind the given files and folders, in a stable order.

    Raises WrongCall for a path that does not exist, CartscapeError for a folder without a file
    that could be a log, and for a file that is empty, binary or packed in an unknown way.
    """
    if not paths:
        raise WrongCall("No file was given; name at least one file or folder.")
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise WrongCall(f"There is no file or folder {path}.")
        found += _in_folder(path) if path.is_dir() else [path]
    return [recognise(path) for path in dict.fromkeys(found)]


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and path.name.lower().removesuffix(".gz").endswith(SUFFIXES)
    )
    if not files:
        raise CartscapeError(f"The folder {folder} holds no CSV, TSV, JSON lines or Parquet file.")
    return files


def recognise(path: Path) -> SourceFile:
    """What a file holds, by its first bytes; the name only settles what they leave open.

    Raises CartscapeError for what cannot be a log.
    """
    if not path.stat().st_size:
        raise CartscapeError(f"{path} is empty.")
    with Unpacked(path, gzipped=False) as plain:
        gzipped = plain.read(2) == _GZIP
    with Unpacked(path, gzipped) as unpacked:
        head = unpacked.read(_HEAD_BYTES)
    name = path.name.lower().removesuffix(".gz")
    if head.startswith(_PARQUET):
        return SourceFile(path, "parquet", gzipped)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise CartscapeError(f"{path} is empty.")
    for signature, meaning in _SIGNATURES:
        if head.startswith(signature):
            raise CartscapeError(f"{path} is {meaning}.")
    if name.endswith((".parquet", ".pq")):
        raise CartscapeError(f"{path} is named Parquet but does not start as one; check how it was made.")
    if _is_binary(head):
        raise CartscapeError(f"{path} is a binary file; choose a CSV, JSON lines or Parquet file.")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return SourceFile(path, "jsonl", gzipped)
    if text.startswith(b"[") and name.endswith((".json", ".jsonl", ".ndjson")):
        raise CartscapeError(
            f"{path} is one JSON array; write one JSON object a line instead, as in `jq -c '.[]'`."
        )
    return SourceFile(path, "csv", gzipped)


def _is_binary(head: bytes) -> bool:
    """Whether a file's first bytes are no text. A NUL in a row or two spoils those rows alone."""
    names = head.lstrip(b"\xef\xbb\xbf\r\n").split(b"\n", 1)[0]
    return b"\x00" in names or len(head.translate(None, _TEXT)) > MOST_CONTROL * len(head)


def unpack_whole(file: SourceFile) -> BinaryIO:
    """The file for a reader that has to seek: opened, or unpacked into an unnamed temporary file."""
    if not file.gzipped:
        return file.path.open("rb")
    whole = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads on from it
    with Unpacked(file.path, gzipped=True) as unpacked:
        while part := unpacked.read(io.DEFAULT_BUFFER_SIZE * 128):
            whole.write(part)
    whole.seek(0)
    return cast(BinaryIO, whole)
