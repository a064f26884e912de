"""The server in a real browser, and what it refuses."""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import socket

import pandas as pd
import pytest
from pages import DESKTOP, OUTSIDE, PHONE, TEXT_SIZES

from quakeline.report import record_sections
from quakeline.report.view import content as content_module
from quakeline.report.view.content import opened
from quakeline.report.view.server import HOST, TOKEN


@pytest.fixture
def server(serve, content):
    return serve(content)


def asked(server, method, path, body=None, token=None, **headers):
    """Ask with the token of the page, or another one; "" is none."""
    connection = http.client.HTTPConnection(HOST, server.server_address[1], timeout=10)
    given = server.token if token is None else token
    headers = {key.replace("_", "-"): v for key, v in headers.items()}
    connection.request(method, path, body, headers | ({TOKEN: given} if given else {}))
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def test_it_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in own - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, server.server_address[1]), timeout=3)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "0.0.0.0:1", "[", ""])
def test_other_hosts_are_refused(server, host):
    for method, path in (("GET", "/"), ("GET", "/event?number=1"), ("POST", "/picks")):
        assert asked(server, method, path, Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080"])
def test_a_tunnel_may_have_another_port(server, host):
    assert asked(server, "GET", "/event?number=1", Host=host)[0] == 200
    good = {"Origin": f"http://{host}", "Host": host}
    assert asked(server, "POST", "/picks", '{"act": "run"}', **good)[0] == 400


def test_whoever_lacks_the_token_sees_nothing(server):
    """Another user of the machine knows the port, and any header but that."""
    own = {"Origin": f"http://{HOST}:{server.server_address[1]}"}
    paths = ("/", "/?token=", "/?token=guess", "/event?number=1", "/span?start=0&end=1", "/else")
    for method, token in itertools.product(("GET", "HEAD"), ("", "guess")):
        for path in paths:
            status, text, _ = asked(server, method, path, token=token, **own)
            assert status == 403
            assert server.token not in text
    assert asked(server, "POST", "/picks", "{}", token="", **own)[0] == 403
    status, page, headers = asked(server, "GET", f"/?token={server.token}", token="")
    assert (status, server.token in page) == (200, False)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert server.address.endswith(f"/?token={server.token}")


def test_what_starts_the_browser_leads_to_the_page_once(server):
    link = server.link()
    path = link[link.index("/?") :]
    assert server.token not in link
    assert asked(server, "GET", path, token="", Host="evil.example")[0] == 403
    assert asked(server, "HEAD", path, token="")[0] == 403
    assert asked(server, "GET", path + "x", token="")[0] == 403
    status, _, headers = asked(server, "GET", path, token="")
    assert (status, headers["Location"]) == (303, f"/?token={server.token}")
    assert asked(server, "GET", path, token="")[0] == 403
    assert asked(server, "GET", "/?once=", token="")[0] == 403


def test_head_is_get_without_the_body(server):
    status, text, headers = asked(server, "HEAD", "/")
    assert (status, text) == (200, "")
    assert headers["Content-Length"] == asked(server, "GET", "/")[2]["Content-Length"]


def test_changes_need_the_page_itself(server, table):
    body = json.dumps({"act": "delete", "id": "x"})
    own = f"http://{HOST}:{server.server_address[1]}"
    for headers in (
        {},
        {"Origin": own, "token": "guess"},
        {"Origin": own, "token": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ):
        assert asked(server, "POST", "/picks", body, **headers)[0] == 403
    good = {"Origin": own}
    for wrong in ("", "[]", "{", "x" * 20_000, '{"act": "run"}', '{"act": "add", "time": "now"}'):
        assert asked(server, "POST", "/picks", wrong, **good)[0] == 400
    assert asked(server, "POST", "/picks", '{"act": "undo"}', **good)[0] == 400
    assert asked(server, "POST", "/else", body, **good)[0] == 404
    assert not table.exists()


def test_damaged_stores_are_told(run_folder, serve, tmp_path, table):
    copy = tmp_path / "unterhaching"
    shutil.copytree(run_folder, copy)
    (store,) = (copy / "waveforms").glob("*.zarr")
    for file in store.rglob("c/**/*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    server = serve(opened(copy, table, "Ada"))
    status, text, _ = asked(server, "GET", "/event?number=1")
    assert status == 500
    assert len(text.splitlines()) == 1
    assert "are the files of the run whole?" in text
    assert asked(server, "GET", "/")[0] == 200


def test_the_nearest_instruments_come_first_and_what_is_too_much_is_counted(content, monkeypatch):
    whole = content.event(3)
    labels = [row["label"] for row in whole["rows"]]
    assert whole["left_out"] == 0
    one = len(content.event(3, labels[0])["rows"])
    assert one == 1
    monkeypatch.setattr(content_module, "MOST_SAMPLES", 1)
    few = content.event(3)
    assert [row["label"] for row in few["rows"]] == labels[:1], "one at least"
    assert few["left_out"] == len(labels) - 1
    named = content.event(3, f"nobody {labels[2].lower()}")
    assert [row["label"] for row in named["rows"]] == [labels[2]]
    assert named["left_out"] == 0
    assert content.event(3, "nobody")["rows"] == []


def test_instruments_without_data_are_named_and_arrivals_without_a_pick_counted(
    content, monkeypatch
):
    labels = [row["label"] for row in content.event(3)["rows"]]
    assert content.event(3)["silent"] == []
    real = record_sections.curves_of
    monkeypatch.setattr(
        record_sections,
        "curves_of",
        lambda w, label, *a: [] if label == labels[1] else real(w, label, *a),
    )
    section = content.event(3)
    assert section["silent"] == [labels[1]]
    assert len(section["rows"]) + len(section["silent"]) + section["left_out"] == len(labels)
    assert section["without_pick"] == 0
    first = content.catalog.arrivals.index[0]
    number = content.catalog.events.set_index("event_id")["number"]
    event = int(number[content.catalog.arrivals.loc[first, "event_id"]])
    monkeypatch.setitem(
        content.catalog.arrivals, "time_ns", content.catalog.arrivals["time_ns"].astype(object)
    )
    before = content.catalog.arrivals.loc[first, "time_ns"]
    content.catalog.arrivals.loc[first, "time_ns"] = None
    assert content.event(event)["without_pick"] == 1
    content.catalog.arrivals.loc[first, "time_ns"] = before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/../../etc/passwd", 404),
        ("/event", 400),
        ("/event?number=99", 400),
        ("/event?number=1e9", 400),
        ("/span?start=0&end=0", 400),
        ("/span?start=0&end=99999999999999", 400),
        ("/span?start=0&end=99999999999999999999", 400),
    ],
)
def test_wrong_questions_get_one_line(server, path, status):
    found, text, headers = asked(server, "GET", path)
    assert found == status
    assert len(text.splitlines()) == 1
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_any_span_of_the_run_is_given(server):
    start = round(pd.Timestamp("2010-05-27T16:26:50Z").timestamp() * 1000)
    status, text, _ = asked(server, "GET", f"/span?start={start}&end={start + 20_000}")
    section = json.loads(text)
    assert status == 200
    assert [row["label"] for row in section["rows"]] == sorted(
        f"BW.UH{n}..{'EH' if n == 4 else 'SH'}" for n in (1, 2, 3, 4)
    )
    assert (section["zero"], section["end"]) == (start, 20.0)
    assert len(section["rows"][2]["picks"]) == 2
    assert [len(row["traces"]) for row in section["rows"]] == [1, 1, 3, 1]


@pytest.fixture
def tab(browser, server):
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(server.address)
    page.locator("#closer h3", has_text="UTC").wait_for()
    yield page
    context.close()


def revised(table):
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    return cells[cells["author"] == "Ada"]


def test_picks_are_added_moved_and_deleted_in_a_browser(tab, table, content):
    n = len(content.picks)
    tab.locator("#events tbody tr").nth(2).click()
    tab.locator("#closer h3", has_text="Event 3, seconds after").wait_for()
    canvas = tab.locator("#closer canvas.section")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    across = lambda share: box["x"] + 150 + share * (box["width"] - 150)  # noqa: E731
    row = box["y"] + 20 + 22
    tab.locator("[name=act]").select_option("S")
    tab.mouse.click(across(0.8), row)
    tab.locator("#edited", has_text=f"{n + 1} picks in the table, 1 of them").wait_for()
    made = revised(table)
    label = f"{made['network'].item()}.{made['station'].item()}"
    assert (label, made["phase"].item()) == ("BW.UH3", "S")
    first = pd.Timestamp(made["time"].item())

    def drag(begin, end):
        tab.mouse.move(across(begin), row)
        tab.mouse.down()
        tab.mouse.move(across(end), row, steps=4)
        tab.mouse.up()
        tab.wait_for_timeout(500)

    for act in ("", "S", "delete"):
        tab.locator("[name=act]").select_option(act)
        drag(0.8, 0.85)
        drag(0.85, 0.8)
    assert pd.Timestamp(revised(table)["time"].item()) == first, "a pan moves no pick"
    tab.locator("[name=act]").select_option("move")
    drag(0.8, 0.85)
    later = pd.Timestamp(revised(table)["time"].item())
    section = content.event(3)
    seconds = section["end"] - section["start"]
    assert (later - first).total_seconds() == pytest.approx(0.05 * seconds, abs=0.05)

    tab.locator("[name=act]").select_option("delete")
    tab.mouse.click(across(0.85), row)
    tab.locator("#edited", has_text=f"{n} picks in the table, 0 of them").wait_for()
    assert revised(table).empty

    tab.locator("[name=undo]").click()
    tab.locator("#edited", has_text=f"{n + 1} picks in the table, 1 of them").wait_for()
    tab.locator("[name=undo]").click()
    tab.wait_for_timeout(500)
    assert pd.Timestamp(revised(table)["time"].item()) == first
    tab.locator("[name=undo]").click()
    tab.locator("#edited", has_text=f"{n} picks in the table, 0 of them").wait_for()
    assert tab.locator("[name=undo]").is_disabled()
    tab.locator("[name=act]").select_option("P")
    tab.mouse.dblclick(across(0.5), row)
    tab.wait_for_timeout(900)
    assert len(content.picks) == n, "a double click zooms"
    assert tab.faults == []


def test_what_went_wrong_is_said(tab, server):
    server.content.catalog.events["number"] += 1000
    tab.locator("#events tbody tr").nth(2).click()
    tab.locator("#closer output", has_text="event 3 given").wait_for()
    server.shutdown()
    server.server_close()
    tab.locator("[name=show]").click()
    tab.locator("#closer output", has_text="has quakeline view ended?").wait_for()


def test_times_and_stations_are_chosen(tab):
    tab.locator("[name=begin]").fill("2010-05-27 16:26:50")
    tab.locator("[name=length]").fill("20")
    tab.locator("[name=show]").click()
    tab.locator("#closer h3", has_text="16:26:50.0 to 2010-05-27 16:27:10.0 UTC").wait_for()
    tab.locator("[name=later]").click()
    tab.locator("#closer h3", has_text="16:27:10.0 to 2010-05-27 16:27:30.0 UTC").wait_for()
    height = tab.locator("#closer canvas.section").bounding_box()["height"]
    tab.locator("[name=stations]").fill("uh1")
    tab.locator("[name=stations]").press("Tab")
    tab.wait_for_timeout(500)
    assert tab.locator("#closer canvas.section").bounding_box()["height"] < height
    tab.locator("[name=begin]").fill("yesterday")
    tab.locator("[name=show]").click()
    assert "is needed" in tab.locator("#closer output").inner_text()


def test_a_chosen_event_sets_time_and_length_and_the_marks_are_explained(tab, content):
    tab.locator("#events tbody tr").nth(2).click()
    tab.locator("#closer h3", has_text="Event 3, seconds after").wait_for()
    section = content.event(3)
    begin = pd.Timestamp(section["zero"] + 1000 * section["start"], unit="ms")
    shown = lambda: pd.Timestamp(tab.locator("[name=begin]").input_value())  # noqa: E731

    def becomes(time):
        for _ in range(100):
            if abs(shown() - time) <= pd.Timedelta("2ms"):
                return
            tab.wait_for_timeout(50)
        assert shown() == time

    becomes(begin)
    length = int(tab.locator("[name=length]").input_value())
    assert length == round(section["end"] - section["start"])
    tab.locator("[name=later]").click()
    becomes(begin + pd.Timedelta(seconds=length))
    said = tab.locator("#view .key").inner_text()
    assert all(word in said for word in ("P pick of this event", "S pick", "other pick", "origin"))
    assert tab.faults == []


def test_it_fits_a_phone(tab):
    tab.set_viewport_size(PHONE)
    tab.wait_for_timeout(200)
    assert tab.evaluate(OUTSIDE) == []
    assert tab.evaluate(TEXT_SIZES) == []
