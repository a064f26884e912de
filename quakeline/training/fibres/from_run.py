"""A fibre of a finished run as a data set: its recording, and picks on fronts as labels."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.schemas import FIBRE_CHANNELS, FIBRE_PICKS, MANIFEST
from quakeline.core.timeline import Span, first_sample
from quakeline.fibres.recordings.chunk import ChunkSource, Material, prepared
from quakeline.io.products import tables
from quakeline.io.products.runs import home_of
from quakeline.training.fibres.from_picks import Piece, write_pieces

logger = logging.getLogger("quakeline")


def write(
    run: Path,
    fibre: str,
    material: Material,
    rate_hz: float,
    folder: Path,
    *,
    length_s: float,
    channels: int | None,
    split: Literal["time", "fibre"],
) -> Counter[str]:
    """Cut a fibre of a run into records, as `write_records` does.

    Labels are picks that lie on fronts, with the phase of the front. Channels without a label in a
    record of an event are not learnt from, so that what the fronts left out does no harm.

    Parameters
    ----------
    run
        The folder of the run; its recordings must be where they were.
    material
        What the samples of the fibre are, as in its section of the configuration.
    rate_hz
        Rate of the records.

    Raises
    ------
    DataError
        The run has no such fibre, no data of it, or no picks on fronts.
    ConfigError, OutputError
        As `write_records`.
    """
    place = run / "fibres" / fibre
    found = sorted((place / "picks").glob("*.parquet"))
    if not found:
        known = sorted({path.parts[-3] for path in run.glob("fibres/*/picks/*.parquet")})
        raise DataError(f"{run} has no fibre {fibre!r}; it has {', '.join(known) or 'none'}")
    read = [_piece(place, Span.parse(path.stem), material, rate_hz) for path in found]
    pieces = [piece for piece, _ in read if piece is not None]
    if not pieces:
        raise DataError(f"{run}: no recording of {fibre} is where it was, or none could be read")
    made = write_pieces(folder, pieces, length_s=length_s, channels=channels, split=split)
    return sum((lost for _, lost in read), made)


def _piece(
    place: Path, span: Span, material: Material, rate_hz: float
) -> tuple[Piece | None, Counter[str]]:
    """A chunk of the fibre with its picks, None where nothing is recorded; counts what is lost."""
    picks = tables.read(place / "picks" / f"{span.id}.parquet", FIBRE_PICKS)
    source = _recorded(place, span, material, rate_hz)
    if source is None:
        return None, Counter(
            {
                "left out: chunks without a recording": 1,
                "left out: picks of chunks without a recording": len(picks),
            }
        )
    on_fronts = picks[picks["front"] >= 0]
    known = on_fronts[on_fronts["channel_index"].isin(source.index)]
    places = dict(zip(source.index.tolist(), np.asarray(source.distance).tolist(), strict=True))
    labels = {
        "time": known["time"],
        "confidence": known["probability"],
        "channel": [places[one] for one in known["channel_index"]],
        "phase": known["front_phase"],
    }
    lost = {
        "left out: picks on no front": len(picks) - len(on_fronts),
        "left out: picks of channels that are not recorded": len(on_fronts) - len(known),
    }
    return Piece(source, pd.DataFrame(labels)), Counter(lost)


def _recorded(place: Path, span: Span, material: Material, rate_hz: float) -> ChunkSource | None:
    """The recording of a chunk; None where there is none. Its faults are logged."""
    channels = tables.read(place / "channels" / f"{span.id}.parquet", FIBRE_CHANNELS)
    manifest = tables.read(place / "raw" / f"{span.id}.parquet", MANIFEST)
    home = home_of(place.parent.parent)
    manifest["path"] = [str(home / path) if path else path for path in manifest["path"].fillna("")]
    data = prepared(manifest, channels, material, rate_hz)
    for note in data.recording.notes:
        logger.warning("%s", note)
    runs = data.recording.runs
    if not runs:
        return None
    begin, end = max(span.start_ns, runs[0].start_ns), min(span.end_ns, runs[-1].end_ns)
    first, stop = (first_sample(time, rate_hz) for time in (begin, end))
    if stop <= first:
        return None
    return ChunkSource(data, channels, first, stop - first)
