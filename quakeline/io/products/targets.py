"""Where a command may write: nothing that the program did not make itself is ever lost.

A file is written where nothing is, or over a plain file. It never takes the place of a folder, a
symbolic link, a device, a write-protected file, a file that the same command reads, or one of a
folder that a command filled.

A folder is filled where nothing is, where it is empty, or where the same command filled it before.
`.quakeline.json` in it says which command that was and what the files hold that it made (SHA-256).
Only these are replaced, and only while nobody has changed them; all other files in it stay. Of a
file that a running command still writes the mark has the name alone.

Nothing is written into the folder of a run, `results/<run>`, which belongs to the workflow.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from quakeline import __version__
from quakeline.core.errors import ConfigError, OutputError
from quakeline.io.products.atomic import clear_leftovers, remove, require_space, write_text, writing
from quakeline.io.products.checksums import FOLDER as CHECKSUMS
from quakeline.io.products.locking import claimed
from quakeline.io.products.provenance import digest_file

#: The mark in a folder that a command filled.
MARK = ".quakeline.json"
#: The lock file in a folder that a command fills bit by bit.
LOCK = ".quakeline.lock"
_PART = "quakeline"
_GROWING = ""
_ANYONE_WRITES = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class _Mark:
    """Which command filled a folder, and the SHA-256 of the files it made, by name."""

    command: str
    files: dict[str, str] = field(default_factory=dict)


def require_file(option: str, target: Path, inputs: Iterable[Path | str | None] = ()) -> None:
    """Refuse a file that must not be written, before any work is done.

    Parameters
    ----------
    option
        The option of the command that named it, for the message.
    inputs
        What the command reads: files, and folders whose files it reads; None is left out.

    Raises
    ------
    ConfigError
        It would take the place of something else than a plain file, or of one that is read; or it
        lies in the folder of a run, or where no folder can be.
    OutputError
        The place cannot be written.
    """
    with _looking(option, target):
        _refuse(
            option, target, _file_in_the_way(target, inputs), "the name of a file, new or plain"
        )
        require_space(_nearest(option, target.parent))


def require_folder(
    option: str,
    target: Path,
    command: str,
    names: Iterable[str],
    inputs: Iterable[Path | str | None] = (),
) -> None:
    """Refuse a folder that must not be filled, before any work is done.

    Parameters
    ----------
    option, inputs
        As of `require_file`.
    command
        The command that fills it, in words that the mark keeps.
    names
        Names of the files that the command may make in it.

    Raises
    ------
    ConfigError
        There is something else than a folder; it holds what this command did not make, or what was
        changed since, or what is read; or it lies in the folder of a run.
    OutputError
        The place cannot be written.
    """
    with _looking(option, target):
        allowed = f"a new folder, an empty one, or one that `quakeline {command}` filled"
        _refuse(option, target, _folder_in_the_way(target, command, names, inputs), allowed)
        require_space(target if target.is_dir() else _nearest(option, target.parent))


@contextmanager
def filling(target: Path, command: str) -> Iterator[Path]:
    """Give an empty folder; when the block succeeds its files appear in `target`, which is marked.

    Files that the same command made before and did not make again are removed. Where the block
    fails everything stays as it was. Raises OutputError where `target` holds a file of one of the
    names that this command did not make, or cannot be written.
    """
    with writing(target):
        is_new = not target.exists()
        target.mkdir(parents=True, exist_ok=True)
        if not _inside(target):
            _write_mark(target, _Mark(command))
        clear_leftovers(target / _PART)
        place = target / f".{_PART}.{os.getpid()}.part"
        try:
            place.mkdir()
            yield place
            _move(place, target, command)
        finally:
            remove(place)
            if is_new and _inside(target) == [MARK]:
                (target / MARK).unlink()
                with suppress(OSError):
                    target.rmdir()


def begin_growing(target: Path, command: str, names: Iterable[str]) -> None:
    """Mark a folder, made where it is not there, whose files a command writes bit by bit."""
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        _write_mark(target, _Mark(command, dict.fromkeys(names, _GROWING)))


@contextmanager
def growing(target: Path, command: str, names: Iterable[str]) -> Iterator[None]:
    """Mark a folder that a command fills bit by bit, and hold it against a second such process.

    Where the block leaves nothing in a folder that was not marked before, the mark is taken off.
    Raises QuakelineError where another process fills it, OutputError where it cannot be written.
    """
    is_marked = _read_mark(target) is not None
    missing = [folder for folder in (target, *target.parents) if not folder.exists()]
    if not is_marked:
        begin_growing(target, command, names)
    with claimed(target, LOCK):
        try:
            yield
        finally:
            if not is_marked and set(_inside(target)) <= {MARK, LOCK}:
                for name in (MARK, LOCK):
                    (target / name).unlink(missing_ok=True)
                with suppress(OSError):
                    for folder in missing:
                        folder.rmdir()


def end_growing(target: Path, command: str, names: Iterable[str]) -> None:
    """Mark the files of such a folder as finished."""
    with writing(target):
        made = [name for name in names if (target / name).is_file()]
        digests = {name: digest_file(target / name) for name in made}
        _write_mark(target, _Mark(command, digests))


def run_of(path: Path) -> Path | None:
    """The folder of the run that a path lies in, or is; None for any other place."""
    for place in (Path(os.path.normpath(path.absolute())), path.resolve()):
        for folder in (place, *place.parents):
            known = (folder / CHECKSUMS).is_dir() and (folder / "logs").is_dir()
            if known or (folder.parent.name == "results" and (folder / ".lock").is_file()):
                return folder
    return None


def _file_in_the_way(target: Path, inputs: Iterable[Path | str | None]) -> str:
    """Why a file must not be written; empty where it may."""
    if target.is_dir():
        return "a folder"
    if target.is_symlink():
        return "a symbolic link"
    if run_of(target):
        return f"a place in the folder of a run, {run_of(target)}"
    if not target.exists():
        return ""
    if not target.is_file():
        return "no plain file"
    if not target.stat().st_mode & _ANYONE_WRITES:
        return "a write-protected file"
    mark = _read_mark(target.parent)
    if mark and target.name in mark.files:
        return f"a file of a folder that `quakeline {mark.command}` filled"
    return "a file that this command reads" if _is_read(target, inputs) else ""


def _folder_in_the_way(
    target: Path, command: str, names: Iterable[str], inputs: Iterable[Path | str | None]
) -> str:
    """Why a folder must not be filled; empty where it may."""
    if run_of(target):
        return f"a place in the folder of a run, {run_of(target)}"
    if not target.is_dir():
        wrong = os.path.lexists(target)
        return "a link that leads to no folder" * target.is_symlink() or "a file" * wrong
    if not _inside(target):
        return ""
    mark = _read_mark(target)
    if mark is None:
        return f"a folder that holds other things ({_inside(target)[0]})"
    if mark.command != command:
        return f"a folder that `quakeline {mark.command}` filled"
    given = list(inputs)
    for name in sorted({*mark.files, *names}):
        path = target / name
        if _is_foreign(target, name, mark):
            return f"a folder whose {name} this command did not make, or somebody changed"
        if path.exists() and _is_read(path, given):
            return f"a folder whose {name} this command reads"
    return ""


def _is_foreign(target: Path, name: str, mark: _Mark) -> bool:
    """Whether a file, or what stands for a folder above it, is none that a command left there."""
    path = target / name
    above = [target / folder for folder in list(PurePosixPath(name).parents)[:-1]]
    if any(folder.is_symlink() or (folder.exists() and not folder.is_dir()) for folder in above):
        return True
    if not os.path.lexists(path):
        return False
    if path.is_symlink() or not path.is_file():
        return True
    return mark.files.get(name) not in (_GROWING, digest_file(path))


def _is_read(target: Path, inputs: Iterable[Path | str | None]) -> bool:
    """Whether a file that exists is one of those that are read, by whatever name."""
    for given in inputs:
        path = Path(given).expanduser() if given else None
        if path is None or not _is_there(path):
            continue
        if path.is_dir():
            if target.resolve().is_relative_to(path.resolve()):
                return True
        elif path.samefile(target):
            return True
    return False


def named_files(paths: Iterable[Path | None]) -> list[Path]:
    """Those of what a person named that are files; what is in folders is known later."""
    return [path for path in paths if path is not None and _is_there(path) and not path.is_dir()]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above it may not be looked into
        return False


def _inside(folder: Path) -> list[str]:
    """Names in a folder but for what killed writers left."""
    left = {path.name for path in folder.glob(f".{_PART}.*.part")}
    return sorted(path.name for path in folder.iterdir() if path.name not in left)


def _nearest(option: str, folder: Path) -> Path:
    """The folder, or the one above it that exists. Raises ConfigError where that is no folder."""
    above = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not above.is_dir():
        raise ConfigError(f"{option}: {str(folder)!r} given; allowed: a place below folders")
    return above


def _refuse(option: str, target: Path, why: str, allowed: str) -> None:
    if why:
        raise ConfigError(f"{option}: {str(target)!r} given, {why}; allowed: {allowed}")


@contextmanager
def _looking(option: str, target: Path) -> Iterator[None]:
    """Raise ConfigError where a place cannot even be looked at."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{option}: {str(target)!r} given; {error.strerror or error}") from error


