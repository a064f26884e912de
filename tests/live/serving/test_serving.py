"""A session as a page: what it says, who may ask, and what a real browser shows of it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from pages import DESKTOP, OUTSIDE, PHONE
from prometheus_client import parser
from recordings import UNTERHACHING, picker_weights
from workfolder import QUAKELINE

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.io.products import tables
from quakeline.live.events.updates import Update
from quakeline.live.pick_rows import rows_of
from quakeline.live.results import Picks
from quakeline.live.serving.board import MOST_READERS, Board, Figures
from quakeline.live.serving.metrics import text_of
from quakeline.live.serving.server import Page, address_of, serving
from quakeline.live.serving.traces import BANDS, in_band
from quakeline.report.map import station_map
from quakeline.report.scripts import style_sheet

__all__ = ["picker_weights"]

#: Six stations around Hengill with events in five minutes.
HENGILL = ("BIT06", "BLK22", "GAN02", "NUP27", "SKA10", "INNST")
EVIL = '<img src=x onerror="document.title=1">'
SITES = pd.DataFrame(
    {
        "site": ["XX.AAA", f"XX.{EVIL}"],
        "latitude": [48.0, 48.2],
        "longitude": [11.5, 11.8],
        "elevation_m": [500.0, np.nan],
    }
)


START = pd.Timestamp("2020-05-01T00:00:00Z")


def pick(station: str = "AAA", time_s: int = 10, **more: Any) -> dict[str, Any]:
    """A line of a pick as a session says it; `more` are columns that announcements have."""
    row = {
        "pick_id": f"XX.{station}..HH/P/{time_s}",
        "source": "waveform",
        "network": "XX",
        "station": station,
        "location": "",
        "instrument": "HH",
        "phase": "P",
        "time": START + pd.Timedelta(seconds=time_s),
        "probability": 0.9,
        "model": "none",
        "weights_id": "none",
    }
    frame = tables.typed(pd.DataFrame([row]), PICKS)
    arrived_ns = START.value + (time_s + 31) * SECOND
    (line,) = rows_of(Picks(frame, np.array([arrived_ns]), np.array([0.1])))
    return {**line, **more}


def event(version: int, name: str = "e1", **more: Any) -> dict[str, Any]:
    """A line of an update as a session says it; `more` are columns of EVENTS, or its status."""
    status = more.pop("status", "preliminary")
    where = {"latitude": 48.1, "longitude": 11.6, "depth_km": 4.5, "magnitude": 2.1}
    row = {"event_id": name, "time": START, **where, **more}
    update = Update(version, status, row, tables.empty(ARRIVALS), START.value + 40 * SECOND, 0.5)
    return update.line()


@pytest.fixture
def board() -> Board:
    _, frame = station_map(SITES)
    return Board({"stations": SITES[["site", "latitude", "longitude"]].to_dict("records"),
                  "frame": frame})  # fmt: skip


@pytest.fixture
def address(board: Board) -> Iterator[str]:
    drawing, _ = station_map(SITES)
    with serving(board, Page(EVIL, drawing, style_sheet()), ("127.0.0.1", 0)) as url:
        yield url


def asked(url: str, method: str = "GET", path: str = "/", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:9", ("localhost", 9)),
    ],
)
def test_it_listens_on_this_machine_alone_unless_told(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "here", "1:2:x", "70000", "-1", "a b:80"])
def test_other_addresses_are_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="allowed: PORT, or HOST:PORT"):
        address_of(text)


def test_a_port_that_is_taken_is_one_line(board: Board, address: str) -> None:
    port = urlsplit(address).port
    assert port is not None
    with (
        pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: Address already"),
        serving(board, Page("a", "", ""), ("127.0.0.1", port)),
    ):
        pass


def test_nothing_can_be_written_and_other_hosts_are_refused(address: str) -> None:
    assert asked(address)[0] == 200
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert asked(address, method)[0] == 405
    assert asked(address, path="/../../etc/passwd")[0] == 404
    assert asked(address, path="/files/page.html")[0] == 404
    assert asked(address, Host="evil.example")[0] == 403
    for path in ("/", "/events"):
        assert asked(address, "HEAD", path) == (200, "")


def test_metrics_are_what_prometheus_reads(address: str) -> None:
    label = 'XX.A"\\\n..HH'
    health = [{"label": label, "delay_s": 1.5, "picks": 2, "computing_s": None}]
    figures = Figures({"packets": 12_345_678, "late": 3}, {"P": 2}, 1, 0.25, 1.0, health)
    found = {
        (one.name, *one.labels.values()): one.value
        for family in parser.text_string_to_metric_families(text_of(figures))
        for one in family.samples
    }
    assert found == {
        ("quakeline_packets_total",): 12_345_678,
        ("quakeline_late_total",): 3,
        ("quakeline_picks_total", "P"): 2,
        ("quakeline_events_total",): 1,
        ("quakeline_behind_seconds",): 0.25,
        ("quakeline_delay_seconds", label): 1.5,
    }
    status, text = asked(address, path="/metrics")
    assert status == 200
    assert "quakeline_behind_seconds 0" in text


def test_a_request_that_fails_is_told(
    board: Board, address: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Board, "figures", None)
    with pytest.raises(http.client.RemoteDisconnected):
        asked(address, path="/metrics")
    (record,) = caplog.records
    assert record.getMessage().startswith("a request could not be answered: AttributeError: ")
    assert asked(address)[0] == 200


def messages(reader: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    while not reader.empty():
        kind, data = reader.get_nowait().decode().strip().split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_reader_begins_with_what_was_there_and_the_last_version_counts(board: Board) -> None:
    board.row(event(2))
    board.row(event(1, magnitude=9.0))
    board.row(pick(status="preliminary", id="a", version=1))
    board.row(pick(time_s=11, status="final", id="a", version=2))
    reader = board.subscribe()
    assert reader is not None
    ((kind, begin),) = messages(reader)
    assert kind == "begin"
    assert [one["version"] for one in begin["last_events"]] == [2]
    assert [(one["id"], one["status"]) for one in begin["last_picks"]] == [("a", "final")]
    board.row(event(3, magnitude=np.nan))
    ((kind, last),) = messages(reader)
    assert (kind, last["version"], last.get("magnitude")) == ("event", 3, None)


def test_a_slow_reader_is_dropped_and_too_many_are_refused(board: Board, address: str) -> None:
    readers = [board.subscribe() for _ in range(MOST_READERS)]
    assert all(readers)
    assert asked(address, path="/events")[0] == 503
    for n in range(400):
        board.row(event(n + 1))
    assert not any(board.reads(one) for one in readers if one is not None)
    assert board.subscribe() is not None


class Watching:
    """A page of a server in the browser, and all that is wrong with it."""

    def __init__(self, browser: Any, url: str, size: dict[str, int] = DESKTOP) -> None:
        self.page = browser.new_context(viewport=size).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def waits_for(self, script: str, seconds: float = 10.0) -> None:
        """Ask until it is so; waiting in the page itself needs `eval`, which its policy forbids."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(script):
            assert time.monotonic() < deadline, script
            self.page.wait_for_timeout(50)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_text_of_others_stays_text_in_the_browser(
    browser: Any, board: Board, address: str, size: dict[str, int]
) -> None:
    board.row(pick())
    seen = Watching(browser, address, size)
    page = seen.page
    seen.waits_for("document.getElementById('link').textContent === 'live'")
    board.row(pick(EVIL, 11))
    board.row(event(1, EVIL, status=EVIL))
    seen.waits_for("document.querySelectorAll('#picks tr').length === 2")
    seen.waits_for("document.querySelectorAll('#map .event').length === 1")
    assert page.locator("#picks tr").first.locator("td").nth(1).inner_text() == f"XX.{EVIL}..HH"
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("img").count() == 0
    assert page.title() == f"{EVIL}, live"
    assert page.locator("#events tr td").nth(1).inner_text() == "2.1"
    middle = page.locator("#map .event").bounding_box()
    whole = page.locator("#map").bounding_box()
    assert whole["x"] < middle["x"] < whole["x"] + whole["width"]
    board.row(event(1, "e0", time=START - pd.Timedelta(minutes=1)))
    seen.waits_for("document.querySelectorAll('#events tr').length === 2")
    last = page.locator("#events tr").nth(1).locator("td")  # the one of the earlier origin
    assert [last.nth(n).inner_text() for n in (0, 5, 6)] == [
        "2020-04-30 23:59:00.00", "1", "preliminary"
    ]  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert page.evaluate(OUTSIDE) == []
    cut = "one => one.filter(e => e.scrollWidth > e.clientWidth).length"
    if size == PHONE:
        assert page.locator(".scroll").evaluate_all(cut) == 0, "no table is cut"
    assert seen.complaints == []
    assert {urlsplit(one).netloc for one in seen.requests} == {urlsplit(address).netloc}
    page.context.close()


