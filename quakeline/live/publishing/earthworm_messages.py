"""The text of TYPE_PICK_SCNL messages of Earthworm, and the ways in which they reach it.

The form is that of Earthworm's own reader, `rd_pick_scnl`:
`8 6 3 7226 PCC.SHZ.NC.01 U2 20040430210553.360 161 200 137`, which are type, module, installation,
number, station.channel.network.location, polarity and weight, time (UTC) and three amplitudes.
"""

from __future__ import annotations

import hashlib
import math
import os
import socket
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from quakeline.core.errors import QuakelineError
from quakeline.core.timeline import iso
from quakeline.io.products.atomic import replacing
from quakeline.live.lines import time_ns
from quakeline.live.publishing.delivery import Undelivered

#: Standard errors of onsets (s) up to which picks have the weights 0, 1, 2 and 3; beyond: 4.
WEIGHT_SIGMAS_S = (0.05, 0.1, 0.2, 0.5)
#: Probabilities from which on picks without a standard error have these weights.
WEIGHT_PROBABILITIES = (0.9, 0.7, 0.5, 0.3)
#: Numbers of messages are below this.
_NUMBERS = 1_000_000
_TIMEOUT_S = 10.0
_START, _END, _ESCAPE = b"\x02", b"\x03", b"\x1b"
_POLARITIES = {"up": "U", "down": "D", "U": "U", "D": "D"}


def pick_scnl(row: Mapping[str, Any], message_type: int, module: int, installation: int) -> str:
    """A pick, a row of PICKS, as the text of a message, without the end of its line.

    The time is that of `time_ns`, where there is one, else of `time`. P picks are of the vertical
    channel, S picks of the north one, with S behind the last field.
    Amplitudes are 0: Earthworm's are counts of the first three half-cycles. The number follows from
    `pick_id`, and is the same when a pick is sent again.
    """
    is_s = row["phase"] == "S"
    location = str(row.get("location") or "--")
    channel = f"{row['instrument']}{'N' if is_s else 'Z'}"
    scnl = f"{row['station']}.{channel}.{row['network']}.{location}"
    number = zlib.crc32(str(row["pick_id"]).encode()) % _NUMBERS
    polarity = _POLARITIES.get(str(row.get("polarity")), "?")
    at = iso(time_ns(row.get("time_ns") or row["time"])).translate(
        {ord(one): None for one in "-:TZ"}
    )
    head = f"{message_type} {module} {installation} {number} {scnl}"
    return f"{head} {polarity}{weight(row)} {at} 0 0 0{' S' if is_s else ''}"


def weight(row: Mapping[str, Any]) -> int:
    """Weight of a pick from 0 (best) to 4 (not to be used), by its standard error."""
    sigma = row.get("time_sigma_s")
    if sigma is not None and math.isfinite(sigma):
        return sum(sigma > one for one in WEIGHT_SIGMAS_S)
    probability = row.get("probability")
    known = probability if probability is not None and math.isfinite(probability) else 0.0
    return sum(known < one for one in WEIGHT_PROBABILITIES)


def name_of(target: str) -> str:
    """A short name that belongs to a target."""
    return hashlib.sha256(target.encode()).hexdigest()[:12]


def to_file(path: Path) -> Callable[[bytes], None]:
    """Append each message to a file, as a line."""

    def send(line: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            size = path.stat().st_size if path.exists() else 0
            try:
                with path.open("ab") as file:
                    file.write(line + b"\n")
            except OSError:
                os.truncate(path, size)
                raise
        except OSError as error:
            raise Undelivered(error.strerror or str(error)) from error

    return send


def to_folder(folder: Path) -> Callable[[bytes], None]:
    """Write each message into a file of its own, which appears whole: NUMBER_TIME.pick."""

    def send(line: bytes) -> None:
        words = line.decode("ascii").split()
        name = f"{words[3]}_{words[6].replace('.', '')}.pick"
        try:
            with replacing(folder / name) as temporary:
                temporary.write_bytes(line + b"\n")
        except (OSError, QuakelineError) as error:
            raise Undelivered(str(error)) from error

    return send


class ToSocket:
    """Sends each message to an import module that listens, framed as export modules do.

    `logo` are the numbers of installation, module and type. A frame is STX, the logo in three
    columns of three, the message with STX, ETX and ESC escaped, ETX. What a connection has taken
    that breaks right after is lost: these modules acknowledge nothing.
    """

    def __init__(self, address: str, logo: tuple[int, int, int]) -> None:
        host, _, port = address.rpartition(":")
        self._place = host.strip("[]"), int(port)
        self._head = "".join(f"{one:3d}" for one in logo).encode()
        self._connection: socket.socket | None = None

    def __call__(self, line: bytes) -> None:
        """Send a message. Raises Undelivered."""
        frame = _START + self._head + _escaped(line + b"\n") + _END
        try:
            if self._connection is not None and _is_gone(self._connection):
                self.close()
            if self._connection is None:
                self._connection = socket.create_connection(self._place, timeout=_TIMEOUT_S)
            self._connection.sendall(frame)
        except OSError as error:
            self.close()
            raise Undelivered(str(error)) from error

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_gone(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection; what it says otherwise is left alone."""
    connection.setblocking(False)
    try:
        while True:
            if not connection.recv(4096):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(_TIMEOUT_S)


def _escaped(message: bytes) -> bytes:
    for one in (_ESCAPE, _START, _END):
        message = message.replace(one, _ESCAPE + one)
    return message
