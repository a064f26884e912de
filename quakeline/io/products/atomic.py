"""Products appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import TypeGuard

from quakeline.core.errors import OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_ENOUGH = b"\0" * 65_536
#: A folder that stays away for so long is not being written any more.
_SETTLED_S, _LOOK_S, _PATIENCE_S = 0.2, 0.02, 10.0


def _no_folder(folder: Path) -> bool:
    return False


@contextmanager
def replacing(target: Path, is_own: Callable[[Path], bool] = _no_folder) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block succeeds.

    The block may make a file or a folder. Whatever it left is removed when it fails. A file never
    takes the place of a folder, nor a folder that of a file.

    Parameters
    ----------
    is_own
        Whether the program made the folder that is there. Others are replaced only if empty.

    Raises
    ------
    OutputError
        The place cannot be written (full, read-only, no permission), or something is there that
        must stay.
    """
    temporary = target.parent / f".{target.name}.{os.getpid()}.part"
    with writing(target):
        try:
            if target.is_dir():
                _require_own(target, is_own)
            target.parent.mkdir(parents=True, exist_ok=True)
            remove(temporary)
            yield temporary
            _make_room(target, temporary.is_dir(), is_own)
            temporary.replace(target)
        except BaseException:
            _remove_for_good(temporary)
            raise


def _require_own(folder: Path, is_own: Callable[[Path], bool]) -> None:
    """Raise OutputError for a folder that is not empty and that the program did not make."""
    if any(folder.iterdir()) and not is_own(folder):
        raise OutputError(f"cannot write {folder}: it is a folder with other things in it")


def _make_room(target: Path, for_folder: bool, is_own: Callable[[Path], bool]) -> None:
    """Remove a folder that another may replace. Raises OutputError for anything that must stay."""
    if target.is_dir() and not for_folder:
        raise OutputError(f"cannot write {target}: it is a folder, not a file")
    if for_folder and os.path.lexists(target):
        if target.is_symlink() or not target.is_dir():
            raise OutputError(f"cannot write {target}: it is a file, not a folder")
        _require_own(target, is_own)
        remove(target)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raise OutputError where the block cannot write (full, read-only, no permission)."""
    try:
        yield
    except OSError as error:
        if error.errno in (*_FULL, *_FORBIDDEN):
            raise refusal(error, target) from error
        raise


def refusal(error: OSError, target: Path | str) -> OutputError:
    """The user's error for a place that cannot be written: why, and what to do."""
    remedy = "make space" if error.errno in _FULL else "make it writable"
    return OutputError(
        f"cannot write {target}: {os.strerror(error.errno or 0)}; {remedy}, then run the same"
        " command again"
    )


def full(error: BaseException) -> TypeGuard[OSError]:
    """Whether an error of any origin says that a disk is full or a quota reached."""
    return isinstance(error, OSError) and error.errno in _FULL


def require_space(folder: Path) -> None:
    """Write a little into a folder and remove it again. Raises OutputError where that fails."""
    probe = folder / f".{os.getpid()}.probe"
    with writing(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with probe.open("wb") as file:
                file.write(_ENOUGH)
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)


def clear_leftovers(target: Path) -> None:
    """Remove what killed writers of a product left beside it. Nobody may be writing it now."""
    for leftover in target.parent.glob(f".{escape(target.name)}.*.part"):
        if re.fullmatch(r"\d+", leftover.name.split(".")[-2]):
            remove(leftover)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_for_good(path: Path) -> None:
    """Remove what a failed writer left, also what its other threads still write for a moment.

    Zarr writes chunks from several threads; when one of them fails, the others finish theirs and
    make the folder anew.
    """
    remove(path)
    begun = removed = time.monotonic()
    while removed - begun < _PATIENCE_S and time.monotonic() - removed < _SETTLED_S:
        time.sleep(_LOOK_S)
        if path.exists():
            remove(path)
            removed = time.monotonic()


def write_text(target: Path, text: str, durable: bool = False) -> None:
    """Write a text file (UTF-8) whole or not at all; `durable`: also if the power is cut."""
    with replacing(target) as path, path.open("w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
