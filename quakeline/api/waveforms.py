"""`quakeline.fetch` and `prepare`: raw data and waveforms in memory, as the workflow has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import obspy
import pandas as pd

from quakeline.api.direct.given import Paths, inventory_of, paths_of, recordings_of
from quakeline.api.traces import gapless
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.mistakes import validated
from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import Span, iso, sample_time
from quakeline.events.chain.material import stations_of
from quakeline.io.products import tables
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.preference import Preference
from quakeline.waveforms.preparation.raw import RawFiles
from quakeline.waveforms.preparation.recordings import Recordings
from quakeline.waveforms.preparation.settings import READ_AHEAD_S, Settings
from quakeline.waveforms.sources import Source
from quakeline.waveforms.sources.base import BaseSource
from quakeline.waveforms.sources.manifest import manifest_of

#: Waveforms are prepared in pieces of so many seconds, at absolute times, as the chunks of a run.
_CHUNK_S = 86_400.0


@dataclass(frozen=True)
class Fetched:
    """Raw data of a span of time: the table of what there is, and the recordings themselves.

    `manifest` has the columns of MANIFEST (`quakeline.core.schemas`): a row for each file and
    channel, `status` "data" where it can be used, else with the reason.
    """

    manifest: pd.DataFrame
    span: Span = field(repr=False)

    @cached_property
    def stream(self) -> obspy.Stream:
        """Recordings of the span as the files hold them (counts), read when first asked for."""
        rows = self.manifest[self.manifest["status"] == "data"]
        return RawFiles(self.span).stream(rows)


class Prepared(NamedTuple):
    """Waveforms on the grid of a network, and the table COVERAGE of what was found in the data.

    `stream` has a trace for each component and gapless stretch, float32, with `stats.units`: those
    of ground motion where the response was removed, else counts.
    """

    stream: obspy.Stream
    coverage: pd.DataFrame


def fetch(
    source: Mapping[str, Any] | Paths,
    stations: pd.DataFrame | obspy.Inventory | Path | str,
    start: Any,
    end: Any,
    *,
    folder: Path | str | None = None,
) -> Fetched:
    """Find the raw data of a span of time, or download them, as the stage `fetch` does.

    Parameters
    ----------
    source
        Keys of `fetch.source` of the configuration, e.g. `{"kind": "sds", "roots": ["archive"]}` or
        `{"kind": "fdsn", "providers": ["GFZ"]}`; or patterns of files.
    stations
        A table with network, station, latitude, longitude (degrees) and elevation_m, an obspy
        Inventory, or the file of either: data of other stations are not used, and a server is
        asked for these.
    start, end
        The span, UTC: anything that obspy's UTCDateTime takes. The manifest also names the files
        with some seconds around it, which the preparation of its first and last samples needs.
    folder
        Where downloaded data are kept and looked for before a server is asked again; needed for a
        source that downloads.

    Returns
    -------
    Fetched, whose `stream` is an obspy Stream of the raw recordings and whose `manifest` says why
    the rest is absent. `quakeline.prepare` takes either of the two.

    Raises
    ------
    DataError
        The archive is empty, or the server does not exist.
    ConfigError
        An unknown kind or key of a source, an end before the start, a download without a folder.

    Examples
    --------
    >>> import quakeline
    >>> archive = {
    ...     "kind": "package",
    ...     "package": "obspy",
    ...     "files_in_package": ["signal/tests/data/BW.UH?._.?H?.D.2010.147.cut.slist.gz"],
    ... }
    >>> stations = "config/unterhaching/stations.csv"
    >>> raw = quakeline.fetch(archive, stations, "2010-05-27T16:24", "2010-05-27T16:28")
    >>> raw.manifest["status"].value_counts().to_dict()
    {'data': 6}
    >>> raw.stream[0].id, raw.stream[0].stats.sampling_rate
    ('BW.UH1..SHZ', 50.0)
    """
    keys = (
        source
        if isinstance(source, Mapping)
        else {"kind": "files", "paths": [str(path) for path in paths_of(source)]}
    )
    section: BaseSource = validated(Source, dict(keys), "source")
    section.check()
    if section.remote and folder is None:
        raise ConfigError(f"folder: none given; a source of kind {keys.get('kind')} downloads")
    span = _span(start, end)
    known, _ = stations_of(stations)
    made = manifest_of(section, span.widen(READ_AHEAD_S), known, Path(folder or "."))
    return Fetched(tables.typed(made, MANIFEST), span)


def prepare(
    data: Fetched | obspy.Stream | obspy.Trace | Paths,
    *,
    stationxml: Paths = (),
    inventory: obspy.Inventory | None = None,
    sampling_rate_hz: float = 100.0,
    start: Any = None,
    end: Any = None,
    threads: int | None = None,
    **settings: Any,
) -> Prepared:
    """Make waveforms of raw data, as the stage `prepare` does: what networks and magnitudes get.

    Channels are joined over files and rotated to Z, N and E, faults are looked for, responses
    removed, and all is put on one grid of absolute times. Of `data` that `fetch` gave, the samples
    are those that a run stores (store WAVEFORMS).

    Parameters
    ----------
    data
        What `fetch` gave, an obspy Stream or Trace, or paths of files and folders.
    stationxml, inventory
        Paths of StationXML files, or an obspy Inventory: responses are removed. Without them
        samples stay counts.
    sampling_rate_hz
        Rate of the grid in Hz: that of the network, e.g. 100.
    start, end
        The span, UTC; None: that of the data.
    threads
        Cores to compute on; None: all.
    **settings
        Keys of the section `prepare`, e.g. `bridge_gap_s=0`, `response={"output": "acceleration"}`.

    Returns
    -------
    Prepared, a pair of `stream` and `coverage`.

    Raises
    ------
    DataError
        No usable data at all, or none in the span.
    ConfigError
        An unknown setting, or a value that is not allowed.

    Examples
    --------
    >>> from pathlib import Path
    >>> import obspy
    >>> import quakeline
    >>> folder = Path(obspy.__file__).parent / "signal/tests/data"
    >>> raw = obspy.read(folder / "BW.UH3._.SH?.D.2010.147.cut.slist.gz")
    >>> stream, coverage = quakeline.prepare(raw, sampling_rate_hz=50)
    >>> stream[0].id, stream[0].stats.sampling_rate, stream[0].stats.units
    ('BW.UH3..SHE', 50.0, 'counts')
    >>> coverage["status"].tolist()
    ['used', 'used', 'used']
    """
    section: Settings = validated(Settings, settings, "prepare")
    recordings = _recordings(data, inventory_of(stationxml, inventory))
    span = data.span if isinstance(data, Fetched) else recordings.span
    if start is not None or end is not None:
        span = _span(start, end, span)
    pieces = list(_pieces(recordings, section, span, sampling_rate_hz, threads))
    if not pieces:
        raise DataError(f"no data from {iso(span.start_ns, 0)} to {iso(span.end_ns, 0)}")
    stream = obspy.Stream([trace for traces, _ in pieces for trace in traces])
    coverage = pd.concat([found for _, found in pieces], ignore_index=True)
    return Prepared(stream.merge(method=-1), coverage)


def _pieces(
    recordings: Recordings,
    section: Settings,
    span: Span,
    rate_hz: float,
    threads: int | None,
) -> Iterator[tuple[list[obspy.Trace], pd.DataFrame]]:
    """Traces and COVERAGE of each piece of a span that holds data."""
    whole = Preparer(
        span=span,
        margin_s=0.0,
        rate_hz=rate_hz,
        bridge_gap_s=section.bridge_gap_s,
        response=section.response,
        inventory=recordings.inventory,
        source=recordings.source,
        prefer=Preference(section.prefer.instruments, section.prefer.locations),
        mend_spikes=section.mend_spikes,
    )
    for chunk, rows in recordings.chunks(_CHUNK_S, section.response.read_ahead_s, span):
        preparer = whole.at(chunk, recordings.source)
        made, coverage = preparer.in_memory(
            rows, section.instruments, threads or os.cpu_count() or 1
        )
        start_ns = sample_time(preparer.grid.start_sample, rate_hz)
        traces: list[obspy.Trace] = []
        for label, one in made.items():
            for name, (samples, valid) in one.parts.items():
                traces += gapless(label, name, samples, valid, start_ns, rate_hz, units=one.units)
        yield traces, coverage


def _span(start: Any, end: Any, whole: Span | None = None) -> Span:
    """The span from a start to an end; what is None is that of the whole."""
    limits = []
    for name, given in (("start", start), ("end", end)):
        if given is None and whole is not None:
            limits.append(whole.start_ns if name == "start" else whole.end_ns)
            continue
        try:
            limits.append(int(obspy.UTCDateTime(given).ns))
        except (TypeError, ValueError):
            raise ConfigError(
                f"{name}: {given!r} given; allowed: a time, e.g. 2024-01-31T12:00"
            ) from None
    if limits[0] >= limits[1]:
        raise ConfigError(f"start {start} and end {end} given; the end must be later")
    return Span(*limits)


def _recordings(
    data: Fetched | obspy.Stream | obspy.Trace | Paths, inventory: obspy.Inventory
) -> Recordings:
    if isinstance(data, Fetched):
        return Recordings(data.manifest, inventory=inventory)
    return recordings_of(data, inventory)
