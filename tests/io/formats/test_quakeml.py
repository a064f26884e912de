"""QuakeML and CSV of a catalog: all of the tables arrives, valid, always as the same bytes."""

import logging
import math
import re
from importlib.resources import files

import obspy
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.io.formats import quakeml as catalogs
from quakeline.io.products import provenance, tables

T0 = pd.Timestamp("2010-05-27T16:24:33.123456789Z")
URI = (
    r"(smi|quakeml):[\w\d][\w\d\-\.\*\(\)_~']{2,}/[\w\d\-\.\*\(\)_~'][\w\d\-\.\*\(\)\+\?_~'=,;#/&]*"
)

EVENT = {
    "event_id": "20100527T162433_1",
    "time": T0,
    "time_sigma_s": 0.1,
    "latitude": 60.0,
    "longitude": 11.5,
    "depth_km": 3.2,
    "horizontal_sigma_km": 0.5,
    "depth_sigma_km": 0.7,
    "rms_s": 0.08,
    "azimuthal_gap_deg": 91.5,
    "n_p": 1,
    "n_s": 1,
    "n_stations": 1,
    "min_distance_km": 11.119492664,
    "magnitude": 1.4,
    "magnitude_type": "ML",
    "magnitude_sigma": 0.2,
    "event_class": "quarry blast",
    "event_class_probability": 0.6,
    "associator": "pyocto",
    "locator": "grid",
    "quality": "good",
}
PICK = {
    "pick_id": "BW.UH1..HH.P.1",
    "source": "waveform",
    "network": "BW",
    "station": "UH1",
    "location": "",
    "instrument": "HH",
    "phase": "P",
    "time": T0 + pd.Timedelta(seconds=2),
    "time_sigma_s": 0.03,
    "probability": 0.93,
    "snr_db": 17.5,
    "model": "phasenet",
    "weights_id": "0123456789ab",
}
S_PICK = {**PICK, "pick_id": "BW.UH1..HH.S.1", "phase": "S", "time": T0 + pd.Timedelta(seconds=4)}
LONE_PICK = {**PICK, "pick_id": "BW.UH9..HH.P.7", "station": "UH9"}
ARRIVAL = {
    "event_id": EVENT["event_id"],
    "pick_id": PICK["pick_id"],
    "phase": "P",
    "residual_s": -0.12,
    "distance_km": 11.119492664,
    "azimuth_deg": 33.25,
    "weight": 0.75,
}
S_ARRIVAL = {**ARRIVAL, "pick_id": S_PICK["pick_id"], "phase": "S"}


def frame(table, *rows):
    return tables.conform(pd.DataFrame(list(rows)), table).to_pandas()


def bare(table, row):
    """The row with nothing but what may not be null."""
    return {c.name: row[c.name] for c in table.columns if not c.nullable}


def three(event=EVENT, arrivals=(ARRIVAL, S_ARRIVAL), picks=(PICK, S_PICK, LONE_PICK)):
    return frame(EVENTS, event), frame(ARRIVALS, *arrivals), frame(PICKS, *picks)


def none():
    return tables.empty(EVENTS), tables.empty(ARRIVALS), tables.empty(PICKS)


def channels(*codes, station="UH1", location=""):
    place = {"latitude": 48.0, "longitude": 11.0, "elevation_m": 1.0, "depth_m": 0.0}
    codes_of = {"network": "BW", "station": station, "location": location, "response": "none"}
    return frame(STATIONS, *({**codes_of, **place, "channel": code} for code in codes))


def written(tmp_path, *args, **kwargs):
    path = tmp_path / "catalog.qml"
    catalogs.write_quakeml(*args, path, **kwargs)
    return path


def assert_valid(path):
    folder = files("obspy.io.quakeml") / "data"
    document = etree.parse(str(path))
    for schema in (
        etree.XMLSchema(etree.parse(str(folder / "QuakeML-1.2.xsd"))),
        etree.RelaxNG(etree.parse(str(folder / "QuakeML-1.2.rng"))),
    ):
        assert schema.validate(document), schema.error_log


@pytest.fixture
def warnings_of(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("quakeline"), "propagate", True)
    return caplog


def test_valid_and_read_back_whole(tmp_path):
    path = written(tmp_path, *three())
    assert_valid(path)
    (event,) = obspy.read_events(path)
    assert event.resource_id.id == f"smi:local/quakeline/event/{EVENT['event_id']}"
    assert (event.event_type, event.event_type_certainty) == ("quarry blast", "suspected")
    assert event.creation_info.agency_id == "quakeline"
    assert event.creation_info.author.startswith("quakeline ")
    assert "associator=pyocto; locator=grid; quality=good" in event.comments[0].text
    assert len(event.picks) == 2
    assert event.preferred_origin() is event.origins[0]
    assert event.preferred_magnitude() is event.magnitudes[0]


