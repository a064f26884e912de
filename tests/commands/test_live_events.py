"""`quakeline live` with stations: events of real recordings, and what is said of those without."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import yaml
from live_runs import overlay, records, run
from receivers import web_receiver
from recordings import picker_weights
from workfolder import QUAKELINE

import quakeline
from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS
from quakeline.io.products import tables

__all__ = ["picker_weights"]

#: Six stations around Hengill with nine events in five minutes.
CODES = ("BIT06", "BLK22", "GAN02", "NUP27", "SKA10", "INNST")


def lines(said: str, kind: str | None) -> list[dict]:
    return [row for row in map(json.loads, said.splitlines()) if row.get("kind") == kind]


def count(updates: list[dict], status: str) -> int:
    return sum(row["status"] == status for row in updates)


@pytest.fixture
def hengill(shared: Path, tmp_path: Path) -> tuple[list[str], Path]:
    """Recordings of stations, and a table that lacks one of them."""
    folder = shared / "data/hengill"
    files = [str(path) for code in CODES for path in sorted(folder.glob(f"*.{code}.*.mseed"))]
    stations = pd.read_csv(folder / "stations.csv")
    stations[stations["station"] != "NUP27"].to_csv(tmp_path / "stations.csv", index=False)
    return files, tmp_path / "stations.csv"


def test_a_replay_gives_the_events_of_its_picks(
    hengill, tmp_path, picker_weights, monkeypatch, capfd
):
    files, stations = hengill
    target = tmp_path / "out"
    words = ["live", "replay", *files, "--stations", str(stations), "-o", str(target)]
    assert run([*words, "--threads", "1"], monkeypatch) == 0
    told = capfd.readouterr()
    updates = lines(told.out, "event")
    last = {row["id"]: row for row in updates}
    assert {row["status"] for row in last.values()} <= {"reviewed", "withdrawn"}
    found = tables.read(target / "picks.parquet", PICKS)
    assert len(lines(told.out, None)) == len(found)
    assert f"events   {count(updates, 'final')} became final, " in told.err
    assert f", {count(updates, 'reviewed')} reviewed" in told.err
    placed = found[found["station"] != "NUP27"].reset_index(drop=True)
    measured = tables.read(target / "measurements.parquet", MEASUREMENTS)
    expected = quakeline.catalog(placed, stations, measurements=measured, threads=1)
    events = tables.read(target / "events.parquet", EVENTS)
    assert len(expected.events) >= 3
    pd.testing.assert_frame_equal(
        events.drop(columns="event_id"), expected.events.drop(columns="event_id"), check_exact=True
    )
    arrivals = tables.read(target / "arrivals.parquet", ARRIVALS)
    assert set(arrivals["pick_id"]) == set(expected.arrivals["pick_id"])
    assert "NUP27" not in " ".join(arrivals["pick_id"])
    assert told.err.count("2C.NUP27: its coordinates are not known: picks, but no events") == 1
    assert "NUP27" in set(found["station"])


def test_a_run_sends_events_with_magnitudes(shared, tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    folder = shared / "data/pnsn"
    recording = str(folder / "uw61965081_PortTownsend_M4.3.mseed")
    xml = str(folder / "uw61965081_Example_Stations.xml")
    with web_receiver() as receiver:
        content = {
            "run": "own",
            "time": {"start": "2023-10-09T02:00:00Z", "end": "2023-10-09T03:00:00Z"},
            "stations": {"stationxml": [xml]},
            "fetch": {"source": {"kind": "files", "paths": [recording]}},
            "live": {
                "feed": {"kind": "replay", "paths": [recording]},
                "publish": [{"kind": "webhook", "url": receiver.url}],
            },
        }
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
        assert run(["live", "own.yaml", "--threads", "1"], monkeypatch) == 0
        sent = receiver.messages
    (event,) = [row for row in sent if row["kind"] == "event" and row["status"] == "reviewed"]
    assert len(event["arrivals"]) == event["n_picks"]
    target = tmp_path / "live/own"
    measured = tables.read(target / "measurements.parquet", MEASUREMENTS)
    picks = tables.read(target / "picks.parquet", PICKS)
    expected = quakeline.catalog(picks, xml, measurements=measured, threads=1).events
    assert event["magnitude"] == float(expected["magnitude"].iloc[0])
    assert event["magnitude_type"] == "ML"
    # the network's own M4.3 is nearer to its stations than five of them show
    assert 3.5 < event["magnitude"] < 5.5
    assert event["depth_km"] == float(expected["depth_km"].iloc[0])


def test_events_are_left_out_where_nobody_wants_them(tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.mseed").write_bytes(records(0, 20))
    name = overlay(tmp_path, feed={"kind": "replay", "paths": ["own.mseed"]}, events=None)
    assert run(["live", name, "--threads", "1"], monkeypatch) == 0
    assert not (tmp_path / "live/own/events.parquet").exists()


def test_no_coordinates_at_all_are_a_remark(tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.mseed").write_bytes(records(0, 20))
    name = overlay(tmp_path, feed={"kind": "replay", "paths": ["own.mseed"]})
    given = yaml.safe_load((tmp_path / name).read_text())
    given["stations"] = {"fdsn": {"providers": ["BGR"], "networks": ["BW"]}}
    (tmp_path / name).write_text(yaml.safe_dump(given))
    assert run(["live", name, "--threads", "1"], monkeypatch) == 0
    assert (
        capfd.readouterr().err.count("remark: no events: the stations' places are not known") == 1
    )


@pytest.mark.parametrize("name", ["nowhere", "nowhere.csv", "."])
def test_stations_that_cannot_be_read_are_one_line(name, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.mseed").write_bytes(records(0, 5))
    words = ["live", "replay", "own.mseed", "-o", "out", "--stations", name]
    assert run(words, monkeypatch) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"{name}: " in said
    assert not (tmp_path / "out").exists()


def test_velocities_without_stations_are_refused(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.mseed").write_bytes(records(0, 5))
    words = ["live", "replay", "own.mseed", "-o", "out", "--velocity", "iasp91"]
    assert run(words, monkeypatch) == 2
    assert "--velocity: given without --stations" in capfd.readouterr().err


def ended(words: list[str], target: Path, kills: int) -> set[tuple[str, int]]:
    """Run the command, kill it when it has written more, until it ends; versions that were said.

    A session that has little left to write may end before it is killed.
    """
    rng, said, codes = random.Random(kills), set(), []
    for number in range(kills + 1):
        written = size_of(target)
        process = subprocess.Popen(
            [QUAKELINE, *words, "-o", str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if number < kills:
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if size_of(target) > written and (target / "session.json").exists():
                    break
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
        out, err = process.communicate(timeout=300)
        whole = [line for line in out.splitlines() if line.endswith("}")]
        said |= {(row["id"], row["version"]) for row in lines("\n".join(whole), "event")}
        codes.append(process.returncode)
        assert process.returncode in (0, -signal.SIGKILL), err
        if process.returncode == 0:
            break
    assert codes[-1] == 0
    assert len(codes) > kills // 2, codes
    return said


def size_of(target: Path) -> int:
    """Bytes of the lines that a session has written; one that begins removes files."""
    total = 0
    for path in target.glob("*.jsonl"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


@pytest.mark.slow
def test_no_kill_loses_doubles_or_renames_an_event(hengill, tmp_path, picker_weights):
    files, stations = hengill
    words = ["live", "replay", *files, "--stations", str(stations), "--threads", "1"]
    words += ["--shuffle", "7", "--seed", "3", "--speed", "30"]
    whole, target = tmp_path / "whole", tmp_path / "killed"
    ended(words, whole, 0)
    said = ended(words, target, 5)
    rows, expected = (
        [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        for folder in (target, whole)
    )
    versions = defaultdict(list)
    for row in rows:
        versions[row["id"]].append(row)
    for some in versions.values():
        assert [row["version"] for row in some] == list(range(1, len(some) + 1))
        assert {row["status"] for row in some[:-1]} <= {"preliminary", "final", "withdrawn"}
        assert some[-1]["status"] in ("reviewed", "withdrawn")
    # ids say when an event was first thought to be: when associations were made may change them
    assert sorted(map(sorted, members(rows).values())) == sorted(
        map(sorted, members(expected).values())
    )
    assert len(members(rows)) >= 3
    assert {(row["id"], row["version"]) for row in rows} == said
    files_of_versions = {f"{row['id']}.v{row['version']:04d}.qml" for row in rows}
    assert {path.name for path in (target / "events").iterdir()} == files_of_versions
    for name, schema in (("events", EVENTS), ("arrivals", ARRIVALS)):
        table = tables.read(target / f"{name}.parquet", schema)
        assert set(table["event_id"]) == set(members(rows))
        assert not table.duplicated("event_id" if name == "events" else "pick_id").any()
    both = [tables.read(one / "events.parquet", EVENTS) for one in (target, whole)]
    found, once = (one.drop(columns="event_id") for one in both)
    pd.testing.assert_frame_equal(found, once, check_exact=True)
    for name, schema in (("picks", PICKS), ("measurements", MEASUREMENTS)):
        keys = ["pick_id"] if name == "picks" else ["pick_id", "component"]
        both = [tables.read(folder / f"{name}.parquet", schema) for folder in (target, whole)]
        found, once = (one.sort_values(keys, ignore_index=True) for one in both)
        pd.testing.assert_frame_equal(found, once, check_exact=True)


def members(rows: list[dict]) -> dict[str, set[str]]:
    """The picks of reviewed events, by id."""
    return {
        row["id"]: {one["pick_id"] for one in row["arrivals"]}
        for row in rows
        if row["status"] == "reviewed"
    }
