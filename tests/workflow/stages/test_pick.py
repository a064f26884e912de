import numpy as np
import pandas as pd
import pytest
import scipy.signal
from pydantic import ValidationError

from quakeline.core.schemas import PICKS, PROBABILITIES, WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.io.products import stores, tables
from quakeline.workflow.stages import pick

RATE = 100
START = 1_588_291_200 * SECOND
CHUNK = Span(START, START + 120 * SECOND)
MARGIN_S, WINDOW_S = 60, 30
LABEL = "XX.AAA.00.HH"


class Stores:
    """Waveforms of noise and flat curves of a chunk and its margins; seconds count in the chunk."""

    def __init__(self, labels=(LABEL,)):
        self.labels = list(labels)
        n = (120 + 2 * MARGIN_S) * RATE
        rng = np.random.default_rng(0)
        self.data = rng.choice([-1.0, 1.0], (len(labels), 3, n)).astype("f4")
        self.valid = np.ones(self.data.shape, bool)
        self.curves = np.zeros((len(labels), 2, n - 2 * WINDOW_S * RATE), "f4")
        self.units = dict.fromkeys(self.labels, "counts")

    def peak(self, phase, at_s, height=0.8, sigma_s=0.05, row=0):
        """Add a normal curve to a phase's probability."""
        seconds = np.arange(self.curves.shape[-1]) / RATE - (MARGIN_S - WINDOW_S)
        bell = height * np.exp(-0.5 * ((seconds - at_s) / sigma_s) ** 2)
        curve = self.curves[row, "PS".index(phase)]
        np.maximum(curve, bell.astype("f4"), out=curve)
        return self

    def wave(self, at_s, height, components=(0, 1, 2), row=0):
        """Replace the noise after an onset by a sine of some height."""
        first = round((at_s + MARGIN_S) * RATE)
        wave = height * np.sin(np.arange(5 * RATE) * np.pi / 10)
        self.data[row, list(components), first : first + 5 * RATE] = wave
        return self

    def gap(self, begin_s, end_s, components=(0, 1, 2), row=0):
        begin, end = (round((s + MARGIN_S) * RATE) for s in (begin_s, end_s))
        self.valid[row, list(components), begin:end] = False
        self.data[row, list(components), begin:end] = 0
        return self

    def picks(self, folder, **config):
        first = START // 10_000_000
        start, n = first - MARGIN_S * RATE, self.data.shape[-1]
        with stores.create(
            folder / "w.zarr",
            WAVEFORMS,
            stores.Grid(start, n, float(RATE)),
            {"instruments": self.labels, "components": ["Z", "N", "E"]},
            units=self.units,
        ) as store:
            store["data"][:], store["valid"][:] = self.data, self.valid
        inner = slice(WINDOW_S * RATE, n - WINDOW_S * RATE)
        with stores.create(
            folder / "p.zarr",
            PROBABILITIES,
            stores.Grid(start + WINDOW_S * RATE, self.curves.shape[-1], float(RATE)),
            {"instruments": self.labels, "classes": ["P", "S"]},
            model="phasenet",
            weights_id="0123456789ab",
            thresholds={"P": 0.3, "S": 0.3},
        ) as store:
            store["probability"][:] = self.curves
            store["valid"][:] = self.valid.any(axis=1)[:, inner]
        pick.run(
            pick.Config(**config),
            chunk=CHUNK.id,
            probabilities=folder / "p.zarr",
            waveforms=folder / "w.zarr",
            picks=folder / "picks.parquet",
        )
        return tables.read(folder / "picks.parquet", PICKS)


def times(picks):
    return [round((time.value - START) / SECOND, 3) for time in picks["time"]]


