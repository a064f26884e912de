"""Every export format, read back by obspy or by its documented columns."""

from __future__ import annotations

import json
import shlex
import struct
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import numpy as np
import obspy
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from synthetics import network, pick_table

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MECHANISMS, PICKS, POLARITIES, STATIONS
from quakeline.events.comparison import reference
from quakeline.io import exports
from quakeline.io.export_files import FILE, FOLDER
from quakeline.io.exports.names import short_names
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.products import tables
from quakeline.workflow.stages import merge

T0 = pd.Timestamp("2020-05-01T23:59:59.99996Z")
COVARIANCE = {"ee": 0.04, "en": 0.01, "ed": 0.0, "nn": 0.09, "nd": 0.0, "dd": 0.25}


def catalog(magnitude=1.46):
    """Two events, the second without magnitude and errors, on stations of two networks."""
    stations, _ = network(n=3)
    twin = stations.iloc[[0]].assign(network="YY", latitude=48.2, elevation_m=-250.0)
    stations = pd.concat([stations, twin], ignore_index=True)
    channels = [
        stations.assign(channel=f"HH{letter}", location="00", start=None) for letter in "ZNE"
    ]
    stations = tables.conform(pd.concat(channels, ignore_index=True), STATIONS).to_pandas()
    codes = [("XX", "S00"), ("YY", "S00"), ("XX", "S01")]
    rows = [
        (net, sta, "00", phase, 86399.99996 + seconds + k)
        for seconds in (0, 100)
        for k, (net, sta) in enumerate(codes)
        for phase in "PS"
    ]
    picks = pick_table(rows, 0.03)
    picks.loc[1, "time_sigma_s"] = np.nan
    arrivals = pd.DataFrame(
        {
            "event_id": ["a"] * 6 + ["b"] * 6,
            "pick_id": picks["pick_id"],
            "phase": picks["phase"],
            "residual_s": 0.05,
            "distance_km": 20.0,
            "azimuth_deg": 45.0,
            "weight": [1.0, 0.0, 0.5] * 4,
        }
    )
    common = {"n_p": 3, "n_s": 3, "n_stations": 3, "associator": "x", "locator": "y"}
    first = {
        **common, "event_id": "a", "time": T0, "latitude": 48.01, "longitude": -179.995,
        "depth_km": 7.25, "time_sigma_s": 0.08, "horizontal_sigma_km": 0.31,
        "depth_sigma_km": 0.5, "rms_s": 0.06, "magnitude": magnitude, "magnitude_type": "ML",
        "event_class": "blast", "mw": 1.61, "mw_stations": 3, "quality": "good",
        "azimuthal_gap_deg": 90.0,
        **{f"cov_{key}_km2": value for key, value in COVARIANCE.items()},
    }  # fmt: skip
    second = {
        **common, "event_id": "b", "time": T0 + pd.Timedelta(seconds=100), "latitude": -48.5,
        "longitude": 11.0, "depth_km": -0.4, "quality": "few picks",
    }  # fmt: skip
    events = tables.conform(pd.DataFrame([first, second]), EVENTS).to_pandas()
    links = tables.conform(arrivals, ARRIVALS).to_pandas()
    return exports.Tables(events, links, picks, stations, _focal(picks, arrivals))


def _focal(picks, arrivals):
    """A polarity for each P, and no mechanism."""
    first = arrivals[["event_id", "pick_id"]].merge(picks, on="pick_id", suffixes=("", "_"))
    rows = first[first["phase"] == "P"].assign(
        polarity=1, weight=0.9, distance_km=20.0, azimuth_deg=45.0, takeoff_deg=120.0
    )
    polarities = tables.typed(rows.reindex(columns=POLARITIES.names), POLARITIES)
    return Focal(tables.empty(MECHANISMS), polarities)


@pytest.fixture
def written(tmp_path):
    def write(name, tables_=None, **labels):
        path = tmp_path / exports.FORMATS[name].name
        exports.write(name, tables_ or catalog(), path, exports.Labels(**labels))
        return path

    return write


