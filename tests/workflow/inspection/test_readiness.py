"""What `quakeline config check` finds in stations and data that the settings alone do not show."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import archives
import pytest
from workfolder import WorkFolder, demo_like

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.installed import EXAMPLES
from quakeline.core.names import proposal, same
from quakeline.models.named import named_card
from quakeline.workflow.inspection.readiness import Findings, look
from quakeline.workflow.inspection.weights import unusable

HEAD = "network,station,latitude,longitude,elevation_m\n"
ROWS = ((48.0815, 11.6360, 561), (48.0579, 11.6820, 555), (48.0308, 11.6388, 580))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with recordings of the demo and a station table; tests work in it."""
    monkeypatch.chdir(tmp_path)
    for trace in archives.recordings():
        archives.write(trace, tmp_path / "data")
    shutil.copy(EXAMPLES / "unterhaching/stations.csv", tmp_path / "st.csv")
    return tmp_path


def found(**changed: Any) -> Findings:
    """What is found in a run on the data here that differs from the demo in some keys."""
    source = {"kind": "files", "paths": ["data/*.mseed"]}
    own = {"stations": {"table": "st.csv"}, "fetch": {"source": source}}
    return look(demo_like({**own, "velocity": {"table": "iasp91"}, **changed}))


def of_files(*paths: str) -> dict[str, Any]:
    return {"source": {"kind": "files", "paths": list(paths)}}


def table(name: str, *rows: tuple[float, float, float], network: str = "BW") -> dict[str, str]:
    lines = [f"{network},UH{n},{a},{b},{c}\n" for n, (a, b, c) in enumerate(rows, 1)]
    Path(name).write_text(HEAD + "".join(lines))
    return {"table": name}


def test_what_is_right_has_no_doubts(here: Path) -> None:
    result = found()
    assert (result.doubts, result.mistakes) == ([], [])
    assert result.facts["data"].startswith("6 files of 4 stations")
    assert result.facts["stations"].endswith("GERMANY")


def test_an_archive_without_files(here: Path) -> None:
    (line,) = found(fetch=of_files("elsewhere/*.mseed")).mistakes
    assert "no file matches 'elsewhere/*.mseed'" in line
    (line,) = found(fetch=of_files("data/%Y/*.mseed")).mistakes
    assert "the archive has no file from 2010-05-27T16:24:00Z" in line


def test_a_span_without_data(here: Path) -> None:
    later = {"start": "2011-05-27T16:24:00Z", "end": "2011-05-27T16:28:00Z"}
    (line,) = found(time=later).mistakes
    assert "none of 6 files has data from 2011-05-27T16:24:00Z" in line
    assert "theirs are from 2010-05-27T16:24:" in line


def test_files_that_are_no_waveforms(here: Path) -> None:
    (line,) = found(fetch=of_files("st.csv")).mistakes
    assert line.startswith("fetch.source: none of 1 files has waveforms: st.csv:")


def test_no_stations(here: Path) -> None:
    Path("none.csv").write_text(HEAD)
    (line,) = found(stations={"table": "none.csv"}).mistakes
    assert line == "stations: station table none.csv: no stations: only names of columns"


def test_other_stations_than_those_of_the_data(here: Path) -> None:
    (line,) = found(stations=table("xx.csv", *ROWS, network="XX")).mistakes
    assert "none of the 4 with data (BW.UH1, BW.UH2, BW.UH3, BW.UH4)" in line
    (line,) = found(stations=table("some.csv", *ROWS)).doubts
    assert line == "stations: BW.UH4 of the data are not described, and are not used"
    many = Path("st.csv").read_text() + "".join(f"BW,X{n},48.1,11.{n},5\n" for n in range(9))
    Path("many.csv").write_text(many)
    (line,) = found(stations={"table": "many.csv"}).doubts
    assert "9 of 13 described have no data" in line


def test_elevations_in_kilometres(here: Path) -> None:
    km = [(a, b, c / 1000) for a, b, c in ROWS]
    assert any("are they kilometres?" in line for line in found(stations=table("km", *km)).doubts)


def test_latitudes_and_longitudes_the_other_way_round(here: Path) -> None:
    iceland = [(64.049, -21.267, 414.0), (64.041, -21.476, 320.0), (64.095, -21.357, 295.0)]
    swapped = [(b, a, c) for a, b, c in iceland]
    doubts = found(stations=table("swapped.csv", *swapped)).doubts
    assert any("the other way round they are in ICELAND; are they swapped?" in d for d in doubts)
    doubts = found(stations=table("right.csv", *iceland)).doubts
    assert not any("swapped" in line for line in doubts)


