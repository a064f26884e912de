"""What readers of polarities and mechanisms leave out is said, with numbers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from quakeline.core.errors import DataError
from quakeline.events.mechanisms import hash_files, reference, skhash_files

PLACE = "47.0,11.0,5.0"
HEAD = "event_id,station,p_polarity,origin_latitude,origin_longitude,origin_depth_km"
RAYS = HEAD + ",takeoff,azimuth,takeoff_uncertainty,sr_dist_km,horz_uncert_km"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program says while the test runs."""
    monkeypatch.setattr(logging.getLogger("quakeline"), "propagate", True)
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    monkeypatch.setattr(logging.getLogger("quakeline"), "handlers", [handler])
    return said


def put(folder: Path, *lines: str) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_undecided_polarities_of_skhash_are_counted(tmp_path: Path, log: list[str]) -> None:
    rows = [f"1,S{n},{sign},{PLACE}" for n, sign in enumerate(("1", "0", "-0.5", "0.0"))]
    path = put(tmp_path, HEAD, *rows)
    ((event,),) = skhash_files.phases(path)
    assert len(event.polarities) == 2
    assert log == [f"{path}: 2 of 4 polarities are 0, undecided, and were left out"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("60,10,wide,5,1", "line 3: takeoff_uncertainty 'wide'; a number from 0 on is needed"),
        ("60,10,-2,5,1", "line 3: takeoff_uncertainty '-2'"),
        ("60,10,3,near,1", "line 3: sr_dist_km 'near'"),
        ("60,10,3,5,some", "line 3: horz_uncert_km 'some'"),
    ],
)
def test_errors_that_are_no_numbers_are_refused(tmp_path: Path, row: str, told: str) -> None:
    path = put(tmp_path, RAYS, f"1,S0,1,{PLACE},60,10,3,5,1", f"1,S1,1,{PLACE},{row}")
    with pytest.raises(DataError, match=told):
        skhash_files.phases(path)


def test_errors_that_are_absent_are_counted(tmp_path: Path, log: list[str]) -> None:
    path = put(tmp_path, RAYS, f"1,S0,1,{PLACE},60,10,3,5,", f"1,S1,1,{PLACE},60,10,,5,")
    ((event,),) = skhash_files.phases(path)
    assert event.polarities["takeoff_sigma"].tolist() == [3.0, 0.0]
    assert event.horizontal_sigma_km == 1.0
    assert log == [
        f"{path}: 1 of 2 polarities state no takeoff_uncertainty; 0 is taken",
        f"{path}: 2 of 2 polarities state no horz_uncert_km; 1 is taken",
    ]


def test_second_places_of_a_station_are_counted(tmp_path: Path, log: list[str]) -> None:
    path = put(
        tmp_path, "network,station,latitude,longitude,elevation", "XX,A,47,11,500",
        "XX,A,47.0001,11,500", "XX,A,47.2,11,500", "YY,A,48,11,500",
    )  # fmt: skip
    assert skhash_files.stations(path)["latitude"].tolist() == [47.0, 48.0]
    assert log == [
        f"{path}: 1 rows have another place than the first one of their station, which counts"
    ]


def test_lines_of_hash_without_a_polarity_are_counted(
    shared: Path, tmp_path: Path, log: list[str]
) -> None:
    lines = (shared / "data/hash_northridge/north2.phase").read_text().splitlines()
    (first, *_) = hash_files.phases(shared / "data/hash_northridge/north2.phase")
    end = next(n for n, line in enumerate(lines) if n and not line[:4].strip())
    for n in (1, 2):
        lines[n] = lines[n][:15] + "X" + lines[n][16:]
    path = put(tmp_path, *lines[: end + 1])
    log.clear()
    (event,) = hash_files.phases(path)
    assert len(event.polarities) == len(first.polarities) - 2
    count = len(first.polarities)
    assert log == [f"{path}: 2 of {count} lines of stations have no polarity that HASH uses"]


def test_further_mechanisms_of_an_event_are_counted(tmp_path: Path, log: list[str]) -> None:
    """A row without a plane is none."""
    path = put(
        tmp_path, "event_id,strike,dip,rake", "a,10,40,90", "a,20,40,90", "b,,,", "b,30,40,90",
        "a,50,40,90", "c,,,",
    )  # fmt: skip
    assert reference.read(path)["strike"].dropna().tolist() == [10.0, 30.0]
    assert log == [
        f"{path}: 2 further mechanisms of events that have one were left out, the first counts"
    ]
