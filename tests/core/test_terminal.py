"""Terminals that are full, closed or know few characters, and variables that are no numbers."""

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recordings import UNTERHACHING

from quakeline.core import terminal
from quakeline.core.errors import ConfigError, DataError, words_of
from quakeline.io.formats import pick_tables

#: Bytes of address space in which Python begins, but no library for waveforms.
LITTLE = 250_000_000
#: Ends the work with one line in the log of errors.
LINE = "standard output cannot be written: {why}; the work itself ended with exit code 0"


def started(*words: object, **options: object) -> subprocess.CompletedProcess:
    """The real program, its standard output as the options say."""
    code = "from quakeline.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


def test_a_full_terminal_ends_no_work(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = started("inspect", UNTERHACHING[0], "--csv", tmp_path / "out.csv", stdout=full)
    assert done.returncode == terminal.UNWRITTEN
    lines = [line for line in done.stderr.splitlines() if line.startswith("quakeline: ")]
    assert lines == ["quakeline: " + LINE.format(why="No space left on device")]
    assert "Traceback" not in done.stderr
    assert "BW.UH1" in (tmp_path / "out.csv").read_text()


def test_a_pipe_whose_reader_has_seen_enough_is_silent() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = started("--version", stdout=writer)
    os.close(writer)
    assert done.returncode == terminal.UNWRITTEN
    assert done.stderr == ""


def test_a_closed_output_is_one_line() -> None:
    done = started("--version", preexec_fn=lambda: os.close(1))
    assert done.returncode == terminal.UNWRITTEN
    assert done.stderr.strip() == "quakeline: " + LINE.format(why="it is closed")


def test_a_mistake_keeps_its_code(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = started("export", tmp_path, "-f", "csv", "-o", tmp_path / "c.csv", stdout=full)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_characters_that_a_terminal_lacks_are_written_as_numbers() -> None:
    raw = io.BytesIO()
    output = terminal.Output(io.TextIOWrapper(raw, encoding="ascii"))
    output.write("depth 5 ± 1 km")
    output.flush()
    assert raw.getvalue() == b"depth 5 \\xb1 1 km"
    assert output.failure is None


@pytest.mark.parametrize("value", ["banana", "0", "-2", "1.5", "a,2"])
def test_threads_that_are_no_number_are_refused(monkeypatch, value: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with pytest.raises(ConfigError, match=r"OMP_NUM_THREADS is '.*'; allowed: a number above 0"):
        terminal.require_variables()


def test_threads_of_several_levels_and_none(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    monkeypatch.setenv("MKL_NUM_THREADS", " ")
    terminal.require_variables()
    assert os.environ["OMP_NUM_THREADS"] == "4"
    assert "MKL_NUM_THREADS" not in os.environ


def test_the_program_says_so_in_one_line() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "banana"}
    done = started("inspect", UNTERHACHING[0], env=environment, stdout=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stderr.startswith("quakeline: the environment variable OMP_NUM_THREADS is 'banana'")
    assert len(done.stderr.splitlines()) == 1


def test_what_libraries_print_is_kept_from_the_terminal(capfd, caplog) -> None:
    with caplog.at_level("DEBUG", "quakeline"), terminal.libraries_muted():
        os.write(2, b"HDF5-DIAG: Error detected in HDF5\n")
    os.write(2, b"ours\n")
    assert capfd.readouterr().err == "ours\n"
    assert "a library says: HDF5-DIAG: Error detected in HDF5" in caplog.text


@pytest.mark.parametrize("wanted", ["always", "error::DeprecationWarning"])
def test_deprecations_of_libraries_stay_from_the_terminal(wanted: str) -> None:
    """The import of obspy meets one of importlib_metadata."""
    environment = {**os.environ, "PYTHONWARNINGS": wanted}
    done = started("inspect", UNTERHACHING[0], env=environment, stdout=subprocess.DEVNULL)
    assert done.returncode == 0
    assert "DeprecationWarning" not in done.stderr


def test_little_memory_is_named() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (LITTLE, LITTLE))

    done = started("inspect", UNTERHACHING[0], preexec_fn=limit, stdout=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "not enough memory" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_reader_without_memory_is_no_wrong_file(tmp_path: Path, monkeypatch) -> None:
    """What a library says of memory behind an error of ours is the cause."""
    table = tmp_path / "picks.parquet"
    pq.write_table(pa.table({"station": ["A"]}), table)

    def fails(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("Failed to launch worker thread: Resource temporarily unavailable")

    monkeypatch.setattr(pq, "read_schema", fails)
    with pytest.raises(DataError) as caught:
        pick_tables.read(table)
    assert words_of(caught.value).startswith("not enough memory (Failed to launch worker thread")
    assert words_of(DataError("another")) == "another"
