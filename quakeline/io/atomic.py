"""Products appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quakeline.errors import OutputError

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block succeeds.

    The block may make a file or a folder. Whatever it left is removed when it fails. Raises
    OutputError where the place cannot be written (full, read-only, no permission).
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        yield temporary
        if target.is_dir() or temporary.is_dir():
            _remove(target)
        temporary.replace(target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise OutputError(f"cannot write {target}: {error.strerror}") from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all."""
    with replacing(target) as path:
        path.write_text(text, encoding="utf-8")
