"""Picks without a workflow: those of the workflow, whatever the data come in."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import Stream, UTCDateTime
from recordings import HEADER, UNTERHACHING, Pipeline, picker_weights, trace, write

import quakeline
from quakeline.core.errors import ConfigError, DataError, WeightsError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, Span
from quakeline.picking.direct import work

__all__ = ["picker_weights"]

START = "2020-05-01T00:00:00"
DEMO = Span(UTCDateTime("2010-05-27T16:24:00").ns, UTCDateTime("2010-05-27T16:28:00").ns)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def swarm(minutes: int = 40) -> Stream:
    """Two stations with a real event every 47 s; one has a gap and begins between samples."""
    stream = Stream()
    for code, late_ns in (("XX.AAA..HH", 0), ("XX.BBB..HH", 4_321_000)):
        for component in "ZNE":
            rng = np.random.default_rng([ord(component), late_ns])
            counts = rng.normal(0, 6, minutes * 6000)
            event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
            for at in np.arange(10.0, minutes * 60 - 40, 47.3):
                counts[round(at * 100) :][: len(event)] += event * 0.3
            start = UTCDateTime(START).ns + late_ns
            stream += trace(f"{code}{component}", start, counts.round().astype("i4"))
    return stream.cutout(UTCDateTime(START) + 300, UTCDateTime(START) + 309)


@pytest.fixture(scope="module")
def expected(picker_weights: Path) -> pd.DataFrame:
    return quakeline.pick(swarm(), weights=picker_weights, threads=1, batch=8)


def test_importing_quakeline_is_light() -> None:
    program = "import sys, quakeline; quakeline.pick; print('torch' in sys.modules)"
    plain = "import sys, quakeline; print('obspy' in sys.modules, 'numpy' in sys.modules)"
    for code, said in ((plain, "False False"), (program, "False")):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == said
    with pytest.raises(AttributeError, match="nothing"):
        quakeline.nothing  # noqa: B018


@pytest.mark.parametrize("given", ["files", "stream"])
def test_picks_are_those_of_the_workflow(tmp_path, picker_weights, given):
    table = f"{HEADER}\n" + "".join(f"BW,UH{n},48.0{n},11.6,400\n" for n in (1, 2, 3, 4))
    pipeline = Pipeline(tmp_path, [str(path) for path in UNTERHACHING], table)
    of_workflow = pipeline.picked(DEMO, picker_weights)
    data = (
        UNTERHACHING
        if given == "files"
        else Stream([t for p in UNTERHACHING for t in obspy.read(str(p))])
    )
    found = quakeline.pick(data, weights=picker_weights, device="cpu", threads=1)
    found = found[found["time"] < pd.Timestamp(DEMO.end_ns, tz="UTC")].reset_index(drop=True)
    assert len(found) > 15
    columns = ["pick_id", "phase", "time", "gap_distance_s", "weights_id", "model"]
    same(found[columns], of_workflow[columns])
    for column, tolerance in {"probability": 1e-6, "snr_db": 2e-3, "time_sigma_s": 1e-4}.items():
        difference = (found[column] - of_workflow[column]).abs()
        assert difference.max() <= tolerance, column


def test_there_are_picks_on_both_sides_of_the_gap(expected):
    assert list(expected.columns) == PICKS.names
    assert expected["pick_id"].is_unique
    assert expected["time"].is_monotonic_increasing
    assert (expected.groupby(["station", "phase"]).size() >= 40).all()
    assert expected["gap_distance_s"].min() >= 1.0
    assert expected.attrs["remarks"] == []


@pytest.mark.parametrize("batch", [4, 13, 32])
def test_threads_and_batches_change_no_byte(picker_weights, expected, batch):
    same(quakeline.pick(swarm(), weights=picker_weights, threads=2, batch=batch), expected)


def test_order_files_and_their_cuts_change_no_byte(tmp_path, picker_weights, expected):
    stream = swarm()
    same(quakeline.pick(Stream(stream[::-1]), weights=picker_weights), expected)
    for n, piece in enumerate(stream):
        for k in range(9):
            begin = UTCDateTime(START) + 300 * k
            part = piece.slice(begin - 3, begin + 300)
            if len(part):
                write([part], tmp_path / "cut" / f"{99 - 9 * n - k}.mseed")
    write(stream, tmp_path / "one" / "all.mseed")
    for name in ("cut", "one"):
        same(quakeline.pick(tmp_path / name, weights=picker_weights), expected)
    files = sorted((tmp_path / "cut").iterdir())
    same(quakeline.pick(files[::-1], weights=picker_weights), expected)


def test_chunks_change_no_pick(monkeypatch, picker_weights, expected):
    monkeypatch.setattr(work, "_CHUNK_S", 417)
    found = quakeline.pick(swarm(), weights=picker_weights)
    same(found.drop(columns="snr_db"), expected.drop(columns="snr_db"))
    assert (found["snr_db"] - expected["snr_db"]).abs().max() < 1e-3


def test_an_array_gives_the_picks_of_the_stream(picker_weights, expected):
    samples = np.full((1, 3, 40 * 6000), np.nan)
    for n, component in enumerate("ENZ"):
        for piece in swarm().select(station="AAA", component=component):
            first = round((piece.stats.starttime - UTCDateTime(START)) * 100)
            samples[0, n, first : first + len(piece)] = piece.data
    for array in (samples, samples[0], np.ma.masked_invalid(samples)):
        found = quakeline.pick(
            array, weights=picker_weights, sampling_rate_hz=100, start=START, components="ENZ"
        )
        assert set(found["station"]) == {"S0001"}
        own = expected[expected["station"] == "AAA"].reset_index(drop=True)
        columns = ["phase", "time", "probability", "snr_db", "gap_distance_s"]
        same(found[columns], own[columns])


def test_an_array_without_a_start_begins_in_1970(picker_weights):
    samples = np.stack([t.data[:3000] for t in obspy.read()])
    found = quakeline.pick(
        np.stack([samples, samples]), weights=picker_weights, sampling_rate_hz=100
    )
    assert set(found["station"]) == {"S0001", "S0002"}
    assert found["time"].dt.year.eq(1970).all()
    late = quakeline.pick(
        np.stack([samples, samples]),
        weights=picker_weights,
        sampling_rate_hz=100,
        start=[START, UTCDateTime(START) + 100],
    )
    times = late[late["phase"] == "P"].groupby("station")["time"].first()
    assert abs((times["S0002"] - times["S0001"]).total_seconds() - 100) < 0.1


def test_probabilities_are_a_stream(picker_weights, expected):
    stream = swarm()
    curves = quakeline.annotate(stream, weights=picker_weights)
    assert [t.id for t in curves] == [f"XX.{s}..HH{p}" for s in ("AAA", "BBB") for p in "PS"]
    for curve in curves:
        assert curve.data.dtype == np.float32
        assert np.ma.is_masked(curve.data)
        assert 0.9 < curve.data.max() <= 1
        assert abs(curve.stats.starttime - stream[0].stats.starttime) < 0.011
        assert curve.data.mask.sum() == pytest.approx(899, abs=2)
    row = expected.iloc[0]
    curve = curves.select(station=row["station"], channel=f"HH{row['phase']}")[0]
    at = round((row["time"].value - curve.stats.starttime.ns) / SECOND * 100)
    assert curve.data[at] == pytest.approx(row["probability"], abs=1e-6)


def test_curves_of_distant_recordings_are_traces_of_their_own(picker_weights):
    early, late = obspy.read(), obspy.read()
    for piece in late:
        piece.stats.starttime += 3 * 365 * 86_400
    curves = quakeline.annotate(early + late, weights=picker_weights)
    assert len(curves) == 4
    assert all(not np.ma.is_masked(curve.data) and len(curve) == 3000 for curve in curves)


def test_responses_of_an_inventory_give_amplitudes(tmp_path, picker_weights):
    known = obspy.read_inventory()
    known.write(str(tmp_path / "r.xml"), format="STATIONXML")
    plain = quakeline.pick(obspy.read(), weights=picker_weights)
    for given in ({"inventory": known}, {"stationxml": tmp_path / "r.xml"}):
        found = quakeline.pick(obspy.read(), weights=picker_weights, **given)
        assert found["amplitude_m_s"].between(1e-8, 1e-3).all()
    assert plain["amplitude_m_s"].isna().all()


def test_what_cannot_be_used_is_said(tmp_path, picker_weights, caplog):
    (tmp_path / "notes.txt").write_text("no waveforms")
    dead = trace("XX.DDD..HHZ", START, np.full(6000, 7, "i4"))
    odd = trace("XX.EEE..HDF", START, np.arange(6000, dtype="i4"))
    write([*swarm(2).select(station="AAA"), dead, odd], tmp_path / "a.mseed")
    with caplog.at_level(logging.WARNING, logger="quakeline"):
        found = quakeline.pick(tmp_path, weights=picker_weights)
    said = "\n".join(caplog.messages)
    assert said.splitlines() == found.attrs["remarks"]
    for words in ("notes.txt: not a format", "XX.DDD..HHZ: dead channel", "XX.EEE..HDF: the last"):
        assert words in said
    assert set(found["station"]) == {"AAA"}


def test_nothing_usable_is_an_error(tmp_path, picker_weights):
    dead = Stream([trace("XX.DDD..HHZ", START, np.full(6000, 7, "i4"))])
    (tmp_path / "x.txt").write_text("no waveforms")
    text = obspy.Trace(
        np.frombuffer(b"station rebooted", "|S1"), {"station": "A", "channel": "LOG"}
    )
    for data, words in {
        "dead": (dead, "dead channel"),
        "file": (tmp_path / "x.txt", "x.txt: not a format"),
        "missing": ("/no/file", "cannot be opened"),
        "empty": (Stream(), "there are no samples"),
        "text": (Stream([text]), "the samples are no numbers"),
    }.values():
        with pytest.raises(DataError, match=f"no usable data.*{words}"):
            quakeline.pick(data, weights=picker_weights)


def test_mistakes_are_one_line(picker_weights):
    array = np.zeros((3, 100))
    for error, words, data, options in (
        (ConfigError, "'foo' given; allowed: phasenet, ", swarm(2), {"model": "foo"}),
        (ConfigError, "threshold of X given; phasenet has the", swarm(2), {"thresholds": {"X": 1}}),
        (ConfigError, "thresholds.P: 3 given", swarm(2), {"thresholds": {"P": 3}}),
        (ConfigError, "treshold", swarm(2), {"treshold": 1}),
        (ConfigError, "'tpu' given", swarm(2), {"device": "tpu"}),
        (ConfigError, "threads: 0", swarm(2), {"threads": 0}),
        (WeightsError, "holds weights of phasenet; model is gpd", swarm(2), {"model": "gpd"}),
        (DataError, "without sampling_rate_hz", array, {}),
        (DataError, "with an array only", swarm(2), {"start": START}),
        (DataError, "shape", array[:2], {"sampling_rate_hz": 100}),
        (DataError, "letters", array, {"sampling_rate_hz": 100, "components": "XYZ"}),
        (DataError, "real numbers", array.astype(str), {"sampling_rate_hz": 100}),
        (DataError, "sampling rate", array + 1, {"sampling_rate_hz": 0}),
    ):
        if options.get("model") != "foo":
            options = {"weights": picker_weights, **options}
        with pytest.raises(error, match=words) as caught:
            quakeline.pick(data, **options)
        assert "\n" not in str(caught.value)


def test_given_data_stay_as_they_are(picker_weights):
    stream = swarm(3)
    before = stream.copy()
    quakeline.pick(stream, weights=picker_weights)
    assert stream == before


def test_weights_are_made_once(tmp_path, monkeypatch, picker_weights):
    from quakeline.models import cache
    from quakeline.models.named import weights_file
    from quakeline.models.weights import card_of

    originals = cache.folder() / "weights" / "bccc7beb439c7f9e"
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path))
    made = weights_file("phasenet", originals)
    assert card_of(made) == card_of(picker_weights)
    stamp = made.stat().st_mtime_ns
    assert weights_file(None) == made
    assert made.stat().st_mtime_ns == stamp
    assert weights_file(str(made)) == made
