"""Tables of stations as the tools write them give one catalog."""

import pytest

from quakeline.io.formats import inventory


@pytest.mark.parametrize("name", ["s_extra.csv", "s_gamma.csv", "s_pyocto.csv", "s_fdsn.txt"])
def test_all_tell_the_same_stations(shared, name):
    columns = ["network", "station", "latitude", "longitude", "elevation_m"]
    folder = shared / "cases/station_tables"
    expected = inventory.read_any(folder / "s_short.csv")[columns]
    assert len(expected) == 4
    assert inventory.read_any(folder / name)[columns].equals(expected)