def _move(place: Path, target: Path, command: str) -> None:
    """Move the files of a folder into another, and mark them there."""
    mark = _read_mark(target)
    made = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    if mark is None or mark.command != command:
        raise OutputError(f"cannot write {target}: it holds other things")
    for name in made:
        if _is_foreign(target, name, mark):
            raise OutputError(f"cannot write {target / name}: it is there, and of another making")
    digests = {name: digest_file(place / name) for name in made}
    for name in made:
        (target / name).parent.mkdir(exist_ok=True)
        (place / name).replace(target / name)
    for name in set(mark.files) - set(made):
        if not _is_foreign(target, name, mark):
            _remove_file(target, name)
    _write_mark(target, _Mark(command, digests))


def _remove_file(target: Path, name: str) -> None:
    """Remove a file and, if it lay in a folder below `target`, that folder once it is empty."""
    path = target / name
    path.unlink(missing_ok=True)
    if path.parent != target:
        with suppress(OSError):
            path.parent.rmdir()


def _read_mark(folder: Path) -> _Mark | None:
    """The mark of a folder; None where there is none, or no sound one."""
    try:
        content = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return _Mark(str(content["command"]), {str(k): str(v) for k, v in content["files"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_mark(folder: Path, mark: _Mark) -> None:
    content = {"command": mark.command, "files": mark.files, "quakeline": __version__}
    write_text(folder / MARK, json.dumps(content, indent=1, sort_keys=True) + "\n")
