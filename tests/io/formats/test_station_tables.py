"""Station tables of other programs, as they write them."""

import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.core.schemas import PICKS, STATIONS
from quakeline.io.formats import inventory
from quakeline.io.formats.station_list import checked
from quakeline.io.formats.station_tables import read_table
from quakeline.io.products import tables

#: Two stations as each program has them: name of the file, content, unused columns.
TABLES = {
    "PyOcto": (
        "s.csv",
        (
            "id,longitude,latitude,elevation,x,y,z\nBW.UH1.,11.6,48.1,400,1,2,-0.4\n"
            "BW.UH2.,11.7,48.2,410,1,2,-0.4\n"
        ),
        "x, y, z",
    ),
    "GaMMA": (
        "s.csv",
        "id,longitude,latitude,elevation(m)\nBW.UH1,11.6,48.1,400\nBW.UH2,11.7,48.2,410\n",
        "",
    ),
    "QuakeFlow, tabs": (
        "s.csv",
        (
            "station\tlongitude\tlatitude\televation(m)\tcomponent\tresponse\n"
            "BW.UH1..HH\t11.6\t48.1\t400\tE,N,Z\t1,1,1\nBW.UH2..HH\t11.7\t48.2\t410\tE,N,Z\t1,1,1\n"
        ),
        "component, response",
    ),
    "QuakeFlow, JSON": (
        "s.json",
        (
            '{"BW.UH1..HH": {"longitude": 11.6, "latitude": 48.1, "elevation_m": 400,'
            ' "component": ["Z"]}, "BW.UH2..HH": {"longitude": 11.7, "latitude": 48.2,'
            ' "elevation_m": 410, "component": ["Z"]}}'
        ),
        "",
    ),
    "EQTransformer": (
        "station_list.json",
        (
            '{"UH1": {"network": "BW", "channels": ["HHZ"], "coords": [48.1, 11.6, 400.0]},'
            ' "UH2": {"network": "BW", "channels": ["HHZ"], "coords": [48.2, 11.7, 410.0]}}'
        ),
        "",
    ),
    "SeisBench": (
        "s.csv",
        (
            "station_network_code,station_code,station_location_code,station_latitude_deg,"
            "station_longitude_deg,station_elevation_m,station_sensitivity\n"
            "BW,UH1,,48.1,11.6,400,1\nBW,UH2,,48.2,11.7,410,1\n"
        ),
        "station_sensitivity",
    ),
    "REAL": (
        "station.dat",
        "11.6 48.1 BW UH1 BHZ 0.400\n11.7 48.2 BW UH2 BHZ 0.410\n",
        None,
    ),
    "FDSN, channels": (
        "s.txt",
        (
            "#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|"
            "SensorDescription|Scale|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime\n"
            "BW|UH1||HHZ|48.1|11.6|400.0|0.0|0.0|-90.0|Lennartz #3|1.0|1.0|m/s|100|"
            "2005-01-01T00:00:00|2599-12-31T23:59:59\n"
            "BW|UH2||HHZ|48.2|11.7|410.0|0.0|0.0|-90.0|Lennartz|1.0|1.0|M/S|100|"
            "2005-01-01T00:00:00.000|\n"
        ),
        "sensordescription, scale, scalefreq, scaleunits",
    ),
    "short names, semicolons": (
        "s.csv",
        "net;sta;lat;lon;elev\nBW;UH1;48.1;11.6;400\nBW;UH2;48.2;11.7;410\n",
        "",
    ),
    "a spreadsheet with decimal commas": (
        "s.csv",
        "Network;Station;Latitude;Longitude;Elevation\nBW;UH1;48,1;11,6;400\nBW;UH2;48,2;11,7;410,0\n",
        "",
    ),
    "further columns": (
        "s.csv",
        (
            "network,station,latitude,longitude,elevation_m,name,comment\n"
            "BW,UH1,48.1,11.6,400,Unterhaching,x\nBW,UH2,48.2,11.7,410,,\n"
        ),
        "name, comment",
    ),
}


@pytest.mark.parametrize("program", TABLES)
def test_tables_of_programs(program, tmp_path, caplog):
    name, text, unused = TABLES[program]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = inventory.read_any(path)
    tables.conform(found, STATIONS)
    places = found[["network", "station", "latitude", "longitude", "elevation_m"]]
    assert places.to_numpy().tolist() == [
        ["BW", "UH1", 48.1, 11.6, 400.0],
        ["BW", "UH2", 48.2, 11.7, 410.0],
    ]
    if unused is not None:
        assert (f"columns not used: {unused}" in caplog.text) == bool(unused)


@pytest.mark.parametrize("name", ["stations", "stations.parquet"])
def test_parquet_of_anybody(name, tmp_path):
    """PyOcto's tests have such a table, without a suffix."""
    frame = pd.DataFrame(
        {"id": ["BW.UH1.", "BW.UH2.00"], "Latitude": [48.1, 48.2], "longitude": [11.6, 11.7]}
    )
    frame.assign(elevation=[400.0, None]).to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=r"bad\.parquet, line 2: elevation_m is ''; allowed"):
        inventory.read_any(tmp_path / "bad.parquet")
    path = tmp_path / name
    frame.assign(elevation=[400.0, 410.0]).to_parquet(path)
    found = inventory.read_any(path)
    tables.conform(found, STATIONS)
    assert found[["station", "location", "latitude", "elevation_m"]].to_numpy().tolist() == [
        ["UH1", "", 48.1, 400.0],
        ["UH2", "00", 48.2, 410.0],
    ]


