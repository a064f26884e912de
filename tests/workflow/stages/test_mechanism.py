"""The stage mechanism on tables of a catalog: polarities of a table, of networks, and of none."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from thrust import SOURCE, kagan, written

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MECHANISMS, PICKS, POLARITIES, STATIONS
from quakeline.core.schemas.kinds import Table
from quakeline.earth.sections import Layers
from quakeline.io.products import tables
from quakeline.workflow.stages import evaluate, mechanism

#: What EVENTS must say of an event that nothing here reads.
NUMBERS = {"int": 0, "float": np.nan, "double": np.nan, "string": "", "bool": False}


def row_of(table: Table, **known: Any) -> pd.DataFrame:
    """A row of a table; what is not said is absent, or empty where that is not allowed."""
    columns = {
        column.name: known.get(column.name, None if column.nullable else NUMBERS.get(column.type))
        for column in table.columns
    }
    return tables.typed(pd.DataFrame([columns]), table)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the products that the stage reads, of one event that is located exactly."""
    stations, frame, polarities = written(tmp_path)
    latitude, longitude = frame.to_latlon(np.array([SOURCE[0]]), np.array([SOURCE[1]]))
    event = row_of(
        EVENTS, event_id="one", time=pd.Timestamp("2020-05-01T00:01:40Z"),
        latitude=latitude[0], longitude=longitude[0], depth_km=SOURCE[2],
        horizontal_sigma_km=0.2, depth_sigma_km=0.3,
    )  # fmt: skip
    tables.write(event, EVENTS, tmp_path / "origins.parquet")
    tables.write(tables.empty(ARRIVALS), ARRIVALS, tmp_path / "arrivals.parquet")
    tables.write(tables.empty(PICKS), PICKS, tmp_path / "picks.parquet")
    tables.write(stations, STATIONS, tmp_path / "stations.parquet")
    polarities.assign(event_id="one").to_csv(tmp_path / "polarities.csv", index=False)
    return tmp_path


