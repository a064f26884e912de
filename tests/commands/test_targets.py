"""Every command that writes, against everything that may be where it writes.

Each command is run on each target. Whatever was in the work folder before, and above it, must be
there afterwards with the same bytes; the one exception is a plain file that the command line named.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import obspy
import pytest
from event_network import blank
from labelled_records import labelled, small
from recordings import UNTERHACHING, picker_weights
from synthetics import two_events
from workfolder import WorkFolder

from quakeline import cli
from quakeline.core.schemas import MECHANISMS
from quakeline.io.products import tables, targets

__all__ = ["picker_weights"]

RUN = "unterhaching"
RESULTS = f"results/{RUN}"


@dataclass(frozen=True)
class Command:
    """A command up to the target, the suffix of that, and a file that it reads."""

    words: str
    reads: str
    suffix: str = ""

    @property
    def fills(self) -> bool:
        """Whether it fills a folder."""
        return not self.suffix


COMMANDS = {
    "quakeml": Command(f"export {RUN} --stations st.csv -f quakeml -o", "st.csv", ".qml"),
    "csv": Command("export other -f csv -o", "other/events.parquet", ".csv"),
    "geoparquet": Command("export other -f geoparquet -o", "other/events.parquet", ".parquet"),
    "fdsn-text": Command("export other -f fdsn-text -o", "other/picks.parquet", ".txt"),
    "nordic": Command("export other -f nordic -o", "other/arrivals.parquet", ".nordic"),
    "evaluate catalog": Command(
        f"evaluate catalog {RUN} --reference reference.csv --json", "reference.csv", ".json"
    ),
    "evaluate picks": Command(
        "evaluate picks records.npz --model picker.safetensors --json", "records.npz", ".json"
    ),
    "evaluate mechanisms": Command(
        "evaluate mechanisms turned --reference planes.csv --json", "planes.csv", ".json"
    ),
    "inspect csv": Command("inspect data --stations st.csv --csv", "data/0.gz", ".csv"),
    "inspect json": Command("inspect data --stations st.csv --json", "st.csv", ".json"),
    "inspect plot": Command("inspect data --stations st.svg --plot", "st.svg", ".svg"),
    "pick csv": Command("pick data --weights picker.safetensors -o", "data/0.csv", ".csv"),
    "pick parquet": Command(
        "pick data --weights picker.safetensors -o", "data/0.parquet", ".parquet"
    ),
    "models get": Command(
        "models get phasenet --path picker.safetensors --output", "picker.safetensors", ".weights"
    ),
    "models export": Command(
        "models export picker.safetensors --onnx", "picker.safetensors", ".onnx"
    ),
    "catalog": Command("catalog own/picks.csv own/stations.csv -o", "own/picks.csv"),
    "live replay": Command("live replay data --weights picker.safetensors -o", "data/0.gz"),
    "hypodd": Command("export other -f hypodd -o", "other/events.parquet"),
    "pyrocko": Command("export other -f pyrocko -o", "other/events.parquet"),
    "nonlinloc": Command("export other -f nonlinloc -o", "other/events.parquet"),
    "correlate": Command(f"correlate {RUN} -o", "other/events.parquet"),
    "relocate": Command(f"relocate {RUN} -o", "other/events.parquet"),
    "merge": Command(f"merge {RUN} other -o", "other/events.parquet"),
    "reproduce": Command("reproduce crate --cores 2 --folder", "crate/events.parquet"),
    "tune velocity": Command("tune velocity own/picks.csv own/stations.csv -o", "own/picks.csv"),
    "scan": Command("scan list.txt --model scanned --out", "list.txt", ".txt"),
    "mechanism": Command("mechanism --hash-phase hash/phase -o", "hash/phase"),
    "dataset inspect": Command("dataset inspect ds --json", "ds/metadata.csv", ".json"),
    "dataset picture": Command("dataset inspect ds --picture", "ds/metadata.csv", ".png"),
    "dataset from-run": Command(f"dataset from-run {RUN} -o", "other/events.parquet"),
    "dataset from-fibre": Command(f"dataset from-fibre {RUN} BRADY -o", "other/events.parquet"),
    "tune picker": Command(
        "tune picker --dataset ds --model ds/picker.safetensors --epochs 1 -o",
        "ds/picker.safetensors",
        ".safetensors",
    ),
    "dataset prepare": Command(
        "dataset prepare ds --set min_samples=1 --set min_pga_gal=0 -o", "ds/metadata.csv"
    ),
    "tune classifier": Command(
        "tune classifier --dataset ds --model ds/events.safetensors --epochs 0 -o",
        "ds/events.safetensors",
        ".safetensors",
    ),
}
SCANNED = """\
import torch


