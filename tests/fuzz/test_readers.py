"""Readers of outside files refuse damaged ones with a line for the user, and never hang."""

import pytest
from fuzz.readers import readers, tried

CASES = 40
NAMES = (
    "config",
    "site",
    "stations",
    "velocity",
    "picks csv",
    "picks parquet",
    "polarities",
    "HASH phases",
    "SKHASH phases",
    "SKHASH rays",
    "mechanisms csv",
    "mechanisms HASH",
    "archive list",
    "StationXML",
    "miniSEED",
    "fibre",
    "fibre channels",
    "weights",
    "STEAD",
    "windows",
    "SAC",
    "metadata",
    "shapefile",
    "GeoTIFF",
    "NetCDF grid",
    "NetCDF-4 grid",
    "crate",
)


@pytest.fixture(scope="module")
def by_name(tmp_path_factory):
    return {one.name: one for one in readers(tmp_path_factory.mktemp("material"))}


def test_every_reader_is_named(by_name):
    assert set(by_name) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_read_or_refused(name, by_name, tmp_path):
    ends = [tried(by_name[name], seed, tmp_path) for seed in range(CASES)]
    assert "refused" in ends


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("picks csv", 13433),  # a time beyond all calendars
        ("picks parquet", 4594),  # a column under another name
        ("config", 52039),  # a date with the month 20
        ("polarities", 1455),  # a time beyond nanoseconds
        ("NetCDF grid", 381),  # a length beyond all memory
        ("fibre channels", 36267),  # an infinite number of a channel
    ],
)
def test_what_fuzzing_found_is_refused(name, seed, by_name, tmp_path):
    assert tried(by_name[name], seed, tmp_path) == "refused"