def test_another_table_of_a_run_is_no_list_of_stations(tmp_path):
    tables.write(tables.empty(PICKS), PICKS, tmp_path / "picks.parquet")
    with pytest.raises(DataError, match="holds picks version"):
        inventory.read_any(tmp_path / "picks.parquet")


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_a_table_without_rows_is_named(tmp_path, name):
    path = tmp_path / name
    columns = ["network", "station", "latitude", "longitude", "elevation_m"]
    empty = pd.DataFrame({column: [] for column in columns})
    empty.to_parquet(path) if name == "s.parquet" else empty.to_csv(path, index=False)
    with pytest.raises(DataError, match=rf"station table .*{name}: no stations"):
        read_table(path)


def test_fdsn_text_tells_channels_rates_and_directions(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text(TABLES["FDSN, channels"][1])
    row = inventory.read_any(path).iloc[0]
    assert (row["channel"], row["sampling_rate_hz"], row["dip_deg"]) == ("HHZ", 100.0, -90.0)
    assert row["start"] == pd.Timestamp("2005-01-01", tz="UTC")
    assert pd.isna(row["end"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("11.6 48.1 BW UH1 BHZ 400\n", "an elevation is 400; a station.dat of REAL has kilometres"),
        ("11.6 48.1 BW UH1 BHZ 0.4\n11.7 48.2 BW\n", "line 2: 3 cells; a station.dat"),
        ('{"UH1": [1, 2]}', "no JSON of stations"),
        ("id,latitude,longitude,elevation_km\nBW.A,1,2,0.4\n", "multiply it by 1000"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "station.dat"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        # The comma parts thousands: read as a decimal point the elevation would be 1.5 m.
        ("XX;A;48.5;11.25;1,500", "elevation_m is '1,500'"),
        ("XX;A;48;11;1,500", "elevation_m is '1,500'"),
        ("XX;A;48,5;11,25;1.500", "latitude is '48,5'"),
        ("XX;A;48,5;11.25;500", "latitude is '48,5'"),
        ("XX;A;48,5;11,25;1.500,5", "latitude is '48,5'"),
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_comma_that_may_part_thousands_is_no_decimal_point(tmp_path, row, message, separator):
    path = tmp_path / "s.csv"
    table = f"network;station;latitude;longitude;elevation\n{row}\n"
    path.write_text(table.replace(";", separator))
    with pytest.raises(DataError, match=f"line 2: {message}.*a comma is read as a decimal point"):
        read_table(path)


def test_decimal_commas_are_those_of_numbers_alone(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "network;station;latitude;longitude;elevation;depth;sample_rate;location\n"
        "XX;A;-48,5;11,25;1500;+2,5;62,5;1,0\n"
    )
    row = read_table(path).iloc[0]
    numbers = ["latitude", "longitude", "elevation_m", "depth_m", "sampling_rate_hz"]
    assert row[numbers].tolist() == [-48.5, 11.25, 1500.0, 2.5, 62.5]
    assert row["location"] == "1,0"


def test_fdsn_text_given_as_stationxml_is_told_what_it_is(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text(TABLES["FDSN, channels"][1])
    with pytest.raises(DataError, match=r"it is text; a table of stations.*stations\.table"):
        inventory.read([path])


def test_a_station_in_a_row_for_each_channel_counts_once(tmp_path, caplog):
    path = tmp_path / "s.csv"
    path.write_text("id,longitude,latitude,elevation\n" + "BW.UH1,11.6,48.1,400\n" * 3)
    assert len(inventory.read_any(path)) == 1
    assert "listed more than once, used once: BW.UH1" in caplog.text


HEAD = "network,station,latitude,longitude,elevation_m\n"


@pytest.mark.parametrize(
    ("lines", "left_out"),
    [
        (["XX,A,48.1,11.6,4", "XX,B,48.2,11.7,4", "XX,C,0,0,0"], ["C"]),
        (["XX,A,48.1,11.6,4", "XX,B,0,0,0"], ["B"]),
        (["XX,A,48.1,11.6,4", "XX,B,48.2,11.7,4", "XX,C,-48.2,11.7,4"], ["C"]),
        # Stations over the whole earth, a gap between two parts, an array at 0 N 0 E: all true.
        (["XX,A,48,11,4", "XX,B,-30,120,4", "XX,C,10,-70,4", "XX,D,64,-20,4"], []),
        (["XX,A,48.1,11.6,4", "XX,B,35.7,-117.5,4"], []),
        (["XX,A,48.1,11.6,4", "XX,B,48.2,11.7,4", "XX,C,41,2,4"], []),
        (["XX,A,0,0,0", "XX,B,0.1,0.1,4", "XX,C,0.2,0.1,4"], []),
    ],
)
def test_places_that_cannot_be_true_are_named_and_left_out(tmp_path, lines, left_out, caplog):
    path = tmp_path / "s.csv"
    path.write_text(HEAD + "\n".join(lines) + "\n")
    names = {line.split(",")[1] for line in lines}
    assert set(checked(read_table(path))["station"]) == names - set(left_out)
    for name in left_out:
        assert f"XX.{name} is left out: its coordinates" in caplog.text