class Mean(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x.mean(dim=2), dim=1)


def load_model():
    return Mean()
"""
#: An event and two polarities with their rays, in columns of HASH's first driver.
RAYS = """\
94 1211104155034 1455118 3706 181323
IR2 IPD0                   0                               258121           51  10   1     X   VHZ
SWM IPU0                   0                               528103            3  10   1     X   VHZ

"""
#: Further forms of commands that are tried by one form always, by these in `make test-slow`.
ALIKE = {
    "csv",
    "geoparquet",
    "fdsn-text",
    "nordic",
    "inspect csv",
    "inspect json",
    "hypodd",
    "pyrocko",
}
NAMES = [pytest.param(n, marks=[pytest.mark.slow] if n in ALIKE else []) for n in COMMANDS]
#: Commands whose success takes long, and where it is tried.
ELSEWHERE = {
    "reproduce": "a whole run; tests/workflow/test_reproduce.py",
    "dataset from-fibre": "a run of a fibre; tests/workflow/test_das.py",
    "tune velocity": "needs many events; tests/events/location/test_minimum1d.py",
}


def _full(path: Path) -> None:
    (path / "deep").mkdir(parents=True)
    (path / "thesis.txt").write_text("of three years")
    (path / "deep/data.csv").write_text("1,2\n")


def _file(path: Path) -> None:
    path.write_text("of the user")


def _protected(path: Path) -> None:
    path.write_text("of the user")
    path.chmod(0o444)


def _link_to_file(path: Path) -> None:
    _file(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _link_to_empty(path: Path) -> None:
    path.with_name("elsewhere").mkdir()
    path.symlink_to("elsewhere")


def _link_to_full(path: Path) -> None:
    _full(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _below_file(path: Path) -> None:
    _file(path.parent)


#: What is at the target: how it is made, and what may be written there, a file or a folder.
STATES: dict[str, tuple[Callable[[Path], object] | None, str]] = {
    "nothing": (None, "file folder"),
    "file": (_file, "file"),
    "protected": (_protected, ""),
    "empty": (Path.mkdir, "folder"),
    "full": (_full, ""),
    "link to file": (_link_to_file, ""),
    "link to empty": (_link_to_empty, "folder"),
    "link to full": (_link_to_full, ""),
    "dangling": (lambda path: path.symlink_to("nowhere"), ""),
    "fifo": (os.mkfifo, ""),
    "below a file": (_below_file, ""),
}
#: Places that are there already, and where nothing may be written.
PLACES = {
    "here": ".",
    "above": "..",
    "run": RESULTS,
    "catalog": f"{RESULTS}/catalog",
    "product": f"{RESULTS}/catalog/catalog.qml",
    "store": f"{RESULTS}/waveforms",
    "new in run": f"{RESULTS}/catalog/new",
    "results": "results",
    "long": "x" * 300,
}


@pytest.fixture(scope="module")
def work(
    demo_run: WorkFolder, picker_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder with a finished run and an input for every command, and a user's files above it."""
    above = tmp_path_factory.mktemp("targets")
    _full(above / "home")
    folder = demo_run.copied(above / "work").folder
    catalog = folder / RESULTS / "catalog"
    shutil.copytree(catalog, folder / "crate")
    shutil.copytree(catalog, folder / "other")
    shutil.copy(folder / RESULTS / "stations.parquet", folder / "other")
    shutil.copy(catalog / "catalog.csv", folder / "reference.csv")
    shutil.copy(picker_weights, folder / "picker.safetensors")
    (folder / "own").mkdir()
    two_events(folder / "own")[1].to_csv(folder / "own/picks.csv", index=False)
    (folder / "data").mkdir()
    for name, source in zip(("0.gz", "0.csv", "0.parquet"), UNTERHACHING, strict=False):
        if name == "0.gz":
            shutil.copy(source, folder / "data" / name)
        else:
            obspy.read(source).write(folder / "data" / name, format="MSEED")
    (folder / "st.csv").write_text(
        "network,station,latitude,longitude,elevation_m\nBW,UH1,48,11,500\n"
    )
    shutil.copy(folder / "st.csv", folder / "st.svg")
    _of_a_scan(folder)
    _labelled(folder, picker_weights)
    np.savez(
        folder / "records.npz",
        waveforms=np.stack([np.stack([t.data for t in obspy.read()])]),
        p_index=np.array([469]),
        s_index=np.array([-1]),
        component_order=np.array("ZNE"),
        sampling_rate=np.array(100.0),
    )
    here = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(here)


