"""SAC poles and zeros: text files of one or several channels, with or without a header.

Source of the format: SAC User's Guide, command `transfer`; the header is that of rdseed and of the
EarthScope web service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from obspy import UTCDateTime
from obspy.core.inventory import Response

from quakeline.core.errors import DataError
from quakeline.io.formats.codes import normal

_HEADER = re.compile(
    r"\*\s*(NETWORK|STATION|LOCATION|CHANNEL|COMPONENT|START|EFFECTIVE|END|ENDDATE|INPUT UNIT)"
    r"(?:\s*\(K?[A-Z]*\))?(?:\s*:\s*|\s+|$)(.*)"
)
_ALIASES = {"COMPONENT": "CHANNEL", "EFFECTIVE": "START", "ENDDATE": "END"}
#: Names that rdseed gives: SAC_PZs_NET_STA_CHA_LOC_start_end, the last three not always.
_NAME = re.compile(r"SAC_PZs_([^_]+)_([^_]+)_([^_]{3})(?:_([^_]{0,2}))?(?:_.*)?$")
#: Units of displacement in one metre.
_PER_METRE = {"M": 1.0, "METER": 1.0, "METERS": 1.0, "NM": 1e9, "NANOMETERS": 1e9}


@dataclass
class _Block:
    """What a file says of one channel: header, zeros, poles and constant."""

    header: dict[str, str] = field(default_factory=dict)
    roots: dict[str, list[complex]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    constant: float | None = None


@dataclass(frozen=True)
class PolesZeros:
    """Response of one channel to displacement, and its codes (network to channel) and epoch."""

    codes: tuple[str, str, str, str]
    start: UTCDateTime | None
    end: UTCDateTime | None
    response: Response


def looks_like(text: str) -> bool:
    """Whether a text may be a file of this format."""
    return re.search(r"^\s*(ZEROS|POLES)\s+\d+", text, re.MULTILINE) is not None


def read(path: Path, text: str, unit: str) -> list[PolesZeros]:
    """The channels of a file; `unit` ("m" or "nm") holds where the file does not name its own.

    Raises DataError for a file that is broken, or does not say of which channel it is.
    """
    return [_channel(path, block, unit) for block in _blocks(path, text)]


def _blocks(path: Path, text: str) -> list[_Block]:
    blocks, block, roots = [], _Block(), ""
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADER.match(line.strip())
        if line.lstrip().startswith("*"):
            if match and block.roots:  # the header of the next channel
                blocks.append(block)
                block = _Block()
            if match:
                block.header[_ALIASES.get(match[1], match[1])] = match[2].strip()
            continue
        words = line.split()
        if not words:
            continue
        try:
            name = words[0].upper()
            if name in ("ZEROS", "POLES"):
                if name in block.roots:
                    blocks.append(block)
                    block = _Block()
                roots = name
                block.roots[roots], block.counts[roots] = [], int(words[1])
            elif name == "CONSTANT":
                block.constant = float(words[1])
            else:
                block.roots[roots].append(complex(float(words[0]), float(words[1])))
        except (ValueError, IndexError, KeyError):
            raise DataError(
                f"cannot read {path} as SAC poles and zeros: line {number} is {line.strip()!r}"
            ) from None
    return [*blocks, block]


def _channel(path: Path, block: _Block, unit: str) -> PolesZeros:
    for name, roots in block.roots.items():
        if len(roots) > block.counts[name]:
            raise DataError(f"cannot read {path} as SAC poles and zeros: too many {name.lower()}")
        roots += [0j] * (block.counts[name] - len(roots))  # those at zero need not be written
    given = (block.header.get("INPUT UNIT") or unit).upper()
    if given not in _PER_METRE:
        raise DataError(
            f"cannot use {path}: the input unit is {given}; allowed: {', '.join(_PER_METRE)}"
        )
    constant = (1.0 if block.constant is None else block.constant) * _PER_METRE[given]
    zeros, poles = (block.roots.get(name, []) for name in ("ZEROS", "POLES"))
    times = [_time(path, block.header.get(name, "")) for name in ("START", "END")]
    return PolesZeros(_codes(path, block.header), times[0], times[1], _response(
        zeros, poles, constant
    ))  # fmt: skip


def _response(zeros: list[complex], poles: list[complex], constant: float) -> Response:
    """One stage, normalised at 1 Hz as SEED has it."""
    at = 2j * np.pi
    shape = np.prod([at - zero for zero in zeros]) / np.prod([at - pole for pole in poles])
    amplitude = float(abs(shape)) or 1.0
    return Response.from_paz(
        zeros=zeros,
        poles=poles,
        stage_gain=constant * amplitude,
        stage_gain_frequency=1.0,
        input_units="M",
        output_units="COUNTS",
        normalization_frequency=1.0,
        normalization_factor=1 / amplitude,
    )


def _codes(path: Path, header: dict[str, str]) -> tuple[str, str, str, str]:
    if all(header.get(name) for name in ("NETWORK", "STATION", "CHANNEL")):
        return (
            normal(header["NETWORK"]), normal(header["STATION"]),
            normal(header.get("LOCATION")), normal(header["CHANNEL"]),
        )  # fmt: skip
    match = _NAME.match(path.name)
    if not match:
        raise DataError(
            f"cannot use {path}: neither its header nor its name says of which channel it is;"
            " allowed: a header with NETWORK, STATION and CHANNEL, or a name like"
            " SAC_PZs_NET_STA_CHA_LOC"
        )
    network, station, channel, location = match.groups()
    return normal(network), normal(station), normal(location), normal(channel)


def _time(path: Path, text: str) -> UTCDateTime | None:
    if not text:
        return None
    try:
        return UTCDateTime(text)
    except Exception as error:  # obspy raises many kinds
        raise DataError(f"cannot use {path}: {text!r} is no time") from error
