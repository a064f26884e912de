"""Samples of an instrument to obspy traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import obspy

from quakeline.core.timeline import first_sample, sample_time


def gapless(
    label: str,
    component: str,
    data: np.ndarray,
    valid: np.ndarray,
    start_ns: int,
    rate_hz: float,
    **more: Any,
) -> Iterator[obspy.Trace]:
    """A trace for each stretch of samples without a gap.

    Parameters
    ----------
    label, component
        Codes of the instrument (NET.STA.LOC.BI), and the letter that makes the channel of it.
    data, valid
        Samples and whether each is one, both of shape (n,).
    start_ns, rate_hz
        Time of the first sample on the grid of absolute times, ns since 1970, and samples a second.
    **more
        Further entries of `stats`.
    """
    network, station, location, instrument = label.split(".")
    stats = {
        "network": network,
        "station": station,
        "location": location,
        "channel": f"{instrument}{component}",
        "sampling_rate": rate_hz,
        **more,
    }
    first = first_sample(start_ns, rate_hz)
    edges = np.flatnonzero(np.diff(valid.astype(bool), prepend=False, append=False))
    for begin, end in edges.reshape(-1, 2).tolist():
        time = obspy.UTCDateTime(ns=sample_time(first + begin, rate_hz))
        yield obspy.Trace(data[begin:end].copy(), {**stats, "starttime": time})
