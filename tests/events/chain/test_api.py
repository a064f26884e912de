"""`quakeline.catalog` on what a script has at hand, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from synthetics import two_events

import quakeline
from quakeline.core.errors import ConfigError, DataError
from quakeline.earth.velocity import load
from quakeline.events.chain.sections import sections_of
from quakeline.io.formats import inventory

TABLES = ("events", "arrivals", "picks")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, Any]:
    """A folder with files, the same picks as PICKS, the catalog of the files."""
    folder = tmp_path_factory.mktemp("api")
    picks, simple = two_events(folder)
    simple.to_csv(folder / "picks.csv", index=False)
    files = [folder / f"{name}.csv" for name in ("picks", "stations", "velocity")]
    return folder, picks, quakeline.catalog(*files, threads=1)


def same(found: Any, expected: Any) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))


def test_a_catalog_is_one_line(given: tuple[Path, pd.DataFrame, Any]) -> None:
    _, picks, made = given
    assert repr(made) == (
        f"<catalog: 2 events, {len(made.arrivals)} arrivals, {len(picks)} picks,"
        f" {picks['station'].nunique()} stations>"
    )


def test_tables_are_as_good_as_files(given: tuple[Path, pd.DataFrame, Any]) -> None:
    folder, _, expected = given
    assert len(expected.events) == 2
    picks, stations = (pd.read_csv(folder / f"{name}.csv") for name in ("picks", "stations"))
    # Whatever the index and the case of names are.
    picks = picks.rename(columns=str.upper).set_index(picks.index + 7)
    model = load(folder / "velocity.csv")
    same(quakeline.catalog(picks, stations, model, threads=1), expected)


def test_an_inventory_and_picks_of_quakeline(given: tuple[Path, pd.DataFrame, Any]) -> None:
    folder, picks, expected = given
    stations = inventory.read_any(folder / "stations.csv")
    found = [
        quakeline.catalog(picks, one, str(folder / "velocity.csv"), threads=1)
        for one in (stations, inventory._inventory_of(stations))
    ]
    for made in found:
        assert len(made.events) == len(expected.events)
        assert len(made.arrivals) == len(expected.arrivals)
    same(*found)


def test_stations_without_picks_change_nothing(given: tuple[Path, pd.DataFrame, Any]) -> None:
    """People hand over the table of a whole region of which a few stations have data."""
    folder, _, expected = given
    stations = pd.read_csv(folder / "stations.csv")
    far = stations.assign(station="Z" + stations["station"], latitude=stations["latitude"] + 5)
    whole = pd.concat([far, stations], ignore_index=True)
    files = folder / "picks.csv", whole, folder / "velocity.csv"
    same(quakeline.catalog(*files, threads=1), expected)


def test_what_is_written_is_what_was_made(
    given: tuple[Path, pd.DataFrame, Any], tmp_path: Path
) -> None:
    _, _, expected = given
    expected.write(tmp_path / "out")
    for name in TABLES:
        frame = pd.read_parquet(tmp_path / f"out/{name}.parquet")
        assert len(frame) == len(getattr(expected, name))
    assert (tmp_path / "out/catalog.qml").is_file()


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"location": {}}, "location: unknown key; .*allowed: associate, locate"),
        (
            {"associate": {"min_pick": 3}},
            r"associate.min_pick: unknown key; did you mean min_picks",
        ),
        ({"associate": {"min_picks": 1}}, r"associate.min_picks: 1 given; "),
        ({"locate": {"depth_km": [5, 1]}}, "locate: .* the first must be smaller"),
        (
            {"magnitude": {"moment": {"snr": 1}}},
            r"magnitude.moment.snr: unknown key; .* phases, band_hz",
        ),
    ],
)
def test_a_wrong_section_is_one_line(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        sections_of(sections)
    assert len(str(caught.value).splitlines()) == 1


def test_tables_that_cannot_be_used(given: tuple[Path, pd.DataFrame, Any]) -> None:
    folder, picks, _ = given
    stations = pd.read_csv(folder / "stations.csv")
    with pytest.raises(DataError, match="picks the table given: columns a given; missing"):
        quakeline.catalog(pd.DataFrame({"a": [1]}), stations)
    with pytest.raises(DataError, match="missing columns: elevation_m"):
        quakeline.catalog(picks, stations.drop(columns="elevation_m"))
    with pytest.raises(DataError, match="no pick of the table given belongs to a station of the"):
        quakeline.catalog(picks.assign(network="ZZ"), stations)


def test_elevations_in_kilometres_are_asked_about(
    given: tuple[Path, pd.DataFrame, Any], caplog: pytest.LogCaptureFixture
) -> None:
    folder, picks, _ = given
    stations = pd.read_csv(folder / "stations.csv")
    stations["elevation_m"] /= 1000
    quakeline.catalog(picks, stations, folder / "velocity.csv", threads=1)
    assert "are they kilometres?" in caplog.text
