"""Catalogs beside references: matching, scores, completeness, files and services."""

from __future__ import annotations

import http.server
import json
import threading
from urllib.parse import parse_qs, urlparse

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event, Magnitude, Origin
from synthetics import ORIGIN_NS, event_table, network
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MATCHES, PICKS, STATIONS
from quakeline.core.timeline import SECOND, Span
from quakeline.events.comparison import reference as reference_files
from quakeline.events.comparison.evaluation import box_around, evaluate
from quakeline.events.comparison.frequency import recurrence
from quakeline.events.comparison.matching import match
from quakeline.events.comparison.settings import Settings
from quakeline.io.products import tables
from quakeline.workflow.stages import evaluate as stage

SPAN = Span(ORIGIN_NS, ORIGIN_NS + 3600 * SECOND)


def at(seconds):
    return pd.Timestamp(ORIGIN_NS + round(seconds * SECOND), unit="ns", tz="UTC")


def events(*rows):
    """EVENTS from (id, seconds, latitude, longitude, depth, magnitude)."""
    names = ("event_id", "seconds", "latitude", "longitude", "depth_km", "magnitude")
    made = [dict(zip(names, row, strict=True)) for row in rows]
    if not made:
        return tables.empty(EVENTS)
    return event_table([{"time": at(row.pop("seconds")), **row} for row in made])


OURS = (
    ("a", 100.0, 48.0, 11.0, 5.0, 1.2),
    ("b", 200.0, 48.1, 11.1, 6.0, 2.1),
    ("c", 300.0, 48.0, 11.2, 7.0, None),
    ("far", 350.0, 40.0, 11.2, 7.0, 4.0),
)
THEIRS = (
    ("A", 100.5, 48.01, 11.0, 4.0, 1.0),
    ("B", 199.8, 48.1, 11.1, 5.0, 2.0),
    ("D", 400.0, 48.0, 11.0, 5.0, 0.2),
)


def reference(*rows):
    return events(*rows)[list(reference_files.COLUMNS)]


def compared(ours=OURS, theirs=THEIRS, **rules):
    stations, _ = network(n=6)
    return evaluate(events(*ours), reference(*theirs), stations, SPAN, Settings(**rules))


def test_scores_and_differences():
    found = compared()
    summary = found.summary
    assert (summary["matched"], summary["missed"], summary["new"]) == (2, 1, 1)
    assert (summary["recall"], summary["precision"]) == (2 / 3, 2 / 3)
    assert summary["left_out"] == {"events": 1, "reference": 0}
    assert summary["differences"]["time_s"]["median"] == pytest.approx(-0.15)
    assert summary["differences"]["time_s"]["mad"] == pytest.approx(1.4826 * 0.35)
    assert summary["differences"]["epicentre_km"]["median"] == pytest.approx(1.112 / 2, rel=1e-3)
    assert summary["differences"]["depth_km"]["median"] == 1.0
    assert summary["differences"]["magnitude"]["median"] == pytest.approx(0.15, abs=1e-6)
    assert found.matches["status"].tolist() == ["matched", "matched", "new", "missed"]
    assert tables.conform(found.matches, MATCHES).num_rows == 4
    json.dumps(summary, allow_nan=False)


def test_classes_add_up():
    summary = compared().summary
    for name in ("by_magnitude", "by_distance"):
        for count in ("matched", "missed", "new"):
            assert sum(row[count] for row in summary[name]) == summary[count], (name, count)
    sizes = {row["from"]: (row["recall"], row["precision"]) for row in summary["by_magnitude"]}
    # The new event has no magnitude, so no class has all of its new events.
    assert sizes == {0.0: (0.0, None), 1.0: (1.0, None), 2.0: (1.0, None), None: (None, None)}


