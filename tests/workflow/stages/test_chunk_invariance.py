"""Picks are the same however the data are cut: into chunks, into files, in whatever order.

Four stations, 16 minutes: three components at 100 Hz with sub-sample starts and a gap, a vertical
at 50 Hz, three components at 200 Hz with a response, one at 62.5 Hz. Real events (BW.RJOB, obspy)
on noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from recordings import HEADER, Pipeline, trace, write
from scipy.signal import resample_poly

from quakeline.core.timeline import SECOND, Span
from quakeline.models.sections import Builtin
from quakeline.workflow.stages import pick, weights

SECONDS = 960
SPAN = Span(1_588_291_200 * SECOND, (1_588_291_200 + SECONDS) * SECOND)
#: Raw data go on beyond the run by this much on both sides.
AROUND_S = 130
STATIONS = {
    "XX.AAA..HH": (100.0, "ZNE", 3_721_000),
    "XX.BBB.00.EH": (50.0, "Z", 0),
    "BW.RJOB..EH": (200.0, "ZNE", 1_250_000),
    "XX.DDD..BH": (62.5, "ZNE", 777_000),
}
TABLE = "\n".join(
    [HEADER, *(f"{name},47.7,12.8,800" for name in ("XX,AAA", "XX,BBB", "BW,RJOB", "XX,DDD"))]
)
GAP = (400.0, 408.5)
CHUNKS = (960, 320, 137)
EXACT = ["pick_id", "phase", "time", "gap_distance_s", "network", "station", "instrument"]


def recording(code: str, component: str, gaps: tuple[tuple[float, float], ...]) -> list[tuple]:
    """Pieces (start in ns, samples) of a channel: noise, an event each 40 s or so, gaps."""
    rate, _, late_ns = STATIONS[code]
    seed = [sum(map(ord, code)), ord(component)]
    rng = np.random.default_rng(seed)
    event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
    event = resample_poly(event, *{200.0: (2, 1), 50.0: (1, 2), 62.5: (5, 8)}.get(rate, (1, 1)))
    counts = rng.normal(0, 6, round((SECONDS + 2 * AROUND_S) * rate)) + 1000
    sizes = np.random.default_rng(sum(map(ord, code)))
    for at in np.arange(5.0, SECONDS + 2 * AROUND_S - 40, 41.7):
        first = round((at + sizes.uniform(0, 3)) * rate)
        counts[first : first + len(event)] += event * sizes.choice([0.05, 0.3, 1.0])
    counts = counts.round()
    begin = SPAN.start_ns - AROUND_S * SECOND + late_ns
    edges = [0.0, *(edge + AROUND_S for gap in gaps for edge in gap), SECONDS + 2 * AROUND_S]
    samples = [round(edge * rate) for edge in edges]
    return [
        (begin + round(a * SECOND / rate), counts[a:b])
        for a, b in zip(samples[::2], samples[1::2], strict=True)
    ]


def archive(folder: Path, *, file_s: float, gaps: dict[str, tuple] | None = None) -> list[str]:
    """Write the recordings as files of a length that overlap by 3 s, names against the order."""
    gaps = {"XX.AAA..HH": (GAP,)} if gaps is None else gaps
    for code, (rate, components, _) in STATIONS.items():
        for component in components:
            for start, samples in recording(code, component, gaps.get(code, ())):
                step = round(file_s * rate)
                for n, a in enumerate(range(0, len(samples), step)):
                    first = max(a - round(3 * rate), 0)
                    piece = trace(
                        f"{code}{component}",
                        start + round(first * SECOND / rate),
                        samples[first : a + step].astype("i4"),
                        rate,
                    )
                    write([piece], folder / f"{999 - n}.{code}{component}.{start}.mseed")
    return [str(folder / "*.mseed")]


def picks_of(
    folder: Path,
    paths: list[str],
    weights: Path,
    chunk_s: float,
    batch: int = 8,
    margin_s: float = 60.0,
) -> pd.DataFrame:
    inventory = obspy.read_inventory().select(network="BW", station="RJOB")
    inventory.networks = inventory.networks[:1]
    inventory[0].stations = inventory[0].stations[:1]
    for channel in inventory[0][0]:
        channel.start_date = channel.end_date = None
    folder.mkdir(parents=True, exist_ok=True)
    inventory.write(str(folder / "response.xml"), format="STATIONXML")
    pipeline = Pipeline(
        folder,
        paths,
        TABLE,
        stationxml=[str(folder / "response.xml")],
        margin_s=margin_s,
        pick_config=pick.Config(thresholds={"P": 0.1, "S": 0.1}),
    )
    return pipeline.run(SPAN, chunk_s, weights, batch)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return archive(tmp_path_factory.mktemp("archive"), file_s=1e9)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, paths, picker_weights):
    """Picks of one chunk from one file per channel."""
    return picks_of(tmp_path_factory.mktemp("whole"), paths, picker_weights, CHUNKS[0])


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, *, probability: float) -> None:
    pd.testing.assert_frame_equal(found[EXACT], expected[EXACT])
    for column, tolerance in {
        "probability": probability,
        "time_sigma_s": 1e-4,
        "snr_db": 2e-3,
        "amplitude_m_s": 1e-9,
    }.items():
        both = found[column].to_numpy(), expected[column].to_numpy()
        assert np.array_equal(*map(np.isnan, both))
        assert np.nanmax(np.abs(both[0] - both[1]), initial=0) <= tolerance, column


def test_there_is_something_to_pick(whole):
    counts = whole.groupby(["station", "phase"]).size()
    assert counts.min() >= 10
    assert whole["pick_id"].is_unique
    assert set(whole["instrument"]) == {"HH", "EH", "BH"}
    assert whole["snr_db"].notna().mean() > 0.95
    assert (whole["amplitude_m_s"].notna() == (whole["station"] == "RJOB")).all()
    near = whole[whole["gap_distance_s"].notna()]
    assert set(near["station"]) == {"AAA"}
    assert near["gap_distance_s"].between(1.0, 30.0).all()


@pytest.mark.parametrize("chunk_s", CHUNKS[1:])
def test_chunks_change_no_pick(tmp_path, paths, picker_weights, whole, chunk_s):
    found = picks_of(tmp_path, paths, picker_weights, chunk_s)
    assert_same(found, whole, probability=1e-6)
    plain = ~found["station"].isin(["RJOB", "DDD"])
    for column in ("probability", "time_sigma_s", "snr_db"):
        assert np.array_equal(found[column][plain], whole[column][plain], equal_nan=True), column


@pytest.mark.parametrize("file_s", [97.3, 311.0])
def test_files_and_their_order_change_no_pick(tmp_path, picker_weights, whole, file_s):
    found = picks_of(
        tmp_path / "run", archive(tmp_path, file_s=file_s), picker_weights, CHUNKS[1], batch=8
    )
    assert_same(found, whole, probability=1e-6)


def test_batch_size_changes_no_pick(tmp_path, paths, picker_weights, whole):
    assert_same(
        picks_of(tmp_path, paths, picker_weights, CHUNKS[1], batch=31), whole, probability=1e-5
    )


@pytest.mark.slow
def test_chunks_change_no_pick_of_windows_at_the_ends_of_data(tmp_path):
    """EQTransformer, holes of 11 and 64 s; ends of chunks are no ends of data."""
    path = tmp_path / "eqtransformer.safetensors"
    weights.run(Builtin(model="eqtransformer-original"), weights=path)
    gaps = {"XX.AAA..HH": ((390.0, 401.0), (520.0, 584.0))}
    files = archive(tmp_path / "archive", file_s=1e9, gaps=gaps)
    one, many = (
        picks_of(tmp_path / str(s), files, path, s, margin_s=95.0) for s in (CHUNKS[0], CHUNKS[2])
    )
    assert len(one[one["station"] == "AAA"]) > 10
    assert_same(many, one, probability=1e-6)


def test_a_gap_changes_no_pick_farther_than_a_window_and_the_filters_reach(
    tmp_path, picker_weights, whole
):
    """Another gap at one station: the others keep their picks, this one those 30 s away."""
    first = whole[(whole["station"] == "AAA") & (whole["phase"] == "P")].iloc[-5]
    onset_s = (first["time"].value - SPAN.start_ns) / SECOND
    hole = (onset_s - 1.0, onset_s + 9.0)
    gaps = {"XX.AAA..HH": (GAP, hole)}
    found = picks_of(
        tmp_path / "run", archive(tmp_path, file_s=1e9, gaps=gaps), picker_weights, CHUNKS[1]
    )
    begin, end = (pd.Timestamp(SPAN.start_ns + round(s * SECOND), tz="UTC") for s in hole)
    away = pd.Timedelta(seconds=31.5)
    kept = [
        frame[
            (frame["station"] != "AAA")
            | (frame["time"] < begin - away)
            | (frame["time"] > end + away)
        ].reset_index(drop=True)
        for frame in (found, whole)
    ]
    assert_same(*kept, probability=1e-6)
    guard = pd.Timedelta(seconds=1)
    near = found[(found["station"] == "AAA") & found["time"].between(begin - guard, end + guard)]
    assert near.empty
    assert first["pick_id"] not in set(found["pick_id"])
