"""An array and picks in it as a data set of fibre records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.fibres.das.segments import Segment, sections_of
from quakeline.fibres.recordings.arrays import TIME, Source, as_source, spacing
from quakeline.io.products import targets
from quakeline.training.datasets.opening import shares
from quakeline.training.datasets.records import PARTS
from quakeline.training.fibres.records import (
    METADATA,
    RATE,
    RECORDS,
    SPACING,
    START,
    FibreWriter,
)

#: What fills a folder of records, as its mark names it.
COMMAND = "write_records"
Block = tuple[Segment, int, int, int]


def write_records(
    folder: Path | str,
    data: Any,
    picks: pd.DataFrame,
    *,
    length_s: float = 30.0,
    channels: int | None = None,
    split: Literal["time", "fibre"] = "time",
) -> Counter[str]:
    """Cut an array into records with the picks in it as labels.

    Parameters
    ----------
    folder
        Where the data set is written, in SeisBench's format for DAS: a new or empty folder, or one
        that `write_records` filled before, whose files are then replaced.
    data
        An array as `DASModel.annotate` takes it; it is read record by record.
    picks
        As `DASPickingCallback.get_results_dataframe` gives them: time, confidence, channel, phase.
        Of several of a phase at a channel of a record the most confident one counts.
    length_s, channels
        Size of a record; None: all channels.
    split
        time: the first 70 % of the records for training, 15 % to validate, the last to test; fibre:
        the same along the fibre, for recordings of one event, which is then in all parts.

    Returns
    -------
    Counter
        Records by part, and what was left out, by reason.

    Raises
    ------
    DataError
        No record is left, or no pick is in any of them.
    ConfigError
        A size that is not possible, or a folder with other things in it.
    OutputError
        The folder cannot be written.
    """
    return write_pieces(
        folder, [Piece(as_source(data), picks)], length_s=length_s, channels=channels, split=split
    )


class Piece(NamedTuple):
    """An array that follows others in time, and the picks in it."""

    source: Source
    picks: pd.DataFrame


def write_pieces(
    folder: Path | str,
    pieces: Sequence[Piece],
    *,
    length_s: float = 30.0,
    channels: int | None = None,
    split: Literal["time", "fibre"] = "time",
) -> Counter[str]:
    """Cut arrays of the same channels, in order of time, as `write_records` cuts one."""
    files = (METADATA.format("0"), RECORDS.format("0"))
    targets.require_folder("folder", Path(folder), COMMAND, files)
    most = min(piece.source.shape[1] for piece in pieces)
    width = most if channels is None else channels
    if not 1 <= width <= most or length_s <= 0:
        raise ConfigError(
            f"length_s {length_s:g}, channels {width} given; allowed: above 0, and 1 to {most}"
        )
    cut = [list(_blocks(piece.source, length_s, width)) for piece in pieces]
    parts = _parts(cut, split)
    found: Counter[str] = Counter()
    labels, outside = 0, 0
    with targets.filling(Path(folder), COMMAND) as place:
        with FibreWriter(place) as writer:
            for number, (piece, blocks) in enumerate(zip(pieces, cut, strict=True)):
                more, placed = _add(writer, piece, blocks, width, parts[number], found)
                labels += more
                outside += int((~placed).sum())
                found.update(_rests(piece.source, length_s, width))
        if not labels:
            n = sum(len(piece.picks) for piece in pieces)
            raise DataError(f"{folder}: no pick lies in any record; {n} picks were given")
    if outside:
        found["left out: picks outside all records"] = outside
    return found


def _add(
    writer: FibreWriter,
    piece: Piece,
    blocks: list[Block],
    width: int,
    parts: dict[tuple[int, int], str],
    found: Counter[str],
) -> tuple[int, np.ndarray]:
    """Write the records of an array; gives how many labels, and which picks lie in them."""
    source, picks = piece
    labels, placed = 0, np.zeros(len(picks), bool)
    for section, first, n, channel in blocks:
        block = source.read(first, first + n)[:, channel : channel + width]
        if not np.isfinite(block).all():
            found["left out: samples are missing"] += 1
            continue
        begin = section.time(first - section.first)
        onsets, inside = _onsets(source, picks, section, begin, n, channel, width)
        placed |= inside
        labels += sum(int(np.isfinite(own).sum()) for own in onsets.values())
        part = parts[first, channel]
        found[part] += 1
        facts = {
            RATE: 1 / section.dt,
            SPACING: spacing(source) or float("nan"),
            START: f"{begin}Z",
            "split": part,
            "record_first_channel": channel,
        }
        writer.add(block, onsets, facts)
    return labels, placed


def _rests(source: Source, length_s: float, width: int) -> Counter[str]:
    """What whole records do not cover: seconds at ends of sections, and channels."""
    rest_s = 0.0
    for section in sections_of(source.coords[TIME])[0]:
        n = section.stop - section.first
        rest_s += (n % round(length_s / section.dt)) * section.dt
    lost = {
        "left out: whole seconds shorter than a record": int(rest_s),
        "left out: channels behind the last whole record": source.shape[1] % width,
    }
    return +Counter(lost)


def _blocks(source: Source, length_s: float, width: int) -> Iterator[Block]:
    """Section, first sample, samples and first channel of each record."""
    for section in sections_of(source.coords[TIME])[0]:
        n = round(length_s / section.dt)
        for first in range(section.first, section.stop - n + 1, n):
            for channel in range(0, source.shape[1] - width + 1, width):
                yield section, first, n, channel


def _parts(cut: list[list[Block]], split: str) -> list[dict[tuple[int, int], str]]:
    """The part of each record: those of one time, or of one stretch of the fibre, together."""

    def key(number: int, block: Block) -> tuple[int, int]:
        return (number, block[1]) if split == "time" else (0, block[3])

    places = sorted({key(number, block) for number, blocks in enumerate(cut) for block in blocks})
    counts = shares(len(places)) if places else (0, 0, 0)
    names = [name for name, n in zip(PARTS, counts, strict=True) for _ in range(n)]
    known = dict(zip(places, names, strict=True))
    return [
        {(block[1], block[3]): known[key(number, block)] for block in blocks}
        for number, blocks in enumerate(cut)
    ]


def _onsets(
    source: Source,
    picks: pd.DataFrame,
    section: Segment,
    begin: np.datetime64,
    n: int,
    channel: int,
    width: int,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Samples of picks in a record by phase, (channels,), NaN for none; which picks lie in it."""
    places = np.asarray(source.coords[source.channel_coord_name][channel : channel + width].values)
    known = {place: number for number, place in enumerate(places.tolist())}
    times = picks["time"].dt.tz_localize(None) if picks["time"].dt.tz else picks["time"]
    at = (times.to_numpy("datetime64[ns]") - begin.astype("datetime64[ns]")).astype("int64")
    samples = at / (section.dt * 1e9)
    inside = (samples >= 0) & (samples <= n - 1) & picks["channel"].isin(list(known)).to_numpy()
    some = picks[inside].assign(sample=samples[inside]).sort_values("confidence", kind="stable")
    found: dict[str, np.ndarray] = {}
    for phase in sorted(set(picks["phase"])):
        own = some[some["phase"] == phase]
        found[phase] = np.full(width, np.nan)
        found[phase][[known[place] for place in own["channel"]]] = own["sample"]
    return found, inside
