"""Python's search for objects that hold each other."""

from __future__ import annotations

import gc

#: So many new objects start a search; Python's own 700 cost a tenth of the time of start-up.
_NEW_OBJECTS = 50_000


def search_rarely() -> None:
    """Let a program that loads large libraries search for unused objects less often.

    For programs alone: a library leaves the setting to the process that it is loaded into.
    """
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, middle, old)
