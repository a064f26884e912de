import warnings

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import UTCDateTime
from recordings import OBSPY

from quakeline.core.errors import DataError
from quakeline.io.formats import inventory as inventories
from quakeline.io.formats import responses
from quakeline.waveforms.preparation.sensors import Sensor
from quakeline.workflow.stages import stations

SAC = OBSPY / "io/sac/tests/data"
AT = np.array([0.01, 0.1, 1.0, 5.0])


def velocity(response, at=AT):
    return Sensor.of(response).evaluated(at, "velocity")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("core/tests/data/IU_ANMO_00_BHZ.xml", "IU.ANMO.00.BHZ"),
        ("signal/tests/data/RESP.NZ.CRLZ.10.HHZ", "NZ.CRLZ.10.HHZ"),
        ("io/xseed/tests/data/UP_BACU_HH.dataless", "UP.BACU..HHE"),
        ("io/sac/tests/data/IU_ANMO_00_BHZ.sacpz", "IU.ANMO.00.BHZ"),
    ],
)
def test_every_format_is_known_by_its_content(path, label):
    found = responses.read(OBSPY / path)
    assert found[0].label == label
    assert np.abs(velocity(found[0].response)).max() > 1e6


def test_poles_and_zeros_are_those_of_the_full_response():
    """The web service made the SAC file from the StationXML: metres, with its epoch."""
    (sac,) = responses.read(SAC / "IU_ANMO_00_BHZ.sacpz")
    (full,) = responses.read(OBSPY / "core/tests/data/IU_ANMO_00_BHZ.xml")
    assert sac.start == full.start == UTCDateTime("2012-03-12T20:28:00")
    # The file has the analogue stage alone: the digital filters are left out.
    assert np.abs(velocity(sac.response) / velocity(full.response) - 1).max() < 0.025


def test_a_file_in_nanometres_is_the_same_instrument_as_its_resp_file():
    (sac,) = responses.read(SAC / "NZCRLZ_HHZ10.pz")
    (full,) = responses.read(OBSPY / "signal/tests/data/RESP.NZ.CRLZ.10.HHZ")
    assert sac.codes == full.codes == ("NZ", "CRLZ", "10", "HHZ")
    assert sac.end == UTCDateTime("2037-12-31T23:59:59")
    assert np.abs(velocity(sac.response)) == pytest.approx(
        np.abs(velocity(full.response)), rel=0.01
    )


def test_several_channels_in_one_file():
    found = responses.read(SAC / "IU_ANMO_BH.sacpz")
    assert len({one.label for one in found}) > 1
    assert {one.codes[1] for one in found} == {"ANMO"}