def test_origin(tmp_path):
    event = obspy.read_events(written(tmp_path, *three()))[0]
    origin = event.preferred_origin()
    assert origin.time == obspy.UTCDateTime("2010-05-27T16:24:33.123457Z")
    assert origin.time_errors.uncertainty == 0.1
    assert (origin.latitude, origin.longitude, origin.depth) == (60.0, 11.5, 3200.0)
    assert origin.depth_errors.uncertainty == 700.0
    assert origin.latitude_errors.uncertainty == pytest.approx(0.5 / 111.19493)
    assert origin.longitude_errors.uncertainty == pytest.approx(2 * 0.5 / 111.19493)
    assert origin.origin_uncertainty.horizontal_uncertainty == 500.0
    assert origin.origin_uncertainty.preferred_description == "horizontal uncertainty"
    assert origin.evaluation_mode == "automatic"
    assert origin.method_id.id == "smi:local/quakeline/method/pyocto/grid"
    assert origin.earth_model_id is None
    quality = origin.quality
    assert (quality.used_phase_count, quality.associated_phase_count) == (2, 2)
    assert (quality.used_station_count, quality.associated_station_count) == (1, 1)
    assert (quality.standard_error, quality.azimuthal_gap) == (0.08, 91.5)
    assert quality.minimum_distance == pytest.approx(0.1)


def test_picks_and_arrivals(tmp_path):
    event = obspy.read_events(written(tmp_path, *three()))[0]
    arrival = event.origins[0].arrivals[0]
    assert (arrival.phase, arrival.time_residual, arrival.time_weight) == ("P", -0.12, 0.75)
    assert arrival.distance == pytest.approx(0.1)
    assert arrival.azimuth == 33.25
    pick = arrival.pick_id.get_referred_object()
    assert pick is event.picks[0]
    assert pick.waveform_id.get_seed_string() == "BW.UH1..HHZ"
    assert pick.waveform_id.location_code == ""
    assert pick.time == obspy.UTCDateTime("2010-05-27T16:24:35.123457Z")
    assert pick.time_errors.uncertainty == 0.03
    assert (pick.phase_hint, pick.evaluation_mode) == ("P", "automatic")
    assert pick.method_id.id == "smi:local/quakeline/picker/phasenet/0123456789ab"
    notes = "probability=0.93; model=phasenet; weights_id=0123456789ab; snr_db=17.5"
    assert pick.comments[0].text == notes


def test_picks_that_a_person_made_are_manual(tmp_path):
    by_hand = {**S_PICK, "model": "manual", "weights_id": "none"}
    path = written(tmp_path, *three(picks=(PICK, by_hand)))
    assert_valid(path)
    (event,) = obspy.read_events(path)
    modes = {pick.phase_hint: pick.evaluation_mode for pick in event.picks}
    assert modes == {"P": "automatic", "S": "manual"}
    assert event.origins[0].evaluation_mode == "automatic"


def test_magnitude(tmp_path):
    event = obspy.read_events(written(tmp_path, *three()))[0]
    (magnitude,) = event.magnitudes
    assert (magnitude.mag, magnitude.magnitude_type) == (1.4, "ML")
    assert magnitude.mag_errors.uncertainty == 0.2
    assert magnitude.origin_id == event.preferred_origin_id


def test_a_moment_magnitude_is_a_second_one(tmp_path):
    moment = {"mw": 1.6, "mw_sigma": 0.1, "mw_stations": 3}
    event = obspy.read_events(written(tmp_path, frame(EVENTS, {**EVENT, **moment}), *three()[1:]))[
        0
    ]
    local, mw = event.magnitudes
    assert event.preferred_magnitude() is local
    assert (mw.mag, mw.magnitude_type, mw.station_count) == (1.6, "Mw", 3)
    assert mw.mag_errors.uncertainty == pytest.approx(0.1)
    assert mw.resource_id != local.resource_id
    without = {**EVENT, "magnitude": None, **moment}
    event = obspy.read_events(written(tmp_path, frame(EVENTS, without), *three()[1:]))[0]
    assert event.preferred_magnitude().magnitude_type == "Mw"


def test_streamed_file_equals_the_catalog_and_every_repeat(tmp_path):
    second = {**EVENT, "event_id": "b", "time": T0 + pd.Timedelta(minutes=1)}
    args = frame(EVENTS, EVENT, second), *three()[1:]
    first = written(tmp_path, *args).read_bytes()
    catalogs.to_catalog(*args).write(str(tmp_path / "whole.qml"), format="QUAKEML", validate=True)
    assert first == (tmp_path / "whole.qml").read_bytes()
    assert first == written(tmp_path, *args).read_bytes()


