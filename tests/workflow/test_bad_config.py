"""Mistakes in the configuration and the tables it names: told at once, before anything is made."""

from __future__ import annotations

import pytest
from runs import refused
from workfolder import WorkFolder

from quakeline.workflow.run_folder import DEMOS

VELOCITY = {
    "another column": (
        "level,vp,vs\n0,4.4,2.4\n",
        "level, vp, vs given; required: depth_km, vp, vs",
    ),
    "no rows": ("depth_km,vp,vs\n", "three numbers"),
    "a word": ("depth_km,vp,vs\n0,fast,2.4\n", "three numbers"),
    "upside down": ("depth_km,vp,vs\n5,6,3\n0,4.4,2.4\n", "depth_km must increase"),
    "S before P": ("depth_km,vp,vs\n0,2.4,4.4\n", "0 < vs < vp <= 15"),
    "metres per second": ("depth_km,vp,vs\n0,4400,2400\n", "divide vp and vs by 1000"),
}
HEAD = "network,station,latitude,longitude,elevation_m\n"
STATIONS = {
    "no coordinates": (
        f"{HEAD}BW,UH1,48.08,11.6,400\nBW,UH2,48.06,,400\n",
        "line 3: longitude is ''",
    ),
    "no column": (
        "network,station,latitude,longitude\nBW,UH1,48,11\n",
        "missing columns: elevation_m",
    ),
    "off the globe": (f"{HEAD}BW,UH1,448.08,11.6,400\n", "latitude is '448.08'; allowed: a number"),
    "no code": (f"{HEAD}BW,,48.08,11.6,400\n", "line 2: station is empty"),
}


def nothing_made(place: WorkFolder) -> bool:
    return not (place.folder / "results").exists() and not (place.folder / ".snakemake").exists()


def test_several_mistakes_at_once(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay(
        "pick: {treshold: 0.5, gap_guard_s: -1}\n"
        "fetch: {source: {kind: ftp}}\n"
        "associate: {min_picks: 1, depth_km: [10, 0]}\n"
        "keep: [everything]\n"
    )
    done = workdir.quakeline("run", overlay)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    first, *mistakes = done.stderr.splitlines()
    assert first == f"quakeline: {len(mistakes)} mistakes"
    said = {line.split(":")[0].strip(): line for line in mistakes}
    assert "allowed: 0 or more" in said["pick.gap_guard_s"]
    assert "unknown key; did you mean thresholds?" in said["pick.treshold"]
    assert "'ftp' given" in said["fetch.source.kind"]
    assert "files, sds" in said["fetch.source.kind"]
    assert "'everything'" in said["keep.0"]
    assert "allowed: 3 or more" in said["associate.min_picks"]
    assert nothing_made(workdir)


def test_a_key_that_is_given_twice(workdir: WorkFolder) -> None:
    path = workdir.overlay("run: mine\nkeep: [waveforms]\nkeep: []\n")
    done = workdir.quakeline("config", "check", path)
    assert done.returncode == 2
    assert "'keep' is given twice, in line 2 too" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_overlay_that_does_not_exist(workdir: WorkFolder) -> None:
    done = workdir.quakeline("run", "config/runs/mine.yaml")
    known = ", ".join(sorted(DEMOS.values()))
    refused(done, "'config/runs/mine.yaml'", f"known runs: {known}")
    assert nothing_made(workdir)


OF_A_DATA_SET = {
    "run": "run: caribbean",
    "time.start, time.end": "time: {start: 2020-01-01T00:00:00Z, end: 2020-01-02T00:00:00Z}",
    "stations.table": "stations: {table: config/unterhaching/stations.csv}",
    "fetch.source": "fetch: {source: {kind: files, paths: [data/*]}}",
}


@pytest.mark.parametrize("absent", OF_A_DATA_SET)
def test_what_is_not_said_does_not_come_from_the_demo(workdir: WorkFolder, absent: str) -> None:
    text = "\n".join(line for key, line in OF_A_DATA_SET.items() if key != absent)
    overlay = workdir.overlay(text)
    (line,) = refused(workdir.quakeline("run", overlay), "what belongs to a data set")
    assert line.startswith(f"quakeline: not given: {absent}")
    assert not (workdir.folder / "results").exists()


def test_an_overlay_that_says_nothing_is_not_the_demo(workdir: WorkFolder) -> None:
    overlay = workdir.overlay("{}")
    refused(workdir.quakeline("run", overlay), "not given: run, time.start, time.end, stations")
    assert "not given: run," in workdir.snakemake("--configfile", overlay).stderr
    assert not (workdir.folder / "results").exists()


@pytest.mark.parametrize("mistake", VELOCITY)
def test_a_bad_velocity_table(workdir: WorkFolder, mistake: str) -> None:
    text, words = VELOCITY[mistake]
    (workdir.folder / "v.csv").write_text(text)
    done = workdir.quakeline("run", workdir.demo_overlay("velocity: {table: v.csv}\n"))
    refused(done, "velocity table v.csv", words)
    assert nothing_made(workdir)


@pytest.mark.parametrize("mistake", STATIONS)
def test_a_bad_station_table(workdir: WorkFolder, mistake: str) -> None:
    text, words = STATIONS[mistake]
    (workdir.folder / "s.csv").write_text(text)
    done = workdir.quakeline("run", workdir.demo_overlay("stations: {table: s.csv}\n"))
    refused(done, "station table s.csv", words)
    assert nothing_made(workdir)


def test_files_that_do_not_exist_are_told_together(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay(
        "velocity: {table: a.csv}\nstations: {table: b.csv}\nweights: {path: c.safetensors}\n"
    )
    done = workdir.quakeline("run", overlay)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "quakeline: 3 mistakes"
    for words in (
        "velocity.table: file 'a.csv'",
        "stations.table: file 'b.csv'",
        "weights.path: 'c.",
    ):
        assert words in done.stderr
    assert nothing_made(workdir)


def test_files_that_hold_something_else(workdir: WorkFolder) -> None:
    """Weights are looked at before the run begins, metadata by the job that reads them."""
    (workdir.folder / "s.xml").write_text("<FDSNStationXML><Network")
    (workdir.folder / "w.safetensors").write_text("none")
    metadata = "stations: {stationxml: [s.xml]}\n"
    overlay = workdir.demo_overlay(metadata + "weights: {path: w.safetensors}\n")
    (line,) = refused(workdir.quakeline("run", overlay, "--cores", "2"), most=1)
    assert line.startswith("quakeline: weights: path: w.safetensors is damaged or not a safeten")
    overlay = workdir.demo_overlay(metadata)
    (line,) = refused(workdir.quakeline("run", overlay, "--cores", "2"), most=1)
    assert line.startswith("quakeline: stations: cannot read s.xml as StationXML: ")


def test_one_mistake_of_many_chunks_is_one_line(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay(
        "time: {chunk_h: 0.02}\nfetch: {source: {kind: files, paths: [data/*]}}\n"
    )
    done = workdir.quakeline("run", overlay, "--cores", "2")
    refused(done, "the archive is empty", "(the same for 3 more chunks)")
