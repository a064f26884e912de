"""`quakeline init`: what it reads from data, what it writes, and that nothing is replaced."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import archives
import pytest
from obspy import Stream

from quakeline.commands.init import init
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.installed import EXAMPLES, PROFILES
from quakeline.core.timeline import iso, to_ns
from quakeline.io.formats.station_tables import read_table
from quakeline.training.settings import Training
from quakeline.workflow import config, launch, run_folder

TABLE = EXAMPLES / "unterhaching/stations.csv"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data(here: Path) -> Stream:
    """The recordings of the demo as files below here, and their stations beside them."""
    stream = archives.recordings()
    for trace in stream:
        archives.write(trace, here / "data")
    shutil.copy(TABLE, here / "data/where.csv")
    return stream


def written(name: str = "mine") -> config.Run:
    """The run that was written, with the files that it needs."""
    return launch.checked(Path.cwd(), Path(f"config/runs/{name}.yaml"))


def test_the_overlay_follows_from_the_data(data: Stream, here: Path) -> None:
    init()
    run = written()
    first = min(trace.stats.starttime for trace in data)
    last = max(trace.stats.endtime + trace.stats.delta for trace in data)
    assert 0 <= first.ns - run.span.start_ns < 1e9
    assert 0 <= run.span.end_ns - last.ns < 1e9
    assert run.stations.table == "data/where.csv"
    assert run.fetch is not None
    files = run.fetch.source.files(run.span)
    assert sorted(path.name for path in files) == sorted(f"{trace.id}.mseed" for trace in data)
    text = Path("config/runs/mine.yaml").read_text()
    assert f"{len(data)} channels of 4 stations would be used" in text
    assert "No waveforms: data/where.csv." in text
    assert "4 stations, up to 11 km from each other, in GERMANY." in text
    assert set(map(str, (p for p in here.rglob("*.yaml")))) == {
        str(here / "config/runs/mine.yaml"),
        str(here / "profiles/default/config.yaml"),
    }


def test_what_cannot_be_used_is_named(data: Stream, here: Path) -> None:
    archives.write(archives.renamed(data[0], "LONE"), here / "data")
    init("other", waveforms=["data/*.mseed"], stations=["data/where.csv"])
    text = Path("config/runs/other.yaml").read_text()
    assert "Not used: BW.LONE" in text
    assert "no coordinates" in text
    assert 'paths: ["data/*.mseed"]' in text


def test_stations_without_data_are_left_out_of_the_network(data: Stream, here: Path) -> None:
    (here / "all.csv").write_text(TABLE.read_text() + "BW,FAR,50.9,11.6,400\n")
    init(waveforms=["data"], stations=["all.csv"])
    assert written().stations.table == "config/mine/stations.csv"
    assert read_table(Path("config/mine/stations.csv")).equals(read_table(TABLE))
    assert "1 more in the table have no data" in Path("config/runs/mine.yaml").read_text()


def test_a_velocity_model_is_named_by_its_section(data: Stream, here: Path) -> None:
    shutil.copy(EXAMPLES / "unterhaching/velocity.csv", here / "v.csv")
    init("layers", velocity=Path("v.csv"))
    assert written("layers").velocity.table == "v.csv"  # type: ignore[union-attr]
    with pytest.raises(DataError, match="velocity table data/where"):
        init("wrong", velocity=Path("data/where.csv"))


def test_an_sds_archive_is_read_as_one(here: Path) -> None:
    for trace in archives.recordings():
        code = trace.stats
        folder = here / f"sds/2010/{code.network}/{code.station}/{code.channel}.D"
        path = folder / f"{trace.id}.D.2010.147"
        folder.mkdir(parents=True)
        trace.write(str(path), format="MSEED")
    init(waveforms=["sds/**"], stations=[str(TABLE)])
    source = written().fetch.source  # type: ignore[union-attr]
    assert (source.kind, source.roots) == ("sds", ["sds"])


def test_what_looks_wrong_in_the_stations_is_said(data: Stream, here: Path) -> None:
    text = TABLE.read_text()
    (here / "km.csv").write_text(text.replace(",400\n", ",0.4\n"))
    init(waveforms=["data"], stations=["km.csv"])
    said = " ".join(Path("config/runs/mine.yaml").read_text().replace("#", "").split())
    assert "Look at this: elevations of the stations are 0.4 to 0.4 m" in said


def test_without_stations_their_names_are_told(data: Stream, here: Path) -> None:
    (here / "data/where.csv").unlink()
    with pytest.raises(ConfigError, match=r"the data are of 4 \(BW\.UH1, .*--stations"):
        init()
    with pytest.raises(ConfigError, match=r"no file matches 'st\*\.csv'"):
        init(stations=["st*.csv"])
    with pytest.raises(ConfigError, match="allowed: one table"):
        init(stations=[str(TABLE), str(TABLE)])
    assert not (here / "config").exists()


def test_data_that_are_none_are_told(here: Path) -> None:
    (here / "notes.txt").write_text("no waveforms")
    with pytest.raises(DataError, match=r"no waveforms in 1 file of \."):
        init()
    (here / "more.txt").write_text("none here either")
    with pytest.raises(DataError, match=r"in 2 files of \.: more\.txt, notes\.txt: not a format"):
        init()
    with pytest.raises(DataError, match="nothing: cannot be opened: No such file"):
        init(waveforms=["nothing"])
    for pattern in ("nothing/**", "nothing/*/**", "*.sac"):
        with pytest.raises(DataError, match=re.escape(f"no file in {pattern}")):
            init(waveforms=[pattern])


def test_nothing_is_replaced(data: Stream, here: Path) -> None:
    (here / "README.md").write_text("of the user")
    init()
    before = Path("config/runs/mine.yaml").read_bytes()
    with pytest.raises(ConfigError, match=r"config/runs/mine\.yaml is there already"):
        init()
    init("second")
    assert Path("config/runs/mine.yaml").read_bytes() == before
    assert (here / "README.md").read_text() == "of the user"


@pytest.mark.parametrize("name", run_folder.DEMOS)
def test_a_demo_is_the_one_of_the_package(name: str, here: Path) -> None:
    init(name)
    run = run_folder.DEMOS[name]
    assert Path(f"config/runs/{run}.yaml").read_bytes() == (EXAMPLES / f"{run}.yaml").read_bytes()
    settings = config.read()
    settings.require_files()
    assert settings.run == run
    assert len(Path("README.md").read_text().splitlines()) == 5


def test_a_demo_has_its_own_data(here: Path) -> None:
    with pytest.raises(ConfigError, match="another name"):
        init("demo", waveforms=["data"])


@pytest.mark.parametrize("name", ["a b", "../up", "", "-x", "a/b"])
def test_names_of_runs(name: str, here: Path) -> None:
    with pytest.raises(ConfigError, match="name"):
        init(name)


def test_the_profile_of_a_cluster(here: Path) -> None:
    with pytest.raises(ConfigError, match="known: default, kubernetes, lsf, pbs, sge, slurm"):
        init("demo", profile="condor")
    init("demo", profile="slurm")
    for name in ("default", "slurm"):
        own, shipped = Path("profiles", name, "config.yaml"), PROFILES / name / "config.yaml"
        assert own.read_bytes() == shipped.read_bytes()
    assert "partition" in Path("config/site.yaml").read_text()


def test_spans_are_whole_seconds(data: Stream) -> None:
    init()
    run = written()
    assert iso(to_ns(run.time.start), digits=0).startswith("2010-05-27T16:24:")


def test_files_for_training(here: Path) -> None:
    init("seismic-torch")
    steps = ("finetune", "pretrain", "spectrograms")
    laid = [here / f"config/training/seismic_torch_{step}.yaml" for step in steps]
    assert sorted(here.rglob("*.*")) == laid
    for path in laid:
        Training.model_validate(config.read_yaml(path))
    with pytest.raises(ConfigError, match="is there already, and is not replaced"):
        init("seismic-torch")
