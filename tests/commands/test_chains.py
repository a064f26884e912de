"""What each command writes, through every command that takes it, in every format: the real ones.

Rows of the matrix are products of the demo and of commands on its data; columns are the commands
and the settings that read such a thing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import archives
import pandas as pd
import pytest
from typer.testing import CliRunner
from workfolder import WorkFolder

from quakeline.cli import app
from quakeline.core.errors import DataError
from quakeline.core.schemas import EVENTS, MEASUREMENTS, PICKS, STATIONS
from quakeline.io.products import tables
from quakeline.workflow import launch

RUN = "unterhaching"
CATALOG = f"results/{RUN}/catalog"
VELOCITY = "config/unterhaching/velocity.csv"
#: What holds picks: of `pick` in both formats, of the run, of commands that write catalogs.
PICK_TABLES = [
    "picks.csv", "picks.parquet", "run picks", f"{CATALOG}/picks.parquet", "made/picks.parquet",
    "merged/picks.parquet", "relocated/picks.parquet", "live/picks.parquet",
]  # fmt: skip
STATION_TABLES = [
    "config/unterhaching/stations.csv", f"results/{RUN}/stations.parquet",
    f"results/{RUN}/stations.xml", "made/stations.parquet", "merged/stations.parquet",
    "relocated/stations.parquet", "live/stations.parquet",
]  # fmt: skip
#: Catalogs as commands take them: a run by its name or folder, and folders of commands.
CATALOGS = [RUN, f"results/{RUN}", CATALOG, "made", "made_csv", "merged", "relocated", "live"]
REFERENCES = [
    *(f"{folder}/{name}" for folder in (CATALOG, "made", "merged", "relocated")
      for name in ("events.parquet", "catalog.csv", "catalog.qml")),
    "exported/geoparquet.parquet", "exported/csv.csv", "exported/quakeml.qml",
    "exported/fdsn-text.txt", "exported/nordic", "exported/hypodd/phase.dat",
    RUN, "merged", "live", "live/events.parquet",
]  # fmt: skip
EXPORTS = {
    "geoparquet": "geoparquet.parquet", "csv": "csv.csv", "quakeml": "quakeml.qml",
    "fdsn-text": "fdsn-text.txt", "nordic": "nordic", "hypodd": "hypodd", "nonlinloc": "nonlinloc",
}  # fmt: skip
WEIGHTS = ["weights.safetensors", f"results/{RUN}/weights/picker.safetensors"]


def done(*words: object) -> str:
    """Run a command of quakeline in the folder of this process; it has to end well."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, f"{words}\n{result.output}"
    return result.output


