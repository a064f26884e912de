"""Differential times from waveforms: events whose wave trains are the same but for their times."""

import re
from dataclasses import dataclass

import numpy as np
import obspy
import pandas as pd
import pytest
from workfolder import WorkFolder

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import DIFFERENTIALS, WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.events.measurement import differential
from quakeline.events.measurement.differential import Rules, differentials
from quakeline.events.measurement.kept_waveforms import Waveforms
from quakeline.events.measurement.spread import workers
from quakeline.io.products import stores, tables

RATE, START, HALF = 100, 1_588_291_200, 120
STATIONS, COMPONENTS = ["A", "B", "C", "D"], ["Z", "N", "E"]
ORIGINS = [20.0, 60.004, 100.0071, 150.0033, 200.0]
PICK_ERROR_S = 0.04


@pytest.fixture(scope="module")
def truth():
    """Travel times (event, station, phase) in s: a few hundredths different from event to event."""
    rng = np.random.default_rng(4)
    p = 2.5 + rng.uniform(0, 2, len(STATIONS)) + rng.normal(0, 0.02, (len(ORIGINS), 1))
    p = p + rng.normal(0, 0.01, p.shape)
    return np.stack([p, 1.74 * p], axis=-1)


def wave(rng):
    """A wave train of 2 to 12 Hz as a function of the time since its onset."""
    hertz, phase = rng.uniform(2, 12, 25), rng.uniform(0, 2 * np.pi, 25)
    return lambda t: np.where(
        t > 0,
        t.clip(0) * np.exp(-3 * t.clip(0)) * np.sin(2 * np.pi * hertz * t[:, None] + phase).sum(1),
        0,
    )


def furnished(folder, truth, spoil=lambda data, valid: None, clipped=None):
    """Two stores of two minutes, the second with a margin before it."""
    rng = np.random.default_rng(7)
    seconds = np.arange(2 * HALF * RATE) / RATE
    data = 0.002 * rng.normal(size=(len(STATIONS), 3, len(seconds))).astype("f4")
    for station in range(len(STATIONS)):
        trains = wave(rng), wave(rng), wave(rng)
        for event, origin in enumerate(ORIGINS):
            p, s = (seconds - origin - t for t in truth[event, station])
            data[station, 0] += (1 + event) * trains[0](p)
            for component in (1, 2):
                data[station, component] += (1 + event) * trains[component](s)
    valid = np.ones(data.shape, bool)
    spoil(data, valid)
    labels = {"instruments": [f"XX.{name}..HH" for name in STATIONS], "components": COMPONENTS}
    more = {
        "units": dict.fromkeys(labels["instruments"], "m/s"),
        **({"clipped": clipped} if clipped else {}),
    }
    for first, margin in ((0, 0), (HALF, 10)):
        span = Span((START + first) * SECOND, (START + first + HALF) * SECOND)
        part = slice((first - margin) * RATE, (first + HALF) * RATE)
        grid = stores.Grid(START * RATE + part.start, part.stop - part.start, float(RATE))
        with stores.create(folder / f"{span.id}.zarr", WAVEFORMS, grid, labels, **more) as group:
            group["data"][:], group["valid"][:] = data[..., part], valid[..., part]
    return Waveforms(folder)


def catalog(truth, seed=1):
    """EVENTS of a few hundred metres, and their arrivals as pickers see them."""
    rng = np.random.default_rng(seed)
    n = len(ORIGINS)
    events = pd.DataFrame(
        {
            "event_id": [f"e{k}" for k in range(n)],
            "time": pd.to_datetime([round((START + t) * 1e9) for t in ORIGINS], utc=True),
            "latitude": 47.0 + 0.001 * np.arange(n),
            "longitude": 11.0,
            "depth_km": 5.0,
        }
    )
    rows = [
        {
            "event_id": f"e{event}",
            "network": "XX",
            "station": name,
            "location": "",
            "instrument": "HH",
        }
        | {"phase": phase, "seconds": ORIGINS[event] + truth[event, at, k]}
        for event in range(n)
        for at, name in enumerate(STATIONS)
        for k, phase in enumerate("PS")
    ]
    arrivals = pd.DataFrame(rows)
    seconds = arrivals.pop("seconds") + rng.uniform(-PICK_ERROR_S, PICK_ERROR_S, len(arrivals))
    arrivals["pick_id"] = [f"p{k}" for k in arrivals.index]
    arrivals["time"] = pd.to_datetime(((START + seconds) * 1e9).round().astype("int64"), utc=True)
    return events, arrivals


