"""Text cut into blocks of whole records, each with the physical line it starts on.

A line ends with LF, CR LF or CR, and a record is one line, unless a quoted field holds line breaks.
A quote counts only where a field
begins, as in RFC 4180; a stray one (`15" screen`) is an ordinary character. A quote that is never
closed breaks its own line alone and does not swallow the rest of the file; nor does it end at the next
quote that happens to come, only at one that ends a field. A line beyond a limit breaks alone, too, and is
never held in memory whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.sources.files import Unpacked
from core.sources.raw import UNCLOSED, Broken

#: A line longer than this is no row, and a record of several lines is a quote that was never closed.
MAX_RECORD_BYTES = 1 << 20
TOO_LONG = "row longer than 1 MB"

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _QUOTE, _RETURN = 10, 34, 13


@dataclass(frozen=True)
class Block:
    """Whole records. `starts` and `ends` are byte bounds of the non-blank ones, `lines` their lines;
    all three are None where every line of `data` is a record.
    """

    data: bytes
    first_line: int
    line_breaks: int
    starts: npt.NDArray[np.int64] | None
    ends: npt.NDArray[np.int64] | None
    lines: npt.NDArray[np.int64] | None
    broken: tuple[Broken, ...]
    done: float

    def bounds(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(starts, ends, lines) of the non-blank records; `ends` is after the line break."""
        if self.starts is not None and self.ends is not None and self.lines is not None:
            return self.starts, self.ends, self.lines
        ends = _newlines(self.data) + 1
        return _without_blanks(self.data, ends, np.arange(self.first_line, self.first_line + len(ends)))

    def without_first(self) -> Block:
        """The block without its first non-blank record, the header."""
        if self.starts is not None and self.ends is not None and self.lines is not None:
            return replace(self, starts=self.starts[1:], ends=self.ends[1:], lines=self.lines[1:])
        cut, breaks = 0, 0
        while cut < len(self.data):
            start, cut, breaks = cut, self.data.index(b"\n", cut) + 1, breaks + 1
            if self.data[start:cut].strip(b"\r\n"):
                break
        return replace(
            self,
            data=self.data[cut:],
            first_line=self.first_line + breaks,
            line_breaks=self.line_breaks - breaks,
        )


def blocks(source: Unpacked, size: int, delimiter: bytes, quoted: bool) -> Iterator[Block]:
    """The source in blocks of about `size` bytes, whole records each; the same on every run."""
    rest, line, first, dropping = b"", 1, True, False
    while True:
        read = source.read(size)
        final = not read
        if dropping and not final:
            read = _from_line_break(read)
            if not read:
                continue
        data = rest + read
        if first:
            data, first = data.removeprefix(_BOM), False
        if final and data and not data.endswith(b"\n"):
            data += b"\n"
        if not data:
            return
        block, rest = _cut(data, line, delimiter, quoted, final, source.done)
        if block is not None:
            line += block.line_breaks
            yield block
        if final and not rest:
            return
        rest, dropping = _shortened(rest)


def _cut(
    data: bytes, line: int, delimiter: bytes, quoted: bool, final: bool, done: float
) -> tuple[Block | None, bytes]:
    """The whole records at the front of `data`, and what is left of it."""
    cut = data.rfind(b"\n") + 1
    if (not quoted or b'"' not in data) and not _lone_returns(data) and not _has_long_line(data, cut):
        if not cut:
            return None, data
        return Block(data[:cut], line, data.count(b"\n"), None, None, None, (), done), data[cut:]
    newlines = _newlines(data)
    cut = int(newlines[-1]) + 1 if len(newlines) else 0
    inner, unclosed, open_from = (
        _multiline(data, newlines, delimiter, final) if quoted else (np.zeros(len(newlines), bool), [], None)
    )
    if open_from is not None:
        cut = open_from
        newlines, inner = newlines[newlines < cut], inner[: int(np.searchsorted(newlines, cut))]
    if not cut:
        return None, data
    too_long = np.flatnonzero(np.diff(newlines, prepend=-1) > MAX_RECORD_BYTES)
    ends_at = np.flatnonzero(~inner)
    lines = line + np.concatenate(([0], ends_at[:-1] + 1)) if len(ends_at) else ends_at
    starts, ends, lines = _without_blanks(data, newlines[ends_at] + 1, lines)
    broken: tuple[Broken, ...] = ()
    if unclosed or len(too_long):
        long, bad = np.isin(lines, too_long + line), np.isin(lines, np.array(unclosed, int) + line)
        broken = (
            # Without its text: of a row that is held only in part, the shopper's id cannot be taken out.
            *(Broken(int(n), TOO_LONG, "") for n in lines[long]),
            *(
                Broken(int(n), UNCLOSED, data[s:e].decode("utf-8", "replace").rstrip("\r\n"))
                for s, e, n in zip(starts[bad], ends[bad], lines[bad], strict=True)
            ),
        )
        fine = ~(bad | long)
        starts, ends, lines = starts[fine], ends[fine], lines[fine]
    return Block(data[:cut], line, len(newlines), starts, ends, lines, broken, done), data[cut:]


