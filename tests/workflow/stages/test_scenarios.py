"""Four kinds of data that operational networks have, as PNSN's ml_prediction lists them.

A station of six components, gappy data, and large events that clip, made difficult from obspy's
real recording of a local event (BW.RJOB); the full array is tests/workflow/test_hengill.py.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import obspy
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import HEADER, Pipeline, trace, write

from quakeline.core.timeline import SECOND, Span
from quakeline.earth.sites import strongest
from quakeline.waveforms.preparation.settings import READ_AHEAD_S
from quakeline.workflow.stages import pick, prepare

SECONDS, AROUND_S, RATE = 180, 90, 100
BEGIN = 1_588_291_200 * SECOND
SPAN = Span(BEGIN, BEGIN + SECONDS * SECOND)
#: Seconds into the run at which the event comes, and its size; the network's P is P_AFTER_S later.
EVENTS = ((20.0, 1.0), (110.0, 30.0))
P_AFTER_S = 4.85
#: Counts at which the clipped recording ends.
LIMIT = 20_000
TABLE = f"{HEADER}\nBW,RJOB,47.7,12.8,800\n"
#: A gap disturbs the response filter (20 s) and the resampling around it, and the network as far
#: as one window (30 s) reaches; the stretch of a window is normalised as a whole.
GUARD_S = 30.0 + READ_AHEAD_S


@cache
def ground(component: str, level: float = 300.0) -> np.ndarray:
    """Counts of a channel: noise, a moderate and a large event; the run begins at AROUND_S."""
    rng = np.random.default_rng(ord(component))
    event = obspy.read().select(component=component)[0].detrend("demean").taper(0.05).data
    counts = rng.normal(0, 6, (SECONDS + 2 * AROUND_S) * RATE) + level
    for at, size in EVENTS:
        first = round((at + AROUND_S) * RATE)
        counts[first : first + len(event)] += size * event
    return counts.round()


def response_file(folder):
    inventory = obspy.read_inventory().select(network="BW", station="RJOB")
    inventory.networks = inventory.networks[:1]
    inventory[0].stations = inventory[0].stations[:1]
    for channel in inventory[0][0]:
        channel.start_date = channel.end_date = None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "response.xml"
    inventory.write(str(path), format="STATIONXML")
    return path


def pieces(code, counts, gaps=()):
    """Traces of a channel with holes (from, to) in seconds of the run."""
    edges = [0, *(round((t + AROUND_S) * RATE) for gap in gaps for t in gap), len(counts)]
    start = BEGIN - AROUND_S * SECOND
    return [
        trace(code, start + a * (SECOND // RATE), counts[a:b].astype("i4"))
        for a, b in list(pairwise(edges))[::2]
    ]


def pipeline_of(folder, traces, **options):
    path = write(traces, folder / "raw.mseed")
    return Pipeline(
        folder,
        [str(path)],
        TABLE,
        stationxml=[str(response_file(folder))],
        pick_config=pick.Config(thresholds={"P": 0.3, "S": 0.3}),
        **options,
    )


def one_station(gaps=(), limit=None):
    traces = []
    for component in "ZNE":
        counts = ground(component)
        if limit:
            counts = np.clip(counts, -limit, limit)
        traces += pieces(f"BW.RJOB..EH{component}", counts, gaps)
    return traces


@pytest.fixture(scope="module")
def whole(tmp_path_factory, picker_weights):
    pipeline = pipeline_of(tmp_path_factory.mktemp("whole"), one_station())
    picks = pipeline.picked(SPAN, picker_weights)
    return pipeline.waveforms(SPAN), picks


def near(picks, seconds, within=0.2):
    """Picks within a time of an instant in seconds of the run."""
    at = pd.Timestamp(BEGIN + round(seconds * SECOND), unit="ns", tz="UTC")
    return picks[(picks["time"] - at).abs() <= pd.Timedelta(seconds=within)]


def test_events_of_the_whole_recording(whole):
    _, picks = whole
    for at, _ in EVENTS:
        (row,) = near(picks[picks["phase"] == "P"], at + P_AFTER_S).to_dict("records")
        assert row["probability"] > 0.5
        assert row["amplitude_m_s"] > 0


def test_a_large_event_that_clips_keeps_its_picks_without_amplitudes(
    tmp_path, whole, picker_weights
):
    pipeline = pipeline_of(tmp_path, one_station(limit=LIMIT))
    picks = pipeline.picked(SPAN, picker_weights)
    small, large = (near(picks, at + P_AFTER_S, 6.0) for at, _ in EVENTS)
    assert set(large["phase"]) == {"P", "S"}
    assert large["amplitude_m_s"].isna().all()
    assert small["amplitude_m_s"].notna().all()
    onset = near(large[large["phase"] == "P"], EVENTS[1][0] + P_AFTER_S)
    assert len(onset) == 1
    _, complete = whole
    before = near(complete[complete["phase"] == "P"], EVENTS[1][0] + P_AFTER_S)
    difference = abs(onset["time"].iloc[0] - before["time"].iloc[0])
    assert difference <= pd.Timedelta(seconds=0.1)
    rows = pipeline.coverage(SPAN)
    assert (rows["clipped_s"] > 2).all()
    assert rows["notes"].str.contains("clipped: ").all()
    assert (rows["coverage"] == 1).all()


def test_six_components_give_one_onset_for_the_association(tmp_path, picker_weights):
    traces = one_station()
    for component in "ZNE":  # an accelerometer: the derivative, less sensitive
        motion = np.gradient(ground(component)) / 2
        rng = np.random.default_rng(7)
        traces += pieces(f"BW.RJOB.10.HN{component}", motion + rng.normal(0, 3, len(motion)))
    both = pipeline_of(tmp_path / "both", traces).picked(SPAN, picker_weights)
    assert set(both["instrument"]) == {"EH", "HN"}
    distinct = strongest(both, 0.3)
    for at, _ in EVENTS:
        found = near(both[both["phase"] == "P"], at + P_AFTER_S)
        assert set(found["instrument"]) == {"EH", "HN"}
        kept = near(distinct[distinct["phase"] == "P"], at + P_AFTER_S)
        assert kept["pick_id"].tolist() == [found.loc[found["probability"].idxmax(), "pick_id"]]
    options = {"prepare_config": prepare.Config(prefer={"instruments": ["HN", "EH"]})}
    one = pipeline_of(tmp_path / "one", traces, **options).picked(SPAN, picker_weights)
    expected = both[both["instrument"] == "HN"]["pick_id"].tolist()
    assert one["pick_id"].tolist() == expected


holes = st.lists(st.tuples(st.floats(-80, 250), st.floats(0.3, 12)), min_size=1, max_size=3).map(
    lambda rows: [(at, at + length) for at, length in sorted(rows)]
)


@given(holes)
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_gaps_change_nothing_beyond_their_guard(tmp_path_factory, whole, picker_weights, gaps):
    gaps = [one for n, one in enumerate(gaps) if all(one[0] > e + 1 for _, e in gaps[:n])]
    pipeline = pipeline_of(tmp_path_factory.mktemp("gaps"), one_station(gaps))
    picks = pipeline.picked(SPAN, picker_weights)
    before, complete = whole
    after = pipeline.waveforms(SPAN)
    time = np.arange(after.valid.shape[-1]) / RATE - 60
    away = np.min([np.maximum(a - time, time - b) for a, b in gaps], axis=0)
    assert (after.valid[0] != (away > 0)).sum() <= 4 * 3 * len(gaps)
    far = away > READ_AHEAD_S
    assert (
        np.abs(after.data[..., far] - before.data[..., far]).max(initial=0)
        <= 1e-6 * np.abs(before.data).max()
    )

    def distant(table):
        seconds = (table["time"].astype("int64") - BEGIN) / SECOND
        return table[[min(max(a - t, t - b) for a, b in gaps) > GUARD_S for t in seconds]]

    kept, expected = distant(picks), distant(complete)
    assert kept["pick_id"].tolist() == expected["pick_id"].tolist()
    assert (
        np.abs(kept["probability"].to_numpy() - expected["probability"].to_numpy()).max(initial=0)
        < 1e-3
    )
    times = (picks["time"].astype("int64") - BEGIN) / SECOND
    assert all(min(max(a - t, t - b) for a, b in gaps) >= 0.98 for t in times)