def errors(found, truth):
    """Found less true differences in s."""
    one, other = (found[f"event_id_{k}"].str[1:].astype(int).to_numpy() for k in (1, 2))
    station = found["station"].map({name: k for k, name in enumerate(STATIONS)}).to_numpy()
    phase = (found["phase"] == "S").astype(int).to_numpy()
    return found["difference_s"] - (truth[one, station, phase] - truth[other, station, phase])


def test_differences_are_exact_whatever_the_picks(tmp_path, truth):
    waveforms = furnished(tmp_path, truth)
    found, unused = differentials(*catalog(truth), waveforms, Rules())
    tables.conform(found, DIFFERENTIALS)
    assert len(found) == 10 * len(STATIONS) * 2
    assert not unused
    assert errors(found, truth).abs().max() < 1e-3
    assert found["correlation"].min() > 0.95
    assert found["shift_s"].std() > PICK_ERROR_S / 2
    assert set(found.loc[found["phase"] == "P", "component"]) == {"Z"}
    assert set(found.loc[found["phase"] == "S", "component"]) <= {"N", "E"}
    again, _ = differentials(*catalog(truth, seed=2), waveforms, Rules())
    np.testing.assert_allclose(again["difference_s"], found["difference_s"], atol=1e-3)


def test_what_does_not_correlate_is_counted(tmp_path, truth):
    found, unused = differentials(
        *catalog(truth), furnished(tmp_path, truth), Rules(min_correlation=0.9999)
    )
    (compared,) = (n for reason, n in unused.items() if "a correlation below 0.9999" in reason)
    few = unused["differences: fewer than 4 of a pair of events"]
    assert compared + few + len(found) == 10 * len(STATIONS) * 2
    assert compared > 40


def test_gaps_and_clipped_samples_are_left_out_and_counted(tmp_path, truth):
    def spoil(data, valid):
        valid[0, :, 21 * RATE : 23 * RATE + 50] = False

    clipped = {"XX.B..HH": [[(START + 60) * RATE, (START + 70) * RATE]]}
    found, unused = differentials(
        *catalog(truth), furnished(tmp_path, truth, spoil, clipped), Rules(min_links=1)
    )
    assert unused["arrivals: a gap, clipped samples or the end of the data"] > 0
    at_b = found[found["station"] == "B"]
    assert "e1" not in {*at_b["event_id_1"], *at_b["event_id_2"]}
    assert errors(found, truth).abs().max() < 1e-3


@dataclass(frozen=True)
class Noise:
    """A record of white noise around an onset: tops of its correlations are a few samples wide."""

    seed: int

    def trace(self, component: str) -> tuple[obspy.UTCDateTime, obspy.Trace]:
        samples = np.random.default_rng(self.seed).standard_normal(400).astype(np.float32)
        trace = obspy.Trace(samples, {"sampling_rate": 100.0})
        return trace.stats.starttime + 2, trace


def test_tops_of_three_samples_end_nothing():
    """obspy cannot judge the fit of a parabola through all samples of the top."""
    pairs = [(Noise(n), Noise(n + 1)) for n in range(100)]
    made = [differential._match(*pair, "Z", 0.8, Rules()) for pair in pairs]
    assert 0 < made.count(None) < len(made)


def test_a_dead_channel_gives_no_differences(tmp_path, truth):
    def spoil(data, valid):
        data[0] = 0.0
        data[1, 0] = 3.0

    waveforms = furnished(tmp_path, truth, spoil)
    found, _ = differentials(*catalog(truth), waveforms, Rules(min_correlation=0.0))
    assert "A" not in set(found["station"])
    assert set(found.loc[found["station"] == "B", "phase"]) == {"S"}
    assert np.isfinite(found["difference_s"]).all()


def test_arrivals_without_waveforms_are_counted(tmp_path, truth):
    events, arrivals = catalog(truth)
    arrivals.loc[arrivals["station"] == "C", "instrument"] = "EH"
    waveforms = furnished(tmp_path, truth)
    (tmp_path / f"{Span((START + HALF) * SECOND, (START + 2 * HALF) * SECOND).id}.zarr").rename(
        tmp_path / "gone"
    )
    found, unused = differentials(events, arrivals, Waveforms(tmp_path), Rules())
    assert unused == {"arrivals: no waveforms were kept": 3 * 2 + 2 * len(STATIONS) * 2}
    assert set(found["station"]) == {"A", "B", "D"}
    assert set(found["event_id_2"]) == {"e1", "e2"}
    assert waveforms
    with pytest.raises(DataError, match=r"holds no waveforms; a run keeps them with keep:"):
        Waveforms(tmp_path / "nowhere")


