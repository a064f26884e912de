"""Mechanisms of others, and how far ours are turned from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import obspy.core.event as qml
import pandas as pd
import pytest
from obspy import UTCDateTime
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import DataError
from quakeline.core.schemas import MECHANISMS
from quakeline.events.mechanisms import reference
from quakeline.io.products import tables

TIME = pd.Timestamp("2020-05-01T00:00:00Z")


def own(**columns: Any) -> pd.DataFrame:
    """MECHANISMS of three events ten seconds apart, the last without a mechanism."""
    rows = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "time": [TIME + pd.Timedelta(seconds=10 * n) for n in range(3)],
            "strike_1_deg": [0.0, 30.0, np.nan],
            "dip_1_deg": [90.0, 50.0, np.nan],
            "rake_1_deg": [0.0, 70.0, np.nan],
            "plane_1_sigma_deg": [3.0, 3.0, np.nan],
            "plane_2_sigma_deg": [4.0, 4.0, np.nan],
            "quality_class": ["A", "B", None],
            "polarities": 20,
            "method": "grid search",
        }
    )
    return tables.typed(rows.reindex(columns=MECHANISMS.names).assign(**columns), MECHANISMS)


def theirs(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(reference.COLUMNS))


def test_angles_are_rotations() -> None:
    """A strike slip turned about the vertical, and the other plane of a thrust."""
    known = theirs([("a", TIME, 12.0, 90.0, 0.0), ("b", TIME, 239.7, 43.9, 112.2)])
    found = reference.compared(own(), known, 2.0)
    assert found.pairs["kagan_deg"].to_numpy() == pytest.approx([12.0, 0.1], abs=0.2)
    assert found.pairs["sigma_deg"].to_numpy() == pytest.approx([5.0, 5.0])
    assert (found.missed, found.new) == (0, 0)
    summary = found.summary()
    assert summary["within_sigma"] == 0.5
    assert summary["by_quality"]["A"]["median_deg"] == pytest.approx(12.0, abs=0.1)


def test_events_are_one_by_time_where_ids_differ() -> None:
    later = [TIME + pd.Timedelta(seconds=s) for s in (0.5, 9.0, 10.4, 500.0)]
    known = theirs([(f"x{n}", time, 0.0, 90.0, 0.0) for n, time in enumerate(later)])
    found = reference.compared(own(), known, 2.0)
    assert found.pairs["reference_id"].tolist() == ["x0", "x2"]
    assert (found.missed, found.new) == (2, 0)
    none = reference.compared(own(), known.assign(time=pd.NaT), 2.0)
    assert (len(none.pairs), none.missed, none.new) == (0, 4, 2)
    assert none.summary()["median_deg"] is None


def test_forms_of_files(shared: Path, tmp_path: Path) -> None:
    origin = qml.Origin(time=UTCDateTime(0), latitude=1, longitude=2)
    plane = qml.NodalPlane(strike=10, dip=20, rake=30)
    event = qml.Event(
        resource_id="smi:local/event/a", origins=[origin],
        focal_mechanisms=[qml.FocalMechanism(nodal_planes=qml.NodalPlanes(plane))],
    )  # fmt: skip
    bare = qml.Event(resource_id="smi:local/event/b", origins=[origin])
    qml.Catalog([event, bare]).write(str(tmp_path / "a.qml"), format="QUAKEML")
    row, without = reference.read(tmp_path / "a.qml").itertuples()
    assert without.event_id == "b"
    assert np.isnan(without.strike)
    assert (row.event_id, row.strike, row.dip, row.rake) == ("a", 10, 20, 30)
    hash_ = reference.read(shared / "data/hash_northridge/example1.out")
    assert len(hash_) == 24
    first = hash_.iloc[0]
    assert (first["event_id"], first["strike"], first["dip"], first["rake"]) == (
        "3143312", 254, 60, 46,
    )  # fmt: skip
    assert first["time"] == pd.Timestamp("1994-01-21T11:04:15.5Z")
    skhash = reference.read(shared / "data/skhash_maacama/maacama/OUT/out.csv")
    assert skhash["strike"].tolist() == [318.4265, 347.8773]
    tables.write(own(), MECHANISMS, tmp_path / "mechanisms.parquet")
    found = reference.read(tmp_path)
    assert found["event_id"].tolist() == ["a", "b", "c"]
    assert found["rake"].to_numpy() == pytest.approx([0, 70, np.nan], nan_ok=True)


def test_events_without_a_mechanism_are_left_out_and_counted(tmp_path: Path) -> None:
    """As in the CSV that `quakeline mechanism` writes; of a doubled event the mechanism counts."""
    path = tmp_path / "mechanisms.csv"
    own()[MECHANISMS.plain_names].to_csv(path, index=False)
    found = reference.compared(own(), reference.read(path), 2.0)
    assert found.pairs["kagan_deg"].to_numpy() == pytest.approx([0, 0], abs=1e-4)
    assert (found.missed, found.new, found.without) == (0, 0, 1)
    path.write_text("event_id,strike,dip,rake\na,,,\nb,,NaN,\na,1,2,3\n")
    assert reference.read(path)["strike"].to_numpy() == pytest.approx([np.nan, 1], nan_ok=True)
    assert reference.compared(own(), reference.read(path), 2.0).without == 1


def test_events_without_an_id_are_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "mechanisms.csv"
    path.write_text("event_id,time,strike,dip,rake\n"
                    ",2020-05-01T00:00:00Z,0,90,0\n,2020-05-01T00:00:10Z,30,50,70\n")  # fmt: skip
    assert reference.read(path)["event_id"].tolist() == ["line 2", "line 3"]
    assert len(reference.compared(own(), reference.read(path), 2.0).pairs) == 2


def test_a_folder_without_mechanisms_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is a folder without mechanisms\.parquet"):
        reference.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("event_id,strike,dip\na,1,2\n", "no column rake, which mechanisms need"),
        ("strike,dip,rake\n1,2,3\n", r"no column event_id \(or time\)"),
        (
            "event_id,strike,dip,rake\na,1,2,3\nb,1,99,3\n",
            "line 3: dip '99'; it must be in 0 to 90",
        ),
        ("event_id,strike,dip,rake\na,x,2,3\n", "line 2: strike 'x'"),
        ("event_id,strike,dip,rake\n# of others\n\na,1,2,\n", "line 4: rake ''"),
        ("time,strike,dip,rake\nsoon,1,2,3\n", "line 2: time 'soon' is no ISO 8601 time"),
        ("what is this\n", "holds no mechanisms that are known; allowed: QuakeML, CSV"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        reference.read(path)


def test_the_command(tmp_path: Path) -> None:
    tables.write(own(), MECHANISMS, tmp_path / "mechanisms.parquet")
    (tmp_path / "ref.csv").write_text("event_id,strike,dip,rake\na,3,90,0\nz,1,2,3\nb,,,\n")
    words = ["evaluate", "mechanisms", str(tmp_path), "--reference", str(tmp_path / "ref.csv")]
    done = CliRunner().invoke(app, [*words, "--json", str(tmp_path / "found.json")])
    assert done.exit_code == 0, done.output
    assert (
        "Kagan angle   median 3.0 deg, nine of ten below 3.0, 100 % within 1 sigma (1)"
        in done.output
    )
    assert "left out      1 of the reference without a mechanism" in done.output
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["matched"], found["missed"], found["new"], found["without"]) == (1, 1, 1, 1)
    assert found["events"][0]["reference_id"] == "a"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no mechanisms\.parquet"):
        CliRunner().invoke(
            app, ["evaluate", "mechanisms", str(tmp_path / "empty"), *words[3:]],
            catch_exceptions=False,
        )  # fmt: skip