def test_labels(tmp_path):
    labels = catalogs.Labels("LMU", "A. Ünal & Söhne <x>", "my model/1")
    path = written(tmp_path, *three(), labels=labels)
    assert_valid(path)
    event = obspy.read_events(path)[0]
    assert event.picks[0].creation_info.author == "A. Ünal & Söhne <x>"
    assert event.creation_info.agency_id == "LMU"
    model = event.origins[0].earth_model_id.id
    assert model == "smi:LMU/earth_model/my~20model~2F1"
    assert event.origins[0].arrivals[0].earth_model_id.id == model


def test_provenance_stands_in_the_file(tmp_path):
    record = provenance.Record("merge", 1, {"agency_id": "x"}, {"origins": "abc"})
    with provenance.recording(record):
        path = written(tmp_path, *three())
    assert_valid(path)
    catalog = obspy.read_events(path)
    assert record.product_id in catalog.comments[0].text
    assert catalog.resource_id.id == f"smi:local/quakeline/catalog/{record.product_id[:12]}"


def test_absent_values_are_left_out(tmp_path):
    path = written(
        tmp_path, *three(bare(EVENTS, EVENT), [bare(ARRIVALS, ARRIVAL)], [bare(PICKS, PICK)])
    )
    assert_valid(path)
    assert not re.search(r"\b(nan|NaN|None|NaT|inf)\b|<NA>", path.read_text())
    (event,) = obspy.read_events(path)
    origin = event.origins[0]
    assert origin.time_errors.uncertainty is None
    assert origin.origin_uncertainty is None
    assert origin.quality.standard_error is None
    assert origin.arrivals[0].time_residual is None
    assert (event.magnitudes, event.event_type) == ([], None)


def test_unknown_event_class_is_only_a_note():
    (event,) = catalogs.to_catalog(*three({**EVENT, "event_class": "tremor?"}))
    assert event.event_type is None
    assert "event_class=tremor?" in event.comments[0].text


def test_pandas_nulls_of_any_kind(tmp_path):
    events, arrivals, picks = three()
    events = events.astype({"magnitude": "Float32", "rms_s": object, "event_class": object})
    events.loc[0, ["magnitude", "rms_s", "event_class"]] = pd.NA
    picks = picks.assign(time_sigma_s=math.inf, snr_db=None, fibre=None)
    path = written(tmp_path, events, arrivals, picks)
    assert_valid(path)
    assert not re.search(r"\b(nan|None|inf)\b|<NA>", path.read_text())


def test_empty_catalog(tmp_path):
    path = written(tmp_path, *none())
    assert_valid(path)
    assert len(obspy.read_events(path)) == 0
    events, arrivals, _ = none()
    assert len(catalogs.to_catalog(events, arrivals, three()[2])) == 0


def test_event_without_arrivals(tmp_path):
    _, arrivals, picks = none()
    path = written(tmp_path, frame(EVENTS, EVENT), arrivals, picks)
    assert_valid(path)
    assert obspy.read_events(path)[0].origins[0].quality.associated_phase_count == 0


@pytest.mark.parametrize(
    ("phase", "known", "expected"),
    [
        ("P", [], "HHZ"),
        ("S", [], "HH"),
        ("P", ["HHE", "HHN", "HHZ"], "HHZ"),
        ("S", ["HHE", "HHN", "HHZ"], "HHN"),
        ("S", ["HHZ", "HH2", "HH1"], "HH1"),
        ("S", ["HHZ"], "HHZ"),
        ("P", ["HHN"], "HHN"),
        ("S", ["BHN", None], "HH"),
        ("P", [None], "HHZ"),
    ],
)
def test_channel_of_a_pick(phase, known, expected):
    picks = [{**PICK, "phase": phase}]
    stations = channels(*known) if known else None
    (event,) = catalogs.to_catalog(*three(arrivals=[ARRIVAL], picks=picks), stations)
    assert event.picks[0].waveform_id.channel_code == expected


def test_channels_belong_to_their_location_code():
    stations = channels("HHN", location="10")
    (event,) = catalogs.to_catalog(*three(arrivals=[S_ARRIVAL], picks=[S_PICK]), stations)
    assert event.picks[0].waveform_id.channel_code == "HH"


def test_pick_of_a_fibre(tmp_path):
    fibre = {"fibre": "north", "channel_index": 1234, "distance_m": 12340.5}
    pick = {**PICK, **fibre, "source": "das", "network": "", "instrument": ""}
    path = written(tmp_path, *three(arrivals=[ARRIVAL], picks=[pick, LONE_PICK]))
    assert_valid(path)
    (read,) = obspy.read_events(path)[0].picks
    assert read.waveform_id.channel_code is None
    assert "fibre=north; channel_index=1234; distance_m=12340.5" in read.comments[0].text


