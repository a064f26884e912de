"""The overlay of a run of a fibre, written from what its files hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.timeline import SECOND, Span, iso, to_ns
from quakeline.fibres.recordings.channels import describe
from quakeline.fibres.recordings.description import AutoFormat, Channels
from quakeline.fibres.recordings.files import Stretch, open_file
from quakeline.io.products.remarks import some
from quakeline.workflow.inspection.scan import Progress, find, nothing_in
from quakeline.workflow.inspection.table import duration

#: Name of the fibre, which makes the names of its channels' stations.
NAME = "FIBRE"
_SHOWN = 6
#: Recordings along fibres for earthquakes began after this year.
_NO_FIBRE_BEFORE = to_ns(datetime(2000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class FibreSurvey:
    """What files of a fibre hold: those that serve, those that do not and why, the layout.

    `placed` is how many channels a table places; None: no table was given.
    """

    patterns: list[str]
    parts: list[Stretch]
    refused: dict[str, list[str]]
    table: str | None
    placed: int | None

    @property
    def span(self) -> Span:
        """From the first to the last sample, in whole seconds outwards."""
        first, last = min(p.start_ns for p in self.parts), max(p.end_ns for p in self.parts)
        return Span(first // SECOND * SECOND, -(-last // SECOND) * SECOND)


def survey(
    patterns: Sequence[str], table: Path | None, progress: Progress | None = None
) -> FibreSurvey:
    """Open the files of a fibre, of which headers alone are read.

    Parts whose channels differ from those of most are refused. Raises DataError where no file
    holds fibre data, or the table of channels cannot be read or does not fit.
    """
    files = find(list(patterns))
    total = sum(size for _, size in files)
    done = 0
    parts: list[Stretch] = []
    refused: dict[str, list[str]] = {}
    for path, size in files:
        try:
            parts += open_file(path, AutoFormat())
        except DataError as error:
            refused.setdefault(str(error), []).append(str(path))
        done += size
        if progress:
            progress(done, total)
    if not parts:
        raise DataError(nothing_in("fibre data", len(files), patterns, refused))
    layout, _ = Counter(map(_layout, parts)).most_common(1)[0]
    others = sorted({str(part.path) for part in parts if _layout(part) != layout})
    if others:
        refused[f"other channels than most files ({layout[0]}, {layout[1]:g} Hz)"] = others
    same = [part for part in parts if _layout(part) == layout]
    return FibreSurvey(list(patterns), same, refused, *_placed(table, same[0]))


def _layout(part: Stretch) -> tuple[int, float]:
    return len(part.distances), part.rate_hz


def _placed(table: Path | None, part: Stretch) -> tuple[str | None, int | None]:
    if table is None:
        return None, None
    channels = describe(NAME, Channels(table=str(table)), part.distances, part.start_ns)
    return str(table), int(channels["latitude"].notna().sum())


def about(found: FibreSurvey) -> Iterator[str]:
    """Sentences on what the files hold, what of it is not used, and what looks wrong."""
    part = found.parts[0]
    spacing = float(np.median(np.abs(np.diff(part.distances)))) if len(part.distances) > 1 else 0.0
    covered = sum(one.n_samples / one.rate_hz for one in found.parts)
    share = 100 * covered / ((found.span.end_ns - found.span.start_ns) / SECOND)
    n = len({one.path for one in found.parts})
    yield (
        f"Found: {n} file{'s' * (n > 1)} of a fibre with {len(part.distances)} channels every"
        f" {spacing:g} m at {part.rate_hz:g} Hz (reader: {part.engine}), {duration(covered)},"
        f" {share:.0f} % of the span."
    )
    for reason, names in found.refused.items():
        yield f"Not used: {some(names, _SHOWN)}: {reason}."
    if found.span.start_ns < _NO_FIBRE_BEFORE:
        yield (
            f"Look at this: the first sample is of {iso(found.span.start_ns, digits=0)}, before"
            " there was such a recording: the clock of the files was not set."
        )
    if found.placed is None:
        yield (
            "Look at this: nothing says where the channels are, so there are picks and no events;"
            " give --channels: a CSV file with channel, latitude, longitude, elevation_m."
        )
    elif found.placed < len(part.distances):
        without = len(part.distances) - found.placed
        yield f"{found.placed} channels have a place; {without} have none and are not associated."


def section(found: FibreSurvey) -> Iterator[str]:
    """Lines of the section `fibres`."""
    paths = ", ".join(f'"{_as_pattern(one)}"' for one in found.patterns)
    yield from (
        "fibres:",
        f"  - name: {NAME}               # its channels are stations {NAME}.00000, ...",
        f"    source: {{kind: files, paths: [{paths}]}}",
        "    units: strain_rate        # or strain, phase: files do not say it reliably",
        "    gauge_length_m: null      # of the recording, in metres; phase needs it",
    )
    if found.table:
        yield f'    channels: {{table: "{found.table}"}}'
    else:
        yield "    # channels: {table: FILE}, or {line: {latitude: , longitude: , azimuth_deg: }}"


def time_of(found: FibreSurvey) -> list[str]:
    """Lines of the section `time`."""
    return [
        "time:",
        f"  start: {iso(found.span.start_ns, digits=0)}   # first sample",
        f"  end: {iso(found.span.end_ns, digits=0)}     # last one",
    ]


def _as_pattern(given: str) -> str:
    """A name or pattern as `files` takes it, with % for codes of time."""
    plain = given.rstrip("/") or "/"
    return (f"{plain}/**/*" if Path(given).is_dir() else plain).replace("%", "%%")


def overlay(
    name: str,
    found: FibreSurvey,
    command: str,
    velocity: Mapping[str, object] | None,
    model: str,
) -> str:
    """The text of an overlay of a fibre alone; see `inspection.overlay.overlay`."""
    from quakeline.workflow.inspection import overlay as seismometers

    return seismometers.assembled(
        name, command, list(about(found)), [time_of(found), list(section(found))], velocity, model
    )
