"""Functions that numba compiles, kept in the folder of caches for the processes that follow."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quakeline.io.products.caches import folder

logger = logging.getLogger("quakeline")

# Where numba keeps what it compiles is a setting of the whole process.
_lock = threading.Lock()


def usable() -> bool:
    """Whether numba is there and works with this Python and this NumPy."""
    try:
        import numba  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: the library of llvmlite cannot be loaded
        logger.debug("functions are not compiled: %s", error)
        return False
    return True


def compiled(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """Compile a function for arguments of some types, or take what an earlier process compiled.

    It gives up Python's lock while it runs. What is compiled is kept for each processor, in the
    folder that NUMBA_CACHE_DIR names, else in the folder of caches, in a part of it that is this
    user's alone; where neither can be written or read, each process compiles anew. Raises
    ImportError without numba.
    """
    import numba

    config: Any = numba.config
    with _lock:
        given = config.CACHE_DIR
        place = given or _place()
        if place is None:
            logger.info("compiled functions are not kept: %s is not this user's alone", folder())
            return numba.njit(signature, nogil=True)(function)
        config.CACHE_DIR = str(place)
        try:
            return numba.njit(signature, nogil=True, cache=True)(function)
        except Exception as error:
            # A full disk or a damaged file; faults of the function come again.
            logger.info("compiled functions are not kept: %s", error)
            return numba.njit(signature, nogil=True)(function)
        finally:
            config.CACHE_DIR = given


def _place() -> Path | None:
    """The folder for what is compiled; None where others could write into each that there may be.

    Who writes there decides what runs: numba keeps pickles and machine code.
    """
    user = os.geteuid()
    for name in ("numba", f"numba-{user}"):
        path = folder() / name
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.lstat()
        except OSError:
            continue
        closed = not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == user and closed:
            return path
    return None
