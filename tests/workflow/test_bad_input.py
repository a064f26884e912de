"""Bad data through the real command: what serves is used, what does not is told."""

from __future__ import annotations

import html

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
from archives import FILES, recordings, renamed, write
from runs import WIDE, Finished, read_all, refused
from workfolder import WorkFolder

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import COVERAGE, EVENTS, MANIFEST, PICKS, PROBABILITIES, WAVEFORMS
from quakeline.io.products import stores, tables

LARGE = [pd.Timestamp(f"2010-05-27T{time}Z") for time in ("16:24:31.75", "16:27:29.06")]
LATITUDE, LONGITUDE, DEPTH_KM = 48.04707, 11.64554, 4.58
AT_UH3 = "48.030801,11.638762,400"

#: Where a defect is, and words of what is said about it.
FILE_DEFECTS = {
    "data/BW.UH2..SHZ.mseed": "the file ends in the middle of a record: 312 of its 15160"
    " bytes are lost",
    "data/notes.txt": "not a format that obspy reads",
    "data/nothing.mseed": "the file is empty",
    "data/stub.mseed": "it holds no complete record",
    "data/elsewhere.mseed": "a link to a file that cannot be opened: No such file or directory",
    "data/XX.UH1..SHZ.mseed": "station XX.UH1 has no coordinates in stations.table or"
    " stations.stationxml, which have BW.UH1",
    "data/BW.FAST..SHZ.mseed": "the header's sampling rate is 100 Hz, but the times of its 35"
    " records imply 50 Hz",
    "data/BW.UH1..LOG.mseed": "the records hold text, not samples",
}
SILENT_STATIONS = {
    "BW.MUTE": "no file of the archive holds data of this station in this chunk",
    "BW.LATE": "the files of this station hold no data of this chunk, but of times from"
    " 2010-06-27T16:24:04Z to 2010-06-27T16:27:54Z",
}
CHANNEL_DEFECTS = {
    "BW.ZERO..SHZ": "dead channel: every sample is 0",
    "BW.NANS..SHZ": "11517 samples are not finite: gaps",
    "BW.UH4..EHZ": "2000 samples are not finite: gaps",
    "BW.ODD..SHO": "the last letter of the channel code is none of Z, N, E, 1, 2, 3, 4, 5",
    "BW.TWO..SHN": "no component E: zeros for the network",
    "BW.FLAT..SHE": "no component Z: zeros for the network",
    "BW.SCAR..SHZ": "1 record cannot be decoded and became gaps",
}


def furnish_bad_archive(place: WorkFolder) -> str:
    """The demo's archive with every defect, each at a place where the two events survive it."""
    data = place.folder / "data"
    stream = recordings()
    vertical = recordings("UH1.SHZ")[0]
    three = recordings("UH3.SHZ", "UH3.SHN", "UH3.SHE")
    vertical_uh3 = three.select(channel="SHZ")[0]
    uh4 = stream.select(station="UH4")[0]
    uh4.data[11_000:13_000] = np.nan
    archives.write_all(stream, data)
    archives.cut(data / "BW.UH2..SHZ.mseed", 200)
    (data / "notes.txt").write_text("the disk of UH5 was full\n")
    (data / "nothing.mseed").touch()
    (data / "stub.mseed").write_bytes((data / "BW.UH1..SHZ.mseed").read_bytes()[:300])
    (data / "elsewhere.mseed").symlink_to("/no/such/file")
    write(renamed(vertical, "UH1", "XX"), data)
    archives.claim_rate(write(renamed(vertical, "FAST"), data), 100)
    write(archives.text_records("UH1"), data)
    late = renamed(vertical, "LATE")
    late.stats.starttime += 31 * 86_400
    write(late, data)
    write(archives.filled(renamed(vertical, "ZERO"), 0), data)
    write(archives.filled(renamed(vertical, "NANS"), np.nan), data)
    odd = renamed(vertical, "ODD")
    odd.stats.channel = "SHO"
    write(odd, data)
    archives.write_all(
        obspy.Stream(renamed(t, "TWO") for t in three.select(channel="SH[ZN]")), data
    )
    archives.write_all(
        obspy.Stream(renamed(t, "FLAT") for t in three.select(channel="SH[NE]")), data
    )
    archives.scratch(write(renamed(vertical_uh3, "SCAR"), data), 12)
    names = ["FAST", "MUTE", "LATE", "ZERO", "NANS", "ODD", "TWO", "FLAT", "SCAR"]
    table = (place.folder / "config/unterhaching/stations.csv").read_text()
    rows = "".join(f"BW,{name},{AT_UH3}\n" for name in names)
    (place.folder / "stations.csv").write_text(table.rstrip() + "\n" + rows)
    return place.demo_overlay(f"run: bad\nstations: {{table: stations.csv}}\n{FILES}")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    run = Finished.once(tmp_path_factory, worker_id, "bad", furnish_bad_archive)
    assert run.code == 0, run.out + run.err
    return run


def told(text: str, where: str, words: str) -> bool:
    """Whether one line names the place and says the words."""
    return any(where in line and words in line for line in text.splitlines())


