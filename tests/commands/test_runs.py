"""Commands that take a run, or the folder of a catalog, take its velocities and settings."""

from __future__ import annotations

from pathlib import Path

import obspy
import pandas as pd
import pytest
from synthetics import two_events
from typer.testing import CliRunner
from workfolder import WorkFolder

from quakeline.cli import app
from quakeline.core.errors import ConfigError
from quakeline.core.schemas import EVENTS, RELOCATIONS
from quakeline.io.products import tables
from quakeline.workflow.config import read_yaml

#: Far from IASP91 and from the model that made the picks.
SLOW = "depth_km,vp,vp_vs\n0,5.0,1.7313\n"


def invoke(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with picks, stations, a model, and `out`, what `quakeline catalog` made of them."""
    folder = tmp_path_factory.mktemp("runs")
    _, simple = two_events(folder)
    simple.to_csv(folder / "picks.csv", index=False)
    (folder / "slow.csv").write_text(SLOW)
    invoke(
        "catalog", folder / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "slow.csv", "--vp-vs", 1.74, "--set", "associate.min_picks=7", "--set",
        "associate.tolerance_s=1.1", "--set", "merge.agency_id=LMU", "--set",
        "locate.min_pick_sigma_s=0.05", "--output", folder / "out",
    )  # fmt: skip
    return folder


def test_the_model_of_the_program_is_found_by_its_name(made: Path, tmp_path: Path) -> None:
    """Without a model it is that of the program, which the settings name and commands find."""
    given = ("catalog", made / "picks.csv", made / "stations.csv", "--output")
    invoke(*given, tmp_path / "none")
    invoke(*given, tmp_path / "named", "--velocity", "iasp91")
    for folder in (tmp_path / "none", tmp_path / "named"):
        assert read_yaml(folder / "config.yaml")["velocity"] == {
            "kind": "table",
            "table": "iasp91",
            "vp_vs": None,
            "interpolation": "auto",
        }
        invoke("relocate", folder, "--output", folder / "again", "--draws", 2)
        described = read_yaml(folder / "again/config.yaml")
        assert described["velocity"] == {
            "kind": "table",
            "table": "iasp91",
            "vp_vs": None,
            "interpolation": "auto",
        }
    first, second = (
        tables.read(tmp_path / name / "events.parquet", EVENTS) for name in ("none", "named")
    )
    pd.testing.assert_frame_equal(first, second)


def trials(told: str) -> list[str]:
    return [line for line in told.splitlines() if line.endswith(tuple("0123456789"))]


def test_tune_takes_the_velocities_and_settings_of_a_run(made: Path) -> None:
    told = invoke("tune", "association", made / "out", "--threads", 1)
    assert "chosen   min_picks" not in told
    assert "chosen   tolerance_s" not in told
    by_hand = invoke(
        "tune", "association", made / "picks.csv", made / "stations.csv", "--velocity",
        made / "slow.csv", "--vp-vs", 1.74, "--set", "associate.min_picks=7", "--set",
        "associate.tolerance_s=1.1", "--threads", 1,
    )  # fmt: skip
    assert trials(told) == trials(by_hand)
    crust = invoke(
        "tune", "association", made / "picks.csv", made / "stations.csv", "--set",
        "associate.min_picks=7", "--set", "associate.tolerance_s=1.1", "--threads", 1,
    )  # fmt: skip
    assert trials(crust) != trials(told)


def test_tune_gives_the_events_of_the_run(demo_run: WorkFolder) -> None:
    results = demo_run.folder / "results/unterhaching"
    done = demo_run.quakeline("tune", "association", "unterhaching", "--threads", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("as suggested"))
    events = tables.read(results / "catalog/events.parquet", EVENTS)
    picks = int((events["n_p"] + events["n_s"]).sum())
    assert row.split()[4:6] == [str(len(events)), str(picks)]
    described = read_yaml(results / "catalog/config.yaml")["associate"]
    fixed = [key for key, value in described.items() if value not in ("auto", None)]
    assert not any(f"chosen   {key} " in done.stderr for key in fixed)


def test_relocation_takes_velocities_errors_and_signature(made: Path, tmp_path: Path) -> None:
    moves = {}
    for name, sigma in (("own", None), ("sharp", 0.001)):
        folder = made / "out"
        if sigma:
            folder = tmp_path / "changed"
            folder.mkdir()
            for file in (made / "out").glob("*.*"):
                (folder / file.name).write_bytes(file.read_bytes())
            text = (folder / "config.yaml").read_text()
            assert "min_pick_sigma_s: 0.05" in text
            changed = text.replace("min_pick_sigma_s: 0.05", f"min_pick_sigma_s: {sigma}")
            (folder / "config.yaml").write_text(changed)
        invoke("relocate", folder, "--max-km", 60, "--draws", 3, "-o", tmp_path / name)
        moves[name] = tables.read(tmp_path / name / "relocations.parquet", RELOCATIONS)
    assert len(moves["own"]) == 2
    assert (moves["sharp"]["east_sigma_km"] < moves["own"]["east_sigma_km"]).all()
    text = (tmp_path / "own/catalog.qml").read_text()
    assert "<agencyID>LMU</agencyID>" in text
    model = {o.earth_model_id.id for o in origins(made / "out/catalog.qml")}
    assert {o.earth_model_id.id for o in origins(tmp_path / "own/catalog.qml")} == model
    described = read_yaml(tmp_path / "own/config.yaml")
    assert described["velocity"] == {
        "kind": "table",
        "table": str(made / "slow.csv"),
        "vp_vs": 1.74,
        "interpolation": "auto",
    }


def origins(path: Path) -> list[obspy.core.event.Origin]:
    return [event.origins[0] for event in obspy.read_events(str(path))]


def test_an_export_is_signed_as_the_run(made: Path, tmp_path: Path) -> None:
    invoke("export", made / "out", "--format", "quakeml", "--output", tmp_path / "a.qml")
    assert (tmp_path / "a.qml").read_text().count("<agencyID>LMU") > 2
    signed = {o.earth_model_id.id for o in origins(tmp_path / "a.qml")}
    assert signed == {o.earth_model_id.id for o in origins(made / "out/catalog.qml")}
    invoke(
        "export", made / "out", "--format", "quakeml", "--agency", "us",
        "--output", tmp_path / "b.qml",
    )  # fmt: skip
    assert "LMU" not in (tmp_path / "b.qml").read_text()


def test_merged_catalogs_have_the_settings_of_the_first(made: Path, tmp_path: Path) -> None:
    invoke("catalog", made / "picks.csv", made / "stations.csv", "-o", tmp_path / "crust")
    invoke("merge", made / "out", tmp_path / "crust", "-o", tmp_path / "both")
    assert "<agencyID>LMU</agencyID>" in (tmp_path / "both/catalog.qml").read_text()
    described = read_yaml(tmp_path / "both/config.yaml")
    assert described["associate"]["min_picks"] == 7
    assert len(tables.read(tmp_path / "both/events.parquet", EVENTS)) == 2


def test_a_catalog_is_evaluated_as_its_run(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for file in (made / "out").glob("*.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ConfigError, match="--reference: none given"):
        invoke("evaluate", "catalog", folder)
    events = tables.read(folder / "events.parquet", EVENTS)
    late = events.assign(time=events["time"] + pd.Timedelta(seconds=4))
    columns = ["time", "latitude", "longitude", "depth_km"]
    late[columns].to_csv(tmp_path / "reference.csv", index=False)
    with (folder / "config.yaml").open("a") as file:
        file.write(f"evaluate: {{reference: {tmp_path / 'reference.csv'}, tolerance_s: 5}}\n")
    assert "matched       2" in invoke("evaluate", "catalog", folder)
    assert "matched       0" in invoke("evaluate", "catalog", folder, "--tolerance-s", 1)