def test_precision_by_magnitude_where_new_events_have_one():
    ours = [(*row[:5], 1.2 if row[5] is None else row[5]) for row in OURS]
    summary = compared(ours).summary
    sizes = {row["from"]: (row["recall"], row["precision"]) for row in summary["by_magnitude"]}
    assert sizes == {0.0: (0.0, None), 1.0: (1.0, 0.5), 2.0: (1.0, 1.0)}


def test_a_reference_of_another_time_is_told():
    later = [(name, seconds + 1e8, *rest) for name, seconds, *rest in THEIRS]
    (doubt,) = compared(theirs=later).summary["doubts"]
    assert "is in the span of the catalog" in doubt
    assert doubt.startswith("no event of the reference, 20")


def test_latitude_and_longitude_in_each_others_place_are_told():
    swapped = [(name, s, east, north, *rest) for name, s, north, east, *rest in OURS]
    (doubt,) = compared(ours=swapped).summary["doubts"]
    assert "2 do with latitude and longitude in each other's place" in doubt
    assert compared().summary["doubts"] == []
    assert compared(ours=[(*row[:2], -row[2], *row[3:]) for row in OURS]).summary["doubts"] == []


def test_small_events_of_the_reference_make_no_new_ones():
    summary = compared(min_magnitude=1.5).summary
    assert (summary["matched"], summary["missed"], summary["new"]) == (1, 0, 1)


def test_matching_is_one_to_one_and_the_best_of_all():
    one = events(("a", 10.0, 48, 11, 5, None), ("b", 11.0, 48, 11, 5, None))
    other = events(("x", 10.9, 48, 11, 5, None), ("y", 12.5, 48, 11, 5, None))
    here, there = match(one, other, 2.0, 10.0)
    assert list(zip(here, there, strict=True)) == [(0, 0), (1, 1)]
    assert match(one, other.iloc[:1], 2.0, 10.0)[0].tolist() == [1]


def test_matching_agrees_with_brute_force_and_counts_across_the_date_line():
    rng = np.random.default_rng(3)
    truth = [(str(k), s, 10.0, 179.99, 5.0, None) for k, s in enumerate(np.arange(300) * 7.0)]
    noisy = [(i, s + rng.normal(0, 0.3), 10.0, -179.99, d, m) for i, s, _, _, d, m in truth]
    keep = rng.permutation(300)[:250]
    here, there = match(events(*truth), events(*[noisy[k] for k in keep]), 1.5, 5.0)
    assert np.array_equal(here, keep[there])
    assert len(here) == 250
    assert not len(match(events(*truth), events(*noisy), 1.5, 1.0)[0])


def test_recurrence_of_a_known_law():
    rng = np.random.default_rng(5)
    truth = 0.95 + rng.exponential(np.log10(np.e) / 1.1, 20_000)
    lost = rng.uniform(size=len(truth)) > 1 / (1 + np.exp(-12 * (truth - 1.2)))
    law = recurrence(np.round(truth[~lost], 1))
    assert law.completeness == pytest.approx(1.3, abs=0.11)
    complete = recurrence(np.round(truth, 1))
    assert complete.completeness == pytest.approx(1.0)
    assert complete.b == pytest.approx(1.1, abs=3 * complete.b_sigma)
    assert complete.b_sigma == pytest.approx(1.1 / np.sqrt(complete.above), rel=0.1)
    at_or_above_2 = (np.round(truth, 1) > 1.949).sum()
    assert complete.a - complete.b * 1.95 == pytest.approx(np.log10(at_or_above_2), abs=0.03)


def test_recurrence_of_too_few_says_nothing():
    assert recurrence(np.array([np.nan])).completeness is None
    few = recurrence(np.array([1.0, 1.02, 1.4, -0.3]))
    assert (few.completeness, few.b, few.above) == (1.0, None, 3)
    assert few.counts.sum() == 4
    assert few.magnitudes[[0, -1]].tolist() == [-0.3, 1.4]


