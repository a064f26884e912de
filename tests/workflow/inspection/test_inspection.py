"""`quakeline inspect` on real archives, and on those that are out of order."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
from recordings import OBSPY, trace, write
from rich.console import Console
from workfolder import REPOSITORY, WorkFolder

from quakeline.core.errors import DataError
from quakeline.waveforms.sources.folders import closed
from quakeline.workflow.inspection.holdings import holdings, manifest_of
from quakeline.workflow.inspection.plan import metadata, plans
from quakeline.workflow.inspection.scan import find, scan_all
from quakeline.workflow.inspection.table import duration, show

MSEED = OBSPY / "io/mseed/tests/data"


def held(*paths):
    return {one.codes: one for one in holdings(scan_all(find(paths), 1))}


def planned(paths, stationxml=(), table=None, rate=100.0):
    scans = scan_all(find(paths), 1)
    channels = holdings(scans)
    made = plans(channels, manifest_of(scans), metadata(stationxml, table), rate)
    return {one.codes: plan for one, plan in zip(channels, made, strict=True)}


def test_real_gaps_are_those_that_obspy_finds() -> None:
    (one,) = held(MSEED / "gaps.mseed").values()
    theirs = obspy.read(str(MSEED / "gaps.mseed")).get_gaps()
    assert len(one.gaps_s) == len(theirs) > 0
    np.testing.assert_allclose(one.gaps_s, [gap[6] for gap in theirs], atol=1e-6)
    assert one.overlap_s == 0
    assert one.n_samples / one.rate_hz == pytest.approx(one.share * one.span.seconds, rel=1e-9)


def test_a_file_that_is_there_twice_is_an_overlap(tmp_path: Path) -> None:
    recording = archives.recordings("UH1.SHZ")
    archives.write(recording, tmp_path, "a")
    archives.write(recording, tmp_path, "b")
    (one,) = held(tmp_path).values()
    assert one.files == 2
    assert one.overlap_s == pytest.approx(recording[0].stats.npts / 50, abs=0.03)
    assert one.share == 1.0


def test_timing_quality_of_real_records() -> None:
    (one,) = held(MSEED / "timingquality.mseed").values()
    assert one.timing_quality == (0, 50)
    never_set = held(MSEED / "two_channels.mseed").values()  # quality 0 in all records
    assert [one.timing_quality for one in never_set] == [None, None]
    assert all(one.timing[0] for one in never_set)


def test_the_temporary_network(shared: Path) -> None:
    folder = shared / "data/hengill"
    found = held(folder / "*.mseed")
    assert len(found) == 60
    assert {one.share for one in found.values()} == {1.0}
    made = planned([folder / "*.mseed"])
    assert all(plan.used for plan in made.values())
    assert made["2C.BIT06..HHZ"].said == "Z of 2C.BIT06..HH; resampled from 200 to 100 Hz"
    assert made["ON.NESJV.00.HHN"].said == "N of ON.NESJV.00.HH; 100 Hz"


def test_what_becomes_of_channels(tmp_path: Path) -> None:
    archives.write_all(archives.recordings("UH3.SHZ", "UH3.SHN", "UH1.SHZ"), tmp_path)
    ramp = np.arange(3000, dtype="i4")
    write([trace("BW.UH3..SHX", "2010-05-27T16:24:00", ramp, 50.0)], tmp_path / "x")
    write([trace("BW.QQQ..SHZ", "2010-05-27T16:24:00", ramp, 50.0)], tmp_path / "q")
    write([trace("XX.UH1..SHZ", "2010-05-27T16:24:00", ramp, 50.0)], tmp_path / "u")
    table = str(REPOSITORY / "config/unterhaching/stations.csv")
    made = planned([tmp_path], table=table)
    assert made["BW.UH3..SHZ"].said.startswith(
        "Z of BW.UH3..SH; resampled from 50 to 100 Hz; no re"
    )
    assert "no component E: zeros for the network" in made["BW.UH3..SHZ"].said
    assert not made["BW.UH3..SHX"].used
    assert made["BW.UH3..SHX"].said == "the instrument's other channels give its components"
    assert made["BW.QQQ..SHZ"].said == "the station has no coordinates in the station metadata"
    assert made["XX.UH1..SHZ"].said.endswith("in the station metadata, which has BW.UH1")
    assert planned([tmp_path])["BW.QQQ..SHZ"].used


def test_responses_and_their_epochs(tmp_path: Path) -> None:
    when = obspy.UTCDateTime("2009-08-24T00:20:03")
    inventory = obspy.read_inventory().select(station="RJOB", channel="EH?", time=when)
    inventory.write(str(tmp_path / "all.xml"), format="STATIONXML")
    (tmp_path / "data").mkdir()
    for trace_ in obspy.read():
        trace_.write(str(tmp_path / "data" / trace_.id), format="MSEED")
    made = planned([tmp_path / "data"], stationxml=[str(tmp_path / "all.xml")])
    assert made["BW.RJOB..EHZ"].said == "Z of BW.RJOB..EH; 100 Hz; response removed"
    for network in inventory:
        for station in network:
            for channel in station:
                channel.start_date = obspy.UTCDateTime("2009-08-24T00:20:10")
                channel.end_date = None
    inventory.write(str(tmp_path / "late.xml"), format="STATIONXML")
    made = planned([tmp_path / "data"], stationxml=[str(tmp_path / "late.xml")])
    assert made["BW.RJOB..EHZ"].said.endswith("but not known for all of the time")


def test_thousands_of_fragments(tmp_path: Path) -> None:
    """Three thousand tiny files of one channel, a sample missing between any two."""
    whole = np.arange(3000 * 101, dtype="i4")
    one = trace("xx.aaa..hhz", 0, whole[:100])
    for number in range(3000):
        one.data = whole[number * 101 : number * 101 + 100]
        one.stats.starttime = obspy.UTCDateTime(ns=number * 1_010_000_000)
        one.write(str(tmp_path / f"{number:04d}"), format="MSEED", reclen=512)
    cpu = time.process_time()
    (found,) = held(tmp_path).values()
    assert time.process_time() - cpu < 20
    assert (found.codes, found.files) == ("XX.AAA..HHZ", 3000)
    assert len(found.gaps_s) == 2999
    np.testing.assert_allclose(found.gaps_s, 0.01, atol=1e-6)


def test_processes_change_nothing(tmp_path: Path) -> None:
    archives.write_all(archives.recordings(), tmp_path)
    files = find([tmp_path]) * 40
    assert len(files) > 200
    alone, shared_out = (holdings(scan_all(files, processes)) for processes in (1, 2))
    assert [one.codes for one in alone] == [one.codes for one in shared_out]
    for one, other in zip(alone, shared_out, strict=True):
        np.testing.assert_array_equal(one.intervals, other.intervals)
        assert one.overlap_s == other.overlap_s


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("a", ".b", ".c/d", "e/f", "e/.g"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "e/circle").symlink_to(tmp_path)
    assert [path.name for path, _ in find([tmp_path])] == ["a", "f"]
    os.mkfifo(tmp_path / "pipe")
    (one,) = (scan for scan in scan_all(find([tmp_path]), 1) if scan.path.name == "pipe")
    assert one.unreadable == "not an ordinary file"
    with pytest.raises(DataError, match="no file in"):
        find([tmp_path / "nothing*"])
    assert find([tmp_path / "gone"])[0][0] == tmp_path / "gone"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folders_and_files_that_may_not_be_read(tmp_path: Path) -> None:
    """As another user, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        for name in ("open", "closed"):
            archives.write(archives.recordings("UH1.SHZ"), root / name, "a")
        archives.write(archives.recordings("UH1.SHZ"), root / "open", "secret")
        (root / "open/secret.mseed").chmod(0)
        (root / "closed").chmod(0)
        program = (
            "import os, sys, json\n"
            "from quakeline.workflow.inspection.scan import find, scan_all\n"
            "from quakeline.waveforms.sources.folders import closed\n"
            "os.setuid(65534)\n"
            f"scans = scan_all(find([{place!r}]), 1)\n"
            f"folders = closed({place!r} + '/*/*.mseed')\n"
            "files = {str(one.path): one.unreadable for one in scans}\n"
            "print(json.dumps([files, list(map(str, folders))]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        scans, folders = json.loads(done.stdout)
        assert scans == {
            f"{place}/closed": "a folder that may not be read, not a file",
            f"{place}/open/a.mseed": "",
            f"{place}/open/secret.mseed": "cannot be opened: Permission denied",
        }
        assert folders == [f"{place}/closed"]
    assert closed(str(tmp_path / "*/*")) == []


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.01, "0.01 s"), (90, "1.5 min"), (5400, "1.5 h"), (129600, "1.5 d")]
)
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_narrow_terminal_shows_channel_and_verdict_first() -> None:
    channels = holdings(scan_all(find([MSEED / "gaps.mseed"]), 1))
    made = plans(channels, manifest_of(scan_all(find([MSEED / "gaps.mseed"]), 1)),
                 metadata([], None), 100.0)  # fmt: skip
    heads = {}
    for width in (80, 180):
        console = Console(file=io.StringIO(), width=width)
        show(channels, made, console)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        heads[width] = next(line for line in lines if "channel" in line)
        assert re.match(r" *channel +in the workflow +rate", heads[width])
        assert any("no room for" in line for line in lines) == (width == 80)
    assert "timing" in heads[180]
    assert "timing" not in heads[80]


