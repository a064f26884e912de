"""`quakeline init --fibre`: the overlay of a fibre follows from its files."""

from __future__ import annotations

from pathlib import Path

import das_files
import numpy as np
import pytest

from quakeline.commands.init import init
from quakeline.core.errors import ConfigError, DataError
from quakeline.workflow import config, launch
from quakeline.workflow.inspection.readiness import look

N_CHANNELS = 20
TABLE = "channel,latitude,longitude,elevation_m\n" + "".join(
    f"{n},{48 + 1e-4 * n},11.0,500\n" for n in range(N_CHANNELS - 4)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of a fibre that follow each other, another fibre's, and a text."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "das"
    folder.mkdir()
    noise = np.random.default_rng(1).normal(size=(1000, N_CHANNELS))
    das_files.write(folder, "a", noise)
    das_files.write(folder, "b", noise, first=1000)
    das_files.write(folder, "other", noise[:, :7])
    (folder / "notes.txt").write_text("beside the data")
    (tmp_path / "where.csv").write_text(TABLE)
    return tmp_path


def written() -> tuple[config.Run, str]:
    path = Path("config/runs/mine.yaml")
    return launch.checked(Path.cwd(), path), path.read_text(encoding="utf-8")


def test_a_fibre_and_its_channels(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(fibre=["das/*"], channels=Path("where.csv"))
    run, text = written()
    (fibre,) = run.fibres
    assert fibre.channels.table == "where.csv"
    assert look(run).facts["fibre FIBRE"] == "4 files, channels placed by where.csv"
    assert len(fibre.source.files(run.span)) == 4
    assert run.fetch is None
    assert run.span.start_ns == das_files.START
    assert run.span.end_ns - run.span.start_ns == 20 * 10**9
    said = capsys.readouterr().out
    for words in (
        "2 files of a fibre with 20 channels every",
        "at 100 Hz",
        "16 channels have a place; 4 have none",
        "das/notes.txt: no reader opens it",
        "das/other.nc: other channels than most files",
    ):
        assert words in said
        assert words.split(":")[0] in " ".join(text.replace("\n# ", " ").split())


def test_without_places_there_are_no_events(here: Path) -> None:
    init(fibre=["das"])
    run, text = written()
    assert "nothing says where the channels are" in text.replace("\n# ", " ")
    assert len(run.fibres[0].source.files(run.span)) == 4


def test_a_clock_that_was_not_set_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(das_files, "START", 0)
    das_files.write(here, "early", np.random.default_rng(1).normal(size=(1000, N_CHANNELS)))
    init(fibre=["early.nc"])
    assert "the clock of the files was not set" in capsys.readouterr().out


def test_what_is_refused(here: Path) -> None:
    with pytest.raises(ConfigError, match="--fibre stands alone"):
        init(fibre=["das"], waveforms=["das"])
    with pytest.raises(ConfigError, match="--fibre stands alone"):
        init(channels=Path("where.csv"))
    only = r"no fibre data in 1 file of das/notes\.txt: no reader opens it: neither HDF5 nor TDMS"
    with pytest.raises(DataError, match=only):
        init(fibre=["das/notes.txt"])
    (here / "wrong.csv").write_text(TABLE + "99,48,11,0\n")
    with pytest.raises(DataError, match=r"wrong\.csv"):
        init(fibre=["das/a.nc"], channels=Path("wrong.csv"))
    assert not (here / "config").exists()
