"""Channels of a fibre: which are used, where they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from quakeline.core.errors import DataError
from quakeline.core.geometry import distance_azimuth
from quakeline.earth.sites import Sites
from quakeline.fibres.recordings.channels import describe
from quakeline.fibres.recordings.description import Channels, Line

METRES = 100 + np.arange(20) * 10.0
HEAD = "channel,latitude,longitude,elevation_m\n"


def test_a_line(tmp_path: Path) -> None:
    line = Line(latitude=46, longitude=8, azimuth_deg=30, elevation_m=500)
    frame = describe("F", Channels(line=line), METRES)
    km, azimuth = distance_azimuth(
        46, 8, frame["latitude"].to_numpy(), frame["longitude"].to_numpy()
    )
    assert np.allclose(km * 1000, METRES, atol=0.01)
    assert np.allclose(azimuth, 30, atol=1e-4)
    assert (frame["elevation_m"] == 500).all()


def test_a_table_places_some_channels(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEAD + "3,46.0,8.0,100\n5,46.1,8.1,110\n")
    frame = describe("F", Channels(table=str(path)), METRES)
    assert frame["latitude"].notna().sum() == 2
    assert frame.loc[5, "longitude"] == 8.1
    assert frame.loc[5, "distance_m"] == 150


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_open_epochs_the_newest_places_a_channel(tmp_path, order, caplog) -> None:
    lines = ["3,46.0,8.0,100,2005-01-01", "3,47.0,8.0,100,2009-01-01"]
    path = tmp_path / "c.csv"
    head = HEAD.replace("elevation_m", "elevation_m,start")
    path.write_text(head + "\n".join(lines[n] for n in order) + "\n5,46.5,8,1,\n")
    channels = Channels(table=str(path))
    for day, latitude in (("2010-01-01", 47.0), ("2007-01-01", 46.0), ("2001-01-01", 46.0)):
        frame = describe("F", channels, METRES, pd.Timestamp(day).value)
        assert frame.loc[3, "latitude"] == latitude
        assert frame.loc[5, "latitude"] == 46.5
    assert "epochs overlap, an older one is not closed: channel 3, 1 in all" in caplog.text


def test_a_channel_at_zero_has_no_place(tmp_path: Path, caplog) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEAD + "3,46.0,8.0,100\n4,46.0,8.1,100\n5,0,0,0\n")
    frame = describe("F", Channels(table=str(path)), METRES)
    assert frame["latitude"].notna().sum() == 2
    assert "F.5 is left out: its coordinates, 0 N 0 E" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channel,latitude\n1,2\n", "missing columns: longitude, elevation_m"),
        ("Channel,X,Y,Z\n1,2,3,4\n", "elevation_m; it has Channel, X, Y, Z; required: channel"),
        (HEAD + "1,460,8,1\n", "row 1: latitude is '460'"),
        (HEAD + "1,46,8,1\n1,46,8,1\n", "channel 1 is listed twice"),
        (HEAD + "20,46,8,1\n", "channel 20 given; the files have 20 channels"),
        (HEAD + "x,46,8,1\n", "row 1: channel is 'x'"),
    ],
)
def test_a_bad_table(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        describe("F", Channels(table=str(path)), METRES)


def test_channels_that_are_left_out() -> None:
    frame = describe("F", Channels(first=2, last=11, exclude=[4], loop=True), METRES)
    assert frame.loc[frame["used"], "channel_index"].tolist() == [2, 3, 5, 6]
    reasons = frame.set_index("channel_index")["reason"]
    assert reasons[4] == "excluded"
    assert reasons[9] == "the way back of the loop"
    assert reasons[15] == "not between first and last"
    with pytest.raises(DataError, match="no channel is left; the files have 20"):
        describe("F", Channels(first=50), METRES)
    with pytest.raises(ValidationError, match="table or line, not both"):
        Channels(table="a", line=Line(latitude=0, longitude=0, azimuth_deg=0))


def test_channels_are_sites_beside_stations() -> None:
    line = Line(latitude=46, longitude=8, azimuth_deg=30, elevation_m=500)
    frame = describe("F", Channels(line=line), METRES)
    stations = pd.DataFrame(
        {"network": ["XX"], "station": ["A"], "location": [""], "latitude": [46.0]}
    ).assign(longitude=8.0, elevation_m=100.0, depth_m=0.0)
    sites = Sites.of(stations, pd.concat([frame, frame]))
    picks = pd.DataFrame({"network": ["F", "XX", "F"], "station": ["00003", "A", "00099"]})
    picks = picks.assign(location="", time=pd.Timestamp("2020-01-01", tz="UTC"))
    assert sites.find(picks).tolist() == [4, 0, -1]
    assert sites.table["depth_km"].tolist()[:2] == [-0.1, -0.5]
    moved = frame.assign(latitude=frame["latitude"] + 0.001)
    with pytest.raises(DataError, match="fibre F, channel 0: its place differs between chunks"):
        Sites.of(stations, pd.concat([frame, moved]))
