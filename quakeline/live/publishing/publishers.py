"""All ways of publishing of a session as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.live.hurry import FINAL, PRELIMINARY
from quakeline.live.publishing.protocol import BasePublisher, Publisher


class Publishers:
    """Opens ways of publishing for the time of a block, and hands each pick to all of them.

    `folder` is where messages wait that are not delivered yet; `say` takes lines on what happens.
    """

    def __init__(
        self, given: Sequence[BasePublisher], folder: Path, say: Callable[[str], None]
    ) -> None:
        self._given, self._folder, self._say = given, folder, say
        self._open: list[Publisher] = []

    def __enter__(self) -> Publishers:
        try:
            for number, one in enumerate(self._given):
                kind = getattr(one, "kind", "other")
                self._open.append(one.open(self._folder / f"{number}-{kind}"))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def publish(self, row: Mapping[str, Any]) -> None:
        """Hand on a pick: a row of PICKS with `time_ns`, its time in ns since 1970.

        One that is not final (`status`) is of the kind `preliminary`.
        """
        kind = "pick" if row.get("status", FINAL) == FINAL else PRELIMINARY
        for one in self._open:
            one.publish(kind, {**row, "time": np.datetime64(row["time_ns"], "ns")})

    def publish_event(self, row: Mapping[str, Any]) -> None:
        """Hand on an update of an event, a row as it is told."""
        for one in self._open:
            one.publish("event", row)

    def sync(self) -> None:
        """Put messages that wait on disk."""
        for one in self._open:
            one.sync()

    def tell(self) -> None:
        """Say what happened since the last call."""
        for one in self._open:
            for reason in one.remarks():
                self._say(f"remark: {reason}")

    def _close(self) -> None:
        """Deliver for a few seconds more, and say what was left."""
        left = sum(one.close() for one in self._open)
        self.tell()
        if left:
            self._say(f"remark: {left} messages wait for the next start")
        self._open.clear()