def _of_a_scan(folder: Path) -> None:
    """The list and the network of a scan, and a phase file with rays that are stated."""
    (folder / "list.txt").write_text(" ".join(map(str, UNTERHACHING[:3])) + "\n")
    (folder / "scanned.py").write_text(SCANNED)
    (folder / "hash").mkdir()
    (folder / "hash/phase").write_text(RAYS)
    (folder / "turned").mkdir()
    tables.write(tables.empty(MECHANISMS), MECHANISMS, folder / "turned/mechanisms.parquet")
    (folder / "planes.csv").write_text("event_id,strike,dip,rake\na,1,2,3\n")


def _labelled(folder: Path, weights: Path) -> None:
    """A small data set in each of whose parts there are arrivals, and weights beside it."""
    parts = ("train", "dev", "test")
    small(folder / "ds", *(labelled(f"e{n}", 2000, 3000, s) for n, s in enumerate(parts)), n=6000)
    shutil.copy(weights, folder / "ds/picker.safetensors")
    blank(folder / "ds/events.safetensors", classes=("event",), sampling_rate_hz=100.0)


def held(folder: Path) -> dict[str, str]:
    """All files, links and folders below a folder, with digests of what they hold."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder" if path.is_dir() else "device"
    return found


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the program's own entry point in this process."""
    monkeypatch.setattr(sys, "argv", ["quakeline", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def kept(before: dict[str, str], after: dict[str, str]) -> None:
    assert {name: after.get(name) for name in before} == before


def refused(code: int, err: str) -> None:
    assert code == 2, err
    lines = [line for line in err.splitlines() if line.startswith("quakeline: ")]
    assert len(lines) == 1, err
    assert lines == err.splitlines(), err


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_lost(work, name, state, tmp_path, capfd, monkeypatch):
    command, (make, allowed) = COMMANDS[name], STATES[state]
    is_allowed = ("folder" if command.fills else "file") in allowed.split()
    if name in ELSEWHERE and is_allowed:
        pytest.skip(ELSEWHERE[name])
    parent = tmp_path / "place"
    if state != "below a file":
        parent.mkdir()
    target = parent / f"target{command.suffix}"
    if make:
        make(target)
    before, above = held(tmp_path), held(work.parent)
    code = run([*command.words.split(), str(target)], monkeypatch)
    err = capfd.readouterr().err
    after = held(tmp_path)
    assert held(work.parent) == above
    if not is_allowed:
        refused(code, err)
        assert after == before
        return
    assert code == 0, err
    if state == "file":
        before.pop(f"place/{target.name}")
    kept(before, after)
    assert target.is_dir() == command.fills
    assert not [path for path in after if path.endswith(".part")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_places_that_are_never_written(work, name, place, capfd, monkeypatch):
    before = held(work.parent)
    code = run([*COMMANDS[name].words.split(), PLACES[place]], monkeypatch)
    refused(code, capfd.readouterr().err)
    assert held(work.parent) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_reads_is_never_written(work, name, capfd, monkeypatch):
    before = held(work.parent)
    command = COMMANDS[name]
    given = Path(command.reads).parent if command.fills else Path(command.reads)
    code = run([*command.words.split(), str(given)], monkeypatch)
    refused(code, "\n".join(capfd.readouterr().err.splitlines()[-1:]))
    assert held(work.parent) == before


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if c.fills and n not in ELSEWHERE])
def test_a_folder_of_its_own_is_filled_again(work, name, tmp_path, capfd, monkeypatch):
    target = tmp_path / "out"
    words = [*COMMANDS[name].words.split(), str(target)]
    assert run(words, monkeypatch) == 0
    first = held(target)
    assert targets.MARK in first
    (target / "notes.txt").write_text("of the user")
    assert run(words, monkeypatch) == 0
    again = held(target)
    assert again.pop("notes.txt")
    assert set(again) == set(first)

    other = "merge" if name != "merge" else "hypodd"
    capfd.readouterr()
    before = held(target)
    refused(run([*COMMANDS[other].words.split(), str(target)], monkeypatch), capfd.readouterr().err)
    made = sorted(set(first) - {targets.MARK, targets.LOCK})[0]
    (target / made).write_text("changed by the user")
    refused(run(words, monkeypatch), capfd.readouterr().err)
    words = ["export", "other", "-f", "csv", "-o", str(target / made)]
    refused(run(words, monkeypatch), capfd.readouterr().err)
    kept({k: v for k, v in before.items() if k != made}, held(target))
    assert (target / made).read_text() == "changed by the user"


def test_the_current_folder_may_be_filled_if_it_is_empty(work, tmp_path, monkeypatch, capfd):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    words = ["export", str(work / "other"), "-f", "hypodd", "-o", "."]
    for _ in range(2):
        assert run(words, monkeypatch) == 0
    assert "phase.dat" in held(empty)
    capfd.readouterr()


def test_tables_are_not_read_as_recordings_the_next_time(work, tmp_path, monkeypatch, capfd):
    shutil.copytree(work / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    weights = str(work / "picker.safetensors")
    for words in (
        ["inspect", ".", "--csv", "t.csv", "--json", "t.json", "--plot", "t.svg"],
        ["pick", ".", "--weights", weights, "-o", "picks.csv"],
    ):
        for _ in range(2):
            assert run(words, monkeypatch) == 0, capfd.readouterr().err
    capfd.readouterr()
    refused(
        run(["inspect", "data", "--csv", "same", "--json", "same"], monkeypatch),
        capfd.readouterr().err,
    )


PAGES = {"defaults": "config.yaml", "reference": "README.md", "schema": "config.schema.json"}


@pytest.mark.parametrize("word", PAGES)
def test_a_page_that_somebody_wrote_is_not_replaced(tmp_path, word, monkeypatch, capfd):
    place = WorkFolder.furnished(tmp_path)
    monkeypatch.chdir(place.folder)
    page = tmp_path / "config" / PAGES[word]
    assert run(["config", word], monkeypatch) == 0
    page.write_text("my notes on our runs\n")
    refused(run(["config", word], monkeypatch), capfd.readouterr().err)
    assert page.read_text() == "my notes on our runs\n"


def test_a_run_does_not_begin_where_other_things_are(workdir, monkeypatch, capfd):
    monkeypatch.chdir(workdir.folder)
    _full(workdir.folder / RESULTS)
    before = held(workdir.folder / "results")
    refused(run(["run"], monkeypatch), capfd.readouterr().err)
    assert held(workdir.folder / "results") == before


def test_a_crate_is_not_repeated_in_its_own_place(work, capfd, monkeypatch):
    before = held(work)
    crate = f"{RESULTS}/catalog"
    for folder in (".", "results", RESULTS):
        refused(run(["reproduce", crate, "--folder", folder], monkeypatch), capfd.readouterr().err)
    assert held(work) == before
