"""One process at a time works in a folder: a lock file, which is free when its holder has ended."""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quakeline.core.errors import OutputError, QuakelineError
from quakeline.io.products.atomic import writing


@contextmanager
def claimed(folder: Path, name: str, holders: Callable[[], str] = str) -> Iterator[int]:
    """Hold the lock file of a folder, which is made where it is not there; gives its descriptor.

    A process that inherits the descriptor holds the lock as well.

    Parameters
    ----------
    name
        Name of the lock file, which stays.
    holders
        Words for who holds it, asked when it is held; where they are empty, what the holder wrote
        into the file is said.

    Raises
    ------
    QuakelineError
        Another process holds it.
    OutputError
        The folder cannot be written.
    """
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
    try:
        _claim(descriptor, folder, holders)
        yield descriptor
    finally:
        os.close(descriptor)


def _claim(descriptor: int, folder: Path, holders: Callable[[], str]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        with writing(folder):
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())
    except BlockingIOError:
        written = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        raise QuakelineError(f"{folder} is being worked on by {holders() or written}") from None
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
