"""`quakeline.pick` and `quakeline.annotate`: what a script or notebook calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import obspy
import pandas as pd

from quakeline.api.direct.curves import Curves
from quakeline.api.direct.given import Paths, inventory_of, recordings_of
from quakeline.api.direct.weights import load
from quakeline.core.errors import DataError
from quakeline.io.products.remarks import Remark
from quakeline.models.windowing import Windowing
from quakeline.picking.direct.picks import described, picks_of, settings_of
from quakeline.picking.direct.work import Work
from quakeline.waveforms.preparation.recordings import Recordings, of_array

#: An obspy Stream or Trace, an array, or paths.
Data: TypeAlias = Any

logger = logging.getLogger("quakeline")


def pick(
    data: Data,
    model: str | None = None,
    *,
    weights: str | Path | None = None,
    thresholds: Mapping[str, float] | None = None,
    stationxml: Paths = (),
    inventory: obspy.Inventory | None = None,
    sampling_rate_hz: float | None = None,
    start: Any = None,
    components: str = "ZNE",
    threads: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    hop_samples: int | None = None,
    filtered: bool = True,
    **settings: Any,
) -> pd.DataFrame:
    """Pick phases, as the workflow does with the same data.

    Parameters
    ----------
    data
        An obspy Stream or Trace; an array of shape (components, n) or (stations, components, n),
        NaN being gaps; or paths of files and folders.
    model
        Name of the weight set, e.g. "eqtransformer-original" or, of SeisBench,
        "seisbench:PhaseNet/stead", or a .safetensors file; None: that of `weights`, or "phasenet".
    weights
        A .safetensors file of quakeline, or the original files as the config key `weights.path`
        takes them; None: fetched once and kept.
    thresholds
        Smallest probability of a pick by phase; else that of the weight set.
    stationxml, inventory
        Paths of StationXML files, or an obspy Inventory: responses are removed. Without them
        samples are used as they are and amplitudes are not given.
    sampling_rate_hz, start, components
        Of an array: rate in Hz, time of the first sample (as UTCDateTime takes it, or one for each
        station; None: 1970-01-01), a letter for each component. Stations are XX.S0001, ...
    threads, device
        Cores to compute on, None: all; "auto", "cpu" or "cuda".
    batch, hop_samples
        Windows in one forward pass, on which picks do not depend, and step between windows in
        samples; None: the best on this machine, and the network's own.
    filtered
        False: without the filter that the network was trained behind.
    **settings
        Other keys of the config section `pick`: min_distance_s, gap_guard_s, noise_s, signal_s.

    Returns
    -------
    pandas.DataFrame
        The table PICKS (see `quakeline.core.schemas`), sorted by time. `attrs["remarks"]` says
        what was found in the data; what could not be used is also logged as warnings.

    Raises
    ------
    DataError
        No usable data at all, or an array of another shape.
    ConfigError
        An unknown model, phase or setting, or no such device.
    WeightsError
        The weights cannot be had.

    Examples
    --------
    >>> import obspy
    >>> import quakeline
    >>> picks = quakeline.pick(obspy.read())
    >>> [f"{pick.phase} {pick.time:%H:%M:%S.%f}"[:-4] for pick in picks.itertuples()]
    ['P 00:20:07.71', 'S 00:20:08.69']
    """
    known = inventory_of(stationxml, inventory)
    recordings = _recordings(data, known, sampling_rate_hz, start, components)
    windows = Windowing(hop_samples, filtered=filtered)
    annotator = load(model, weights, threads=threads, device=device, batch=batch, windowing=windows)
    outcome = picks_of(recordings, annotator, settings_of(annotator.card, thresholds, **settings))
    _warn(outcome.remarks)
    outcome.picks.attrs["remarks"] = outcome.lines
    return outcome.picks


def annotate(
    data: Data,
    model: str | None = None,
    *,
    weights: str | Path | None = None,
    stationxml: Paths = (),
    inventory: obspy.Inventory | None = None,
    sampling_rate_hz: float | None = None,
    start: Any = None,
    components: str = "ZNE",
    threads: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    hop_samples: int | None = None,
    filtered: bool = True,
) -> obspy.Stream:
    """Probabilities of phases: the curves on which `pick` finds its picks.

    Parameters and errors are those of `pick`. The result is as long as the data.

    Returns
    -------
    obspy.Stream
        A trace for each instrument and phase, float32, at the network's sampling rate, on its grid
        of absolute times. Its channel code is that of the instrument and the phase: `BW.UH3..SHP`
        is P on SHZ, SHN and SHE. Where no component has data it is masked; a hole of more than an
        hour parts it into several traces.

    Examples
    --------
    >>> import obspy
    >>> import quakeline
    >>> curves = quakeline.annotate(obspy.read())
    >>> [f"{curve.id} {curve.max():.1f}" for curve in curves]
    ['BW.RJOB..EHP 1.0', 'BW.RJOB..EHS 0.9']
    """
    known = inventory_of(stationxml, inventory)
    recordings = _recordings(data, known, sampling_rate_hz, start, components)
    windows = Windowing(hop_samples, filtered=filtered)
    annotator = load(model, weights, threads=threads, device=device, batch=batch, windowing=windows)
    work, curves = Work(recordings, annotator), Curves(annotator.card)
    for chunk in work.chunks():
        for piece, last in chunk.pieces():
            curves.add(chunk, piece)
            if last:
                chunk.release(piece.instrument)
    _warn(work.remarks())
    return curves.stream()


def _warn(remarks: list[Remark]) -> None:
    for line in described([remark for remark in remarks if remark.status != "used"]):
        logger.warning("%s", line)


def _recordings(
    data: Data,
    inventory: obspy.Inventory,
    sampling_rate_hz: float | None,
    start: Any,
    components: str,
) -> Recordings:
    if isinstance(data, np.ndarray):
        if sampling_rate_hz is None:
            raise DataError("an array given without sampling_rate_hz")
        return of_array(data, sampling_rate_hz, _starts(start), components)
    if sampling_rate_hz is not None or start is not None:
        raise DataError("sampling_rate_hz or start given; allowed with an array only")
    return recordings_of(data, inventory)


def _starts(start: Any) -> int | list[int]:
    if start is None:
        return 0
    if isinstance(start, Sequence | np.ndarray) and not isinstance(start, str):
        return [int(obspy.UTCDateTime(one).ns) for one in start]
    return int(obspy.UTCDateTime(start).ns)