@pytest.fixture(scope="module")
def folder(demo_run: WorkFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the demo in which each command has written what it can write."""
    place = demo_run.copied(tmp_path_factory.mktemp("chains")).folder
    archives.write_all(archives.recordings(), place / "day")
    before = Path.cwd()
    os.chdir(place)
    try:
        done("models", "get", "phasenet", "--output", "weights.safetensors")
        for name in ("picks.csv", "picks.parquet"):
            done("pick", "day", "--output", name)
        stations = "config/unterhaching/stations.csv"
        for name, table in (("made", "picks.parquet"), ("made_csv", "picks.csv")):
            done("catalog", table, stations, "--velocity", VELOCITY, "--output", name)
        words = ("--stations", stations, "--velocity", VELOCITY, "--threads", 1)
        done("live", "replay", "day", *words, "--output", "live")
        done("merge", RUN, "made", "--output", "merged")
        done("correlate", RUN, "--output", "waves", "--min-correlation", 0.3, "--min-links", 1)
        words = ("--differentials", "waves/differentials.parquet")
        done("relocate", RUN, *words, "--output", "relocated")
        (place / "exported").mkdir()
        for form, name in EXPORTS.items():
            done("export", RUN, "--format", form, "--output", f"exported/{name}")
        yield place
    finally:
        os.chdir(before)


def path_of(name: str) -> str:
    return (
        str(next(Path(f"results/{RUN}/picks").glob("*.parquet"))) if name == "run picks" else name
    )


@pytest.mark.parametrize("stations", STATION_TABLES)
@pytest.mark.parametrize("picks", PICK_TABLES)
def test_catalog(folder: Path, tmp_path: Path, picks: str, stations: str) -> None:
    words = (path_of(picks), stations, "--velocity", VELOCITY)
    done("catalog", *words, "--threads", 1, "--output", tmp_path / "out")
    events = tables.read(tmp_path / "out/events.parquet", EVENTS)
    assert len(events) == 2
    used = tables.read(tmp_path / "out/picks.parquet", PICKS)
    assert set(used["model"]) == {"phasenet"}
    assert used["snr_db"].notna().all()


def test_a_catalog_is_the_same_from_either_format(folder: Path) -> None:
    for name in ("events", "arrivals", "picks", "stations"):
        one, other = (pd.read_parquet(f"{place}/{name}.parquet") for place in ("made", "made_csv"))
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("picks", PICK_TABLES)
def test_tune(folder: Path, picks: str) -> None:
    words = (path_of(picks), STATION_TABLES[2], "--velocity", VELOCITY, "--threads", 1)
    rows = [
        line for line in done("tune", "association", *words).splitlines() if "suggested" in line
    ]
    assert rows[0].split()[4] == "2"


@pytest.mark.parametrize("name", [RUN, "made", "merged", "relocated", "live"])
def test_tune_takes_a_catalog(folder: Path, name: str) -> None:
    """Also that of a live session; `tune velocity` reads it and finds its events too few."""
    assert "as suggested" in done("tune", "association", name, "--velocity", VELOCITY)
    result = CliRunner().invoke(app, ["tune", "velocity", name])
    assert isinstance(result.exception, DataError)
    assert "2 events to invert; 15 are needed" in str(result.exception)


@pytest.mark.parametrize("name", CATALOGS)
def test_summary(folder: Path, name: str) -> None:
    said = done("summary", name)
    assert re.search(r"events +2, 2010-05-27T16:24:31", said)
    assert re.search(r"picks .*15 of them in events", said) or name == "merged"


@pytest.mark.parametrize("name", ["catalog", "tune association"])
def test_a_folder_in_place_of_picks_names_the_table_in_it(folder: Path, name: str) -> None:
    for given, inside in (("made", "made/picks.parquet"), (f"results/{RUN}", CATALOG)):
        words = [*name.split(), given, STATION_TABLES[0]]
        result = CliRunner().invoke(app, [*words, "-o", "no"] if name == "catalog" else words)
        assert "it is a folder, and a file is needed: give " + inside in str(result.exception)


@pytest.mark.parametrize("name", CATALOGS)
def test_catalogs_are_read(folder: Path, tmp_path: Path, name: str) -> None:
    """By every command that takes one; velocities of a run are known, others are given."""
    for form, target in EXPORTS.items():
        done("export", name, "--format", form, "--output", tmp_path / target)
    words = (name, "--velocity", VELOCITY, "--draws", 2)
    done("relocate", *words, "--output", tmp_path / "relocated")
    done("evaluate", "catalog", name, "--reference", f"{CATALOG}/catalog.qml")
    other = "made" if name != "made" else RUN
    said = done("merge", name, other, "--output", tmp_path / "merged")
    assert "written" in said
    assert len(tables.read(tmp_path / "merged/events.parquet", EVENTS)) == 2


@pytest.mark.parametrize("name", [RUN, f"results/{RUN}", CATALOG])
def test_waveforms_of_a_run_are_found(folder: Path, tmp_path: Path, name: str) -> None:
    done("correlate", name, "--output", tmp_path / "waves", "--min-links", 1)
    words = ("--differentials", tmp_path / "waves/differentials.parquet")
    done("relocate", name, *words, "--draws", 2, "--output", tmp_path / "relocated")


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("name", [RUN, "made"])
def test_references(folder: Path, tmp_path: Path, name: str, reference: str) -> None:
    done("evaluate", "catalog", name, "--reference", reference, "--json", tmp_path / "out.json")
    assert pd.read_json(tmp_path / "out.json", typ="series")["matched"] == 2


@pytest.mark.parametrize("stations", STATION_TABLES)
def test_stations(folder: Path, tmp_path: Path, stations: str) -> None:
    """Beside catalogs, for `inspect`, `pick`, and in the configuration of a run."""
    done("export", "made", "--format", "hypodd", "--stations", stations, "-o", tmp_path / "out")
    reference = ("--reference", f"{CATALOG}/catalog.csv")
    assert "matched       2" in done("evaluate", "catalog", RUN, *reference, "--stations", stations)
    is_xml = stations.endswith(".xml")
    said = done("inspect", "day", "--stationxml" if is_xml else "--stations", stations)
    assert "6 channels would be used" in said
    if is_xml:
        done("pick", "day", "--stationxml", stations, "--output", tmp_path / "picks.csv")
        key = f"{{table: null, stationxml: [{stations}]}}"
    else:
        key = f"{{table: {stations}, stationxml: []}}"
    text = f"run: chain\nstations: {key}\n"
    overlay = Path(WorkFolder(folder).demo_overlay(text, "config/runs/chain.yaml"))
    assert done("config", "check", "chain").startswith("ok")
    run = launch.checked(launch.find_place(Path.cwd()), overlay)
    from quakeline.workflow.stages import stations as stage

    sources = [Path(path) for path in run.stations.files()]
    made = (tmp_path / "stations.parquet", tmp_path / "stations.xml")
    stage.run(run.stations, sources=sources, stations=made[0], inventory=made[1])
    assert len(tables.read(made[0], STATIONS)) >= 4


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights(folder: Path, tmp_path: Path, weights: str) -> None:
    for name in ("picks.csv", "picks.parquet"):
        done("pick", "day", "--weights", weights, "--output", tmp_path / name)
    assert (tmp_path / "picks.csv").read_bytes() == Path("picks.csv").read_bytes()
    assert "phasenet" in done("models", "show", weights)
    done("models", "export", weights, "--onnx", tmp_path / "network.onnx")
    text = f"run: weights\nweights: {{path: {weights}}}\n"
    overlay = Path(WorkFolder(folder).demo_overlay(text, "config/runs/weights.yaml"))
    assert done("config", "check", "weights").startswith("ok")
    run = launch.checked(launch.find_place(Path.cwd()), overlay)
    from quakeline.workflow.stages import weights as stage

    stage.run(run.weights, weights=tmp_path / "picker.safetensors")
    shown = [done("models", "show", path) for path in (weights, tmp_path / "picker.safetensors")]
    assert shown[0] == shown[1]


IMPORTED = """\
run: imported
fetch: null
import_picks: {{table: {table}}}
stations: {{table: results/unterhaching/stations.parquet}}
associate: {{known_events: results/unterhaching/catalog}}
evaluate: {{reference: {reference}}}
"""


def test_a_run_begins_at_what_others_wrote(folder: Path) -> None:
    """Picks as CSV, stations and known events of a run, and a catalog as reference."""
    place = WorkFolder(folder)
    text = IMPORTED.format(table="picks.csv", reference="made/catalog.csv")
    ran = place.quakeline("run", place.demo_overlay(text), "--cores", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found, known = (
        tables.read(folder / f"results/{run}/catalog/events.parquet", EVENTS)
        for run in ("imported", RUN)
    )
    assert found["event_id"].tolist() == known["event_id"].tolist()
    assert (folder / "results/imported/evaluation/evaluation.json").is_file()


@pytest.mark.parametrize("table", ["picks.csv", "picks.parquet", "run picks", "made/picks.parquet"])
def test_import_picks(folder: Path, tmp_path: Path, table: str) -> None:
    from quakeline.workflow.stages import import_picks as stage

    stage.run(
        stage.Config(table=path_of(table)),
        table=[Path(path_of(table))],
        stations=Path(f"results/{RUN}/stations.parquet"),
        channels=[],
        span="20100527T162400_20100527T162800",
        picks=tmp_path / "picks.parquet",
        manifest=tmp_path / "manifest.parquet",
    )
    made = tables.read(tmp_path / "picks.parquet", PICKS).drop(columns="event_id")
    own = tables.read(Path("picks.parquet"), PICKS).drop(columns="event_id")
    pd.testing.assert_frame_equal(made[["pick_id", "snr_db"]], own[["pick_id", "snr_db"]])


REVISED = """\
import_picks: {table: revised.csv, replaces: true}
"""


def test_revised_picks_go_back_into_their_run(folder: Path, tmp_path: Path) -> None:
    """What `quakeline view` wrote takes the place of the picks: as deleted, moved and added."""
    from quakeline.report.view.content import opened

    place = WorkFolder(folder).copied(tmp_path)
    catalog = tmp_path / CATALOG
    before = tables.read(catalog / "picks.parquet", PICKS)
    used = before[before["event_id"].notna()].sort_values(["time", "pick_id"])
    deleted, moved = (used[used["phase"] == phase].iloc[0] for phase in ("S", "P"))
    shift = pd.Timedelta(milliseconds=50)
    picks = opened(tmp_path / "results" / RUN, tmp_path / "revised.csv", "Ada").picks
    picks.delete(deleted["pick_id"])
    new = picks.move(moved["pick_id"], int((moved["time"] + shift).as_unit("ns").value))
    overlay = place.demo_overlay(REVISED)
    planned = place.planned("--configfile", overlay)
    assert {"import_picks", "measure", "associate", "merge", "report"} <= set(planned)
    assert not {"fetch", "prepare", "annotate", "pick"} & set(planned), "what was made stays"
    ran = place.quakeline("run", overlay, "--cores", "2")
    assert ran.returncode == 0, ran.stdout + ran.stderr

    after = tables.read(catalog / "picks.parquet", PICKS)
    same = set(before["pick_id"]) - {deleted["pick_id"], moved["pick_id"]}
    assert set(after["pick_id"]) == same | {new["pick_id"]}
    assert after.set_index("pick_id").loc[new["pick_id"], "time"] == moved["time"] + shift
    assert new["pick_id"] in set(after.loc[after["event_id"].notna(), "pick_id"])
    events = tables.read(catalog / "events.parquet", EVENTS)
    assert len(events) == 2
    (measured,) = (tmp_path / f"results/{RUN}/measurements").glob("*.parquet")
    assert set(tables.read(measured, MEASUREMENTS)["pick_id"]) == set(after["pick_id"])
    again = opened(tmp_path / "results" / RUN, tmp_path / "revised.csv", "Ada")
    assert len(again.event(1)["rows"]) == 4
    assert "record-1" in (tmp_path / f"results/{RUN}/report.html").read_text()


def test_corrections_of_a_run(folder: Path) -> None:
    from quakeline.events.magnitudes.network import Corrections

    Corrections.read(Path(f"results/{RUN}/magnitudes/corrections.parquet"))


def test_every_file_that_a_command_wrote_has_a_reader(folder: Path) -> None:
    """A new kind of file must be given its readers here, or be known as one for other programs."""
    for_others = {
        "dt.cc", "phase.dat", "station.dat", "events.csv", "stations.csv", "duplicates.csv",
        "relocations.parquet", "catalog.obs", "stations.in", ".quakeline.json",
        "diagnosis.json", "picks.jsonl", "events.jsonl", "latency.json",
    }  # fmt: skip
    read = {"events.parquet", "arrivals.parquet", "picks.parquet", "stations.parquet",
            "catalog.qml", "catalog.csv", "config.yaml", "differentials.parquet", "session.json",
            "measurements.parquet"}  # fmt: skip
    written = {
        path.name
        for name in (
            "made",
            "made_csv",
            "merged",
            "relocated",
            "live",
            "waves",
            "exported/nonlinloc",
        )
        for path in (folder / name).rglob("*")
        if path.is_file() and path.parent.name != "events" and path.name != ".quakeline.lock"
    }
    assert written - read - for_others == set()