def test_a_pick_and_all_that_is_known_of_it(tmp_path):
    made = Stores().peak("P", 40.0, 0.8, 0.06).wave(40.0, 100.0, (0,))
    (row,) = made.picks(tmp_path).to_dict("records")
    assert row["pick_id"] == "XX.AAA.00.HH/P/2020-05-01T00:00:40.000Z"
    assert row["time"] == pd.Timestamp("2020-05-01T00:00:40", tz="UTC")
    assert (row["network"], row["station"], row["location"]) == ("XX", "AAA", "00")
    assert (row["instrument"], row["phase"], row["source"]) == ("HH", "P", "waveform")
    assert (row["model"], row["weights_id"]) == ("phasenet", "0123456789ab")
    assert row["probability"] == pytest.approx(0.8)
    assert row["time_sigma_s"] == pytest.approx(0.06, rel=1e-3)
    assert row["fit_height"] == pytest.approx(0.8, rel=1e-3)
    assert row["fit_offset_s"] == pytest.approx(0.0, abs=1e-5)
    assert row["fit_residual"] == pytest.approx(0.0, abs=1e-5)
    assert row["snr_db"] == pytest.approx(40.0, abs=0.1)
    assert pd.isna(row["amplitude_m_s"])
    assert pd.isna(row["gap_distance_s"])
    assert pd.isna(row["event_id"])


def test_thresholds_are_those_of_the_weights_or_of_the_config(tmp_path):
    made = Stores().peak("P", 20.0, 0.29).peak("P", 40.0, 0.31).peak("S", 60.0, 0.5)
    assert times(made.picks(tmp_path / "a")) == [40.0, 60.0]
    assert times(made.picks(tmp_path / "b", thresholds={"P": 0.2, "S": 0.6})) == [20.0, 40.0]


def test_the_largest_within_the_distance_is_the_pick(tmp_path):
    made = Stores().peak("P", 40.0, 0.5).peak("P", 40.4, 0.9).peak("P", 41.0, 0.7).peak("S", 40.1)
    assert times(made.picks(tmp_path / "a")) == [40.1, 40.4, 41.0]
    assert times(made.picks(tmp_path / "b", min_distance_s=0.3)) == [40.0, 40.1, 40.4, 41.0]
    assert times(made.picks(tmp_path / "c", min_distance_s=2)) == [40.1, 40.4]


def scanned(curves, phase, threshold):
    """Seconds of the picks of archive_scan.py (Seismo-Performer) in one of its chunks."""
    scores = np.vstack([curves, 1 - curves.sum(axis=0)])
    peaks, _ = scipy.signal.find_peaks(scores[phase], height=[threshold, 1.0], distance=10_000)
    means = np.array([scores[:, max(k - 100, 0) : k + 100].mean(axis=1) for k in peaks])
    return [k / RATE for k, mean in zip(peaks, means, strict=True) if mean[phase] >= mean.max()]


def test_the_rule_of_archive_scan(tmp_path):
    made = Stores()
    for at, height, sigma in ((5.0, 0.6, 1), (9.0, 0.9, 1), (70.0, 0.95, 0.2), (112.0, 0.7, 1)):
        made.peak("P", at, height, sigma)
    for at, height, sigma in ((30.0, 0.8, 1.0), (-20.0, 0.99, 1), (118.0, 0.5, 2)):
        made.peak("S", at, height, sigma)
    chunk = made.curves[0, :, (MARGIN_S - WINDOW_S) * RATE :].astype(float)
    expected = {"P": scanned(chunk, 0, 0.3), "S": scanned(chunk, 1, 0.3)}
    # 70.0 is the highest, and too narrow; S at 118.0 is within 100 s of 30.0
    assert expected == {"P": [], "S": [30.0]}
    assert expected["P"] + expected["S"] == times(made.picks(tmp_path / "a", rule="archive-scan"))
    made.peak("P", 70.0, 0.96, 1.0)
    expected = {"P": scanned(made.curves[0, :, 3000:].astype(float), 0, 0.3)}
    assert expected["P"] == [70.0]
    assert times(made.picks(tmp_path / "b", rule="archive-scan")) == [30.0, 70.0]
    assert len(made.picks(tmp_path / "c")) == 6


def test_the_chunk_is_half_open(tmp_path):
    made = Stores()
    for at in (-0.01, 0.0, 119.99, 120.0):
        made.peak("P" if at in (0.0, 119.99) else "S", at)
    assert times(made.picks(tmp_path)) == [0.0, 119.99]


