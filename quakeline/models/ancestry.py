"""From which weights others were trained, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from quakeline import __version__

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Training:
    """How weights were trained.

    `data` are names of data sets, `date` is that of its end, `code` the version of the program that
    trained, `settings` are its settings as JSON takes them. What is empty was not stated.

    Examples
    --------
    >>> import quakeline
    >>> quakeline.Training(data=("swarm", "noise of 2023"), date="2024-01-01").described
    'swarm; noise of 2023'
    """

    data: tuple[str, ...] = ()
    date: str = ""
    code: str = ""
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def ended(cls, data_set: str, digest: str, settings: dict[str, Any]) -> Training:
        """A training that ended now, by this program, on a data set with the SHA-256 `digest`."""
        return cls(
            data=(f"{data_set} (sha256 {digest})",),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            code=f"quakeline {__version__}",
            settings=settings,
        )

    @property
    def described(self) -> str:
        """The data sets in words."""
        return "; ".join(self.data) or NOT_STATED


@dataclass(frozen=True)
class Parent:
    """The weights from which others were trained: what their card says of their origin."""

    name: str
    digest: str
    citation: str
    licence: str
    training_data: str
    parent: Parent | None = None

    @property
    def described(self) -> str:
        """Name, tensors and citation in words, with those of its own parents."""
        text = f"{self.name} (tensors {self.digest[:12]}; {self.citation})"
        return f"{text}, trained from {self.parent.described}" if self.parent else text
