"""A session that was stopped, however it was, goes on without losing or doubling a pick."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import Stream, UTCDateTime
from packets import loaded, session_of
from recordings import picker_weights, trace, write
from workfolder import QUAKELINE

import quakeline
from quakeline.core.errors import ConfigError, OutputError
from quakeline.core.schemas import PICKS
from quakeline.inference.annotator import Annotator
from quakeline.io.products import provenance, tables, targets
from quakeline.live import output as outputs
from quakeline.live import running
from quakeline.live.feeds.replay import Replay
from quakeline.live.hurry import FINAL, PRELIMINARY, WITHDRAWN
from quakeline.live.lines import line_of
from quakeline.live.output import LATENCY, LINES, NAMES, STATE, TABLE, Output
from quakeline.live.remarks import Remarks
from quakeline.live.running import Pace, Running

__all__ = ["picker_weights"]

START = "2020-05-01T00:00:00"
SECONDS = 1000
#: So much is more than is picked between thirty kills.
LONG_S = 4000


@pytest.fixture(scope="module")
def annotator(picker_weights: Path) -> Annotator:
    return loaded(picker_weights)


def recorded(made: Path, seconds: int) -> Path:
    """Two stations with real events and a hole; one lies between samples."""
    stream = Stream()
    for code, late_ns in (("XX.AAA..HH", 0), ("XX.BBB..HH", 4_321_000)):
        for component in "ZNE":
            rng = np.random.default_rng([ord(component), late_ns])
            counts = rng.normal(0, 6, seconds * 100)
            event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
            for at in np.arange(10.0, seconds - 40, 47.3):
                counts[round(at * 100) :][: len(event)] += event * 0.3
            start = UTCDateTime(START).ns + late_ns
            stream += trace(f"{code}{component}", start, counts.round().astype("i4"))
    stream = stream.cutout(UTCDateTime(START) + 300, UTCDateTime(START) + 309)
    for number, one in enumerate(stream):
        write([one], made / f"{number}.mseed")
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recordings"), SECONDS)


@pytest.fixture(scope="module")
def expected(folder: Path, picker_weights: Path) -> pd.DataFrame:
    return quakeline.pick(folder, weights=picker_weights, threads=1, batch=8)


def feed(folder: Path) -> Replay:
    return Replay(
        paths=[str(folder)], random_sizes=True, shuffle_s=7, duplicate=0.2, packet_s=4, seed=3
    )


RECIPE = provenance.Record("live", 1, {"a": 1})


def run(annotator: Annotator, folder: Path, target: Path, said: list[str] | None = None) -> bool:
    lines = [] if said is None else said
    output = Output(target, "live replay", RECIPE, lambda row: lines.append(line_of(row)))
    return Running(feed(folder), session_of(annotator, 20.0), output).run()


def read(target: Path) -> pd.DataFrame:
    return tables.read(target / TABLE, PICKS)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_folder_holds_the_picks_as_a_table_and_as_lines(annotator, folder, expected, tmp_path):
    said: list[str] = []
    assert run(annotator, folder, tmp_path / "out", said)
    same(read(tmp_path / "out"), expected)
    assert said == (tmp_path / "out" / LINES).read_text().splitlines()
    rows = [json.loads(line) for line in said]
    assert sorted(row["pick_id"] for row in rows) == sorted(expected["pick_id"])
    assert all(row["data_latency_s"] > 0 and row["computing_latency_s"] >= 0 for row in rows)
    latency = json.loads((tmp_path / "out" / LATENCY).read_text())
    assert set(latency) == {"all", "XX.AAA", "XX.BBB"}
    assert latency["all"]["picks"] == len(expected)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [*NAMES, targets.MARK]
    )


class Killed(BaseException):
    """The process ends here and does nothing more."""


class Dying:
    """Dies at the n-th call of a function, before or after it."""

    def __init__(self, function, n: int, *, after: bool) -> None:
        self.function, self.left, self.after = function, n, after

    def __call__(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        made = self.function(*args, **kwargs)
        if self.left == 0:
            raise Killed
        return made


PLACES = {
    "packet": (running.Session, "add", (50, 600)),
    "line": (outputs.Output, "add", (1, 30)),
    "table": (outputs.tables, "write_arrow", (1, 4)),
    "state": (outputs, "write_text", (1, 8)),
}


@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("packet", True),
        ("line", False),
        ("line", True),
        ("table", True),
        ("state", False),
        ("state", True),
    ],
)
def test_it_goes_on_wherever_it_died(
    annotator, folder, expected, tmp_path, monkeypatch, place, after
):
    owner, name, (least, most) = PLACES[place]
    rng = random.Random(f"{place} {after}")
    monkeypatch.setattr(outputs, "_LEAST_S", 0.02)
    monkeypatch.setattr(running, "_WAIT_S", 0.01)
    function, deaths = getattr(owner, name), 0
    said: list[str] = []
    for _ in range(3):
        dying = Dying(function, rng.randint(least, most), after=after)
        bound = lambda *args, _dying=dying, **kwargs: _dying(*args, **kwargs)  # noqa: E731
        monkeypatch.setattr(owner, name, bound)
        try:
            run(annotator, folder, tmp_path / "out", said)
        except Killed:
            deaths += 1
        if (tmp_path / "out" / TABLE).exists():
            assert set(read(tmp_path / "out")["pick_id"]) <= set(expected["pick_id"])
    assert deaths
    monkeypatch.setattr(owner, name, function)
    with (tmp_path / "out" / LINES).open("ab") as file:
        file.write(b'{"pick_id": "half of a li')
    assert run(annotator, folder, tmp_path / "out", said)
    same(read(tmp_path / "out"), expected)
    assert {json.loads(line)["pick_id"] for line in said} == set(expected["pick_id"])
    written = [json.loads(line) for line in (tmp_path / "out" / LINES).read_text().splitlines()]
    assert sorted(row["pick_id"] for row in written) == sorted(expected["pick_id"])


def _is_over(turns: Iterator[int]) -> bool:
    return next(turns, None) is None


def test_stopping_writes_everything_and_goes_on(annotator, folder, expected, tmp_path):
    target, ended, n = tmp_path / "out", False, 0
    while not ended:
        turns = iter(range(300 + 100 * n))
        output = Output(target, "live replay", RECIPE)
        stop = partial(_is_over, turns)
        ended = Running(feed(folder), session_of(annotator, 20.0), output, stop).run()
        n += 1
        assert len(read(target)) == len((target / LINES).read_text().splitlines())
    assert n > 2
    same(read(target), expected)
    output = Output(target, "live replay", RECIPE)
    assert output.ended
    output.close()


def test_what_was_announced_before_a_stop_goes_on_and_ends(annotator, folder, expected, tmp_path):
    said: list[dict[str, Any]] = []
    open_at_a_stop, ended, n = 0, False, 0
    while not ended:
        turns = iter(range(300 + 100 * n))
        output = Output(tmp_path / "out", "live replay", RECIPE, said.append, hurry=True)
        session = session_of(annotator, 20.0, hurry=True)
        ended = Running(feed(folder), session, output, partial(_is_over, turns)).run()
        last = {row["id"]: row["status"] for row in said}
        open_at_a_stop += not ended and PRELIMINARY in last.values()
        n += 1
    assert open_at_a_stop
    versions = defaultdict(list)
    for row in said:
        versions[row["id"]].append(row)
    for some in versions.values():
        assert [row["version"] for row in some] == list(range(1, len(some) + 1))
        assert {row["status"] for row in some[:-1]} <= {PRELIMINARY}
        assert some[-1]["status"] in (FINAL, WITHDRAWN)
    finals = [row["pick_id"] for row in said if row["status"] == FINAL]
    assert sorted(finals) == sorted(expected["pick_id"])


def test_a_folder_of_other_settings_is_refused_until_it_ended(annotator, folder, tmp_path):
    target = tmp_path / "out"
    output = Output(target, "live replay", RECIPE)
    Running(feed(folder), session_of(annotator, 20.0), output, lambda: True).run()
    other = provenance.Record("live", 1, {"a": 2})
    with pytest.raises(ConfigError, match="other data or settings that has not ended"):
        Output(target, "live replay", other)
    (target / STATE).write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be read"):
        Output(target, "live replay", RECIPE)


@pytest.mark.parametrize("line", [b"\0\0\0\n", b"[1]\n", b'{"station": "A"}\n'])
def test_a_line_that_is_no_pick_is_one_line(annotator, folder, tmp_path, line):
    target = tmp_path / "out"
    output = Output(target, "live replay", RECIPE)
    Running(feed(folder), session_of(annotator, 20.0), output, lambda: True).run()
    (target / LINES).write_bytes(line)
    with pytest.raises(ConfigError, match="what is no pick"):
        Output(target, "live replay", RECIPE)


def test_a_full_disk_is_one_error(annotator, folder, tmp_path, monkeypatch):
    """Closing the file writes once more what did not fit: that is no other error."""
    target = tmp_path / "out"
    output = Output(target, "live replay", RECIPE)
    working = Running(feed(folder), session_of(annotator, 20.0), output)
    monkeypatch.setattr(outputs, "_LEAST_S", 1e9)
    output._journal.close()
    output._journal._files[""] = BufferedWriter(FileIO("/dev/full", "ab"), 100_000)
    with pytest.raises(OutputError, match="No space left on device; make space"):
        working.run()


def test_a_feed_is_closed_where_its_folder_cannot_be_made(annotator, folder, tmp_path):
    closed = []

    class Opened(Replay):
        def open(self, state=None):
            made = super().open(state)
            made.close = lambda: closed.append(True)
            return made

    (tmp_path / "file").write_text("")
    output = Output(tmp_path / "file/out", "live replay", RECIPE)
    with pytest.raises((OSError, OutputError)):
        Running(Opened(paths=[str(folder)]), session_of(annotator, 20.0), output)
    assert closed == [True]


def test_data_of_long_ago_have_no_latency_but_that_of_computing(
    annotator: Annotator, folder: Path, tmp_path: Path
) -> None:
    """Files of other years that are read now arrive years after they were recorded."""
    said: list[dict[str, object]] = []
    output = Output(tmp_path / "out", "live", RECIPE, said.append)
    output.begin()
    session = session_of(annotator, 20.0)
    for packet in feed(folder).open().packets():
        if packet is not None:
            session.add(replace(packet, arrived_ns=packet.arrived_ns + 10**17))
            for picks in session.work():
                output.add(picks)
        if said:
            break
    output.write({}, {}, {}, now=True)
    output.close()
    assert "data_latency_s" not in said[0]
    assert float(said[0]["computing_latency_s"]) >= 0
    latency = json.loads((tmp_path / "out" / LATENCY).read_text())
    assert latency["all"]["data_s"] is None
    again = Output(tmp_path / "out", "live", RECIPE)
    again.close()
    assert again.latencies.plain()["all"]["picks"] == len(said)


def test_falling_behind_is_said_when_it_begins_and_when_it_is_over() -> None:
    lines: list[str] = []
    pace = Pace(Remarks(lines.append))
    for behind_s in (0.1, 9.0, 11.0, 60.0, 5.0, 1.0, 3.0, 20.0):
        pace.note(behind_s, 1_600_000_000 * 10**9)
    assert len(lines) == 2
    assert "computing is 11 s behind the data of 2020-09-13T12:26:40Z" in lines[0]
    assert "caught up" in lines[1]
    assert (pace.behind_s, pace.most_s) == (20.0, 60.0)


def test_windows_that_wait_are_behind_until_they_are_computed(annotator, folder):
    session = session_of(annotator, 20.0)
    for packet in feed(folder).open().packets():
        if packet is not None:
            session.add(packet)
        if session.due >= 4:
            break
    time.sleep(0.05)
    assert session.behind_s >= 0.05
    while session.due:
        list(session.work())
    assert session.behind_s == 0.0


def killed(folder: Path, weights: Path, target: Path, kills: int, speed: int = 200) -> None:
    """Run the command, kill it when it has written some more picks, until it ends by itself."""
    words = [QUAKELINE, "live", "replay", str(folder), "-o", str(target), "--speed", str(speed)]
    words += ["--weights", str(weights), "--threads", "1", "--random-sizes", "--shuffle", "7"]
    words += ["--duplicate", "0.2", "--packet-s", "4", "--patience", "20", "--seed", "3"]
    rng, lines = random.Random(kills), target / LINES
    while True:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        size, extra = lines.stat().st_size if lines.exists() else 0, rng.uniform(0, 1)
        while process.poll() is None:
            time.sleep(0.02)
            grown = lines.exists() and lines.stat().st_size > size
            if kills and grown and (target / STATE).exists():
                time.sleep(extra)
                os.kill(process.pid, signal.SIGKILL)
                break
        _, err = process.communicate()
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 0, err
            assert not kills, "it ended before it could be killed so often"
            return
        kills -= 1


def test_killed_three_times(folder, picker_weights, expected, tmp_path):
    killed(folder, picker_weights, tmp_path / "out", 3)
    same(read(tmp_path / "out").drop(columns="weights_id"), expected.drop(columns="weights_id"))


@pytest.mark.slow
def test_killed_thirty_times(picker_weights, tmp_path):
    (tmp_path / "recordings").mkdir()
    long = recorded(tmp_path / "recordings", LONG_S)
    expected = quakeline.pick(long, weights=picker_weights, threads=1, batch=8)
    killed(long, picker_weights, tmp_path / "out", 30, speed=60)
    same(read(tmp_path / "out").drop(columns="weights_id"), expected.drop(columns="weights_id"))
