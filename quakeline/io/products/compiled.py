"""Functions that numba compiles, kept in the folder of caches for the processes that follow."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from quakeline.io.products.caches import folder

logger = logging.getLogger("quakeline")

# Where numba keeps what it compiles is a setting of the whole process.
_lock = threading.Lock()


def usable() -> bool:
    """Whether numba is there and works with this Python and this NumPy."""
    try:
        import numba  # noqa: F401
    except ImportError as error:
        logger.debug("functions are not compiled: %s", error)
        return False
    return True


def compiled(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """Compile a function for arguments of some types, or take what an earlier process compiled.

    It gives up Python's lock while it runs. What is compiled is kept for each processor, in the
    folder that NUMBA_CACHE_DIR names, else in the folder of caches; where neither can be written or
    read, each process compiles anew. Raises ImportError without numba.
    """
    import numba

    config: Any = numba.config
    with _lock:
        given = config.CACHE_DIR
        config.CACHE_DIR = given or str(folder() / "numba")
        try:
            return numba.njit(signature, nogil=True, cache=True)(function)
        except Exception as error:
            # A full disk, a folder of others or a damaged file; faults of the function come again.
            logger.info("compiled functions are not kept: %s", error)
            return numba.njit(signature, nogil=True)(function)
        finally:
            config.CACHE_DIR = given
