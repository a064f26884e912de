"""Python's search for objects that hold each other."""

from __future__ import annotations

import atexit
import gc

#: So many new objects start a search; Python's own 700 cost a tenth of the time of start-up.
_NEW_OBJECTS = 50_000


def search_rarely() -> None:
    """Let a program that loads large libraries search for unused objects less often.

    It is not searched at its end either, which takes 0.2 s of CPU where libraries are large: the
    memory goes back to the system anyway. For programs alone: a library leaves the setting to the
    process that it is loaded into.
    """
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, middle, old)
    atexit.register(gc.freeze)
