"""`quakeline.fetch` and `prepare` give in memory what the stages of a run write."""

from __future__ import annotations

from pathlib import Path

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
from recordings import HEADER, Pipeline

import quakeline
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import COVERAGE, MANIFEST, WAVEFORMS
from quakeline.core.timeline import Span, sample_time, to_ns
from quakeline.io.products import stores, tables

START, END = "2010-05-27T16:25:00", "2010-05-27T16:27:30"
TABLE = "\n".join([HEADER, *(f"BW,UH{n},48.05,11.6{n},500" for n in (1, 2, 4, 9)), ""])


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of three stations that are known and one that is not, one of them with a gap."""
    folder = tmp_path_factory.mktemp("archive")
    for trace in archives.recordings():
        trace.stats.starttime += 0.0
        if trace.id == "BW.UH2..SHZ":
            first, second = trace.copy(), trace.copy()
            first.trim(endtime=archives.FIRST + 100)
            second.trim(starttime=archives.FIRST + 110)
            archives.write(obspy.Stream([first, second]), folder)
        else:
            archives.write(trace, folder)
    (folder / "stations.csv").write_text(TABLE)
    return folder


def span() -> Span:
    return Span(*(to_ns(pd.Timestamp(text, tz="UTC").to_pydatetime()) for text in (START, END)))


def test_samples_and_tables_are_those_of_the_stages(archive: Path, tmp_path: Path) -> None:
    line = Pipeline(tmp_path, [f"{archive}/*.mseed"], TABLE, margin_s=0.0)
    line.prepared(span())
    raw = quakeline.fetch(f"{archive}/*.mseed", archive / "stations.csv", START, END)
    written = tables.read(line.manifest_path(span()), MANIFEST)
    pd.testing.assert_frame_equal(raw.manifest, written, check_dtype=False)
    assert set(raw.manifest["status"]) == {"data", "unused", "no data"}

    stream, coverage = quakeline.prepare(raw, threads=1)
    kept = tables.read(tmp_path / "coverage" / f"{span().id}.parquet", COVERAGE)
    pd.testing.assert_frame_equal(tables.typed(coverage, COVERAGE), kept)
    store = stores.open_store(line.waveforms_path(span()), WAVEFORMS)
    data, valid = store["data"][:], store["valid"][:]
    first = int(store.attrs["start_sample"])
    n_samples = 0
    for trace in stream:
        codes = trace.id.split(".")
        instrument = store.attrs["instruments"].index(".".join([*codes[:3], codes[3][:2]]))
        component = store.attrs["components"].index(codes[3][2])
        begin = round((trace.stats.starttime.ns - sample_time(first, 100.0)) * 100 / 1e9)
        there = slice(begin, begin + trace.stats.npts)
        assert valid[instrument, component, there].all()
        assert trace.data.tobytes() == data[instrument, component, there].tobytes()
        n_samples += trace.stats.npts
    assert n_samples == np.count_nonzero(valid)
    assert len(stream.select(id="BW.UH2..SHZ")) == 2


def test_streams_give_what_files_give(archive: Path) -> None:
    files = quakeline.fetch(f"{archive}/*.mseed", archive / "stations.csv", START, END)
    whole = quakeline.fetch(
        f"{archive}/*.mseed", archive / "stations.csv", "2010-05-27", "2010-05-28"
    )
    ours, _ = quakeline.prepare(files)
    theirs, _ = quakeline.prepare(whole.stream, start=START, end=END)
    assert {trace.id for trace in ours} == {trace.id for trace in theirs}
    for one, other in zip(ours.sort(), theirs.sort(), strict=True):
        assert one.stats.starttime == other.stats.starttime
        np.testing.assert_array_equal(one.data, other.data)
    for trace in files.stream:
        assert trace.stats.starttime >= obspy.UTCDateTime(START) - 0.01
        assert trace.stats.endtime <= obspy.UTCDateTime(END) + 0.01
        assert trace.stats.station != "UH3"
    picks = quakeline.pick(theirs)
    assert len(picks)


def test_days_are_joined() -> None:
    """A record over midnight comes as one trace, though it is prepared in two pieces."""
    midnight = obspy.UTCDateTime("2024-01-02")
    samples = np.random.default_rng(3).integers(-900, 900, 12_000)
    stats = {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": 100.0}
    trace = obspy.Trace(samples.astype(np.int32), {**stats, "starttime": midnight - 60})
    stream, coverage = quakeline.prepare(trace)
    assert len(coverage) == 2
    (joined,) = stream
    assert joined.stats.npts == 12_000
    np.testing.assert_array_equal(joined.data, samples.astype(np.float32))


def test_what_is_refused(archive: Path) -> None:
    stations = archive / "stations.csv"
    with pytest.raises(
        ConfigError, match=r"source\.kind: 'sdss' given; did you mean sds\? allowed: f"
    ):
        quakeline.fetch({"kind": "sdss"}, stations, START, END)
    with pytest.raises(
        ConfigError, match=r"source\.rot: unknown key; did you mean roots\? allowed: k"
    ):
        quakeline.fetch({"kind": "sds", "rot": "x"}, stations, START, END)
    with pytest.raises(ConfigError, match="folder: none given"):
        quakeline.fetch({"kind": "fdsn", "providers": ["GFZ"]}, stations, START, END)
    with pytest.raises(ConfigError, match="the end must be later"):
        quakeline.fetch(f"{archive}/*.mseed", stations, END, START)
    with pytest.raises(ConfigError, match="start: 'noon' given; allowed: a time"):
        quakeline.fetch(f"{archive}/*.mseed", stations, "noon", END)
    raw = archives.recordings("UH1.SHZ")
    with pytest.raises(
        ConfigError, match=r"prepare\.bridge: unknown key; did you mean bridge_gap_s"
    ):
        quakeline.prepare(raw, bridge=1)
    with pytest.raises(ConfigError, match=r"prepare\.bridge_gap_s: -1 given; allowed: 0 or more"):
        quakeline.prepare(raw, bridge_gap_s=-1)
    with pytest.raises(DataError, match="no data from 2011-01-01T00:00:00Z"):
        quakeline.prepare(raw, start="2011-01-01", end="2011-01-02")
