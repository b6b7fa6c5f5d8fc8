"""Trained models, kept with their store under numbers: saved whole or not at all, promoted and rolled back.

A number is given once. Which version is promoted stands in the audit list and nowhere else, so that it
changes in one step.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import CartscapeError, WrongCall
from core.recommender.audit import MODEL, NOBODY, Author, Change, locked, read, tell
from core.store import Store
from core.store.files import digest, room_on_disk, sync, write_durably

_ABOUT = "version.json"
#: The setting `items` of a model that puts lists that are shown in order.
SHOWN = "shown"
PROMOTED, ROLLED_BACK, DELETED = "model promoted", "model rolled back", "model deleted"


@dataclass(frozen=True)
class About:
    """What a model is of, as whoever trained it says."""

    event: str = ""  # that it foretells
    items: str = ""  # `matching.items_fingerprint` of those that it knows
    encoder: str = ""  # fingerprint of the encoder of its texts
    form: str = ""  # `matching.form_of` models of its kind, when it was trained
    metrics: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    curve: list[dict[str, float]] = field(default_factory=list)  # one an epoch, as `Scorer.curve`
    learnt_from: dict[str, Any] = field(default_factory=dict)  # what the log was, as `models.told_log`


@dataclass(frozen=True)
class Version:
    """One saved model. `problem` says that its description cannot be read, and the rest is empty, or that a
    file is cut short or gone.
    """

    number: int
    folder: Path  # its files lie here
    made: str = ""  # ISO 8601, UTC
    data: str = ""  # fingerprint of the store that it was trained on
    about: About = field(default_factory=About)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)  # path below `folder` → bytes, digest
    problem: str = ""

    @property
    def orders_lists(self) -> bool:
        """Whether it puts lists that are shown in order, and recommends nothing by itself."""
        return self.about.settings.get("items") == SHOWN


#: The files of a model by name, or what writes them into an empty folder.
Files = Mapping[str, bytes] | Callable[[Path], object]


def save(store: Store, files: Files, about: About) -> Version:
    """Keep a model under the next number: all of its files, or nothing.

    Others may save at the same time; only the last step waits for them. Raises `WrongCall` for names that
    cannot be and for no files, `CartscapeError` where the disk is full, and what `files` raises.
    """
    with room_on_disk(store.path), _staging(store) as staging:
        if callable(files):
            files(staging)
        else:
            for name, content in files.items():
                path = staging / _checked(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        kept = _flushed(staging)
        with locked(store):
            known = [*_numbers(store), *(int(c.name) for c in read(store).changes if c.of == MODEL)]
            number = max(known, default=0) + 1
            made = datetime.now(UTC).isoformat(timespec="seconds")
            words = {"made": made, "data": store.fingerprint, "about": asdict(about), "files": kept}
            content = json.dumps(words, ensure_ascii=False, indent=1, default=_plain).encode()
            write_durably(staging / _ABOUT, content)
            staging.rename(_folder(store, number))
            sync(staging.parent)
    return _read(store, number)


def versions(store: Store) -> tuple[Version, ...]:
    """Every version, the newest first. Never raises for a damaged one: it carries a sentence."""
    with locked(store, shared=True):
        return tuple(_read(store, number) for number in sorted(_there(store), reverse=True))


def promoted(store: Store) -> int | None:
    """The number of the version that is in use; None where none was promoted, or where its folder is gone."""
    with locked(store, shared=True):
        number = _promoted(read(store).changes)
        return number if number in _there(store) else None


def open_version(store: Store, number: int | None = None) -> Version:
    """A version whose files are all whole, by default the promoted one.

    Raises `WrongCall` where there is none, and `CartscapeError` that says which file is damaged.
    """
    with locked(store, shared=True):
        if number is None:
            number = _promoted(read(store).changes)
            if number is None:
                raise WrongCall(
                    "No version of the model is promoted in this store; train one and promote it."
                )
        return whole(_get(store, number))


def state(store: Store) -> tuple[int, ...]:
    """Changes whenever a version is kept or deleted; which one is in use stands in the audit list."""
    return tuple(sorted(_numbers(store)))


def serving(store: Store) -> Change | None:
    """The change by which the version that is in use came to be so; None where none was promoted."""
    with locked(store, shared=True):
        changes = read(store).changes
    return next((c for c in reversed(changes) if c.of == MODEL and c.after), None)


def promote(store: Store, number: int, author: Author = NOBODY) -> Version:
    """Put a version to use, if it is whole; raises as `open_version`."""
    with locked(store):
        version, now = whole(_get(store, number)), _promoted(read(store).changes)
        if now != number:
            _tell(store, PROMOTED, now, number, author)
    return version


def rollback(store: Store, author: Author = NOBODY) -> Version:
    """Put the version to use again that was promoted before the present one and is still there.

    Raises `WrongCall` where there is none, and `CartscapeError` where it is damaged.
    """
    with locked(store):
        history = _history(read(store).changes)
        number = _before(store, history)
        if number is None:
            raise WrongCall(
                "There is no version that was promoted before the present one; promote the one that you want."
            )
        version = whole(_get(store, number))
        _tell(store, ROLLED_BACK, history[-1], version.number, author)
    return version


def before(store: Store) -> int | None:
    """The version that a roll back would put to use; None where there is none."""
    with locked(store, shared=True):
        return _before(store, _history(read(store).changes))


def _before(store: Store, history: list[int]) -> int | None:
    there = _there(store)
    return next((n for n in reversed(history[:-1]) if n in there and n != history[-1]), None)


def delete(store: Store, number: int, author: Author = NOBODY) -> int:
    """Delete a version for good, with what was measured of it: the bytes that it took on the disk. Raises
    `WrongCall` where there is none, or where it is promoted.
    """
    with locked(store):
        version = _get(store, number)
        if number == _promoted(read(store).changes):
            raise WrongCall(
                f"Version {number} of the model is promoted; promote another or roll back, then delete it."
            )
        freed = bytes_of(store, number)
        words = {"made": version.made, "data": version.data, "about": asdict(version.about), "bytes": freed}
        tell(store, MODEL, str(number), DELETED, words, None, author=author)
        _sweep(store)
        for file in _measured(store, number):
            file.unlink(missing_ok=True)
    return freed


def bytes_of(store: Store, number: int) -> int:
    """What a version takes on the disk, with what was measured of it."""
    folder = _folder(store, number)
    files = (file for file in folder.rglob("*") if file.is_file()) if folder.exists() else ()
    return sum(file.stat().st_size for file in (*files, *_measured(store, number)))


def measured_path(store: Store, number: int, form: int) -> Path:
    """Where is kept what was measured of a version on the log as it is, in a form of the file by number."""
    return store.path / "fairness" / f"{store.fingerprint}-{number}-{form}.npz"


def _measured(store: Store, number: int) -> list[Path]:
    return list((store.path / "fairness").glob(f"*-{number}-*.npz"))


def _tell(store: Store, what: str, before: int | None, after: int, author: Author) -> None:
    tell(store, MODEL, str(after), what, {"promoted": before}, {"promoted": after}, author=author)


def _history(changes: Iterable[Change]) -> list[int]:
    """The promoted versions that lead to the present one, which is last."""
    history: list[int] = []
    for change in changes:
        if change.of == MODEL and change.after:
            number = int(change.after["promoted"])
            if change.what == ROLLED_BACK:
                while history and history[-1] != number:
                    history.pop()
            if history[-1:] != [number]:
                history.append(number)
    return history


def _promoted(changes: Iterable[Change]) -> int | None:
    history = _history(changes)
    return history[-1] if history else None


def _folder(store: Store, number: int) -> Path:
    return store.path / "models" / f"{number:06d}"


def _numbers(store: Store) -> set[int]:
    """Of the folders on disk."""
    folder = store.path / "models"
    return {int(path.name) for path in folder.iterdir() if path.name.isdigit()} if folder.exists() else set()


def _there(store: Store) -> set[int]:
    """The versions that there are: not those told to be deleted, even where their files still lie there."""
    deleted = {int(c.name) for c in read(store).changes if c.of == MODEL and c.what == DELETED}
    return _numbers(store) - deleted


def _get(store: Store, number: int) -> Version:
    there = _there(store)
    if number not in there:
        known = (
            f"there are {', '.join(map(str, sorted(there)[-12:]))}" if there else "none has been saved yet"
        )
        raise WrongCall(f"There is no version {number} of the model in this store; {known}.")
    return _read(store, number)


def _read(store: Store, number: int) -> Version:
    folder = _folder(store, number)
    try:
        words = json.loads((folder / _ABOUT).read_bytes())
        files = {name: (int(size), str(content)) for name, (size, content) in words["files"].items()}
        misfits = (_misfit(folder / name, name, size) for name, (size, _) in files.items())
        what = next(filter(None, misfits), "")
        problem = _damaged(number, folder, what) if what else ""
        about = About(**words["about"])
        kinds, usual = (list(map(type, astuple(its))) for its in (about, About()))
        if kinds != usual:
            raise TypeError("about")
        return Version(number, folder, words["made"], words["data"], about, files, problem)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Version(number, folder, problem=_damaged(number, folder, f"its {_ABOUT} cannot be read"))


def whole(version: Version) -> Version:
    """The version itself; raises the sentence where a file is not as it was saved."""
    if version.problem:
        raise CartscapeError(version.problem)
    for name, (_, content) in version.files.items():
        try:
            what = (
                f"its file {name} is not what was saved" if digest(version.folder / name) != content else ""
            )
        except OSError as error:
            what = f"its file {name} cannot be read ({error.strerror})"
        if what:
            raise CartscapeError(_damaged(version.number, version.folder, what))
    return version


def _misfit(path: Path, name: str, size: int) -> str:
    """What is wrong with a file at a glance; "" for nothing."""
    try:
        found = path.stat().st_size
    except OSError as error:
        return f"its file {name} cannot be read ({error.strerror})"
    return f"its file {name} has {found:,} of {size:,} bytes" if found != size else ""


def _damaged(number: int, folder: Path, what: str) -> str:
    return (
        f"Version {number} of the model is damaged: {what}. Restore {folder} from a backup, "
        "promote another version, or train again."
    )


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or name == _ABOUT:
        raise WrongCall(f"A file of a model cannot be called {name!r}; give it a plain name.")
    return name


def _flushed(staging: Path) -> dict[str, tuple[int, str]]:
    """The files written, each on the disk: path → bytes, digest."""
    kept = {}
    for path in sorted(staging.rglob("*")):
        sync(path)
        if path.is_file():
            name = _checked(path.relative_to(staging).as_posix())
            kept[name] = (path.stat().st_size, digest(path))
    if not kept:
        raise WrongCall("A model needs a file at least; there was none to save.")
    return kept


@contextmanager
def _staging(store: Store) -> Iterator[Path]:
    """A folder aside, held as long as its process lives; gone at the end unless it was put in place."""
    with locked(store):
        _sweep(store)
        folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=store.path / "models"))
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(store: Store) -> None:
    """Remove what was told to be deleted, and what processes that died left aside; for who holds the lock."""
    models = store.path / "models"
    models.mkdir(exist_ok=True)
    for number in _numbers(store) - _there(store):
        # Out of sight in one step: a folder half empty would look like a damaged version.
        _folder(store, number).rename(models / f".deleted-{number}-{os.getpid()}")
    for folder in models.glob(".*"):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue  # somebody is at work in it
        finally:
            os.close(handle)


def _plain(value: Any) -> Any:
    """A number of numpy as JSON has it."""
    return value.item()