@pytest.mark.parametrize(("components", "near"), [((0, 1, 2), True), ((2,), True), ((), False)])
def test_no_pick_at_the_edge_of_a_gap_of_any_component(tmp_path, components, near):
    """The guard is one second; the nearest edge lies half a sample beside the last valid one."""
    made = Stores().gap(50.0, 60.0, components)
    for at in (48.9, 49.5, 60.5, 61.05, 75.0):
        made.peak("P", at)
    picks = made.picks(tmp_path)
    expected = [48.9, 61.05, 75.0] if near else [48.9, 49.5, 60.5, 61.05, 75.0]
    assert times(picks) == expected
    if near:
        assert picks["gap_distance_s"].tolist() == pytest.approx([1.095, 1.055, 15.005])
        assert times(made.picks(tmp_path, gap_guard_s=0)) == [48.9, 49.5, 60.5, 61.05, 75.0]


def test_no_pick_where_there_are_no_data(tmp_path):
    made = Stores().gap(40.0, 60.0).peak("P", 50.0)
    assert made.picks(tmp_path, gap_guard_s=0).empty


def test_gaps_farther_than_thirty_seconds_are_not_looked_for(tmp_path):
    made = Stores().gap(80.0, 81.0).peak("P", 49.0).peak("P", 50.6)
    picks = made.picks(tmp_path)
    assert picks["gap_distance_s"].isna().tolist() == [True, False]


def test_the_ratio_is_that_of_the_phases_own_components_if_these_are_whole(tmp_path):
    made = Stores().peak("P", 40.0).peak("S", 40.0).wave(40.0, 10.0, (0,)).wave(40.0, 100.0, (1, 2))
    ratios = made.picks(tmp_path / "a").set_index("phase")["snr_db"]
    assert ratios["P"] == pytest.approx(20.0, abs=0.2)
    assert ratios["S"] == pytest.approx(40.0, abs=0.2)
    made.gap(36.0, 36.5, (0,))
    ratios = made.picks(tmp_path / "b").set_index("phase")["snr_db"]
    assert ratios["P"] == pytest.approx(40.0, abs=0.2)
    made.gap(36.0, 36.5, (1, 2))
    assert made.picks(tmp_path / "c")["snr_db"].isna().all()


def test_amplitudes_are_given_in_metres_per_second_alone(tmp_path):
    labels = (LABEL, "XX.BBB..EH")
    made = Stores(labels)
    for row in (0, 1):
        made.peak("P", 40.0, row=row).wave(40.0, 1e-6, row=row)
    made.units["XX.BBB..EH"] = "m/s"
    amplitudes = made.picks(tmp_path).set_index("station")["amplitude_m_s"]
    assert amplitudes.isna().to_dict() == {"AAA": True, "BBB": False}
    assert amplitudes["BBB"] == pytest.approx(1e-6, rel=0.02)


def test_picks_are_sorted_by_time_across_instruments(tmp_path):
    made = Stores((LABEL, "XX.BBB..EH")).peak("P", 50.0).peak("S", 20.0)
    made.peak("P", 30.0, row=1).peak("S", 60.0, row=1)
    picks = made.picks(tmp_path)
    assert times(picks) == [20.0, 30.0, 50.0, 60.0]
    assert picks["station"].tolist() == ["AAA", "BBB", "AAA", "BBB"]


@pytest.mark.parametrize("labels", [(), (LABEL,)])
def test_no_picks_are_an_empty_table(tmp_path, labels):
    picks = Stores(labels).picks(tmp_path)
    assert picks.empty
    assert list(picks.columns) == PICKS.names


@pytest.mark.parametrize(
    "config",
    [
        {"noise_s": (0.5, 5.0)},
        {"noise_s": (11.0, 1.0)},
        {"noise_s": (1.0, 1.0)},
        {"noise_s": (1.0, -1.0)},
        {"signal_s": 0.01},
        {"signal_s": 11},
        {"min_distance_s": 0},
        {"gap_guard_s": -1},
        {"thresholds": {"P": 1.5}},
        {"thresholds": {"P": 0}},
        {"unknown": 1},
    ],
)
def test_settings_out_of_range_are_refused(config):
    with pytest.raises(ValidationError):
        pick.Config(**config)