def test_the_command_writes_what_it_says(workdir: WorkFolder, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    archives.write_all(archives.recordings(), folder)
    (folder / "notes.txt").write_text("the disk was full on Tuesday")
    names = ("--csv", "t.csv", "--json", "t.json", "--plot", "t.svg")
    done = workdir.quakeline("inspect", str(folder), *names)
    assert done.returncode == 0, done.stderr
    assert "4 stations, 6 channels" in done.stdout
    assert "6 channels would be used" in done.stdout
    assert "no station metadata given" in done.stdout
    assert "unreadable: not a format that obspy reads" in done.stderr
    table = pd.read_csv(workdir.folder / "t.csv", keep_default_na=False)
    assert list(table["station"]) == ["UH1", "UH2", "UH3", "UH3", "UH3", "UH4"]
    content = json.loads((workdir.folder / "t.json").read_text())
    assert len(content["channels"]) == 6
    assert list(content["unreadable"]) == [str(folder / "notes.txt")]
    assert "<svg" in (workdir.folder / "t.svg").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing*"], "no file in nothing*"),
        (
            [".", "--model", "phasnet"],
            "model: 'phasnet' given; did you mean phasenet?",
        ),
        ([".", "--plot", "a.gif"], "--plot: 'a.gif' given; allowed: *.svg, *.png, *.pdf"),
        ([".", "--stations", "none.csv"], "file 'none.csv' does not exist"),
    ],
)
def test_mistakes_are_one_line(workdir: WorkFolder, words: list[str], said: str) -> None:
    done = workdir.quakeline("inspect", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_station_year_takes_seconds(tmp_path: Path) -> None:
    """Records of an hour a day, so that the disk has room: what counts is files and records."""
    from benchmarks.inspection import archive

    size = archive(tmp_path, 365, hours=1.0)
    cpu = time.process_time()
    found = held(tmp_path)
    spent = time.process_time() - cpu
    assert sorted(found) == ["XX.AAA..HHE", "XX.AAA..HHN", "XX.AAA..HHZ"]
    assert all(len(one.gaps_s) == 364 for one in found.values())
    assert all(one.share == pytest.approx(1 / 24, rel=0.01) for one in found.values())
    assert spent < 60, f"{size / 1e6:.0f} MB"


def test_nothing_to_inspect_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no waveforms")
    for place in (tmp_path / "nowhere", tmp_path):
        done = WorkFolder(tmp_path).quakeline("inspect", str(place))
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1] == f"quakeline: no waveforms in {place}"
