import hashlib
import time
from pathlib import Path

import obspy
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime

from quakeline.core.errors import DataError
from quakeline.core.schemas import STATIONS
from quakeline.io.formats import inventory, station_list, station_tables
from quakeline.io.products import tables

HEADER = "network,station,latitude,longitude,elevation_m"
OBSPY = Path(obspy.__file__).parent
EXAMPLES = OBSPY / "io/stationxml/tests/data"


def table(tmp_path, *lines, header=HEADER):
    path = tmp_path / "stations.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def conformed(frame):
    return tables.conform(frame, STATIONS).to_pandas()


def test_a_station_table_with_everything(tmp_path):
    header = f"{HEADER},location,channel,depth_m,start,end"
    path = table(
        tmp_path,
        "BW,UH1,48.081506,11.636035,400,00,SHZ,3.5,2010-01-01,2011-01-01T12:00:00Z",
        "NA,01, 10 , 20 ,-5,,,,,",
        header=header,
    )
    frame = conformed(station_list.checked(station_tables.read_table(path)))
    first, second = frame.to_dict("records")
    assert (first["latitude"], first["longitude"]) == (48.081506, 11.636035)
    assert (first["depth_m"], first["location"], first["channel"]) == (3.5, "00", "SHZ")
    assert first["start"] == pd.Timestamp("2010-01-01", tz="UTC")
    assert first["end"] == pd.Timestamp("2011-01-01T12:00:00", tz="UTC")
    assert (second["network"], second["station"]) == ("NA", "01")
    assert (second["depth_m"], second["location"], second["elevation_m"]) == (0.0, "", -5.0)
    assert second["response"] == "none"
    assert pd.isna(second["channel"])
    assert pd.isna(second["start"])


def test_elevation_is_read_as_metres_and_names_may_be_in_capitals(tmp_path):
    path = table(
        tmp_path, "BW,UH1,48,11,400", header="Network, STATION,Latitude,longitude ,Elevation"
    )
    assert station_tables.read_table(path)["elevation_m"].tolist() == [400.0]


def test_a_byte_order_mark_blanks_and_comments(tmp_path):
    path = tmp_path / "stations.csv"
    path.write_text(f"\ufeff{HEADER}\n# closed\n\n BW , UH1 ,48,11,400 # ok\n", encoding="utf-8")
    assert station_tables.read_table(path)[["network", "station"]].to_numpy().tolist() == [
        ["BW", "UH1"]
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "BW,UH1,48.1.2,11,400",
            r"line 3: latitude is '48\.1\.2'; allowed: a number from -90 to 90",
        ),
        ("BW,UH1,91,11,400", "line 3: latitude is '91'"),
        ("BW,UH1,48,361,400", "line 3: longitude is '361'"),
        ("BW,UH1,48,,400", "line 3: longitude is ''"),
        ("BW,UH1,48,11", "line 3: elevation_m is ''"),
        ("BW,UH1,48,11,nan", "line 3: elevation_m is 'nan'"),
        ("BW,UH1,48,11,inf", "line 3: elevation_m is 'inf'"),
        ("BW,UH1,48,11,11000", "allowed: a number from -12000 to 9000"),
        (",UH1,48,11,400", "line 3: network is empty"),
        ("BW,,48,11,400", "line 3: station is empty"),
        ("BW,UH1,48,11,400,7", "line 3: 6 cells, but 5 columns"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(tmp_path, line, message):
    """Comments and empty lines count as lines."""
    with pytest.raises(DataError, match=message):
        station_tables.read_table(table(tmp_path, "# the network of 2010", line))


def test_a_bad_time_is_named_with_its_line(tmp_path):
    path = table(
        tmp_path,
        "BW,UH1,48,11,400,2010-01-01",
        "BW,UH2,48,11,400,May 2010",
        header=f"{HEADER},start",
    )
    with pytest.raises(DataError, match="line 3: start is 'May 2010'; allowed: an ISO 8601"):
        station_tables.read_table(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "network,station,latitude,longitude",
            "missing columns: elevation_m; unknown columns: none",
        ),
        ("network,station,lattitude,longitude,elevation_m", "latitude; unknown columns: lattitude"),
        ("net;sta;lat;lon", "missing columns: elevation_m; unknown columns: none"),
        ("network,network,station", "column 'network' is named twice"),
    ],
)
def test_missing_and_unknown_columns_are_all_named(tmp_path, header, message):
    with pytest.raises(DataError, match=message):
        station_tables.read_table(table(tmp_path, header=header))


def test_stations_named_twice_are_refused(tmp_path):
    frame = station_tables.read_table(table(tmp_path, "BW,UH1,48,11,400", "BW,UH1,48.1,11,400"))
    said = r"BW\.UH1 location '' channel '' is listed twice.*at 48 11 400 m and 48\.1 11 400 m"
    with pytest.raises(DataError, match=said):
        station_list.checked(frame)


def test_no_stations_are_refused(tmp_path):
    with pytest.raises(DataError, match="no stations"):
        station_list.checked(station_tables.read_table(table(tmp_path)))