@pytest.fixture(scope="module")
def cluster():
    """Two processes; blocks of about five comparisons."""
    with workers("local:2", most=5) as made:
        yield made


def test_a_cluster_gives_the_same_table(tmp_path, truth, cluster):
    clipped = {"XX.B..HH": [[(START + 60) * RATE, (START + 70) * RATE]]}
    waveforms = furnished(tmp_path, truth, clipped=clipped)
    events, arrivals = catalog(truth)
    arrivals.loc[(arrivals["station"] == "C") & (arrivals["phase"] == "P"), "instrument"] = "EH"
    told: list[tuple[float, float]] = []
    here = differentials(events, arrivals, waveforms, Rules(min_correlation=0.98))
    there = differentials(
        events,
        arrivals,
        waveforms,
        Rules(min_correlation=0.98),
        lambda *done: told.append(done),
        cluster,
    )
    assert len(here[0]) > 20
    assert len(here[1]) == 3
    pd.testing.assert_frame_equal(there[0], here[0], check_exact=True)
    assert there[1] == here[1]
    assert told[-1] == (len(arrivals), len(arrivals))
    assert len(told) > len(STATIONS) + 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_block_that_fails_is_named(tmp_path, truth, cluster):
    waveforms = furnished(tmp_path, truth)
    events, arrivals = catalog(truth)
    for file in tmp_path.glob("*.zarr/data/c/2/0/*"):
        file.write_bytes(b"damaged")
    some = arrivals[arrivals["station"] == "C"]
    with pytest.raises(DataError) as caught:
        differentials(events, some, waveforms, Rules(), spread=cluster)
    assert re.match(r"block \d+, XX\.C\.\.HH, events e0 to e\d: \w+Error: .+$", str(caught.value))


@pytest.mark.parametrize("where", ["local:0", "local:two", "local:"])
def test_a_cluster_that_cannot_be_is_refused(where):
    with pytest.raises(ConfigError, match=r"--dask: .* given; allowed: local:N, or a sch"):
        workers(where).__enter__()


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr("quakeline.events.measurement.spread._CONNECT_S", 0.2)
    with pytest.raises(ConfigError, match=r"--dask: no scheduler answers at 'tcp://127.0.0.1:9': "):
        workers("tcp://127.0.0.1:9").__enter__()


def test_the_events_of_the_demo_have_one_source(demo_run: WorkFolder, tmp_path):
    """All stations agree within a millisecond: both large events have one source."""
    done = demo_run.quakeline("correlate", "unterhaching", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = tables.read(tmp_path / "differentials.parquet", DIFFERENTIALS)
    for phase, count in (("P", 4), ("S", 2)):
        some = found[found["phase"] == phase]
        assert len(some) == count
        assert some["correlation"].min() > 0.9
        assert np.ptp(some["difference_s"]) < 1.5e-3
    head, *lines = (tmp_path / "dt.cc").read_text().splitlines()
    assert head.split() == ["#", "1", "2", "0.0"]
    assert len(lines) == len(found)
    events = obspy.read_events(str(tmp_path / "phase.dat"), format="HYPODDPHA")
    assert {line.split()[0] for line in lines} <= {
        pick.waveform_id.station_code for pick in events[0].picks
    }
    for line, row in zip(lines, found.itertuples(), strict=True):
        name, seconds, weight, phase = line.split()
        assert (name, phase) == (row.station, row.phase)
        assert float(seconds) == pytest.approx(row.difference_s, abs=1.1e-4)
        assert float(weight) == pytest.approx(row.correlation**2, abs=1e-4)


def test_mistakes_are_one_line(demo_run: WorkFolder, tmp_path):
    done = demo_run.quakeline("correlate", "unterhaching", "-o", str(tmp_path / "x"), "--band", "5")
    assert (done.returncode, done.stderr) == (
        2,
        "quakeline: --band: '5' given; allowed: LOW,HIGH in Hz, as 2,15\n",
    )
    assert not (tmp_path / "x").exists()