def test_motion_is_shown_in_its_band_whatever_pieces_it_came_in() -> None:
    """5 Hz stays, a drift of the sensor and 30 Hz go; pieces are those of the whole."""
    time_s = np.arange(6000) / 100.0
    wanted = np.sin(2 * np.pi * 5 * time_s)
    samples = wanted + 1e4 + 50 * time_s + np.sin(2 * np.pi * 30 * time_s)
    band = 100.0, 1.0, 10.0
    whole = in_band(samples, 0, *band)[2000:]
    assert np.abs(whole).max() < 1.3
    assert np.corrcoef(whole, in_band(wanted, 0, *band)[2000:])[0, 1] > 0.99
    pieces = [in_band(samples[:end], end - 100, *band) for end in range(2100, 6001, 100)]
    assert np.abs(np.concatenate(pieces) - whole).max() < 0.02
    assert len(in_band(samples, 5990, 10.0, 1.0, 10.0)) == 10
    assert in_band(samples, 5990, 100.0, *BANDS["raw"]).tolist() == samples[5990:].tolist()


def test_filters_are_those_of_the_report() -> None:
    """But for the one whose periods are longer than what a session holds."""
    script = files("quakeline.report").joinpath("templates/traces.js").read_text(encoding="utf-8")
    names = re.findall(r'\["([^"]+)", (?:null|[\d.]+), (?:null|[\d.]+)\]', script)
    assert set(BANDS) == set(names) - {"0.05 to 0.5 Hz"}
    for name, corners in BANDS.items():
        found = re.search(rf'\["{name}", (\S+), (\S+)\]', script)
        assert found
        assert corners == tuple(None if one == "null" else float(one) for one in found.groups())