@settings(deadline=None)
@given(st.floats(-180, 360))
def test_longitudes_are_brought_to_one_turn_and_otherwise_not_touched(longitude):
    frame = pd.DataFrame(
        {
            "network": ["XX"],
            "station": ["A"],
            "location": [""],
            "channel": [None],
            "start": [pd.NaT],
            "end": [pd.NaT],
            "latitude": [1.0],
            "longitude": [longitude],
            "elevation_m": [0.0],
            "depth_m": [0.0],
        }
    )
    found = station_list.checked(frame)["longitude"].item()
    assert -180 <= found <= 180
    assert found == (longitude if longitude <= 180 else longitude - 360)


def test_stationxml_gives_one_row_per_channel_epoch():
    received = obspy.read_inventory()
    frame = conformed(station_list.checked(inventory.table_of(received)))
    channels = sum(len(station.channels) for network in received for station in network)
    assert len(frame) == channels == 30
    row = frame[(frame["station"] == "RJOB") & (frame["channel"] == "EHZ")].iloc[0]
    assert row["latitude"] == pytest.approx(47.737167)
    assert (row["sampling_rate_hz"], row["dip_deg"], row["response"]) == (200.0, -90.0, "stages")
    assert row["start"] == pd.Timestamp("2001-05-15", tz="UTC")
    assert frame["response"].eq("stages").all()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.xml")), ids=lambda path: path.name)
def test_every_stationxml_of_obspy_is_read_or_refused_in_one_line(path):
    try:
        received = inventory.read([path])
    except DataError as error:
        refusal = str(error)
    else:
        conformed(inventory.table_of(received))
        return
    assert str(path) in refusal
    assert "\n" not in refusal


def test_stationxml_without_channels_gives_stations():
    received = obspy.read_inventory()
    for network in received:
        for station in network:
            station.channels = []
    frame = conformed(station_list.checked(inventory.table_of(received).drop_duplicates()))
    assert frame["channel"].isna().all()
    assert (frame["response"] == "none").all()


@pytest.mark.parametrize("never", ["2599-12-31T23:59:59", "2500-01-01", "3000-01-01"])
def test_an_end_in_the_far_future_is_no_end(never):
    received = obspy.read_inventory()
    channel = received[0][0][0]
    channel.end_date = UTCDateTime(never)
    frame = conformed(inventory.table_of(received))
    assert pd.isna(frame["end"].iloc[0])
    assert frame["start"].notna().all()


def test_what_is_no_stationxml_is_named_in_one_line(tmp_path):
    path = tmp_path / "no [1].xml"
    path.write_text("<html>\nlogin</html>", encoding="utf-8")
    with pytest.raises(DataError, match="as StationXML") as caught:
        inventory.read([path])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_corrects_coordinates_and_adds_stations(tmp_path):
    base = inventory.table_of(obspy.read_inventory())
    path = table(tmp_path, "BW,RJOB,10,20,30", "XX,NEW,1,2,3")
    frame = conformed(
        station_list.checked(station_list.overlaid(base, station_tables.read_table(path)))
    )
    corrected = frame[frame["station"] == "RJOB"]
    assert corrected[
        ["latitude", "longitude", "elevation_m"]
    ].drop_duplicates().to_numpy().tolist()[0] == [10.0, 20.0, 30.0]
    assert (corrected["response"] == "stages").all()
    assert (corrected["sampling_rate_hz"] > 0).all()
    others = base[base["station"] != "RJOB"]
    kept = frame[~frame["station"].isin(["RJOB", "NEW"])]
    assert sorted(kept["latitude"]) == sorted(others["latitude"])
    assert frame[frame["station"] == "NEW"]["latitude"].tolist() == [1.0]
    assert len(frame) == len(base) + 1


def test_a_table_alone_stands_for_itself(tmp_path):
    frame = station_tables.read_table(table(tmp_path, "XX,NEW,1,2,3"))
    empty = inventory.table_of(obspy.Inventory())
    assert station_list.overlaid(empty, frame).equals(frame)


def written_twice(tmp_path, received, frame):
    digests = []
    for name in ("a.xml", "b.xml"):
        inventory.write(received, frame, tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
        time.sleep(0.01)
    return digests


def test_written_stationxml_depends_on_its_content_alone(tmp_path):
    path = tmp_path / "received.xml"
    obspy.read_inventory().write(str(path), format="STATIONXML")
    received = inventory.read([path])
    frame = station_list.overlaid(
        inventory.table_of(received), station_tables.read_table(table(tmp_path, "XX,NEW,1,2,3"))
    )
    first, second = written_twice(tmp_path, received, frame)
    assert first == second
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    assert str(UTCDateTime().date) not in text
    again = obspy.read_inventory(str(tmp_path / "a.xml"))
    names = {f"{network.code}.{station.code}" for network in again for station in network}
    assert names == {"GR.FUR", "GR.WET", "BW.RJOB", "XX.NEW"}
    kept = again.select(station="RJOB", channel="EHZ")[0][0][0].response
    assert kept.instrument_sensitivity.value == pytest.approx(
        obspy.read_inventory()
        .select(station="RJOB", channel="EHZ")[0][0][0]
        .response.instrument_sensitivity.value
    )


def test_the_inventory_given_is_not_changed(tmp_path):
    received = obspy.read_inventory()
    before = received.created
    inventory.write(received, inventory.table_of(received), tmp_path / "a.xml")
    assert received.created == before
