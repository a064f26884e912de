"""Picks as Earthworm's TYPE_PICK_SCNL messages, to a file, a folder or a socket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from quakeline.core.reasons import Reason
from quakeline.live.feeds.sections import Address
from quakeline.live.publishing.protocol import BasePublisher, Publisher


class EarthwormPicks(BasePublisher):
    """Messages of the type TYPE_PICK_SCNL for each pick."""

    kind: Literal["earthworm"] = Field("earthworm", description="TYPE_PICK_SCNL messages")
    file: Path | None = Field(None, description="file that messages are appended to, one a line")
    folder: Path | None = Field(
        None, description="folder in which each message becomes a file, as file2ew reads them"
    )
    address: Address | None = Field(
        None,
        description="HOST:PORT of an import module of Earthworm that listens (import_pasv)",
    )
    installation: int = Field(255, ge=0, le=255, description="number of the installation")
    module: int = Field(
        description="number of the module, as earthworm.d of the receiver has it", ge=0, le=255
    )
    message_type: int = Field(
        8, ge=0, le=255, description="number of TYPE_PICK_SCNL in earthworm_global.d"
    )
    phases: list[Literal["P", "S"]] = Field(
        ["P"],
        min_length=1,
        description="phases that are sent; the message has no place for the phase, and S picks"
        " have the word S behind its last field",
    )

    @model_validator(mode="after")
    def _require_one_target(self) -> EarthwormPicks:
        if sum(one is not None for one in (self.file, self.folder, self.address)) != 1:
            raise ValueError("exactly one of file, folder and address is needed")
        if self.address is not None and not self.address.rpartition(":")[2].isdigit():
            raise ValueError(f"address {self.address!r} has no port; allowed: HOST:PORT")
        return self

    def open(self, folder: Path) -> Publisher:
        """Start; messages that wait are kept in a file of the folder."""
        return _Messages(self, folder)


class _Messages:
    """The running way to Earthworm (`Publisher`)."""

    def __init__(self, settings: EarthwormPicks, folder: Path) -> None:
        from quakeline.live.publishing import earthworm_messages as messages
        from quakeline.live.publishing.delivery import Delivery

        self._settings = settings
        target = settings.file or settings.folder or settings.address
        self._socket: messages.ToSocket | None = None
        if settings.file is not None:
            send = messages.to_file(settings.file)
        elif settings.folder is not None:
            send = messages.to_folder(settings.folder)
        else:
            logo = (settings.installation, settings.module, settings.message_type)
            send = self._socket = messages.ToSocket(str(settings.address), logo)
        name = messages.name_of(str(target))
        self._delivery = Delivery(str(target), folder / f"earthworm-{name}.txt", send)

    def publish(self, kind: str, row: Mapping[str, Any]) -> None:
        """Take a pick; other messages and other phases are left out, by choice."""
        from quakeline.live.publishing.earthworm_messages import pick_scnl

        if kind == "pick" and row.get("phase") in self._settings.phases:
            logo = (
                self._settings.message_type,
                self._settings.module,
                self._settings.installation,
            )
            self._delivery.add(pick_scnl(row, *logo).encode("ascii"))

    def sync(self) -> None:
        """Put messages that wait on disk."""
        self._delivery.spool.sync()

    def waiting(self) -> int:
        """Messages that are not delivered yet."""
        return self._delivery.spool.waiting()

    def remarks(self) -> list[Reason]:
        """What happened since the last call."""
        return self._delivery.notes.taken()

    def close(self, wait_s: float = 5.0) -> int:
        """Deliver for so many seconds more; gives the number of messages that wait."""
        left = self._delivery.close(wait_s)
        if self._socket is not None:
            self._socket.close()
        return left