def quakeml():
    found = []
    for name, seconds, latitude, longitude, depth, magnitude in THEIRS:
        origin = Origin(
            time=UTCDateTime(ns=at(seconds).value), latitude=latitude, longitude=longitude,
            depth=depth * 1000,
        )  # fmt: skip
        size = Magnitude(mag=magnitude, magnitude_type="ML")
        found.append(Event(resource_id=f"smi:xyz/{name}", origins=[origin], magnitudes=[size]))
    return Catalog(found)


@pytest.fixture(params=["quakeml", "text", "csv", "parquet"])
def reference_file(request, tmp_path):
    path = tmp_path / f"reference.{request.param}"
    if request.param == "quakeml":
        quakeml().write(str(path), format="QUAKEML")
    elif request.param == "text":
        quakeml().write(str(path), format="EVENTTXT")
    elif request.param == "csv":
        frame = reference(*THEIRS).drop(columns=["event_id", "magnitude_type"])
        frame.rename(columns={"depth_km": "Depth", "magnitude": "mag"}).to_csv(path, index=False)
    else:
        tables.write(events(*THEIRS), EVENTS, path)
    return path


def test_references_of_every_format(reference_file):
    read = reference_files.read(reference_file)
    assert list(read.columns) == list(reference_files.COLUMNS)
    seconds = (read["time"] - at(0)).dt.total_seconds()
    assert seconds.tolist() == pytest.approx([100.5, 199.8, 400.0])
    assert read["depth_km"].tolist() == pytest.approx([4, 5, 5])
    assert read["magnitude"].tolist() == pytest.approx([1.0, 2.0, 0.2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,lat\n2020-01-01,1\n", "columns are missing: longitude"),
        ("time,lat,lon\nsoon,1,2\n", r"line 2: time 'soon'"),
        ("time,lat,lon\n2020-01-01,100,2\n", r"line 2: .*latitude '100'"),
        ("what is this?\n", "allowed: QuakeML"),
    ],
)
def test_a_wrong_reference_says_what_is_wrong(text, message, tmp_path):
    path = tmp_path / "reference.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        reference_files.read(path)
    with pytest.raises(DataError, match="cannot read reference catalog"):
        reference_files.read(tmp_path / "absent.xml")


WADL = """<?xml version="1.0"?><application xmlns="http://wadl.dev.java.net/2009/02">
<resources base="{base}"><resource path="query"><method id="query" name="GET"><request>
{parameters}</request></method></resource></resources></application>"""
PARAMETERS = ["starttime", "endtime", "minlatitude", "maxlatitude", "minlongitude", "maxlongitude"]


class EventService(http.server.BaseHTTPRequestHandler):
    """The part of an FDSN event service that is asked: it filters by time and box."""

    def do_GET(self):
        url = urlparse(self.path)
        if url.path.endswith("/event/1/application.wadl"):
            words = "".join(
                f'<param name="{n}" style="query" type="xs:string"/>' for n in PARAMETERS
            )
            return self.answer(WADL.format(base="/fdsnws/event/1/", parameters=words).encode())
        if not url.path.endswith("/event/1/query"):
            return self.send_error(404)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append(asked)
        chosen = [event for event in quakeml() if self.wanted(event.origins[0], asked)]
        if not chosen:
            return self.send_error(204)
        self.server.folder.joinpath("answer").unlink(missing_ok=True)
        Catalog(chosen).write(str(self.server.folder / "answer"), format="QUAKEML")
        return self.answer((self.server.folder / "answer").read_bytes())

    def wanted(self, origin, asked):
        inside = [
            float(asked[f"min{name}"]) <= value <= float(asked[f"max{name}"])
            for name, value in (("latitude", origin.latitude), ("longitude", origin.longitude))
        ]
        return all(inside) and asked["starttime"] <= str(origin.time) <= asked["endtime"]

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EventService)
    server.asked, server.folder = [], tmp_path
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_asked_for_the_span_and_box(service):
    address, asked = service
    found = reference_files.fetch(address, SPAN, (10.0, 12.0, 47.0, 48.005))
    assert found["event_id"].tolist() == ["smi:xyz/D"]
    assert reference_files.fetch(address, SPAN, (0.0, 1.0, 0.0, 1.0)).empty
    assert reference_files.fetch(address, SPAN, (170.0, 12.0, 47.0, 49.0))["magnitude"].count() == 3
    assert {one["minlongitude"] for one in asked[2:]} == {"170.0", "-180.0"}
    with pytest.raises(DataError, match=r"no reference from http://127\.0\.0\.1:9"):
        reference_files.fetch("http://127.0.0.1:9", SPAN, (0.0, 1.0, 0.0, 1.0))


