"""FDSN web services, against a real dataselect server behind a front that can fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
import servers
from servers import Front

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats import inventory as inventories
from quakeline.waveforms.sources import ledger
from quakeline.waveforms.sources.fdsn import Fdsn
from quakeline.waveforms.sources.fdsn_access import PASSWORD, TOKEN, USER, root_of

HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
FIRST = archives.FIRST.ns
#: Inside the recordings of all stations.
WHOLE = Span(FIRST + 10 * SECOND, FIRST + 200 * SECOND)
STATIONS = ("UH1", "UH2", "UH3", "UH4")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    return [archives.write(trace, folder) for trace in archives.recordings()]


@pytest.fixture(scope="module")
def upstream(fdsn_programs, recorded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataselect")
    with servers.dataselect(fdsn_programs, recorded, folder, mended=True) as port:
        yield port


@pytest.fixture
def centre(upstream):
    with servers.front(servers.inventory_of(archives.recordings()), upstream) as found:
        yield found


def stations(*names: str, known: bool = True) -> pd.DataFrame:
    """STATIONS with the channels of the recordings, or with none."""
    frame = inventories.table_of(servers.inventory_of(archives.recordings()))
    if not known:
        frame = frame.assign(channel=None, location="").drop_duplicates(["network", "station"])
    return frame[frame["station"].isin(names or STATIONS)]


def source(centre: Front, **settings) -> Fdsn:
    return Fdsn(**{"providers": [centre.url], "pause_s": 0.02, **settings})


def heard():
    outcomes: Counter[str] = Counter()
    return outcomes, lambda outcome, n_bytes: outcomes.update([outcome])


def cut_out(paths: list[Path], span: Span) -> dict[str, np.ndarray]:
    """Samples of files inside a span; servers send whole records."""
    stream = obspy.Stream()
    for path in paths:
        stream += obspy.read(str(path))
    stream.merge(-1)
    ends = (obspy.UTCDateTime(ns=t) for t in (span.start_ns, span.end_ns - 1))
    stream.trim(*ends, nearest_sample=False)
    assert len(stream) == len({trace.id for trace in stream})
    return {trace.id: trace.data for trace in stream}


def same(some: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> bool:
    return some.keys() == others.keys() and all(np.array_equal(some[k], others[k]) for k in some)


@pytest.mark.parametrize("known", [True, False])
def test_what_comes_is_what_the_centre_has(centre, recorded, tmp_path, known):
    outcomes, notify = heard()
    got = source(centre).obtain(WHOLE, stations(known=known), tmp_path, notify)
    assert same(cut_out(got.files, WHOLE), cut_out(recorded, WHOLE))
    assert got.rows == []
    assert outcomes == {"data": 4}
    assert len(centre.asked) == 4
    sds = {str(path.relative_to(tmp_path)) for path in got.files}
    assert "2010/BW/UH3/SHN.D/BW.UH3..SHN.D.2010.147" in sds
    assert len(sds) == 6


def test_a_second_run_asks_for_nothing(centre, tmp_path):
    first = source(centre).obtain(WHOLE, stations(), tmp_path)
    outcomes, notify = heard()
    again = source(centre).obtain(WHOLE, stations(), tmp_path, notify)
    assert outcomes == {"known": 4}
    assert len(centre.asked) == 4
    assert again == first


def test_a_longer_span_asks_for_the_rest_alone(centre, recorded, tmp_path):
    middle = FIRST + 100 * SECOND
    source(centre).obtain(Span(WHOLE.start_ns, middle), stations("UH3"), tmp_path)
    got = source(centre).obtain(WHOLE, stations("UH3"), tmp_path)
    assert {line.split()[4] for line in centre.asked[1]} == {"2010-05-27T16:25:40.000000"}
    own = [path for path in recorded if "UH3" in path.name]
    assert same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))


def test_requests_are_cut_to_length(centre, recorded, tmp_path):
    got = source(centre, request_h=1 / 60).obtain(WHOLE, stations("UH1"), tmp_path)
    assert [request[0].split()[4][-9:] for request in centre.asked] == [
        "10.000000",
        "00.000000",
        "00.000000",
        "00.000000",
    ]
    own = [path for path in recorded if "UH1" in path.name]
    assert same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))


FAULTS = ["503", "429", "drop", "broken", "cut", "html"]


@pytest.mark.parametrize("fault", [*FAULTS, "half"])
def test_a_fault_is_overcome(centre, recorded, tmp_path, fault):
    """`half`: whole records are missing at the end, and nothing else tells."""
    centre.faults = [fault]
    got = source(centre).obtain(WHOLE, stations("UH3"), tmp_path)
    assert len(centre.asked) == 2
    assert got.rows == []
    own = [path for path in recorded if "UH3" in path.name]
    assert same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))


def test_what_came_before_the_fault_is_not_asked_again(centre, tmp_path):
    centre.faults = ["cut"]
    source(centre).obtain(WHOLE, stations("UH3"), tmp_path)
    first, second = ({line.split()[3] for line in request} for request in centre.asked)
    assert first == {"SHE", "SHN", "SHZ"}
    assert second < first


@pytest.mark.parametrize(
    ("fault", "known"), [*((fault, True) for fault in FAULTS), ("cut", False), ("broken", False)]
)
def test_a_fault_that_stays_is_told_and_asked_again(centre, tmp_path, fault, known):
    centre.always = fault
    table = stations("UH3", known=known)
    few = source(centre, attempts=2)
    with pytest.raises(DataError, match="nothing could be fetched: ") as caught:
        few.obtain(WHOLE, table, tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert len(centre.asked) == (4 if fault == "broken" else 2)
    centre.always = ""
    assert few.obtain(WHOLE, table, tmp_path).rows == []


def test_channels_that_a_broken_answer_may_have_had_are_asked_again(centre, tmp_path):
    """`third` ends with the first of three channels; nothing tells of the others but the length."""
    centre.faults = ["third"] * 4
    few = source(centre, attempts=2)
    with pytest.raises(DataError, match="the answer is not whole: the connection broke"):
        few.obtain(WHOLE, stations("UH3", known=False), tmp_path)
    centre.faults = []
    assert len(few.obtain(WHOLE, stations("UH3", known=False), tmp_path).files) == 3


def test_one_station_that_fails_does_not_spoil_the_others(centre, tmp_path):
    few = source(centre, attempts=1, connections=1)
    few.obtain(WHOLE, stations("UH1", "UH2"), tmp_path)
    centre.faults = ["503"]
    got = few.obtain(WHOLE, stations("UH1", "UH2", "UH4"), tmp_path)
    (row,) = got.rows
    assert (row["station"], row["status"]) == ("UH4", "failed")
    assert "HTTP 503" in row["reason"]
    assert len(got.files) == 2
    assert {window.outcome for window in got.windows} == {"data", "failed"}


def test_the_pause_that_a_server_wishes_is_kept(centre, tmp_path):
    centre.faults, centre.wish = ["429"], "1"
    begin = time.monotonic()
    source(centre).obtain(WHOLE, stations("UH1"), tmp_path)
    assert 1.0 <= time.monotonic() - begin < 3.0


def test_a_pause_of_hours_is_an_error(centre, tmp_path):
    centre.faults, centre.wish = ["503"], "7200"
    with pytest.raises(DataError, match="wishes a pause of 7200 s"):
        source(centre).obtain(WHOLE, stations("UH1"), tmp_path)


def test_no_data_is_remembered_unless_it_is_recent(centre, tmp_path):
    old = Span(FIRST - 7200 * SECOND, FIRST - 3600 * SECOND)
    for _ in range(2):
        got = source(centre).obtain(old, stations("UH1"), tmp_path)
        assert [(r["status"], r["station"]) for r in got.rows] == [("no data", "UH1")]
    assert len(centre.asked) == 1
    now = time.time_ns()
    today = now // DAY * DAY
    recent = Span(today - 12 * HOUR, today - 11 * HOUR)
    soon = source(centre, recheck_h=1e-9)
    for _ in range(2):
        soon.obtain(recent, stations("UH1"), tmp_path)
    assert len(centre.asked) == 3
    running = Span(max(now - SECOND, today), min(now + SECOND, today + DAY))
    for _ in range(2):
        source(centre).obtain(running, stations("UH1"), tmp_path)
    assert len(centre.asked) == 4


def test_a_hole_is_asked_for_once_more_and_then_told(centre, tmp_path):
    """The recordings begin 3.7 s after the minute."""
    span = Span(FIRST, WHOLE.end_ns)
    got = source(centre).obtain(span, stations("UH1"), tmp_path)
    assert len(centre.asked) == 2
    (row,) = got.rows
    assert row["status"] == "no data"
    assert "asked twice" in row["reason"]
    assert ".SHZ 4 s" in row["reason"]


def test_a_channel_that_the_metadata_list_and_the_centre_lacks_is_told(centre, tmp_path):
    more = stations("UH1")
    more = pd.concat([more, more.assign(channel="SHN")], ignore_index=True)
    (row,) = source(centre).obtain(WHOLE, more, tmp_path).rows
    assert ".SHN 190 s" in row["reason"]


def test_stations_without_a_channel_to_ask_for_are_told(centre, tmp_path):
    got = source(centre, channels=["HH?"]).obtain(WHOLE, stations("UH1"), tmp_path)
    assert centre.asked == []
    assert "none of its channels (.SHZ)" in got.rows[0]["reason"]


def test_the_defect_of_a_server_is_told_not_hidden(fdsn_programs, recorded, tmp_path):
    """Unless mended, the server leaves out data of windows inside its last index interval."""
    own = [path for path in recorded if "UH3" in path.name]
    with (
        servers.dataselect(fdsn_programs, own, tmp_path / "server", mended=False) as port,
        servers.front(servers.inventory_of(archives.recordings()), port) as centre,
    ):
        got = source(centre).obtain(WHOLE, stations("UH3"), tmp_path)
    lost = not same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))
    assert lost == bool(got.rows)
    assert lost


def test_too_large_requests_are_halved(centre, recorded, tmp_path):
    centre.faults = ["413", "413"]
    got = source(centre).obtain(WHOLE, stations("UH1"), tmp_path)
    own = [path for path in recorded if "UH1" in path.name]
    assert same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))
    assert len(centre.asked) == 5


def test_few_requests_at_a_time(centre, tmp_path):
    centre.slow_s = 0.1
    source(centre, connections=3, request_h=1 / 60).obtain(WHOLE, stations(), tmp_path)
    assert centre.most_at_once == 3


def test_few_requests_at_a_time_for_all_processes(centre, tmp_path):
    centre.slow_s = 0.1
    few = source(centre, connections=1, request_h=1 / 120)
    words = [sys.executable, "-c", SCRIPT, str(tmp_path), few.model_dump_json()]
    both = [subprocess.Popen([*words, name]) for name in ("UH1", "UH2")]
    assert [process.wait() for process in both] == [0, 0]
    assert centre.most_at_once == 1
    turns = [request[0].split()[1] for request in centre.asked]
    assert turns not in (sorted(turns), sorted(turns, reverse=True))


SCRIPT = """
import sys
from pathlib import Path
import pandas as pd
from quakeline.waveforms.sources.fdsn import Fdsn
from quakeline.core.timeline import SECOND, Span
folder, settings, names = sys.argv[1:]
first = 1274977440 * SECOND
table = pd.DataFrame({"network": "BW", "station": names.split(",")})
table = table.assign(location="", channel=None, start=None, end=None)
span = Span(first + 10 * SECOND, first + 200 * SECOND)
Fdsn.model_validate_json(settings).obtain(span, table, Path(folder))
"""


def test_a_killed_download_goes_on_where_it_was(centre, recorded, tmp_path):
    centre.slow_s = 0.1
    pieces = source(centre, connections=1, request_h=1 / 240)
    words = [sys.executable, "-c", SCRIPT, str(tmp_path), pieces.model_dump_json(), "UH3"]
    with subprocess.Popen(words) as process:
        while len(centre.asked) < 5:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    time.sleep(0.2)
    killed_after = len(centre.asked)
    centre.slow_s = 0.0
    table = stations("UH3", known=False)
    got = pieces.obtain(WHOLE, table, tmp_path)
    n_windows = len(pieces.asker(tmp_path, [], WHOLE).windows(WHOLE))
    assert killed_after < n_windows
    assert len(centre.asked) <= n_windows + 1
    own = [path for path in recorded if "UH3" in path.name]
    assert same(cut_out(got.files, WHOLE), cut_out(own, WHOLE))


def test_a_damaged_ledger_costs_requests_not_data(centre, tmp_path):
    first = source(centre).obtain(WHOLE, stations("UH1"), tmp_path)
    (tmp_path / ledger.FOLDER / "BW.UH1.json").write_text("{oh")
    content = first.files[0].read_bytes()
    again = source(centre).obtain(WHOLE, stations("UH1"), tmp_path)
    assert len(centre.asked) == 2
    assert again.files[0].read_bytes() == content


@pytest.mark.parametrize("router", ["eida-routing", "iris-federator"])
def test_routing_services_say_whom_to_ask(centre, recorded, tmp_path, router):
    routed = source(centre, providers=[router], routing_url=f"{centre.routing_url}/{router}")
    got = routed.obtain(WHOLE, stations(), tmp_path)
    assert same(cut_out(got.files, WHOLE), cut_out(recorded, WHOLE))
    assert len(centre.asked) == 4


def test_a_routing_service_that_fails_is_an_error(centre, tmp_path):
    lost = source(centre, providers=["eida-routing"], routing_url=f"{centre.url}/nowhere")
    with pytest.raises(DataError, match=r"eida-routing cannot be asked: .*HTTP 404"):
        lost.obtain(WHOLE, stations(), tmp_path)


def test_the_second_centre_is_asked_for_what_the_first_lacks(centre, upstream, tmp_path):
    centre.always = "204"
    with servers.front(centre.inventory, upstream) as second:
        got = source(centre, providers=[centre.url, second.url]).obtain(
            WHOLE, stations("UH1"), tmp_path
        )
    assert (len(centre.asked), len(second.asked)) == (1, 1)
    assert (len(got.files), got.rows) == (1, [])


def test_user_and_password_come_from_the_environment(centre, tmp_path, monkeypatch, caplog):
    centre.users = {"someone": "secret"}
    closed = source(centre, auth="password", attempts=1)
    for name, value in ((USER, "someone"), (PASSWORD, "secret")):
        with pytest.raises(ConfigError, match=f"environment variable {name} is not set"):
            closed.check()
        monkeypatch.setenv(name, value)
    assert len(closed.obtain(WHOLE, stations("UH1"), tmp_path).files) == 1
    written = "".join(p.read_text() for p in (tmp_path / ledger.FOLDER).glob("*.json"))
    assert "secret" not in written + caplog.text + json.dumps(closed.plain())
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(DataError, match="HTTP 401: the server asks for credentials"):
        closed.obtain(WHOLE, stations("UH2"), tmp_path)


def test_an_eida_token_is_changed_for_a_password(centre, tmp_path, monkeypatch):
    centre.users = {"someone": "secret"}
    closed = source(centre, auth="eida-token")
    with pytest.raises(ConfigError, match=TOKEN):
        closed.check()
    token = tmp_path / "token"
    monkeypatch.setenv(TOKEN, str(token))
    with pytest.raises(ConfigError, match=f"{TOKEN}: the file cannot be read"):
        closed.check()
    token.write_text("-----BEGIN PGP MESSAGE-----\n")
    token.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read the file"):
        closed.check()
    token.chmod(0o600)
    assert len(closed.obtain(WHOLE, stations("UH1"), tmp_path).files) == 1


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("EARTSCOPE", "'EARTSCOPE' given; allowed: a base URL .*EARTHSCOPE"),
        ("htp://x/y", "'htp://x/y' given; allowed: http"),
        ("http://me:pw@x", "credentials come from the environment"),
    ],
)
def test_unknown_centres_are_refused(provider, words):
    with pytest.raises(ConfigError, match=words):
        Fdsn(providers=[provider]).check()


def test_names_are_those_of_obspy():
    assert root_of("GEOFON").endswith("/fdsnws")
    assert root_of("http://127.0.0.1:1/fdsnws/") == "http://127.0.0.1:1/fdsnws"


def test_a_wrong_address_and_a_dead_host_are_errors_in_one_line(centre, tmp_path):
    with pytest.raises(DataError, match=r"HTTP 404: .*is the address right"):
        source(centre, providers=[f"{centre.url}/data"]).obtain(WHOLE, stations(), tmp_path)
    dead = f"http://127.0.0.1:{servers.free_port()}"
    with pytest.raises(DataError, match=r"no answer .*[Cc]onnection refused"):
        source(centre, providers=[dead], attempts=2).obtain(WHOLE, stations(), tmp_path)