def ran(place: Path, **keys: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the stage; gives MECHANISMS and POLARITIES."""
    config = mechanism.Config(**{"max_takeoff_gap_deg": 90.0, **keys})
    named = config.files()
    made = {name: place / f"made_{name}.parquet" for name in ("mechanisms", "polarities")}
    mechanism.run(
        config,
        origins=place / "origins.parquet",
        arrivals=place / "arrivals.parquet",
        picks=[place / "picks.parquet"],
        stations=place / "stations.parquet",
        channels=[],
        velocity=place / "velocity.csv",
        velocity_parts=[],
        waveforms=[],
        networks=[Path(file) for file in named.get("networks", [])],
        table=[Path(file) for file in named.get("polarities", [])],
        reversed_stations=[Path(file) for file in named.get("reversals", [])],
        model=Layers(table=str(place / "velocity.csv")).model_dump_json(),
        **made,
    )
    return tables.read(made["mechanisms"], MECHANISMS), tables.read(made["polarities"], POLARITIES)


def test_the_mechanism_of_a_table_of_polarities(place: Path) -> None:
    found, polarities = ran(place, polarities=str(place / "polarities.csv"))
    (row,) = found.itertuples()
    assert kagan(row) < np.hypot(row.plane_1_sigma_deg, row.plane_2_sigma_deg)
    assert row.quality_class in "AB"
    assert len(polarities) == row.polarities == 30
    assert polarities["agrees"].mean() > 0.9


def test_below_the_quality_that_is_named_there_is_none(place: Path) -> None:
    table = pd.read_csv(place / "polarities.csv")
    table.loc[::4, "polarity"] = table.loc[::4, "polarity"].map({"U": "D", "D": "U"})
    table.to_csv(place / "wrong.csv", index=False)
    (row,) = ran(place, polarities=str(place / "wrong.csv"), worst_quality="A")[0].itertuples()
    assert np.isnan(row.strike_1_deg)
    assert row.note == f"quality {row.quality_class}, below A"


def test_an_event_without_polarities_has_a_row_that_says_so(place: Path) -> None:
    event = tables.read(place / "origins.parquet", EVENTS)
    other = event.assign(event_id="two", time=event["time"] + pd.Timedelta(hours=1))
    tables.write(pd.concat([event, other]), EVENTS, place / "origins.parquet")
    found, _ = ran(place, polarities=str(place / "polarities.csv"))
    assert found["event_id"].tolist() == ["one", "two"]
    assert found["note"].iloc[1] == "0 polarities, 8 are needed"


def test_small_events_give_one_mechanism_together(place: Path) -> None:
    """Five events with six of the polarities each, and one far from them."""
    event = tables.read(place / "origins.parquet", EVENTS)
    many = [
        event.assign(event_id=f"e{n}", time=event["time"] + pd.Timedelta(hours=n)) for n in range(6)
    ]
    many[5]["latitude"] += 0.1
    tables.write(pd.concat(many), EVENTS, place / "origins.parquet")
    table = pd.read_csv(place / "polarities.csv")
    table["event_id"] = [f"e{n % 5}" for n in range(len(table))]
    pd.concat([table, table.head(7).assign(event_id="e5")]).to_csv(place / "all.csv", index=False)
    keys = {"polarities": str(place / "all.csv")}
    assert ran(place, **keys)[0]["strike_1_deg"].isna().all()
    found, polarities = ran(place, **keys, composite_km=1.0)
    assert found["event_id"].tolist() == [f"e{n}" for n in range(6)]
    assert found["strike_1_deg"].notna().tolist() == [True, *[False] * 5]
    head = found.iloc[0]
    assert head["composite_of"].split() == [f"e{n}" for n in range(5)]
    assert head["polarities"] == 30
    assert kagan(head) < np.hypot(head["plane_1_sigma_deg"], head["plane_2_sigma_deg"])
    assert (found["note"][1:5] == "part of the composite of e0").all()
    assert found["note"][5] == "7 polarities, 8 are needed"
    assert polarities["event_id"].value_counts().to_dict() == {"e0": 30, "e5": 7}


def test_reversed_stations_are_turned_and_suspects_named(
    place: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("quakeline"), "propagate", True)
    event = tables.read(place / "origins.parquet", EVENTS)
    many = pd.concat(
        [
            event.assign(event_id=f"e{n}", time=event["time"] + pd.Timedelta(hours=n))
            for n in range(8)
        ]
    )
    tables.write(many, EVENTS, place / "origins.parquet")
    table = pd.read_csv(place / "polarities.csv", keep_default_na=False)
    turned = table["station"] == "S00"
    table.loc[turned, "polarity"] = table.loc[turned, "polarity"].map({"U": "D", "D": "U"})
    every = pd.concat([table.assign(event_id=f"e{n}") for n in range(8)])
    every.to_csv(place / "turned.csv", index=False)
    ran(place, polarities=str(place / "turned.csv"), trials=5)
    assert "reversed? XX.S00: 8 of 8 polarities disagree" in caplog.text
    (place / "reversed.txt").write_text("S00 0 0\n")
    caplog.clear()
    ran(
        place, polarities=str(place / "turned.csv"), reversals=str(place / "reversed.txt"), trials=5
    )
    assert "reversed?" not in caplog.text


def test_a_run_without_events_or_with_others_is_no_error(place: Path) -> None:
    table = pd.read_csv(place / "polarities.csv").assign(event_id="another")
    table.to_csv(place / "others.csv", index=False)
    found, polarities = ran(place, polarities=str(place / "others.csv"))
    assert found["note"].tolist() == ["0 polarities, 8 are needed"]
    assert polarities.empty
    tables.write(tables.empty(EVENTS), EVENTS, place / "origins.parquet")
    found, polarities = ran(place, polarities=str(place / "others.csv"))
    assert found.empty
    assert polarities.empty


def test_a_table_that_is_none_is_one_line(place: Path) -> None:
    (place / "bad.csv").write_text("station,polarity\nS00,U\n")
    with pytest.raises(DataError, match=r"no column event_id \(or time\), network"):
        ran(place, polarities=str(place / "bad.csv"))


def test_the_stage_evaluate_compares_them(place: Path) -> None:
    """Beside a file of others, with the catalog beside itself."""
    found, _ = ran(place, polarities=str(place / "polarities.csv"))
    (row,) = found.itertuples()
    (place / "theirs.csv").write_text("event_id,strike,dip,rake\none,30,50,70\ntwo,1,2,3\n")
    evaluate.run(
        evaluate.Config(reference="origins.parquet", mechanisms="theirs.csv"),
        events=place / "origins.parquet",
        stations=place / "stations.parquet",
        reference=[place / "origins.parquet"],
        mechanisms=[place / "made_mechanisms.parquet"],
        their_mechanisms=[place / "theirs.csv"],
        span="20200501T000000_20200501T010000",
        evaluation=place / "evaluation.json",
        matches=place / "matches.parquet",
    )
    summary = json.loads((place / "evaluation.json").read_text())
    assert summary["matched"] == 1
    told = summary["mechanisms"]
    assert (told["matched"], told["missed"], told["reference"]) == (1, 1, "theirs.csv")
    assert told["median_deg"] == pytest.approx(kagan(row), abs=0.01)


def test_polarities_that_do_not_count_stay_with_their_reasons(place: Path) -> None:
    """Too far away, without a place, a second one of a station; reversed ones are turned."""
    table = pd.read_csv(place / "polarities.csv")
    known, _ = ran(place, polarities=str(place / "polarities.csv"))
    strange = table.iloc[:1].assign(station="NONE")
    again = table.iloc[:1].assign(polarity=table["polarity"].map({"U": "D", "D": "U"}).iloc[0])
    pd.concat([table, strange, again]).to_csv(place / "more.csv", index=False)
    found, polarities = ran(place, polarities=str(place / "more.csv"))
    assert found["strike_1_deg"].tolist() == known["strike_1_deg"].tolist()
    assert found["note"].tolist() == [
        "1 polarities of stations without a place; 1 further polarities of a station that has one"
    ]
    assert polarities["note"].iloc[30:].tolist() == [
        "no coordinates",
        "the station has another polarity, which counts",
    ]
    assert polarities["weight"].iloc[30:].isna().all()
    assert polarities["agrees"].iloc[30:].isna().all()

    (place / "reversed.txt").write_text("".join(f"{code} 0 0\n" for code in table["station"]))
    half = float(polarities["distance_km"].median())
    found, polarities = ran(
        place,
        polarities=str(place / "polarities.csv"),
        reversals=str(place / "reversed.txt"),
        max_distance_km=half,
    )
    far = polarities[polarities["distance_km"] > half]
    assert found["polarities"].iloc[0] + len(far) == len(polarities) == 30
    assert far["note"].str.fullmatch(r"the station is \d+ km away, above [\d.]+").all()
    signs = table.set_index("station")["polarity"].map({"U": -1, "D": 1})
    assert polarities.set_index("station")["polarity"].sort_index().tolist() == signs.tolist()
