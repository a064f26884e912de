"""Errors that are meant for the person who runs quakeline.

A `QuakelineError` carries one clear line: what was given and what is allowed. The command line and
the workflow's jobs print that line without a traceback and end with exit code 2. Every other
exception is a defect of the program and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_CODE = 2
#: How libraries say that memory, also that of a further thread, cannot be had.
_NO_MEMORY = (
    "bad_alloc",
    "can't allocate memory",
    "cannot allocate memory",
    "could not allocate",
    "failed to allocate",
    "failed to map segment",
    "unable to allocate",
    "not enough memory",
    "out of memory",
    "can't start new thread",
    "failed to launch worker thread",
    # Python's words for a compiled module that failed without saying why, which they do for this
    "error return without exception set",
)


class QuakelineError(Exception):
    """One line for the user: what was given, and what is allowed.

    `stage` is the stage that failed, where the job of another does its work; else empty.
    """

    stage = ""


class ConfigError(QuakelineError):
    """The configuration is wrong; the message lists every mistake with its dotted path."""


class DataError(QuakelineError):
    """Input data cannot be used, or no usable data were found at all."""


class WeightsError(QuakelineError):
    """The weights of a network are missing, damaged or of another network."""


class OutputError(QuakelineError):
    """Results cannot be written (disk full, read-only, no permission)."""


@contextmanager
def within(stage: str) -> Iterator[None]:
    """Name the stage in errors for the user that are raised inside the block."""
    try:
        yield
    except QuakelineError as error:
        error.stage = error.stage or stage
        raise


def why_unread(error: Exception, path: Path | str, table: str = "") -> str:
    """Say in words why a file cannot be read; of a folder which `table` in it can be given."""
    place = Path(path)
    if os.path.isdir(place):  # noqa: PTH112 (Path.is_dir raises below folders that are closed)
        inside = (place / f"{table}.parquet", place / "catalog" / f"{table}.parquet")
        found = next((one for one in inside if one.is_file()), None)
        return "it is a folder, and a file is needed" + (f": give {found}" if found else "")
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT)
    if isinstance(error, UnicodeDecodeError):
        return "it is no text (UTF-8)"
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    return " ".join(said.split()) or type(error).__name__


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of any origin says that there is no memory left."""
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen).lower()
        if isinstance(seen, MemoryError) or getattr(seen, "errno", None) == errno.ENOMEM:
            return True
        if any(words in text for words in _NO_MEMORY):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def words_of(error: QuakelineError) -> str:
    """The line of an error; the memory, where a library that had none is behind it."""
    behind = error.__cause__ or error.__context__
    return memory_words(behind) if behind and out_of_memory(behind) else str(error)


def memory_words(error: BaseException) -> str:
    """One line for the user of work that ended for lack of memory."""
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return (
        f"not enough memory ({said}): give more (ulimit -v, the memory of the job), or fewer cores"
        " or a smaller batch"
    )
