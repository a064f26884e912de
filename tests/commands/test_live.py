"""`quakeline live`: the section of a run, recordings, and what is refused with one line."""

from __future__ import annotations

import json
import os
import sys

import obspy
import pandas as pd
import pytest
import yaml
from live_runs import overlay, records, run
from receivers import web_receiver
from recordings import UNTERHACHING, picker_weights

import quakeline
from quakeline.commands.live import SECTION
from quakeline.core.schemas import PICKS
from quakeline.io.products import tables, targets
from quakeline.live.output import NAMES

__all__ = ["picker_weights"]


def test_a_section_gives_the_picks_of_its_run(tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    feed = {"kind": "replay", "paths": [str(path) for path in UNTERHACHING], "shuffle_s": 5}
    name = overlay(
        tmp_path, feed=feed, publish=[{"kind": "earthworm", "file": "picks.txt", "module": 42}]
    )
    assert run(["live", name, "--threads", "1"], monkeypatch) == 0, capfd.readouterr().err
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    expected = quakeline.pick(
        feed["paths"], weights=picker_weights, thresholds={"P": 0.5}, threads=1, batch=8
    )
    found = tables.read(tmp_path / "live/own/picks.parquet", PICKS)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    picks = [row["pick_id"] for row in said if row.get("kind") != "event"]
    assert sorted(picks) == sorted(expected["pick_id"])
    messages = (tmp_path / "picks.txt").read_text().splitlines()
    assert len(messages) == (expected["phase"] == "P").sum()
    assert run(["live", name, "--threads", "1"], monkeypatch) == 0
    assert "holds all picks of these data already" in capfd.readouterr().err


def test_a_session_needs_no_span_and_no_data_of_an_archive(
    tmp_path, picker_weights, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    feed = {"kind": "replay", "paths": [str(path) for path in UNTERHACHING]}
    name = overlay(tmp_path, feed=feed)
    given = yaml.safe_load((tmp_path / name).read_text())
    given = {key: value for key, value in given.items() if key not in ("time", "fetch")}
    (tmp_path / name).write_text(yaml.safe_dump(given))
    assert run(["live", name, "--threads", "1"], monkeypatch) == 0, capfd.readouterr().err
    assert len(tables.read(tmp_path / "live/own/picks.parquet", PICKS))
    capfd.readouterr()
    assert run(["run", name], monkeypatch) == 2
    assert "not given: time.start, time.end, fetch.source" in capfd.readouterr().err


def test_standard_input_that_goes_on_is_picked_by_the_same_words(
    tmp_path, picker_weights, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    name = overlay(tmp_path, feed={"kind": "miniseed", "paths": ["-"]})
    counts = []
    for span in ((0, 30), (30, 120)):
        (tmp_path / "input").write_bytes(records(*span))
        with (tmp_path / "input").open("rb") as given:
            monkeypatch.setattr(sys, "stdin", given)
            assert run(["live", name, "--threads", "1"], monkeypatch) == 0
        said = capfd.readouterr()
        assert "already" not in said.err
        assert "packets  0" not in said.err
        counts.append(len(said.out.splitlines()))
    assert counts[1] > 0
    found = tables.read(tmp_path / "live/own/2010-05-27/picks.parquet", PICKS)
    assert len(found) == sum(counts)


def test_a_replay_of_changed_files_begins_anew(tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    name = overlay(tmp_path, feed={"kind": "replay", "paths": ["own.mseed"]})
    packets = []
    for last_s in (20, 60):
        (tmp_path / "own.mseed").write_bytes(records(0, last_s))
        assert run(["live", name, "--threads", "1"], monkeypatch) == 0
        said = capfd.readouterr().err
        assert "already" not in said
        packets += [line for line in said.splitlines() if line.startswith("packets")]
    assert len(set(packets)) == 2


def test_a_feed_that_cannot_open_leaves_a_folder_for_the_next_start(
    tmp_path, picker_weights, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    feed = {"kind": "replay", "paths": ["own.mseed"]}
    publish = [{"kind": "earthworm", "file": "picks.txt", "module": 42}]
    words = ["live", overlay(tmp_path, feed=feed, publish=publish), "--threads", "1"]
    assert run(words, monkeypatch) == 2
    assert "own.mseed" in capfd.readouterr().err
    (tmp_path / "own.mseed").write_bytes(records(0, 60))
    assert run(words, monkeypatch) == 0, capfd.readouterr().err
    assert (tmp_path / "picks.txt").read_text()


def test_a_second_session_in_a_folder_is_refused(tmp_path, monkeypatch, capfd, picker_weights):
    monkeypatch.chdir(tmp_path)
    words = ["live", overlay(tmp_path, feed={"kind": "miniseed", "paths": ["-"]})]
    (tmp_path / "input").write_bytes(b"")
    with targets.growing(tmp_path / "live/own", SECTION, NAMES):
        assert run([*words, "--threads", "1"], monkeypatch) == 2
    said = [one for one in capfd.readouterr().err.splitlines() if one.startswith("quakeline: ")]
    assert len(said) == 1
    assert f"live/own is being worked on by process {os.getpid()} on " in said[0]
    assert not (tmp_path / "live/own").exists()


def test_the_recipe_holds_what_picks_follow_from_alone(
    tmp_path, picker_weights, monkeypatch, capfd
):
    """No password of a webhook, no address; a changed inventory is another recipe."""
    monkeypatch.chdir(tmp_path)
    feed = {"kind": "miniseed", "paths": ["-"]}
    (tmp_path / "input").write_bytes(records(0, 60))
    for more in ({"patience_s": 5.0}, {"patience_s": 6.0, "feed": {**feed, "poll_s": 2.0}}):
        with web_receiver() as receiver, (tmp_path / "input").open("rb") as given:
            url = receiver.url.replace("//", "//somebody:secret@")
            live = {"feed": feed, "publish": [{"kind": "webhook", "url": url}], **more}
            monkeypatch.setattr(sys, "stdin", given)
            words = ["live", overlay(tmp_path, **live), "--threads", "1"]
            assert run(words, monkeypatch) == 0, capfd.readouterr().err
    day = tmp_path / "live/own/2010-05-27"
    assert (day / "picks.jsonl").read_text()
    assert b"secret" not in (day / "picks.parquet").read_bytes()


def test_another_inventory_is_another_recipe(tmp_path, picker_weights, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input").write_bytes(b"")
    codes, inventory = [], obspy.read_inventory()
    for source in ("one", "two"):
        inventory.source = source
        inventory.write("stations.xml", format="STATIONXML")
        name = overlay(tmp_path, feed={"kind": "miniseed", "paths": ["-"]})
        given = yaml.safe_load((tmp_path / name).read_text())
        given["stations"] = {"stationxml": ["stations.xml"]}
        (tmp_path / name).write_text(yaml.safe_dump(given))
        with (tmp_path / "input").open("rb") as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            codes.append(run(["live", name, "--threads", "1"], monkeypatch))
    assert codes == [0, 2]
    assert "other data or settings that has not ended" in capfd.readouterr().err


REFUSED = {
    "no section": ({}, "own.yaml: no section live"),
    "unknown kind": ({"feed": {"kind": "pigeon"}}, "live.feed"),
    "unknown key": ({"feed": {"kind": "replay", "paths": ["x"]}, "rush": 1}, "live.rush"),
    "patience": (
        {"feed": {"kind": "replay", "paths": ["x"]}, "patience_s": -1},
        "live.patience_s: -1",
    ),
    "no files": ({"feed": {"kind": "replay", "paths": ["nowhere"]}}, "nowhere"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_sections_that_are_refused(tmp_path, picker_weights, monkeypatch, capfd, name):
    live, words = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    code = run(["live", overlay(tmp_path, **live), "--threads", "1"], monkeypatch)
    err = capfd.readouterr().err
    assert code == 2, err
    assert words in err
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if line.startswith("quakeline: ")]) == 1
    assert not (tmp_path / "live").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "quickly"], "--speed: 'quickly' given; allowed: max, or a number above 0"),
        (["--speed", "-1"], "--speed: "),
        (["--loss", "1"], "--loss: "),
        (["--threshold", "P=2"], "--threshold: 'P=2' given"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_options_that_are_refused(tmp_path, monkeypatch, capfd, words, said):
    monkeypatch.chdir(tmp_path)
    given = ["live", "replay", str(UNTERHACHING[0]), "-o", "out", *words]
    assert run(given, monkeypatch) == 2
    assert said in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