def test_a_file_without_a_header_has_its_codes_from_its_name_and_the_given_unit(tmp_path):
    text = (SAC / "SAC_PZs_NZ_HHZ_10").read_text()
    path = tmp_path / "SAC_PZs_KN_KARC_BHZ_00_1999.001.00.00.00.0000_2599.365.23.59.59.99999"
    path.write_text(text)
    (metres,) = responses.read(path)
    (nano,) = responses.read(path, "nm")
    assert metres.codes == ("KN", "KARC", "00", "BHZ")
    assert velocity(nano.response) == pytest.approx(velocity(metres.response) * 1e9)
    zeros = metres.response.response_stages[0].zeros
    assert len(zeros) == 3
    # -(i w)^3 c / product of (i w - pole), over i w, by hand:
    s = 2j * np.pi * 1.0
    poles = [-0.037 + 0.037j, -0.037 - 0.037j, -131 + 467.3j, -131 - 467.3j, -251.3]
    by_hand = 1.489785e17 * s**3 / np.prod([s - pole for pole in poles]) / s
    assert velocity(metres.response, np.array([1.0]))[0] == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.pz", "ZEROS 1\n0 0\nPOLES 0\n", "neither its header nor its name"),
        ("SAC_PZs_XX_A_BHZ", "ZEROS 1\n0 zero\nPOLES 0\n", r"line 2 is '0 zero'"),
        ("SAC_PZs_XX_A_BHZ", "ZEROS 1\n0 0\n1 1\nPOLES 0\n", "too many zeros"),
        ("SAC_PZs_XX_A_BHZ", "* INPUT UNIT : PA\nZEROS 0\nPOLES 0\n", "input unit is PA"),
        ("RESP.x", "nothing of that kind\n", "holds no instrument response"),
        ("x.xml", "<FDSNStationXML", "as STATIONXML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DataError, match=message):
            responses.read(path)


def places(**rows):
    return pd.DataFrame(
        [
            {
                "network": "BW",
                "station": name,
                "latitude": 1.0,
                "longitude": 2.0,
                "elevation_m": 3.0,
            }
            for name in rows
        ],
        columns=["network", "station", "latitude", "longitude", "elevation_m"],
    )


def given(start, end, codes=("BW", "RJOB", "", "EHZ")):
    paz = obspy.core.inventory.Response.from_paz([0], [-6.28], 7.0)
    times = [None if time is None else UTCDateTime(time) for time in (start, end)]
    return responses.GivenResponse(codes, *times, None, paz)


def epochs(inventory, gain=7.0):
    """First and last year of the epochs of RJOB EHZ, and whether they have the given response."""
    channels = inventory.select(station="RJOB", channel="EHZ")[0][0]
    return [
        (
            channel.start_date and channel.start_date.year,
            channel.end_date and channel.end_date.year,
            channel.response.response_stages[0].stage_gain == gain,
        )
        for channel in channels
    ]


def test_a_response_from_a_file_holds_in_its_epoch():
    own = obspy.read_inventory().select(station="RJOB", time=UTCDateTime(2010, 1, 1))
    assert epochs(own) == [(2007, None, False)]
    mixed, left = responses.attached(own, [given("2009-01-01", "2010-06-01")], places())
    assert epochs(mixed) == [(2007, 2009, False), (2009, 2010, True), (2010, None, False)]
    assert left == []
    assert epochs(own) == [(2007, None, False)]
    early, _ = responses.attached(own, [given("2000-01-01", None)], places())
    assert epochs(early) == [(2007, None, True), (2000, 2007, True)]


def test_a_station_of_the_table_gets_the_channel_and_an_unknown_one_is_named():
    empty = obspy.Inventory()
    files = [given(None, None), given(None, None, ("XX", "NONE", "", "EHZ"))]
    made, left = responses.attached(empty, files, places(RJOB=1))
    channel = made[0][0][0]
    assert (channel.latitude, channel.longitude, channel.elevation) == (1.0, 2.0, 3.0)
    assert (channel.start_date, channel.end_date) == (None, None)
    assert left == ["XX.NONE..EHZ"]


def test_the_stage_puts_them_into_inventory_and_table(tmp_path, caplog):
    table = tmp_path / "s.csv"
    table.write_text("network,station,latitude,longitude,elevation_m\nNZ,CRLZ,-43.6,172.6,55\n")
    files = [SAC / "NZCRLZ_HHZ10.pz", OBSPY / "io/xseed/tests/data/UP_BACU_HH.dataless"]
    config = stations.Config(table=str(table), responses=[str(path) for path in files])
    sources = [table, *files]
    assert config.files() == [str(path) for path in sources]
    outputs = {"stations": tmp_path / "s.parquet", "inventory": tmp_path / "s.xml"}
    stations.run(config, sources=sources, **outputs)
    assert "response unused: UP.BACU..HHE: its station is not listed" in caplog.text
    frame = pd.read_parquet(outputs["stations"])
    assert frame["response"].tolist() == ["stages"]
    (written,) = inventories.read([outputs["inventory"]])[0][0]
    (direct,) = responses.read(files[0])
    assert velocity(written.response) == pytest.approx(velocity(direct.response), rel=1e-6)


def test_dataless_seed_describes_stations_too(tmp_path):
    path = OBSPY / "io/xseed/tests/data/UP_BACU_HH.dataless"
    config = stations.Config(stationxml=[str(path)])
    outputs = {"stations": tmp_path / "s.parquet", "inventory": tmp_path / "s.xml"}
    stations.run(config, sources=[path], **outputs)
    frame = pd.read_parquet(outputs["stations"])
    assert set(frame["station"]) == {"BACU"}
    assert set(frame["response"]) == {"stages"}
