"""Catalogs as they are on disk: of commands, and of live sessions, which may have days."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from synthetics import network, pick_table

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.events.comparison import reference
from quakeline.io import exports
from quakeline.io.products import tables

DAYS = ("2020-05-01", "2020-05-02")
#: The first event has its second pick after midnight.
TIMES = pd.to_datetime(["2020-05-01T23:59:58Z", "2020-05-02T00:00:03Z", "2020-05-02T10:00:00Z"])


def parts() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """EVENTS, ARRIVALS and PICKS of two events, as a session has them: picks of no event."""
    picks = pick_table([("XX", "S00", "", "P", 0.0), ("XX", "S01", "", "P", 1.0),
                        ("XX", "S00", "", "P", 2.0)], 0.03)  # fmt: skip
    picks = picks.assign(time=TIMES)
    common = {"latitude": 48.0, "longitude": 11.0, "depth_km": 5.0, "n_p": 2, "n_s": 0,
              "n_stations": 2, "associator": "x", "locator": "y", "quality": "good"}  # fmt: skip
    events = pd.DataFrame([{**common, "event_id": name, "time": time}
                           for name, time in (("a", TIMES[0]), ("b", TIMES[2]))])  # fmt: skip
    arrivals = pd.DataFrame({
        "event_id": ["a", "a", "b"], "pick_id": picks["pick_id"], "phase": "P",
        "residual_s": 0.0, "distance_km": 9.0, "azimuth_deg": 0.0, "weight": 1.0,
    })  # fmt: skip
    return tables.typed(events, EVENTS), tables.typed(arrivals, ARRIVALS), picks


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """The folder of a session of two days."""
    events, arrivals, picks = parts()
    stations, _ = network(n=3)
    for day in DAYS:
        own = events[events["time"].dt.strftime("%Y-%m-%d") == day]
        tables.write(own, EVENTS, tmp_path / day / "events.parquet")
        joined = arrivals[arrivals["event_id"].isin(own["event_id"])]
        tables.write(joined, ARRIVALS, tmp_path / day / "arrivals.parquet")
        made = picks[picks["time"].dt.strftime("%Y-%m-%d") == day]
        tables.write(made, PICKS, tmp_path / day / "picks.parquet")
    tables.write(stations, STATIONS, tmp_path / "stations.parquet")
    (tmp_path / "session.json").write_text("{}")
    return tmp_path


def test_days_of_a_session_are_one_catalog(session: Path) -> None:
    found = exports.read_tables(session)
    assert found.events["event_id"].tolist() == ["a", "b"]
    assert found.picks["event_id"].tolist() == ["a", "a", "b"]
    assert len(found.pairs) == 3
    assert found.stations is not None
    assert len(found.stations) == 3
    assert reference.read(session)["event_id"].tolist() == ["a", "b"]


def test_a_day_has_the_picks_of_its_events_beyond_midnight(session: Path) -> None:
    found = exports.read_tables(session / DAYS[0])
    assert found.picks["time"].tolist() == list(TIMES[:2])
    assert found.events["event_id"].tolist() == ["a"]
    assert found.stations is not None
    other = exports.read_tables(session / DAYS[1])
    assert other.picks["event_id"].isna().tolist() == [True, False]


def test_a_session_without_events_says_how_to_get_them(session: Path) -> None:
    for day in DAYS:
        (session / day / "events.parquet").unlink()
    assert [path.parent.name for path in exports.pick_files(session)] == list(DAYS)
    with pytest.raises(DataError, match="a live session without events: it makes them where"):
        exports.read_tables(session)


def test_folders_with_names_of_days_alone_are_no_session(session: Path) -> None:
    (session / "session.json").unlink()
    with pytest.raises(DataError, match=r"holds no events\.parquet, nor does"):
        exports.read_tables(session)


@pytest.mark.parametrize("name", [".", f"../{DAYS[0]}"])
def test_a_day_is_one_of_its_session_however_it_is_named(
    session: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(session / DAYS[0])
    assert exports.session_of(Path(name)) == session
    found = exports.read_tables(Path(name))
    assert found.stations is not None
    assert found.picks["event_id"].tolist() == ["a", "a"]  # one of them after midnight


def test_stations_of_a_run_are_found_from_inside_of_its_catalog(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session / DAYS[0]).rename(session / "catalog")
    monkeypatch.chdir(session / "catalog")
    assert exports.read_tables(Path()).stations is not None


def test_the_stations_of_a_catalog_are_its_own_whatever_lies_beside_it(session: Path) -> None:
    own, _ = network(n=2)
    tables.write(own, STATIONS, session / DAYS[1] / "stations.parquet")
    found = exports.read_tables(session / DAYS[1])
    assert found.stations is not None
    assert len(found.stations) == 2
