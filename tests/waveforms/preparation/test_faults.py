"""Faults of raw data: what is mended, what is said, what is no longer used."""

import numpy as np
import obspy
import pytest
from recordings import HEADER, OBSPY, Pipeline, trace, write

from quakeline.core.reasons import Code, Reason, text_of
from quakeline.core.timeline import SECOND, Span
from quakeline.signal.gaps import runs_of
from quakeline.waveforms.preparation.flags import Flags
from quakeline.workflow.stages import prepare

BEGIN = obspy.UTCDateTime("2020-05-01T00:00:00").ns
SPAN = Span(BEGIN, BEGIN + 60 * SECOND)
TABLE = f"{HEADER}\nXX,AAA,48,11,400\nBW,BGLD,48,11,500\n"


def noise(seconds=60, size=1000.0, seed=0):
    return np.random.default_rng(seed).normal(0, size, round(seconds * 100)).round()


def prepared(folder, traces, span=SPAN, **options):
    path = write(traces, folder / "raw.mseed")
    pipeline = Pipeline(folder, [str(path)], TABLE, **options)
    pipeline.prepared(span)
    return pipeline.waveforms(span), pipeline.coverage(span)


def notes_of(coverage, component="Z"):
    (row,) = coverage[coverage["component"] == component].to_dict("records")
    return row["notes"]


def test_a_spike_is_bridged_and_said_and_nothing_else_changes(tmp_path):
    counts = noise()
    counts[2000] += 100_000
    waves, coverage = prepared(tmp_path, [trace("XX.AAA..HHZ", BEGIN, counts)])
    data, valid = waves.of_channel("XX.AAA..HH", "Z")
    at = waves.index(BEGIN)
    expected = counts.copy()
    expected[2000] = (counts[1999] + counts[2001]) / 2
    assert valid[at : at + 6000].all()
    assert np.array_equal(data[at : at + 6000], expected.astype("f4"))
    assert "1 spikes of one sample bridged" in notes_of(coverage)


def test_steps_and_constant_stretches_are_said(tmp_path):
    counts = noise()
    counts[3000:] += 100_000
    counts[4000:4800] = 0
    waves, coverage = prepared(tmp_path, [trace("XX.AAA..HHZ", BEGIN, counts)])
    assert waves.valid[0, 0, waves.index(BEGIN) :][:6000].all()
    note = notes_of(coverage)
    assert "3 steps to another level" in note
    assert "without signal (equal samples): 8.0 s" in note


def test_clipped_samples_stay_and_are_marked(tmp_path):
    counts = noise(size=30.0)
    time = np.arange(500) / 100
    event = 1e6 * np.sin(2 * np.pi * 3 * time) * np.exp(-time)
    counts[3000:3500] += event.round()
    counts = np.clip(counts, -200_000, 200_000)
    waves, coverage = prepared(tmp_path, [trace("XX.AAA..HHZ", BEGIN, counts)])
    data, valid = waves.of_channel("XX.AAA..HH", "Z")
    at = waves.index(BEGIN)
    assert valid[at : at + 6000].all()
    assert np.array_equal(data[at : at + 6000], counts.astype("f4"))
    tops = runs_of(np.abs(counts) == 200_000)
    tops = tops[tops[:, 1] - tops[:, 0] >= 4]
    flat = tops[0, 0], tops[-1, 1] - 1
    ((first, end),) = waves.clipped["XX.AAA..HH"]
    start = waves.start_ns * 100 // SECOND + at
    assert first == pytest.approx(start + flat[0] - 100, abs=1)
    assert end == pytest.approx(start + flat[-1] + 1 + 100, abs=3)
    row = coverage.iloc[0]
    assert row["clipped_s"] == pytest.approx((end - first) / 100)
    assert "clipped: " in row["notes"]
    assert row["status"] == "used"


def test_noise_of_the_digitizer_alone_is_a_dead_channel(tmp_path):
    counts = np.random.default_rng(0).integers(-1, 2, 6000).astype("f8")
    live = trace("XX.AAA..HHN", BEGIN, noise())
    _, coverage = prepared(tmp_path, [trace("XX.AAA..HHZ", BEGIN, counts), live])
    assert notes_of(coverage).startswith("dead channel: all samples lie between -1 and 1 counts")
    assert coverage.set_index("component")["status"].to_dict() == {"N": "used", "Z": "unused"}


def test_a_drifting_clock_is_said_and_followed(tmp_path):
    """Ten files, each 2.5 ms later than the last one says, as a clock of -417 ppm gives them."""
    slip_ns, n = 2_500_000, 600
    step_s = 0.01 + slip_ns / SECOND / n

    def wave(seconds):
        return 1e4 * np.sin(2 * np.pi * 2 * seconds)

    for k in range(10):
        start = BEGIN + k * (n * 10_000_000 + slip_ns)
        seconds = (start - BEGIN) / SECOND + np.arange(n) * step_s
        piece = trace("XX.AAA..HHZ", start, wave(seconds))
        write([piece], tmp_path / f"raw{k}.mseed", reclen=8192)  # one record, one time
    pipeline = Pipeline(tmp_path, [str(tmp_path / "raw*.mseed")], TABLE)
    pipeline.prepared(SPAN)
    note = notes_of(pipeline.coverage(SPAN))
    assert "the clock drifts: 99.95835 Hz under a header of 100 Hz (-416.5 ppm)" in note
    waves = pipeline.waveforms(SPAN)
    data, valid = waves.of_channel("XX.AAA..HH", "Z")
    at = waves.index(BEGIN)
    difference = np.abs(data[at : at + 6000] - wave(np.arange(6000) / 100))
    assert valid[at : at + 6000].all()
    assert difference[40:-40].max() < 1