def test_long_codes_are_cut_with_a_warning(tmp_path, warnings_of):
    pick = {**PICK, "station": "NINELONGX"}
    path = written(tmp_path, *three(arrivals=[ARRIVAL], picks=[pick]))
    assert_valid(path)
    (read,) = obspy.read_events(path)[0].picks
    assert read.waveform_id.station_code == "NINELONG"
    assert read.comments[0].text.startswith("codes=BW.NINELONGX..HH; ")
    assert "NINELONGX" in warnings_of.text


@pytest.mark.parametrize("latitude", [-90.0, 90.0, 89.9999999])
def test_errors_of_longitude_end_at_the_poles(latitude):
    (event,) = catalogs.to_catalog(*three({**EVENT, "latitude": latitude}))
    assert 0 < event.origins[0].longitude_errors.uncertainty <= 180


def test_arrival_without_its_pick():
    with pytest.raises(DataError, match=r"event 20100527T162433_1: pick BW.UH1..HH.S.1 is not in"):
        catalogs.to_catalog(*three(picks=[PICK]))


def test_repeated_pick_id():
    with pytest.raises(DataError, match=r"BW.UH1..HH.P.1' occurs more than once"):
        catalogs.to_catalog(*three(picks=[PICK, PICK, S_PICK]))


def test_infinite_coordinates_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="not a finite"):
        written(tmp_path, *three({**EVENT, "longitude": math.inf}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*is not a valid QuakeML URI")
def test_what_the_schema_forbids_is_not_written(tmp_path, monkeypatch):
    real = catalogs.uri
    bad = {"pick": "smi:local/a b"}
    monkeypatch.setattr(
        catalogs, "uri", lambda kind, *ids, **by: bad.get(kind) or real(kind, *ids, **by)
    )
    with pytest.raises(ValueError, match=f"not valid QuakeML: .*{EVENT['event_id']}"):
        written(tmp_path, *three())
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=12), st.text(max_size=12))
def test_uris_are_valid_and_different(one, other):
    assert re.fullmatch(URI, catalogs.uri("pick", one), flags=re.ASCII)
    assert (catalogs.uri("pick", one) == catalogs.uri("pick", other)) == (one == other)


@settings(max_examples=40, deadline=None)
@given(
    station=st.text(max_size=10),
    location=st.text(max_size=10),
    pick_id=st.text(max_size=10),
    event_id=st.text(max_size=10),
    quality=st.text(max_size=20),
    sigma=st.one_of(st.none(), st.floats(width=32)),
)
def test_any_codes_and_numbers_give_valid_quakeml(
    tmp_path_factory, station, location, pick_id, event_id, quality, sigma
):
    names = {"station": station, "location": location, "pick_id": pick_id}
    ids = {"event_id": event_id, "pick_id": pick_id}
    event = {**EVENT, "event_id": event_id, "quality": quality, "rms_s": sigma}
    event["horizontal_sigma_km"] = event["magnitude"] = sigma
    args = three(event, [{**ARRIVAL, **ids, "residual_s": sigma}], [{**PICK, **names}])
    path = written(tmp_path_factory.mktemp("any"), *args, stations=channels("HHZ", station=station))
    assert_valid(path)
    (read,) = obspy.read_events(path)
    assert read.origins[0].arrivals[0].pick_id.get_referred_object() is read.picks[0]


def test_csv(tmp_path):
    second = {**bare(EVENTS, EVENT), "event_id": "b", "latitude": 1 / 3, "depth_km": -0.123456}
    path = tmp_path / "catalog.csv"
    catalogs.write_csv(frame(EVENTS, EVENT, second), path)
    header, first, other = path.read_text(encoding="utf-8").splitlines()
    assert header.split(",") == EVENTS.plain_names
    assert first == (
        "20100527T162433_1,2010-05-27T16:24:33.123457Z,0.1,60.0,11.5,3.2,0.5,0.7,,,,,,,,,0.08,91.5,"
        "1,1,1,11.119493,1.4,ML,0.2,,,,,,,quarry blast,0.6,pyocto,grid,good"
    )
    assert other.startswith(
        "b,2010-05-27T16:24:33.123457Z,,0.333333,11.5,-0.1235,,,,,,,,,,,,,1,1,1,"
    )
    read = pd.read_csv(path, parse_dates=["time"])
    assert str(read["time"].dtype.tz) == "UTC"


def test_csv_without_events(tmp_path):
    path = tmp_path / "catalog.csv"
    catalogs.write_csv(tables.empty(EVENTS), path)
    assert path.read_text(encoding="utf-8") == ",".join(EVENTS.plain_names) + "\n"
