"""Recordings cut into packets, and what a live session makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND
from quakeline.inference.annotator import Annotator
from quakeline.io.products import tables
from quakeline.live.feeds.protocol import Packet
from quakeline.live.preparing import Preparation
from quakeline.live.session import Session
from quakeline.picking.direct.picks import settings_of
from quakeline.picking.extraction import joined
from quakeline.workflow.stages import prepare


def cut(
    stream: Iterable[obspy.Trace],
    seed: int = 0,
    mean_s: float = 5.0,
    late_s: float = 0.0,
    loss: float = 0.0,
    twice: float = 0.0,
) -> list[Packet]:
    """Packets of random sizes in the order of their arrivals, which are late by up to a delay."""
    rng = np.random.default_rng(seed)
    packets = []
    for trace in stream:
        start, rate = int(trace.stats.starttime.ns), float(trace.stats.sampling_rate)
        done = 0
        while done < len(trace.data):
            n = max(int(rng.uniform(0, 2 * mean_s) * rate), 1)
            samples = trace.data[done : done + n]
            begin = start + round(done * SECOND / rate)
            end = begin + round(len(samples) * SECOND / rate)
            done += n
            if rng.uniform() < loss:
                continue
            packet = Packet(trace.id, begin, rate, samples, end)
            for _ in range(1 + int(rng.uniform() < twice)):
                arrived = end + round(rng.uniform(0, late_s) * SECOND)
                packets.append(replace(packet, arrived_ns=arrived))
    return sorted(packets, key=lambda one: (one.arrived_ns, one.codes, one.start_ns))


def stream_of(packets: Iterable[Packet]) -> obspy.Stream:
    """The packets as traces: what an archive holds that has just these."""
    traces = []
    for one in packets:
        parts = dict(
            zip(("network", "station", "location", "channel"), one.codes.split("."), strict=True)
        )
        time = obspy.UTCDateTime(ns=one.start_ns)
        header: dict[str, Any] = {**parts, "starttime": time, "sampling_rate": one.rate_hz}
        traces.append(obspy.Trace(one.samples, header))
    return obspy.Stream(traces)


def live_picks(session: Session, packets: Iterable[Packet], due: int = 1) -> pd.DataFrame:
    """The table PICKS that a session makes, which works when so many windows are due."""
    frames = []
    for packet in packets:
        session.add(packet)
        if session.due >= due:
            frames += [picks.frame for picks in session.work()]
    frames += [picks.frame for picks in session.finish()]
    return tables.conform(joined(frames), PICKS).to_pandas()


def session_of(annotator: Annotator, patience_s: float = 10.0, **more: Any) -> Session:
    """A session with the thresholds of the weight set."""
    usual = prepare.Config()
    preparation = Preparation(usual.bridge_gap_s, usual.mend_spikes, usual.response)
    return Session(annotator, settings_of(annotator.card), preparation, patience_s, **more)


def loaded(weights: Path, batch: int = 8) -> Annotator:
    """The network on one core."""
    return Annotator.load(weights, "cpu", 1, batch)