def test_good_data_give_the_catalog_all_the_same(bad: Finished) -> None:
    events = tables.read(bad.results("bad") / "catalog/events.parquet", EVENTS)
    for origin in LARGE:
        ((_, event),) = events[(events["time"] - origin).abs() < pd.Timedelta("0.5s")].iterrows()
        there = np.array([event["latitude"]]), np.array([event["longitude"]])
        assert distance_azimuth(LATITUDE, LONGITUDE, *there)[0][0] < 2
        assert abs(event["depth_km"] - DEPTH_KM) < 2


def test_nothing_looks_like_a_crash(bad: Finished) -> None:
    assert "Traceback" not in bad.out + bad.err
    assert "quakeline: " not in bad.err


@pytest.mark.parametrize("where", FILE_DEFECTS)
def test_a_bad_file_is_in_the_manifest(bad: Finished, where: str) -> None:
    manifest = read_all(bad.results("bad") / "raw", MANIFEST)
    (row,) = manifest[manifest["path"] == where].to_dict("records")
    assert FILE_DEFECTS[where] in row["reason"]
    partly = where == "data/BW.UH2..SHZ.mseed"
    assert (row["status"] == "data") == partly


@pytest.mark.parametrize("where", SILENT_STATIONS)
def test_a_station_without_data_is_in_the_manifest(bad: Finished, where: str) -> None:
    manifest = read_all(bad.results("bad") / "raw", MANIFEST)
    (row,) = manifest[manifest["network"] + "." + manifest["station"] == where].to_dict("records")
    assert row["status"] == "no data"
    assert SILENT_STATIONS[where] in row["reason"]


@pytest.mark.parametrize("where", CHANNEL_DEFECTS)
def test_a_bad_channel_is_in_the_coverage(bad: Finished, where: str) -> None:
    coverage = read_all(bad.results("bad") / "coverage", COVERAGE)
    names = coverage[["network", "station", "location", "channels"]].agg(".".join, axis=1)
    (row,) = coverage[names == where].to_dict("records")
    assert CHANNEL_DEFECTS[where] in row["notes"]
    unusable = where in ("BW.ZERO..SHZ", "BW.NANS..SHZ", "BW.ODD..SHO")
    assert (row["status"] == "unused") == unusable
    assert (row["coverage"] == 0) == unusable


DEFECTS = {**FILE_DEFECTS, **SILENT_STATIONS, **CHANNEL_DEFECTS}


@pytest.mark.parametrize("where", DEFECTS)
def test_every_defect_is_told_on_the_terminal_and_in_the_report(bad: Finished, where: str) -> None:
    summary = bad.place.quakeline("summary", "bad").stdout
    assert summary == bad.out
    page = html.unescape((bad.results("bad") / "report.html").read_text(encoding="utf-8"))
    reason = "samples are not finite: gaps" if where == "BW.UH4..EHZ" else DEFECTS[where]
    assert told(summary, where, reason), summary
    assert told(page, where, reason)


def test_what_is_lost_of_a_cut_file_is_its_last_record_alone(bad: Finished) -> None:
    manifest = read_all(bad.results("bad") / "raw", MANIFEST)
    (row,) = manifest[manifest["path"] == "data/BW.UH2..SHZ.mseed"].to_dict("records")
    whole = recordings("UH2.SHZ")[0]
    assert 0 < whole.stats.npts - row["n_samples"] < 500


def test_gaps_lie_where_the_bad_samples_are(bad: Finished) -> None:
    picks = tables.read(bad.results("bad") / "catalog/picks.parquet", PICKS)
    begin = recordings("UH4.EHZ")[0].stats.starttime.ns
    blind = [pd.Timestamp(begin + n * 10_000_000, tz="UTC") for n in (11_000, 13_000)]
    at_uh4 = picks[picks["station"] == "UH4"]
    assert len(at_uh4)
    assert not at_uh4["time"].between(*blind).any()


def test_running_again_changes_nothing(bad: Finished) -> None:
    done = bad.place.quakeline("run", "overlay.yaml", "--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr
    assert done.stdout == bad.out


def archive(place: WorkFolder, stream: obspy.Stream) -> str:
    archives.write_all(stream, place.folder / "data")
    return place.demo_overlay(f"run: bad\n{FILES}")


@pytest.fixture
def place(workdir: WorkFolder) -> WorkFolder:
    return WorkFolder(workdir.folder, environment=WIDE)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["data/*.mseed", "data/%Y/%j/*.mseed"])
def test_an_empty_archive(place: WorkFolder, pattern: str) -> None:
    (place.folder / "data").mkdir()
    source = f"fetch: {{source: {{kind: files, paths: ['{pattern}']}}}}\n"
    done = place.quakeline("run", place.demo_overlay(f"run: bad\n{source}"))
    if "%" in pattern:
        refused(done, "no data of the whole run", "BW.UH1, BW.UH2 and 2 more")
    else:
        refused(done, "the archive is empty", "'data/*.mseed'", "paths of the source")


