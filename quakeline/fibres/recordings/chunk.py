"""A fibre in a chunk: from the rows of its manifest to prepared data that a DAS model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.timeline import SECOND, iso, sample_time
from quakeline.fibres.recordings.description import Format, Preprocess, Units
from quakeline.fibres.recordings.files import Stretch, open_file
from quakeline.fibres.recordings.prepared import Prepared
from quakeline.fibres.recordings.preprocess import averaged, spacing, steps, strain_of_radian
from quakeline.fibres.recordings.recording import Recording, SurveyedFile, of_one_layout, runs
from quakeline.fibres.recordings.xdas_core import Coordinate
from quakeline.io.formats.plausible import shown


@dataclass(frozen=True)
class Material:
    """What the samples of a fibre are, and what they are turned into."""

    format: Format
    units: Units
    gauge_length_m: float | None
    strain_per_radian: float | None
    wavelength_nm: float
    refractive_index: float
    preprocess: Preprocess

    @property
    def phase_factor(self) -> float:
        """Strain of one radian."""
        if self.strain_per_radian is not None:
            return self.strain_per_radian
        gauge = self.gauge_length_m or np.nan
        return strain_of_radian(self.wavelength_nm, self.refractive_index, gauge)


def manifest_rows(fibre: str, found: list[SurveyedFile]) -> list[dict[str, Any]]:
    """Rows of the manifest (MANIFEST) for the files of a fibre, one for each gapless part."""
    rows = []
    for item in found:
        row: dict[str, Any] = {"path": shown(item.path), "network": fibre, "station": "*"}
        row |= {"location": "", "status": item.status, **cells("reason", item.reasons)}
        part = item.stretch
        if part is not None:
            last_ns = part.end_ns - round(SECOND / part.rate_hz)
            row |= {
                "start": pd.Timestamp(part.start_ns, unit="ns", tz="UTC"),
                "end": pd.Timestamp(last_ns, unit="ns", tz="UTC"),
                "sampling_rate_hz": part.rate_hz,
                "n_samples": part.n_samples,
                "bytes": item.path.stat().st_size,
            }
        rows.append(row)
    return rows


def prepared(
    manifest: pd.DataFrame, channels: pd.DataFrame, material: Material, rate_hz: float
) -> Prepared:
    """The data of a manifest, prepared at a rate.

    What has gone since the manifest was written is a gap, noted in the recording. Raises DataError
    for a conversion that is not possible.
    """
    used = channels[channels["used"]].sort_values("channel_index")
    wanted = material.preprocess
    transforms = steps(wanted, material.units, material.gauge_length_m, material.phase_factor)
    recording = Recording([], used["channel_index"].to_numpy(), rate_hz)
    recording.runs.extend(runs(_opened(manifest, material.format, recording)))
    dx = spacing(used["distance_m"].to_numpy())
    return Prepared(recording, transforms, dx, wanted.channel_step)


def _opened(manifest: pd.DataFrame, form: Format, recording: Recording) -> list[Stretch]:
    rows = manifest[manifest["status"] == "data"]
    parts = []
    for path, group in rows.groupby("path"):
        known = set(zip((time.value for time in group["start"]), group["n_samples"], strict=True))
        try:
            opened = open_file(Path(str(path)), form)
            parts += [part for part in opened if (part.start_ns, part.n_samples) in known]
        except DataError as error:
            name = Path(str(path)).name
            recording.notes.add(Reason.of(Code.FILE_GONE, file=name, why=str(error)))
    return of_one_layout(parts)


class ChunkSource:
    """Prepared data from sample `start` on, as a DAS model reads them (`das.arrays.Source`)."""

    channel_coord_name = "distance"
    dtype = np.dtype(np.float32)

    def __init__(self, data: Prepared, channels: pd.DataFrame, start: int, n_samples: int) -> None:
        self._data, self._start = data, start
        used = channels[channels["used"]].sort_values("channel_index")
        step = data.channel_step
        #: Channel index and distance of each prepared channel: those in the middle of its group.
        self.index = used["channel_index"].to_numpy()[step // 2 :: step][: data.n_channels]
        self.distance = averaged(used["distance_m"].to_numpy(float)[None], step)[0].astype(float)
        self.shape = (n_samples, data.n_channels)
        rate = data.recording.rate_hz
        first = np.datetime64(sample_time(start, rate), "ns")
        self.coords = {
            "time": Coordinate["sampled"].from_block(
                first, n_samples, np.timedelta64(round(SECOND / rate), "ns"), dim="time"
            ),
            "distance": Coordinate["dense"](self.distance, "distance"),
        }

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop), (samples, channels) float32; gaps are NaN."""
        return self._data.read(self._start + first, self._start + stop)


def coverage_row(
    fibre: str,
    data: Prepared,
    seconds: float,
    units: str,
    span_ns: tuple[int, int],
    remarks: Sequence[Reason],
) -> dict[str, Any]:
    """A row of COVERAGE for a fibre whose data have been read, with further remarks."""
    recording = data.recording
    inside = [
        (max(run.start_ns, span_ns[0]), min(run.end_ns + round(SECOND / run.rate_hz), span_ns[1]))
        for run in recording.runs
    ]
    inside = sorted(pair for pair in inside if pair[1] > pair[0])
    gaps = [(b[0] - a[1]) / SECOND for a, b in pairwise(inside)]
    share = sum(b - a for a, b in inside) / (seconds * SECOND)
    dead = recording.channels[~recording.changed]
    notes = recording.found
    if len(dead):
        channels = len(recording.channels)
        notes.append(Reason.of(Code.CHANNELS_DEAD, len(dead), channels=channels))
    at = [iso(a[1], 0) for a, gap in zip(inside, gaps, strict=False) if gap > 1]
    notes += [Reason.of(Code.GAP_FROM, time=at[0])] if at else []
    rates = [run.rate_hz for run in recording.runs]
    usable = share > 0 and len(dead) < len(recording.channels)
    if not notes and not usable:
        notes = [Reason.of(Code.CHUNK_EMPTY)]
    told = cells("notes", [*notes, *remarks])
    return {
        "network": fibre,
        "station": "*",
        "location": "",
        "instrument": "",
        "component": "",
        "channels": f"{recording.channels[0]}-{recording.channels[-1]}",
        "input_rate_hz": rates[0] if rates else np.nan,
        "coverage": share if usable else 0.0,
        "n_gaps": sum(gap > 0 for gap in gaps),
        "longest_gap_s": max([0.0, *gaps]),
        "units": units,
        "status": "used" if usable else "unused",
        **told,
        "notes": told["notes"] or "",
    }