def test_geoparquet_follows_the_specification(written):
    path = written("geoparquet")
    stored = pq.read_table(path)
    geo = json.loads(stored.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert column["bbox"] == [-179.995, -48.5, 11.0, 48.01]
    points = [struct.unpack("<BIdd", blob.as_py()) for blob in stored[geo["primary_column"]]]
    assert points == [(1, 1, -179.995, 48.01), (1, 1, 11.0, -48.5)]
    pd.testing.assert_frame_equal(tables.read(path, EVENTS), catalog().events)


def test_geoparquet_without_events(written):
    path = written(
        "geoparquet", exports.Tables(*(tables.empty(t) for t in (EVENTS, ARRIVALS, PICKS)))
    )
    assert tables.read(path, EVENTS).empty
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert "bbox" not in geo["columns"]["geometry"]


def test_quakeml_carries_the_agency_in_its_ids(written):
    event = obspy.read_events(str(written("quakeml", agency_id="ch.ethz.sed")))[0]
    assert event.resource_id.id == "smi:ch.ethz.sed/event/a"
    assert event.picks[0].resource_id.id.startswith("smi:ch.ethz.sed/pick/")
    short = obspy.read_events(str(written("quakeml", agency_id="É")))[0]
    assert short.resource_id.id == "smi:local/~C3~89/event/a"
    ellipse = event.origins[0].origin_uncertainty
    assert ellipse.max_horizontal_uncertainty == pytest.approx(303.2, abs=0.1)
    assert ellipse.min_horizontal_uncertainty == pytest.approx(195.1, abs=0.1)
    assert ellipse.azimuth_max_horizontal_uncertainty == pytest.approx(10.9, abs=0.1)


def test_fdsn_text_is_read_by_obspy(written):
    path = written("fdsn-text", agency_id="A|B")
    first, second = obspy.read_events(str(path), format="EVENTTXT")
    origin = first.origins[0]
    assert abs(origin.time - obspy.UTCDateTime("2020-05-01T23:59:59.99996Z")) < 2e-6
    assert (origin.latitude, origin.longitude, origin.depth) == (48.01, -179.995, 7250.0)
    assert (first.magnitudes[0].mag, first.magnitudes[0].magnitude_type) == (1.46, "ML")
    assert first.resource_id.id == "a"
    assert second.magnitudes == []
    header, row, _ = path.read_text().splitlines()
    cells = dict(zip(header.lstrip("#").split("|"), row.split("|"), strict=True))
    assert (cells["EventType"], cells["Contributor"]) == ("explosion", "A/B")


def test_nonlinloc_has_its_documented_columns(written, caplog):
    folder = written("nonlinloc")
    blocks = (folder / "catalog.obs").read_text().split("\n\n")
    assert len(blocks) == 3
    assert blocks[2] == ""
    head, *lines = blocks[0].splitlines()
    assert head == "PUBLIC_ID a"
    names = {line.removeprefix("# no error known: ")[:6].strip() for line in lines}
    assert names == {"XXS00", "YYS00", "S01"}
    station, location, component, onset, phase, motion, *rest = lines[0].split()
    assert (station, location, component, onset, phase, motion) == (
        "XXS00", "00", "HHZ", "?", "P", "?",
    )  # fmt: skip
    date, clock, seconds, kind, error, _, _, _, weight = rest
    assert (date, clock, seconds, kind) == ("20200502", "0000", "0.0000", "GAU")
    assert (float(error), float(weight)) == (0.03, 1.0)
    unknown = lines[1].removeprefix("# no error known: ").split()
    assert lines[1].startswith("#")
    assert (unknown[2], unknown[10], float(unknown[14])) == ("HHN", "-1.00e+00", 0.0)
    assert sum(line.startswith("#") for line in lines) == 1
    assert "1 of 12 picks state no error" in caplog.text
    times = [
        obspy.UTCDateTime(words[6] + words[7]) + float(words[8])
        for words in (line.removeprefix("# no error known: ").split() for line in lines)
    ]
    picks = catalog().picks["time"].iloc[:6]
    assert max(abs(t.timestamp - p.timestamp()) for t, p in zip(times, picks, strict=True)) < 6e-5
    sources = (folder / "stations.in").read_text().splitlines()
    twin = sources[sources.index("# YY.S00") + 1].split()
    assert twin[:3] == ["GTSRCE", "YYS00", "LATLON"]
    assert [float(word) for word in twin[3::3]] == [48.2, -0.25]


def test_errors_are_those_that_the_location_used(written):
    whole = catalog()
    used = np.linspace(0.02, 0.13, 12)
    whole = replace(whole, arrivals=whole.arrivals.assign(pick_sigma_s=used))
    text = (written("nonlinloc", whole) / "catalog.obs").read_text()
    errors = [float(line.split()[10]) for line in text.splitlines() if " GAU " in line]
    assert errors == pytest.approx(used, rel=5e-3)
    events = obspy.read_events(str(written("quakeml", whole)))
    picks = [pick for event in events for pick in event.picks]
    assert [pick.time_errors.uncertainty for pick in picks] == pytest.approx(used)
    notes = [pick.comments[0].text.split(" stated")[0] for pick in picks[:3]]
    assert notes == ["time_sigma_s=0.03", "time_sigma_s=none", "time_sigma_s=0.03"]


def test_a_weight_that_no_location_gave_is_said(written, caplog):
    whole = catalog()
    unweighed = whole.arrivals.assign(weight=[*whole.arrivals["weight"][:10], np.nan, np.nan])
    folder = written("hypodd", replace(whole, arrivals=unweighed))
    assert (folder / "phase.dat").read_text().splitlines()[-1].split()[2] == "1.0000"
    assert "2 of 12 arrivals have no weight" in caplog.text


def test_hypodd_is_read_by_obspy(written, caplog):
    folder = written("hypodd")
    first, _ = obspy.read_events(str(folder / "phase.dat"), format="HYPODDPHA")
    origin = first.origins[0]
    assert abs(origin.time - obspy.UTCDateTime(T0.isoformat())) < 6e-5
    assert (origin.latitude, origin.longitude, origin.depth) == (48.01, -179.995, 7250.0)
    assert origin.depth_errors.uncertainty == pytest.approx(500.0)
    assert origin.latitude_errors.uncertainty == pytest.approx(0.31 / 111.2, rel=1e-3)
    assert first.magnitudes[0].mag == 1.46
    heads = [line for line in (folder / "phase.dat").read_text().splitlines() if line[0] == "#"]
    assert [line.split()[10] for line in heads] == ["1.46", "0.0"]
    assert "1 of 2 events have no magnitude: 0 is written" in caplog.text
    assert [arrival.time_weight for arrival in origin.arrivals] == [1.0, 0.0, 0.5] * 2
    for pick, time in zip(first.picks, catalog().picks["time"], strict=False):
        assert abs(pick.time.timestamp - time.timestamp()) < 6e-5
    assert {pick.waveform_id.station_code for pick in first.picks} == {"XXS00", "YYS00", "S01"}
    stations = [line.split() for line in (folder / "station.dat").read_text().splitlines()]
    assert {row[0] for row in stations} == {"XXS00", "YYS00", "S01", "S02"}
    ids = pd.read_csv(folder / "events.csv", index_col="number")["event_id"]
    assert ids.to_dict() == {1: "a", 2: "b"}


def test_pyrocko_has_its_documented_fields(written):
    folder = written("pyrocko")
    texts = (folder / "events.yaml").read_text().split("--- !pf.Event\n")
    assert texts[0] == ""
    first, second = map(yaml.safe_load, texts[1:])
    origin = pd.Timestamp(first["time"]).tz_localize("UTC")
    assert abs(origin - T0) <= pd.Timedelta("0.5us")
    assert (first["name"], first["lat"], first["lon"]) == ("a", 48.01, -179.995)
    assert (first["depth"], first["magnitude"], first["magnitude_type"]) == (7250.0, 1.46, "ML")
    assert "magnitude" not in second
    version, *lines = (folder / "markers.txt").read_text().splitlines()
    assert version == "# Snuffler Markers File Version 0.2"
    markers = [shlex.split(line) for line in lines]
    events = [marker for marker in markers if marker[0] == "event:"]
    assert [marker[4:] for marker in events] == [
        ["a", "48.010000", "-179.995000", "7250.0", "1.46", "None", "a", "None"],
        ["b", "-48.500000", "11.000000", "-400.0", "None", "None", "b", "None"],
    ]
    phases = [marker for marker in markers if marker[0] == "phase:"]
    picks = catalog().picks
    for marker, time, phase in zip(phases, picks["time"], picks["phase"], strict=True):
        assert abs(pd.Timestamp(f"{marker[1]} {marker[2]}Z") - time) <= pd.Timedelta("0.5us")
        assert marker[3] == {"P": "1", "S": "2"}[phase]
        assert marker[8:] == [phase, "None", "True"]
        assert marker[4].split(".")[0] in ("XX", "YY")
        assert len(marker[4].split(".")) == 4
    assert [marker[5] for marker in phases] == ["a"] * 6 + ["b"] * 6
    assert {tuple(marker[6:8]) for marker in phases} == {tuple(e[1:3]) for e in events}
    table = (folder / "stations.txt").read_text().splitlines()
    places = {row[0]: row[1:] for row in map(str.split, table)}
    assert places.keys() == {"XX.S00.00", "XX.S01.00", "XX.S02.00", "YY.S00.00"}
    assert places["YY.S00.00"][0] == "48.200000"
    assert float(places["YY.S00.00"][2]) == -250.0


def test_nordic_is_read_by_obspy(written):
    path = written("nordic")
    first, second = obspy.read_events(str(path), format="NORDIC")
    origin = first.origins[0]
    assert abs(origin.time - obspy.UTCDateTime("2020-05-01T23:59:59.999Z")) < 2e-3
    assert origin.latitude == pytest.approx(48.01)
    assert origin.depth == pytest.approx(7250.0)
    sizes = [(size.magnitude_type, size.mag) for size in first.magnitudes]
    assert sizes == [("ML", pytest.approx(1.5)), ("Mw", pytest.approx(1.6))]
    ellipse = origin.origin_uncertainty
    assert ellipse.max_horizontal_uncertainty == pytest.approx(304, abs=60)
    codes = {pick.waveform_id.get_seed_string() for pick in first.picks}
    assert codes == {
        f"{net}.{sta}.00.HH{c}" for net, sta in (("XX", "S00"), ("YY", "S00"), ("XX", "S01"))
        for c in "ZN"
    }  # fmt: skip
    for pick, time in zip(first.picks, catalog().picks["time"], strict=False):
        assert abs(pick.time.timestamp - time.timestamp()) < 1.1e-3
    assert {pick.phase_hint for pick in first.picks} == {"P", "S"}
    assert len(second.picks) == 6


@pytest.mark.parametrize("name", exports.FORMATS)
def test_the_same_catalog_gives_the_same_bytes(name, tmp_path):
    made = []
    for folder in ("one", "two"):
        path = tmp_path / folder / exports.FORMATS[name].name
        path.parent.mkdir()
        exports.write(name, catalog(), path)
        files = [path] if path.is_file() else sorted(path.iterdir())
        made.append([file.read_bytes() for file in files])
    assert made[0] == made[1]
    # Polarities are turned already: HASH's file of reversals names no station.
    assert sum(not text for text in made[0]) == (name == "hash")


@pytest.mark.parametrize("name", ["geoparquet", "quakeml", "csv", "fdsn-text"])
def test_the_programs_own_reader_knows_what_it_wrote(name, written):
    found = reference.read(written(name)).set_index("event_id")
    assert [str(i).rsplit("/", 1)[-1] for i in found.index] == ["a", "b"]
    ours = catalog().events.set_index("event_id")
    for column, most in (("latitude", 1e-6), ("longitude", 1e-6), ("depth_km", 1e-4)):
        assert np.abs(found[column].to_numpy() - ours[column].to_numpy()).max() <= most
    assert found["magnitude"].tolist() == pytest.approx([1.46, np.nan], nan_ok=True)
    assert found["magnitude_type"].iloc[0] == "ML"
    apart = found["time"].astype("int64").to_numpy() - ours["time"].astype("int64").to_numpy()
    assert np.abs(apart).max() <= 1000


def test_the_workflow_offers_what_it_does_not_write_anyway():
    field = merge.Config.model_fields["exports"].annotation
    offered = set(get_args(get_args(field)[0]))
    assert offered == set(exports.FORMATS) - {"geoparquet", "quakeml", "csv"}


def test_names_never_collide():
    sites = [("XX", "A"), ("YY", "A"), ("X", "XA"), ("ZZ", "LONGNAME"), ("XX", "XXA")]
    names = short_names(sites, 6)
    assert len(set(names.values())) == len(sites)
    assert max(map(len, names.values())) <= 6
    assert names["XX", "XXA"] == "XXA"


def test_what_is_missing_is_said(tmp_path):
    tables_ = catalog()
    with pytest.raises(ConfigError, match="'shapefile' given; allowed: geoparquet, quakeml"):
        exports.write("shapefile", tables_, tmp_path / "x")
    alone = exports.Tables(tables_.events, tables_.arrivals, tables_.picks)
    with pytest.raises(DataError, match="hypodd needs the positions of stations"):
        exports.write("hypodd", alone, tmp_path / "x")
    lost = exports.Tables(
        tables_.events, tables_.arrivals, tables_.picks.iloc[1:], tables_.stations
    )
    with pytest.raises(DataError, match=r"event a: pick .* is not in the table"):
        exports.write("nonlinloc", lost, tmp_path / "x")
    with pytest.raises(DataError, match=r"holds no events\.parquet"):
        exports.read_tables(tmp_path)


def test_names_of_files_are_known_without_the_writers():
    """The workflow asks for them whenever it is parsed: of every format, and of no other."""
    assert set(exports.FORMATS) == {*FILE, *FOLDER}
    code = "import sys, quakeline.io.export_files; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