def address_in(process: subprocess.Popen[str]) -> str:
    """The address that a session says; one that says nothing for two minutes is ended."""
    assert process.stderr is not None
    limit = Timer(120, process.kill)
    limit.start()
    try:
        for line in process.stderr:
            if said := re.search(r"serving +(http://127\.0\.0\.1:\d+/)", line):
                return said[1]
    finally:
        limit.cancel()
    pytest.fail("it ended without an address")


def test_a_session_is_seen_while_it_runs(
    browser: Any, picker_weights: Path, tmp_path: Path
) -> None:
    words = [QUAKELINE, "live", "replay", *map(str, UNTERHACHING), "--weights"]
    words += [str(picker_weights), "--threads", "1", "--packet-s", "1", "--speed", "20", "--hurry"]
    words += ["--serve", "0", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        url = address_in(process)
        seen = Watching(browser, url)
        seen.waits_for("document.querySelectorAll('#stations tr').length === 4", 30)
        seen.waits_for("document.querySelectorAll('#picks tr').length > 0", 60)
        seen.waits_for("document.querySelectorAll('.live-trace canvas').length === 4")
        ink = """() => [...document.querySelectorAll('.live-trace canvas')].map(c => {
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          return d.filter((v, n) => n % 4 === 3 && v > 0).length;
        })"""
        deadline = time.monotonic() + 20
        while min(seen.page.evaluate(ink)) < 300 and time.monotonic() < deadline:
            seen.page.wait_for_timeout(500)
        assert min(seen.page.evaluate(ink)) >= 300
        assert seen.page.locator("#band option").all_inner_texts() == list(BANDS)
        before, raw, again = seen.page.evaluate(
            """() => {
              const canvas = document.querySelector('.live-trace canvas');
              const choice = document.getElementById('band');
              return [0, 1, 0].map(n => {
                choice.value = n;
                choice.dispatchEvent(new Event('change'));
                return canvas.toDataURL();
              });
            }"""
        )
        assert before == again != raw
        assert seen.page.locator("#map").inner_text() == "No station has coordinates."
        status, metrics = asked(url, path="/metrics")
        assert status == 200
        assert re.search(r"^quakeline_windows_total [1-9]", metrics, re.M)
        # said of the test's own look at the canvas
        assert [one for one in seen.complaints if "willReadFrequently" not in one] == []
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
        seen.waits_for("document.getElementById('link').textContent.startsWith('no connection')")
        seen.page.context.close()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_events_of_real_recordings_are_on_the_page(
    browser: Any, picker_weights: Path, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "data/hengill"
    files = [str(path) for code in HENGILL for path in sorted(folder.glob(f"*.{code}.*.mseed"))]
    words = [QUAKELINE, "live", "replay", *files, "--stations", str(folder / "stations.csv")]
    words += ["--threads", "1", "--speed", "20", "--serve", "0", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        url = address_in(process)
        seen = Watching(browser, url)
        page = seen.page
        page.wait_for_selector("#map svg", timeout=30_000)
        process.communicate(timeout=120)  # the page keeps what it was told last
        assert process.returncode == 0
        events = tables.read(tmp_path / "out/events.parquet", EVENTS)
        shown = page.evaluate("[...document.querySelectorAll('#events tr')].map(r => r.innerText)")
        assert len(events) >= 3
        assert len(shown) >= len(events) - 1  # the last ones are final when the server has ended
        places = page.locator("#map .event").all()
        assert len(places) >= len(events) - 1
        for place in places:
            box, whole = place.bounding_box(), page.locator("#map").bounding_box()
            assert whole["x"] < box["x"] < whole["x"] + whole["width"]
        times = events["time"].dt.strftime("%H:%M:%S").tolist()
        assert sum(any(time in row for row in shown) for time in times) >= len(events) - 1
        page.context.close()
    finally:
        process.kill()
        process.communicate()