def test_a_time_without_a_zone(here: Path) -> None:
    naive = {"start": "2010-05-27T16:24:00", "end": "2010-05-27T16:28:00Z"}
    (line,) = found(time=naive).doubts
    assert line == "time.start: 2010-05-27T16:24:00 names no time zone and is read as UTC: write Z"


def test_probabilities_in_percent() -> None:
    with pytest.raises(ConfigError, match=r"pick\.thresholds\.P: 30 given.*30 % is written 0\.3"):
        demo_like({"pick": {"thresholds": {"P": 30}}})


@pytest.mark.parametrize(
    ("wrong", "proposed"),
    [
        ({"pick": {"treshold": 1}}, "pick.treshold: unknown key; did you mean thresholds?"),
        ({"asociate": {}}, "asociate: unknown key; did you mean associate?"),
        ({"min_picks": 5}, "min_picks: unknown key; did you mean associate.min_picks?"),
        ({"fetch": {"source": {"kind": "files", "path": ["a"]}}}, "path: .*did you mean paths?"),
        (
            {"weights": {"model": "fasenet"}},
            "weights.model: 'fasenet' given; did you mean phasenet",
        ),
    ],
)
def test_what_was_meant(wrong: dict[str, Any], proposed: str) -> None:
    with pytest.raises(ConfigError) as raised:
        demo_like(wrong)
    assert all(part in str(raised.value) for part in proposed.split(".*"))


def test_capital_letters_of_models_do_not_matter() -> None:
    assert named_card("PhaseNet")[0] == "phasenet"
    assert demo_like({"weights": {"model": "PhaseNet"}}) == demo_like({})
    assert same("QuakeML", ["quakeml", "csv"]) == "quakeml"
    assert same("a", ["A", "B"]) == "A"
    assert same("c", ["A", "B"]) == "c"
    assert proposal("quakml", ["quakeml", "csv"]) == "did you mean quakeml? "
    assert proposal("xyz", ["quakeml", "csv"]) == ""


@pytest.mark.parametrize(
    "section",
    [
        {"path": "picker.h5"},
        {"path": "."},
        {"kind": "seisbench", "model": "PhaseNet", "weights": "picker.json"},
        {"kind": "ensemble", "members": [{"path": "picker.h5"}] * 2},
    ],
)
def test_weights_of_another_kind(here: Path, section: dict[str, Any]) -> None:
    """The stage would refuse the same in the same words."""
    for name in ("picker.h5", "picker.json", "picker.pt"):
        (here / name).write_text("no weights")
    run = demo_like({"weights": section})
    with pytest.raises(WeightsError) as refused:
        run.weights.obtain()
    said = str(refused.value)
    assert list(unusable(run)) == [
        said if said.startswith("weights.path: ") else f"weights: {said}"
    ]


def test_weights_that_must_be_fetched_are_not(here: Path) -> None:
    """Nor is a loader called, which is a program of others."""
    assert list(unusable(demo_like({"weights": {"model": "gpd"}}))) == []
    loader = {"kind": "custom", "loader": "no_such_module", "window_samples": 300}
    loader |= {"classes": ["N", "P", "S"], "normalisation": "std"}
    assert list(unusable(demo_like({"weights": loader}))) == []


def test_networks_of_polarities_of_another_kind(here: Path, shared: Path) -> None:
    good = shared / "weights/polarity/PolarCAP.h5"
    picker = shared / "weights/seismo_performer/w_model_cnn_v2.0.h5"
    (here / "text.onnx").write_text("no weights")
    for given, told in ((good, ""), (picker, "PolarCAP"), ("text.onnx", "is no ONNX graph")):
        result = found(keep=["waveforms"], mechanism={"networks": [str(good), str(given)]})
        assert len(result.mistakes) == bool(told)
        assert all(line.startswith("mechanism.networks: ") for line in result.mistakes)
        assert told in "".join(result.mistakes)


def checked(here: Path, year: int) -> subprocess.CompletedProcess[str]:
    """What `quakeline config check` says of some minutes whose start names no time zone."""
    place = WorkFolder(here)
    place.demo_overlay(
        f"time: {{start: {year}-05-27T16:24:00, end: {year}-05-27T16:28:00Z}}\n"
        "stations: {table: st.csv}\nvelocity: {table: iasp91}\n"
        "fetch: {source: {kind: files, paths: [data/*]}}\n"
    )
    return place.quakeline("config", "check", "overlay.yaml")


def test_the_command_tells_all_of_it(here: Path) -> None:
    done = checked(here, 2011)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "2 mistakes" in done.stderr
    assert "none of 6 files has data" in done.stderr
    assert "names no time zone" in done.stderr


def test_a_doubt_is_announced_above_the_plan(here: Path) -> None:
    done = checked(here, 2010)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok, but see the warning below: it may not be what you mean\n")
    assert done.stderr.count("WARNING") == 1