def test_flags_of_real_records(tmp_path):
    folder = OBSPY / "io/mseed/tests/data"
    flags = Flags()
    codes = ("BW", "BGLD", "", "EHE")
    notes = text_of(flags.notes([str(folder / "qualityflags.mseed")], codes))
    assert "its records say: saturation of the amplifier (9 of 18)" in notes
    assert "its records say: clipping of the digitizer (8 of 18)" in notes
    assert "its records say: time questionable (2 of 18)" in notes
    (worst,) = flags.notes([str(folder / "timingquality.mseed")], codes)
    assert worst == Reason.of(Code.TIMING_POOR, percent=0)
    both = [str(folder / name) for name in ("qualityflags.mseed", "timingquality.mseed")]
    assert worst in flags.notes(both, codes)
    assert flags.notes(both, ("XX", "A", "", "EHE")) == []
    other = tmp_path / "raw.sac"
    obspy.read()[0].write(str(other), format="SAC")
    assert flags.notes([str(other)], codes) == []


def test_flags_reach_the_coverage_table(tmp_path):
    path = OBSPY / "io/mseed/tests/data/qualityflags.mseed"
    span = Span(*(obspy.UTCDateTime(f"2007-12-31T{t}").ns for t in ("23:59:59", "23:59:59.9")))
    span = Span(span.start_ns, span.start_ns + 3 * SECOND)
    pipeline = Pipeline(tmp_path, [str(path)], TABLE)
    pipeline.prepared(span)
    assert "its records say: glitches (6 of 18)" in notes_of(pipeline.coverage(span), "E")


SIX = [("HH", 0), ("HN", 10)]


def six_components(**changed):
    """A station with a seismometer (location 00) and an accelerometer (location 10)."""
    return [
        trace(f"XX.AAA.{place}.{band}{c}", BEGIN, changed.get(band, noise(seed=seed + n)))
        for (band, seed), place in zip(SIX, ("00", "10"), strict=True)
        for n, c in enumerate("ZNE")
    ]


def prefer(*instruments, locations=()):
    return prepare.Config(prefer={"instruments": instruments, "locations": locations})


@pytest.mark.parametrize(
    ("config", "instruments"),
    [
        (prepare.Config(), ["XX.AAA.00.HH", "XX.AAA.10.HN"]),
        (prefer("HH", "EH", "HN"), ["XX.AAA.00.HH"]),
        (prefer("HN"), ["XX.AAA.10.HN"]),
        (prefer(locations=("10", "00")), ["XX.AAA.10.HN"]),
    ],
)
def test_one_instrument_of_six_components_or_both(tmp_path, config, instruments):
    waves, coverage = prepared(tmp_path, six_components(), prepare_config=config)
    assert waves.instruments == instruments
    assert waves.valid.any(axis=-1).all()
    used = coverage[coverage["status"] == "used"]
    assert sorted(set(used["instrument"])) == sorted(name[-2:] for name in instruments)
    others = coverage[coverage["status"] == "unused"]["notes"]
    assert (others == f"prepare.prefer takes {instruments[0]} of this station").all()
    assert len(coverage) == 6


def test_an_instrument_without_usable_data_gives_way_to_the_next(tmp_path):
    traces = six_components(HH=np.full(6000, 5.0))
    waves, coverage = prepared(tmp_path, traces, prepare_config=prefer("HH", "HN"))
    assert waves.instruments == ["XX.AAA.10.HN"]
    assert waves.valid.any(axis=-1).all()
    notes = coverage.groupby("instrument")["notes"].first()
    assert notes["HH"].startswith("dead channel: every sample is 5")
    assert "instead of XX.AAA.00.HH, without usable data" in notes["HN"]


@pytest.mark.parametrize(("seconds", "taken"), [(20, "XX.AAA.10.HN"), (40, "XX.AAA.00.HH")])
def test_a_preferred_instrument_needs_half_the_data_of_the_fullest(tmp_path, seconds, taken):
    traces = six_components(HH=noise()[: seconds * 100])
    waves, coverage = prepared(tmp_path, traces, prepare_config=prefer("HH", "HN"))
    assert waves.instruments == [taken]
    notes = coverage.groupby("instrument")["notes"].first()
    if seconds == 20:
        assert "covers 100.0% of the chunk, this one 33.3%" in notes["HH"]
        assert "instead of XX.AAA.00.HH, with much less data" in notes["HN"]
    else:
        assert notes["HN"] == "prepare.prefer takes XX.AAA.00.HH of this station"


def test_spikes_stay_where_that_is_asked_for(tmp_path):
    samples = noise()
    samples[3000] += 100_000
    config = prepare.Config(mend_spikes=False)
    waves, coverage = prepared(
        tmp_path, [trace("XX.AAA..HHZ", BEGIN, samples)], prepare_config=config
    )
    data, _ = waves.of_channel("XX.AAA..HH", "Z")
    assert data[waves.index(BEGIN) + 3000] == samples[3000]
    assert "1 spikes of one sample" in notes_of(coverage)
    assert "bridged" not in notes_of(coverage)