def _multiline(
    data: bytes, newlines: npt.NDArray[np.int64], delimiter: bytes, final: bool
) -> tuple[npt.NDArray[np.bool_], list[int], int | None]:
    """(which line breaks lie inside a record, indices of lines with an unclosed quote,
    the byte at which an unfinished last record starts, if there is one).

    Only a line with an odd number of quotes, or with a stray one, can open a record of several lines,
    so only those and the lines that follow one are looked at.
    """
    bounds = newlines + 1
    quotes = _find(data, _QUOTE)
    upto = np.searchsorted(quotes, bounds)
    per_line = np.diff(upto, prepend=0)
    starts = np.concatenate(([0], bounds[:-1]))
    with_quotes = np.flatnonzero(per_line)
    may_open = per_line % 2 == 1
    may_open[
        _with_stray(data, quotes[: upto[-1] if len(upto) else 0], bounds, upto - per_line, delimiter)
    ] = True
    may_open &= bounds - starts <= MAX_RECORD_BYTES
    inner = np.zeros(len(newlines), dtype=bool)
    unclosed: list[int] = []
    after = -1
    for opening in np.flatnonzero(may_open):
        if opening <= after or not _ends_inside(data[starts[opening] : bounds[opening]], delimiter, False):
            continue
        closing, stray = None, False
        for index in with_quotes[np.searchsorted(with_quotes, opening + 1) :]:
            if bounds[index] - starts[opening] > MAX_RECORD_BYTES:
                break
            following = data[starts[index] : bounds[index]]
            if stray := _closes_amid_text(following, delimiter):
                break
            if not _ends_inside(following, delimiter, True):
                closing = int(index)
                break
        if closing is not None:
            inner[opening:closing] = True
            after = closing
        elif stray or final or len(data) - starts[opening] > MAX_RECORD_BYTES:
            unclosed.append(int(opening))
            after = int(opening)
        else:
            return inner, unclosed, int(starts[opening])
    return inner, unclosed, None


def _with_stray(
    data: bytes,
    quotes: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    delimiter: bytes,
) -> npt.NDArray[np.int64]:
    """Indices of lines in which the first, third, … quote neither begins a field nor doubles another.

    In a line without one, quotes open and close in turn.
    """
    line = np.searchsorted(bounds, quotes, side="right")
    opening = (np.arange(len(quotes)) - first[line]) % 2 == 0 if len(quotes) else np.zeros(0, bool)
    before = np.frombuffer(b"\n" + data, np.uint8)[quotes]  # the byte in front of each quote
    at_start = np.isin(before, np.frombuffer(b'\n\r"' + delimiter, np.uint8))
    return np.unique(line[opening & ~at_start])


def _ends_inside(line: bytes, delimiter: bytes, inside: bool) -> bool:
    """Whether a quoted field is still open at the line's end."""
    position, field_start = 0, not inside
    while True:
        if inside:
            quote = line.find(b'"', position)
            if quote < 0:
                return True
            if line[quote + 1 : quote + 2] == b'"':
                position = quote + 2
                continue
            inside, field_start, position = False, False, quote + 1
        elif field_start and line[position : position + 1] == b'"':
            inside, position = True, position + 1
        else:
            end = line.find(delimiter, position)
            if end < 0:
                return False
            position, field_start = end + 1, True


def _closes_amid_text(line: bytes, delimiter: bytes) -> bool:
    """Whether the first quote of a line within a quoted field is followed by more text: then it opens
    another field rather than ends this one.
    """
    quote = line.replace(b'""', b"  ").find(b'"')
    return quote >= 0 and line[quote + 1 : quote + 2] not in (delimiter, b"\r", b"\n")


def _has_long_line(data: bytes, end: int) -> bool:
    """Whether a line before `end` is too long, told without looking at each."""
    start = 0
    while end - start > MAX_RECORD_BYTES:
        start = data.rfind(b"\n", start, start + MAX_RECORD_BYTES) + 1
        if not start:
            return True
    return False


def _shortened(rest: bytes) -> tuple[bytes, bool]:
    """The unfinished rest, and whether its last line is too long already: what follows of it is of no use."""
    whole = rest.removesuffix(b"\r")
    start = max(whole.rfind(b"\n"), whole.rfind(b"\r")) + 1
    if len(whole) - start <= MAX_RECORD_BYTES:
        return rest, False
    ended = whole != rest  # by a CR, of which a LF may still follow
    return whole[: start + MAX_RECORD_BYTES] + rest[len(whole) :], not ended


def _from_line_break(data: bytes) -> bytes:
    """What is left of the data from its first line break on; nothing where it has none."""
    at = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    return data[min(at) :] if at else b""


def _find(data: bytes, byte: int) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte)


def _newlines(data: bytes) -> npt.NDArray[np.int64]:
    """Where lines end: the last byte of each line break. A CR at the very end may be half of one."""
    ends = _find(data, _NEWLINE)
    if not _lone_returns(data):
        return ends
    returns = _find(data, _RETURN)
    following = np.frombuffer(data + b"\n", np.uint8)[returns + 1]
    return np.sort(np.concatenate((ends, returns[following != _NEWLINE])))


def _lone_returns(data: bytes) -> int:
    """CRs that end a line by themselves."""
    if b"\r" not in data:
        return 0
    return data.count(b"\r") - data.count(b"\r\n") - data.endswith(b"\r")


def _without_blanks(
    data: bytes, ends: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    starts = np.concatenate((np.zeros(min(len(ends), 1), np.int64), ends[:-1]))
    lengths = ends - starts
    array = np.frombuffer(data, np.uint8)
    blank = (lengths == 1) | ((lengths == 2) & (array[starts] == _RETURN))
    return starts[~blank], ends[~blank], lines[~blank]
