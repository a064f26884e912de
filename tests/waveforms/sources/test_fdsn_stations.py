"""Station metadata by fdsnws-station, against the front of a loopback data centre."""

from __future__ import annotations

import archives
import pytest
import servers
from pydantic import ValidationError

from quakeline.core.errors import DataError
from quakeline.core.schemas import STATIONS
from quakeline.core.timeline import SECOND, Span
from quakeline.io.products import tables
from quakeline.waveforms.sources.fdsn_stations import FdsnStations
from quakeline.workflow.stages import stations

SPAN = Span(archives.FIRST.ns, archives.FIRST.ns + 240 * SECOND)


@pytest.fixture
def centre():
    with servers.front(servers.inventory_of(archives.recordings()), 0) as found:
        yield found


def wanted(centre, **settings):
    return FdsnStations(**{"providers": [centre.url], "pause_s": 0.02, **settings})


def test_stations_of_a_network_come_with_their_responses(centre, tmp_path):
    stations.run(
        stations.Config(fdsn=wanted(centre, networks=["BW"])),
        sources=[],
        stations=tmp_path / "stations.parquet",
        inventory=tmp_path / "stations.xml",
        span=SPAN.id,
    )
    frame = tables.read(tmp_path / "stations.parquet", STATIONS)
    assert frame["station"].tolist() == ["UH1", "UH2", "UH3", "UH3", "UH3", "UH4"]
    assert (frame["response"] == "stages").all()
    assert frame["sampling_rate_hz"].notna().all()


def test_a_region_and_codes_narrow_the_search(centre, tmp_path):
    box = wanted(centre, latitude=(48.005, 48.025), longitude=(11, 12))
    assert names(box.inventory(SPAN, tmp_path)) == ["UH2", "UH3"]
    some = wanted(centre, networks=["BW"], stations=["UH1", "UH3"], channels=["SHN", "EHZ"])
    assert names(some.inventory(SPAN, tmp_path)) == ["UH3"]


def names(inventory):
    return sorted(station.code for network in inventory for station in network)


def test_files_go_before_services(centre, tmp_path):
    table = tmp_path / "s.csv"
    table.write_text("network,station,latitude,longitude,elevation_m\nBW,UH1,47.5,12,30\n")
    stations.run(
        stations.Config(table=str(table), fdsn=wanted(centre, networks=["BW"])),
        sources=[table],
        stations=tmp_path / "stations.parquet",
        inventory=tmp_path / "stations.xml",
        span=SPAN.id,
    )
    frame = tables.read(tmp_path / "stations.parquet", STATIONS)
    assert set(frame.loc[frame["station"] == "UH1", "latitude"]) == {47.5}
    assert len(frame) == 6


@pytest.mark.parametrize("fault", ["503", "cut"])
def test_faults_are_overcome(centre, tmp_path, fault):
    centre.faults = ["none", fault, "none"] if fault == "cut" else [fault]
    found = wanted(centre, networks=["BW"], connections=1).inventory(SPAN, tmp_path)
    assert names(found) == ["UH1", "UH2", "UH3", "UH4"]
    assert len(centre.stations_asked) == (6 if fault == "cut" else 5)


def test_a_service_that_fails_is_one_line(centre, tmp_path):
    centre.always = "503"
    with pytest.raises(DataError, match=r"stations\.fdsn: .*HTTP 503"):
        wanted(centre, networks=["BW"], attempts=2).inventory(SPAN, tmp_path)
    centre.always = "cut"
    with pytest.raises(DataError, match="gives no StationXML of BW"):
        wanted(centre, networks=["BW"], attempts=2).inventory(SPAN, tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give networks, stations, or latitude and longitude"),
        ({"latitude": (2, 1), "longitude": (0, 1)}, "the smallest value comes first"),
    ],
)
def test_the_whole_world_is_not_asked_for(settings, words):
    with pytest.raises(ValidationError, match=words):
        FdsnStations(providers=["EARTHSCOPE"], **settings)
