"""A fibre of a finished run as a data set: its recording, and picks on fronts as labels."""

from __future__ import annotations

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
    pieces = []
    for path in found:
        piece = _piece(place, Span.parse(path.stem), material, rate_hz)
        if piece is not None:
            pieces.append(piece)
    if not pieces:
        raise DataError(f"{run}: no recording of {fibre} is where it was, or none could be read")
    return write_pieces(folder, pieces, length_s=length_s, channels=channels, split=split)


def _piece(place: Path, span: Span, material: Material, rate_hz: float) -> Piece | None:
    """A chunk of the fibre with its picks; None where nothing is recorded."""
    channels = tables.read(place / "channels" / f"{span.id}.parquet", FIBRE_CHANNELS)
    manifest = tables.read(place / "raw" / f"{span.id}.parquet", MANIFEST)
    home = home_of(place.parent.parent)
    manifest["path"] = [str(home / path) if path else path for path in manifest["path"].fillna("")]
    data = prepared(manifest, channels, material, rate_hz)
    runs = data.recording.runs
    if not runs:
        return None
    begin, end = max(span.start_ns, runs[0].start_ns), min(span.end_ns, runs[-1].end_ns)
    first, stop = (first_sample(time, rate_hz) for time in (begin, end))
    if stop <= first:
        return None
    source = ChunkSource(data, channels, first, stop - first)
    picks = tables.read(place / "picks" / f"{span.id}.parquet", FIBRE_PICKS)
    on_fronts = picks[(picks["front"] >= 0) & picks["channel_index"].isin(source.index)]
    places = dict(zip(source.index.tolist(), np.asarray(source.distance).tolist(), strict=True))
    return Piece(
        source,
        pd.DataFrame(
            {
                "time": on_fronts["time"],
                "confidence": on_fronts["probability"],
                "channel": [places[one] for one in on_fronts["channel_index"]],
                "phase": on_fronts["front_phase"],
            }
        ),
    )
