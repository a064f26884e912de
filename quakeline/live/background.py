"""Work beside a session, in a process of its own that leaves the cores to what picks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from quakeline.core.errors import QuakelineError

Made = TypeVar("Made")


class Background(Generic[Made]):
    """A function of one argument at work, at the lowest priority; both are handed over as copies.

    The process ends with the session, even where that is killed.
    """

    def __init__(self, function: Callable[[Any], Made], argument: Any) -> None:
        context = get_context("spawn")  # a fork of this process might copy its threads' locks
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, function, argument), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def done(self) -> bool:
        """Whether there is a result, or an error."""
        return self._ours.poll() or not self._process.is_alive()

    def result(self) -> Made:
        """What the function gave; waits for it. Raises QuakelineError where it failed."""
        try:
            made, error = self._ours.recv()
        except EOFError:
            self._process.join()
            made, error = None, f"its process ended with exit code {self._process.exitcode}"
        self.stop()
        if error is not None:
            raise QuakelineError(error)
        return made  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End it, whether it is done or not."""
        self._process.terminate()
        self._process.join()
        self._ours.close()


def _work(out: Connection, function: Callable[[Any], Any], argument: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session ends it
    os.nice(19)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        made, error = function(argument), None
    except Exception as caught:  # told by the session, which goes on
        made, error = None, f"{type(caught).__name__}: {caught}"
    try:
        out.send((made, error))
    except BrokenPipeError:
        return


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone: nobody takes what it makes."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
