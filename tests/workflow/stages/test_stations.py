import hashlib
import logging

import obspy
import pytest

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import STATIONS
from quakeline.io.products import provenance, tables
from quakeline.workflow.stages import stations

HEADER = "network,station,latitude,longitude,elevation_m"


@pytest.fixture
def place(tmp_path):
    obspy.read_inventory().write(str(tmp_path / "a.xml"), format="STATIONXML")
    (tmp_path / "s.csv").write_text(f"{HEADER}\nBW,RJOB,10,200,30\nXX,NEW,1,2,3\n")
    return tmp_path


def run(place, out="out", **config):
    config = stations.Config(**config)
    stations.run(
        config,
        sources=[place / path for path in config.files()],
        stations=place / out / "stations.parquet",
        inventory=place / out / "stations.xml",
    )
    return tables.read(place / out / "stations.parquet", STATIONS)


def test_stationxml_alone(place):
    frame = run(place, stationxml=[str(place / "*.xml")])
    assert len(frame) == 30
    assert frame["response"].eq("stages").all()
    assert set(frame["network"]) == {"BW", "GR"}


def test_a_table_alone(place, caplog):
    with caplog.at_level(logging.INFO, logger="quakeline"):
        frame = run(place, table=str(place / "s.csv"))
    assert frame["station"].tolist() == ["RJOB", "NEW"]
    assert frame["longitude"].tolist() == [-160.0, 2.0]
    assert "stations: 2, 0 channel epochs with response" in caplog.text
    written = obspy.read_inventory(str(place / "out/stations.xml"))
    assert len(written.get_contents()["stations"]) == 2


def test_both_together(place):
    frame = run(place, table=str(place / "s.csv"), stationxml=[str(place / "*.xml")])
    assert len(frame) == 31
    assert set(frame.loc[frame["station"] == "RJOB", "latitude"]) == {10.0}
    assert (frame["response"] == "stages").sum() == 30


def test_products_are_the_same_each_time(place):
    digests = []
    for out in ("one", "two"):
        run(place, out, table=str(place / "s.csv"), stationxml=[str(place / "*.xml")])
        content = (place / out / "stations.xml").read_bytes()
        digests.append(hashlib.sha256(content).hexdigest())
        assert provenance.identify(place / out / "stations.xml") == digests[-1]
    assert digests[0] == digests[1]
    first, second = (place / out / "stations.parquet" for out in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_a_mistake_leaves_no_product(place):
    (place / "s.csv").write_text(f"{HEADER}\nBW,RJOB,north,200,30\n")
    with pytest.raises(DataError, match="line 2: latitude"):
        run(place, table=str(place / "s.csv"))
    assert not (place / "out").exists()


def test_files_that_do_not_exist_are_named(place):
    with pytest.raises(ConfigError, match=r"stations\.table: file '.*no\.csv' does not exist"):
        stations.Config(table=str(place / "no.csv")).files()
    with pytest.raises(ConfigError, match=r"stations\.stationxml: no file matches '.*none\*'"):
        stations.Config(stationxml=[str(place / "none*")]).files()