@pytest.mark.slow
def test_an_archive_of_files_that_cannot_be_used(place: WorkFolder) -> None:
    data = place.folder / "data"
    data.mkdir()
    (data / "notes.txt").write_text("see the other disk\n")
    archives.claim_rate(write(recordings("UH1.SHZ")[0], data), 25)
    write(renamed(recordings("UH3.SHZ")[0], "UH5"), data)
    done = place.quakeline("run", place.demo_overlay(f"run: bad\n{FILES}"), "--cores", "2")
    refused(
        done,
        "no data of the whole run can be used",
        "not a format that obspy reads (data/notes.txt)",
        "25 Hz, but the times of its 35 records imply 50 Hz (data/BW.UH1..SHZ.mseed)",
        "station BW.UH5 has no coordinates",
    )
    summary = place.quakeline("summary", "bad")
    assert told(summary.stdout, "data/notes.txt", "not a format")
    refused(summary, "run 'bad' has no catalog yet")


@pytest.mark.slow
def test_samples_that_are_all_zero_or_no_numbers(place: WorkFolder) -> None:
    zero = obspy.Stream(archives.filled(trace, 0) for trace in recordings("UH1.SHZ", "UH2.SHZ"))
    nans = obspy.Stream(archives.filled(trace, np.nan) for trace in recordings("UH3.SHZ"))
    done = place.quakeline("run", archive(place, zero + nans), "--cores", "2")
    refused(
        done,
        "dead channel: every sample is 0",
        "(BW.UH1..SHZ, BW.UH2..SHZ)",
        "11517 samples are not finite: gaps",
        "(BW.UH3..SHZ)",
    )


@pytest.mark.slow
def test_a_time_span_without_data(place: WorkFolder) -> None:
    """The commonest slip of all: the wrong year."""
    archives.write_all(recordings(), place.folder / "data")
    span = "time: {start: 2011-05-27T16:24:00Z, end: 2011-05-27T16:28:00Z}\n"
    done = place.quakeline("run", place.demo_overlay(f"run: bad\n{span}{FILES}"), "--cores", "2")
    refused(done, "of times from 2010-05-27T16:24:04Z to 2010-05-27T16:27:54Z", "BW.UH1")


def test_bad_coordinates(place: WorkFolder) -> None:
    table = "network,station,latitude,longitude,elevation_m\nBW,UH1,48.08,,400\n"
    (place.folder / "stations.csv").write_text(table)
    done = place.quakeline("run", place.demo_overlay("stations: {table: stations.csv}\n"))
    refused(done, "stations.csv, line 2: longitude is ''; allowed: a number from -180 to 360")
    assert not (place.folder / "results").exists()


#: Brings the recordings close to midnight, so that two days are two short chunks.
LATER_S = 7.45 * 3600


def furnish_empty_day(place: WorkFolder) -> str:
    stream = recordings()
    for trace in stream:
        trace.stats.starttime += LATER_S
    archives.write_all(stream, place.folder / "data")
    span = "time: {start: 2010-05-27T23:50:00Z, end: 2010-05-28T00:10:00Z}\n"
    return place.demo_overlay(f"run: days\n{span}{FILES}")


def test_a_day_without_data(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    run = Finished.once(tmp_path_factory, worker_id, "days", furnish_empty_day)
    assert run.code == 0, run.out + run.err
    results, empty = run.results("days"), "20100528T000000_20100528T001000"
    for product, table in (("coverage", COVERAGE), ("picks", PICKS)):
        assert tables.read(results / product / f"{empty}.parquet", table).empty
    for product, schema in (("waveforms", WAVEFORMS), ("probabilities", PROBABILITIES)):
        store = stores.open_store(results / product / f"{empty}.zarr", schema)
        assert stores.labels_of(store, "instruments") == []
    manifest = tables.read(results / "raw" / f"{empty}.parquet", MANIFEST)
    assert list(manifest["status"]) == ["no data"] * 4
    events = tables.read(results / "catalog/events.parquet", EVENTS)
    for origin in LARGE:
        late = (events["time"] - origin).dt.total_seconds() - LATER_S
        assert (late.abs() < 0.5).sum() == 1
    assert f"1 with data, 1 without: {empty}" in run.out
    assert told(run.out, "BW.UH1, BW.UH2, BW.UH3, BW.UH4", "hold no data of this chunk")


@pytest.mark.slow
def test_a_run_without_picks_says_why(demo_copy: WorkFolder) -> None:
    place = WorkFolder(demo_copy.folder, environment=WIDE)
    done = place.quakeline("run", place.demo_overlay("pick: {thresholds: {P: 1.0, S: 1.0}}\n"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No events." in done.stdout
    assert "but no picks" in done.stdout
    assert "pick.thresholds are too high" in done.stdout
    catalog = place.folder / "results/unterhaching/catalog"
    assert tables.read(catalog / "events.parquet", EVENTS).empty
    page = html.unescape((catalog.parent / "report.html").read_text(encoding="utf-8"))
    assert "The network made no pick" in page