def test_the_box_holds_what_is_near():
    stations = pd.DataFrame({"latitude": [60.0, 61.0], "longitude": [179.9, -179.8]})
    west, east, south, north = box_around(stations, 50.0)
    assert west > 178
    assert east < -178
    assert (south, north) == pytest.approx((59.55, 61.45), abs=0.01)
    assert box_around(stations.assign(latitude=89.9), 50.0)[:2] == (-180.0, 180.0)


@pytest.fixture
def finished(tmp_path):
    """A run's folder, and the tables inside it."""
    folder = tmp_path / "results" / "mine"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / f"{SPAN.id}.parquet").touch()
    stations, _ = network(n=6)
    made = {
        "stations": (stations, STATIONS),
        "catalog/events": (events(*OURS), EVENTS),
        "catalog/arrivals": (tables.empty(ARRIVALS), ARRIVALS),
        "catalog/picks": (tables.empty(PICKS), PICKS),
    }
    for name, (frame, table) in made.items():
        tables.write(frame, table, folder / f"{name}.parquet")
    return folder


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_stage_writes_both_products(finished, service):
    address, _ = service
    config = stage.Config(reference=f"fdsn:{address}")
    assert config.remote
    assert config.files() == []
    outputs = {"evaluation": finished / "e.json", "matches": finished / "m.parquet"}
    stage.run(
        config, events=finished / "catalog/events.parquet", reference=[], span=SPAN.id,
        stations=finished / "stations.parquet", mechanisms=[], their_mechanisms=[], **outputs,
    )  # fmt: skip
    summary = json.loads(outputs["evaluation"].read_text())
    assert (summary["matched"], summary["missed"], summary["new"]) == (2, 1, 1)
    assert len(tables.read(outputs["matches"], MATCHES)) == 4


def test_the_command_on_a_folder(finished, tmp_path):
    path = tmp_path / "reference.csv"
    reference(*THEIRS).to_csv(path, index=False)
    target = tmp_path / "out.json"
    done = invoke("evaluate", "catalog", finished, "--reference", path, "--json", target)
    assert "matched       2" in done.output
    assert "recall        67 %" in done.output
    assert "too few for b" in done.output
    assert json.loads(target.read_text())["new"] == 1
    shifted = invoke(
        "evaluate", "catalog", finished, "--reference", path, "--start", "2020-05-01T00:05:30"
    )
    assert "missed        1" in shifted.output
    assert "matched       0" in shifted.output
    with pytest.raises(ConfigError, match="--start: 'noon' given"):
        invoke("evaluate", "catalog", finished, "--reference", path, "--start", "noon")
    with pytest.raises(ConfigError, match="neither a folder nor a run"):
        invoke("evaluate", "catalog", "nowhere", "--reference", path)


def test_export_of_a_folder(finished, tmp_path):
    done = invoke("export", finished, "-f", "fdsn-text", "-o", tmp_path / "c.txt")
    assert "4 events" in done.output
    assert len(obspy.read_events(str(tmp_path / "c.txt"), format="EVENTTXT")) == 4
    with pytest.raises(ConfigError, match=r"format 'kml' given; .*allowed: geoparquet"):
        invoke("export", finished, "-f", "kml", "-o", tmp_path / "c.kml")
