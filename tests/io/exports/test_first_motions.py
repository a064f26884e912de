"""Polarities for HASH and SKHASH: what their readers find, and what SKHASH makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import required
from synthetics import event_table
from thrust import PLANE, SOURCE, polarities_of, straight, written
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MECHANISMS, PICKS, POLARITIES
from quakeline.earth.velocity import VelocityModel, load
from quakeline.earth.velocity.profiles import p_profile
from quakeline.events.mechanisms import hash_files, rotations, skhash_files
from quakeline.events.mechanisms.launching import Stated
from quakeline.events.mechanisms.mechanisms import Rules, of_events
from quakeline.io import exports
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.products import tables

TIME = pd.Timestamp("2020-05-01T23:59:59.996Z")


@pytest.fixture
def catalog(tmp_path: Path) -> exports.Tables:
    """An event with polarities at 30 stations, one of them in a second network, one undecided."""
    stations, frame, _ = written(tmp_path)
    twin = stations.iloc[[3]].assign(network="YY")
    stations = pd.concat([stations, twin], ignore_index=True)
    latitude, longitude = frame.to_latlon(np.array([SOURCE[0]]), np.array([SOURCE[1]]))
    events = event_table(
        [
            {
                "event_id": "ql20200501T235959", "time": TIME, "latitude": float(latitude[0]),
                "longitude": float(longitude[0]), "depth_km": SOURCE[2], "n_p": 31, "n_s": 0,
                "n_stations": 31, "associator": "x", "locator": "y", "quality": "good",
                "horizontal_sigma_km": 0.31, "depth_sigma_km": 0.52,
            }
        ]
    )  # fmt: skip
    azimuth, takeoff = straight(stations, frame)
    rows = polarities_of(stations, frame).assign(
        event_id="ql20200501T235959", location="", weight=np.linspace(0.5, 1, len(stations)),
        azimuth_deg=azimuth, takeoff_deg=takeoff, distance_km=10.0,
    )  # fmt: skip
    rows["polarity"] = rows["polarity"].map({"U": 1, "D": -1})
    rows.loc[5, ["polarity", "weight", "takeoff_deg"]] = [0, np.nan, np.nan]
    focal = Focal(
        tables.empty(MECHANISMS), tables.typed(rows.reindex(columns=POLARITIES.names), POLARITIES)
    )
    return exports.Tables(events, tables.empty(ARRIVALS), tables.empty(PICKS), stations, focal)


def test_hash_reads_its_phases_and_stations(catalog: exports.Tables, tmp_path: Path) -> None:
    exports.write("hash", catalog, tmp_path / "hash")
    (event,) = hash_files.phases(tmp_path / "hash/phases.txt")
    known = catalog.events.iloc[0]
    assert event.event_id == "1"
    assert pd.Timestamp(event.time) == pd.Timestamp("2020-05-02T00:00:00Z")
    assert abs(event.latitude - known["latitude"]) < 1e-4
    assert abs(event.longitude - known["longitude"]) < 1e-4
    assert event.depth_km == SOURCE[2]
    assert (event.horizontal_sigma_km, event.depth_sigma_km) == (0.31, 0.52)
    ours = catalog.focal.polarities.query("polarity != 0")
    names = pd.read_csv(tmp_path / "hash/stations.csv", dtype=str)
    theirs = event.polarities.merge(names, left_on="station", right_on="name", suffixes=("", "_"))
    assert len(event.polarities) == len(theirs) == 30
    assert theirs["station_"].tolist() == ours["station"].tolist()
    assert theirs["polarity"].tolist() == ours["polarity"].tolist()
    assert theirs["impulsive"].tolist() == (ours["weight"] >= 0.75).tolist()
    places = hash_files.stations(tmp_path / "hash/stations.txt").merge(
        names, left_on="station", right_on="name", suffixes=("", "_")
    )
    both = places.merge(
        catalog.stations, left_on=["network", "station_"], right_on=["network", "station"]
    )
    assert len(both) == 31
    assert np.abs(both["latitude_x"] - both["latitude_y"]).max() < 1e-5
    assert np.abs(both["depth_km"] + both["elevation_m"] / 1000).max() < 1e-3
    assert hash_files.reversals(tmp_path / "hash/reversals.txt").spans == {}
    assert (tmp_path / "hash/events.csv").read_text().endswith("1,ql20200501T235959\n")


LAYERED = VelocityModel((-1.0, 4.0, 12.0), (4.0, 5.5, 6.5), (2.3, 3.2, 3.7))
SLOPED = VelocityModel(
    (0.0, 5.0, 20.0), (4.0, 6.0, 7.0), (2.3, 3.4, 4.0), (5.0, 6.5, 7.0), (2.9, 3.7, 4.0)
)


@pytest.mark.parametrize("model", [LAYERED, SLOPED, VelocityModel((0.0,), (5.8,), (3.3,))])
def test_velocities_are_those_of_the_catalog(
    catalog: exports.Tables, tmp_path: Path, model: VelocityModel
) -> None:
    """Depths and velocities grow from line to line: SKHASH drops all that do not."""
    known = replace(catalog, velocities=p_profile(model, catalog.stations))
    exports.write("hash", known, tmp_path / "hash")
    path = tmp_path / "hash/velocity.txt"
    table = np.loadtxt(path, delimiter=",")
    assert table[0, 0] == 0.0
    assert table[-1, 0] == 100.0
    assert (np.diff(table, axis=0) > 0).all()
    depths = np.array([0.0, 2.0, 3.99, 4.01, 9.0, 11.9, 15.0, 30.0, 90.0])
    apart = np.abs(load(path, 1.73).at(depths, "P") - model.at(depths, "P"))
    assert (apart < 1e-3 * depths + 2e-4).all()


def test_velocities_of_a_grid_are_means_below_the_stations(catalog: exports.Tables) -> None:
    class Slope:
        """6 km/s, and 0.1 more for each degree to the north and 0.02 for each km down."""

        def speed(
            self, phase: str, latitude: np.ndarray, longitude: np.ndarray, depth_km: np.ndarray
        ) -> np.ndarray:
            return 6 + 0.1 * latitude + 0.02 * depth_km

    points = dict(p_profile(Slope(), catalog.stations))  # type: ignore[arg-type]
    mean = 6 + 0.1 * catalog.stations["latitude"].mean()
    assert points[0.0] == pytest.approx(mean)
    assert points[30.0] == pytest.approx(mean + 0.6)


def test_without_a_velocity_model_there_is_no_file_of_it(
    catalog: exports.Tables, tmp_path: Path
) -> None:
    exports.write("hash", catalog, tmp_path / "hash")
    assert not (tmp_path / "hash/velocity.txt").exists()


@pytest.mark.parametrize(("latitude", "longitude"), [(-33.99999, -70.5), (0.004, 179.99999)])
def test_degrees_and_minutes(
    catalog: exports.Tables, tmp_path: Path, latitude: float, longitude: float
) -> None:
    """Both sides of the equator and of the date line, and minutes that become whole degrees."""
    moved = catalog.events.assign(latitude=latitude, longitude=longitude, depth_km=-0.4)
    exports.write("hash", replace(catalog, events=moved), tmp_path / "hash")
    (event,) = hash_files.phases(tmp_path / "hash/phases.txt")
    assert event.latitude == pytest.approx(latitude, abs=1e-4)
    assert event.longitude == pytest.approx(longitude, abs=1e-4)
    assert event.depth_km == -0.4


def test_skhash_reads_polarities_with_their_rays(catalog: exports.Tables, tmp_path: Path) -> None:
    exports.write("skhash", catalog, tmp_path / "skhash")
    ((event,),) = skhash_files.phases(tmp_path / "skhash/polarities.csv")
    ours = catalog.focal.polarities.query("polarity != 0")
    theirs = event.polarities.set_index(["network", "station"]).loc[
        list(zip(ours["network"], ours["station"], strict=True))
    ]
    assert theirs["polarity"].tolist() == ours["polarity"].tolist()
    for name, own in (("takeoff", "takeoff_deg"), ("azimuth", "azimuth_deg"), ("weight", "weight")):
        assert np.abs(theirs[name].to_numpy() - ours[own].to_numpy()).max() < 6e-3
    (row,) = of_events(
        [[event]], Stated(), skhash_files.reversals(tmp_path / "skhash/reversals.csv"), Rules(1)
    ).mechanisms.itertuples()
    assert row.polarities == 30
    assert len(skhash_files.stations(tmp_path / "skhash/stations.csv")) == 31


#: For SKHASH: HASH's own files in its folder `hash`.
HASH_CONTROL = """\
$input_format
hash2
$fpfile
hash/phases.txt
$stfile
hash/stations.txt
$plfile
hash/reversals.txt
$vmodel_paths
hash/velocity.txt
$outfile1
mechanisms.csv
$require_location_match
False
$require_channel_match
False
"""


def by_skhash(folder: Path) -> np.ndarray:
    """The mechanism by the program of its authors, which QUAKELINE_SKHASH names.

    It wants a NumPy of its own.
    """
    named = os.environ.get("QUAKELINE_SKHASH") or shutil.which("SKHASH")
    hint = "no SKHASH is installed, and QUAKELINE_SKHASH names none"
    program = required("skhash", Path(named) if named else None, hint)
    words = [program, "control.txt"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = pd.read_csv(folder / "mechanisms.csv")
    assert found["num_p_pol"].tolist() == [30]
    return rotations.frames(*(found[name].to_numpy() for name in ("strike", "dip", "rake")))


@pytest.mark.slow
def test_skhash_itself_finds_the_mechanism(catalog: exports.Tables, tmp_path: Path) -> None:
    exports.write("skhash", catalog, tmp_path / "skhash")
    known = rotations.frames(*(np.array([angle]) for angle in PLANE))
    assert rotations.angles(by_skhash(tmp_path / "skhash"), known)[0] < 25


@pytest.mark.slow
@pytest.mark.parametrize("model", [LAYERED, SLOPED])
def test_skhash_finds_it_from_files_of_hash_too(
    catalog: exports.Tables, tmp_path: Path, model: VelocityModel
) -> None:
    """Its rays are those of the velocities that are written: as ours of the same files."""
    known = replace(catalog, velocities=p_profile(model, catalog.stations))
    exports.write("hash", known, tmp_path / "hash")
    (tmp_path / "control.txt").write_text(HASH_CONTROL)
    words = ["mechanism", "--output", tmp_path / "ours", "--max-takeoff-gap", "90"]
    names = (("phase", "phases"), ("stations", "stations"))
    for option, name in names:
        words += [f"--hash-{option}", tmp_path / f"hash/{name}.txt"]
    words += ["--velocity", tmp_path / "hash/velocity.txt"]
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    ours = tables.read(tmp_path / "ours/mechanisms.parquet", MECHANISMS)
    own = rotations.frames(
        *(ours[f"{name}_1_deg"].to_numpy() for name in ("strike", "dip", "rake"))
    )
    assert rotations.angles(by_skhash(tmp_path), own[0])[0] < 15


def test_a_catalog_without_polarities_is_refused(catalog: exports.Tables, tmp_path: Path) -> None:
    for name in ("hash", "skhash"):
        with pytest.raises(DataError, match="no polarities of first motions: a run with section"):
            exports.write(name, replace(catalog, focal=None), tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_table_of_skhash_with_some_rays_only_is_refused(
    catalog: exports.Tables, tmp_path: Path
) -> None:
    exports.write("skhash", catalog, tmp_path / "skhash")
    path = tmp_path / "skhash/polarities.csv"
    table = pd.read_csv(path)
    table.loc[2, "takeoff"] = np.nan
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match="line 4: no azimuth or no takeoff"):
        skhash_files.phases(path)


def test_an_empty_catalog_gives_empty_files(catalog: exports.Tables, tmp_path: Path) -> None:
    bare = replace(catalog, events=tables.empty(EVENTS))
    exports.write("hash", bare, tmp_path / "hash")
    assert (tmp_path / "hash/phases.txt").read_text() == ""
    exports.write("skhash", bare, tmp_path / "skhash")
    assert skhash_files.phases(tmp_path / "skhash/polarities.csv") == []
