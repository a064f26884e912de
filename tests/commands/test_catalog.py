"""`quakeline catalog` and `quakeline tune` on tables that other programs write."""

from dataclasses import replace

import numpy as np
import obspy
import pandas as pd
import pytest
from synthetics import network, two_events
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.commands.merge import strangers
from quakeline.commands.options import say_given
from quakeline.core.errors import ConfigError, DataError, QuakelineError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.events.association.combine import Catalog
from quakeline.events.chain import material
from quakeline.io.formats import pick_tables
from quakeline.io.products import tables
from quakeline.workflow.inspection.places import where


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Picks of two events, stations and a velocity model as files."""
    folder = tmp_path_factory.mktemp("catalog")
    picks, simple = two_events(folder)
    simple.to_csv(folder / "picks.csv", index=False)
    picks.to_parquet(folder / "foreign.parquet")
    return folder, picks


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_a_catalog_from_a_simple_table(files, tmp_path):
    folder, picks = files
    done = invoke(
        "catalog", folder / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "velocity.csv", "--threads", 1, "--output", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    events = tables.read(tmp_path / "out/events.parquet", EVENTS)
    assert len(events) == 2
    assert (events["depth_km"] - [6.0, 11.0]).abs().max() < 0.5
    assert (events["rms_s"] < 0.02).all()
    assert len(tables.read(tmp_path / "out/arrivals.parquet", ARRIVALS)) == len(picks)
    read = obspy.read_events(str(tmp_path / "out/catalog.qml"))
    ellipsoid = read[0].origins[0].origin_uncertainty.confidence_ellipsoid
    assert ellipsoid.semi_major_axis_length >= ellipsoid.semi_minor_axis_length > 0
    assert len(pd.read_csv(tmp_path / "out/catalog.csv")) == 2
    assert "min_picks" in done.output
    places = pd.read_csv(folder / "stations.csv")
    assert f"stations {where(places)}" in done.output


def test_a_region_keeps_the_events_inside(files, tmp_path):
    folder, _ = files
    done = invoke(
        "catalog", folder / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "velocity.csv", "--region", "11,12,47,48", "--output", tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    events = tables.read(tmp_path / "events.parquet", EVENTS)
    assert len(events) == 1
    assert events["longitude"].iloc[0] > 11


def test_tune_compares_settings(files):
    folder, _ = files
    done = invoke(
        "tune", "association", folder / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "velocity.csv", "--threads", 1,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines() if line.startswith("as suggested")]
    assert rows[0][4:6] == ["2", "40"]
    assert done.output.count("min_picks") >= 2
    assert "minutes are too few to tell these settings apart" in done.output


@pytest.mark.parametrize("name", ["association", "velocity"])
def test_tune_says_that_it_has_no_stations_or_no_picks(files, tmp_path, name):
    folder, _ = files
    with pytest.raises(ConfigError, match=r"picks\.csv is a table of picks; name the stations"):
        invoke("tune", name, folder / "picks.csv")
    with pytest.raises(DataError, match=r"none\.csv: no picks to associate"):
        invoke("tune", name, without_rows(folder, tmp_path), folder / "stations.csv")


def test_a_catalog_without_picks_says_so(files, tmp_path):
    """As the picks of a quiet day: the next commands take the empty catalog."""
    folder, _ = files
    none = without_rows(folder, tmp_path)
    done = invoke("catalog", none, folder / "stations.csv", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert f"WARNING  {none} has no picks: the catalog is empty" in done.output
    assert tables.read(tmp_path / "out/events.parquet", EVENTS).empty


def without_rows(folder, place):
    """A table of picks that has names of columns alone."""
    pd.read_csv(folder / "picks.csv").head(0).to_csv(place / "none.csv", index=False)
    return place / "none.csv"


def test_tune_velocity_refuses_a_few_events(files, tmp_path):
    folder, _ = files
    with pytest.raises(DataError, match=r"2 events to invert; 15 .* Of 2 events 0 .* and 0, one"):
        invoke(
            "tune", "velocity", folder / "picks.csv", folder / "stations.csv", "--velocity",
            folder / "velocity.csv", "--threads", 1, "--output", tmp_path / "out",
        )  # fmt: skip


def test_coordinates_the_wrong_way_round_are_doubted(files, capsys):
    """Stations moved to Iceland, 64 degrees north and 21 west, and then mirrored."""
    folder, _ = files
    places = pd.read_csv(folder / "stations.csv")
    places = places.assign(
        latitude=places["latitude"] + 16, longitude=places["longitude"] - 32, elevation_m=500.0
    )
    other = {"latitude": "longitude", "longitude": "latitude"}
    doubts = {}
    for name, table in (("right", places), ("mirrored", places.rename(columns=other))):
        doubts[name] = say_given(material.read(folder / "picks.csv", table))
    assert doubts["right"] == []
    (said,) = doubts["mirrored"]
    assert said.startswith("stations above the sea in MAURITIUS - REUNION REGION")
    assert said.endswith("they are in ICELAND; are they swapped?")
    assert f"WARNING  {said}" in capsys.readouterr().err


FORMS = {
    "seisbench": {"trace_id": "XX.S01.", "phase": "P", "peak_time": "2020-05-01T00:00:01.5Z",
                  "peak_value": "0.8"},
    "phasenet": {"station_id": "XX.S01..HH", "phase_type": "P", "phase_score": "0.8",
                 "phase_time": "2020-05-01T00:00:01.500", "phase_amplitude": "1e-6"},
    "gamma": {"id": "XX.S01.", "type": "p", "prob": "0.8", "timestamp": "2020-05-01T00:00:01.5"},
    "pyocto": {"station": "XX.S01.", "phase": "P", "time": "1588291201.5", "probability": "0.8"},
    "older phasenet": {"station_id": "XX.S01", "phase_type": "P", "phase_index": "150",
                       "begin_time": "2020-05-01T00:00:00", "phase_score": "0.8"},
    "columns": {"network": "XX", "station": "S01", "location": "--", "phase": "Pg",
                "time": "2020-05-01T00:00:01.5+00:00", "probability": "0.8"},
}  # fmt: skip


def test_times_of_two_kinds_in_one_column_are_refused(tmp_path):
    rows = "XX.S01,P,2018-12-30T05:28:57.1\nXX.S02,P,1546138840.41\n"
    (tmp_path / "picks.csv").write_text("station,phase,time\n" + rows)
    with pytest.raises(DataError, match=r"'1546138840.41' in row .*, the same in all rows"):
        pick_tables.read(tmp_path / "picks.csv")


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_other_programs(form, tmp_path):
    pd.DataFrame([FORMS[form]]).to_csv(tmp_path / "picks.csv", index=False)
    (pick,) = pick_tables.read(tmp_path / "picks.csv").to_dict("records")
    codes = (pick["network"], pick["station"], pick["location"], pick["phase"])
    assert codes == ("XX", "S01", "", "P")
    assert pick["time"] == pd.Timestamp("2020-05-01T00:00:01.5Z")
    assert pick["probability"] == pytest.approx(0.8)


def test_a_foreign_parquet_and_our_own(files, tmp_path):
    folder, picks = files
    read = pick_tables.read(folder / "foreign.parquet")
    assert set(read["pick_id"]) == set(picks["pick_id"])
    tables.write(picks, PICKS, tmp_path / "own.parquet")
    own = pick_tables.read(tmp_path / "own.parquet")
    pd.testing.assert_frame_equal(own, picks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("station,phase\nA,P\n", "missing: time: time, phase_time"),
        ("station,phase,time\nXX.A,Q,2020-01-01\n", "row 2: phase is 'Q'; allowed: P or S"),
        ("station,phase,time\nXX.A,P,yesterday\n", "row 2: time is 'yesterday'"),
        ("station,phase,time\n,P,2020-01-01\n", "row 2: station is ''"),
        ("station,phase,time,prob\nXX.A,P,2020-01-01,high\n", "probability is 'high'"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(text, message, tmp_path):
    (tmp_path / "picks.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        pick_tables.read(tmp_path / "picks.csv")


def test_the_comma_of_iso_8601_parts_seconds_too(tmp_path):
    (tmp_path / "picks.csv").write_text(
        'station,phase,time\nXX.A,P,"2020-01-01T00:00:01,25"\nXX.A,S,2020-01-01T00:00:02\n'
    )
    found = pick_tables.read(tmp_path / "picks.csv")["time"]
    assert found.dt.microsecond.tolist() == [250_000, 0]


def test_a_station_without_network_is_found_by_its_name():
    stations, _ = network(n=3)
    picks = pd.DataFrame({"network": ["", "YY", ""], "station": ["S01", "S01", "other"]})
    assert pick_tables.with_networks(picks, stations)["network"].tolist() == ["XX", "YY", ""]
    twice = pd.concat([stations, stations.assign(network="YY")])
    with pytest.raises(DataError, match="S01 is in several networks"):
        pick_tables.with_networks(picks, twice)


@pytest.mark.parametrize(
    "words",
    [
        ("--region", "1,2,3"),
        ("--region", "0,10,50,40"),
        ("--region", "-117,-118,35,36"),
        ("--depth", "5"),
        ("--depth", "0,inf"),
        ("--set", "associate.depth_km=[5"),
        ("--set", "associate.min_picks=2024-13-45"),
        ("--set", "locate.nothing=1"),
        ("--set", "associate.min_picks=two"),
        ("--set", "min_picks=2"),
    ],
)
def test_wrong_options_are_one_line(files, tmp_path, words):
    folder, _ = files
    with pytest.raises(ConfigError, match=words[0]) as caught:
        invoke("catalog", folder / "picks.csv", folder / "stations.csv", "-o", tmp_path, *words)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("key", ["locate.station_terms", "magnitude.corrections"])
def test_files_of_settings_are_read_before_the_work(files, tmp_path, monkeypatch, key):
    """A wrong one is told before association, which may take minutes."""
    folder, _ = files
    (tmp_path / "own.csv").write_text("station,other\nA,1\n")
    monkeypatch.setattr("quakeline.events.chain.whole.associated", None)
    named = f"{key}={tmp_path / 'own.csv'}"
    with pytest.raises(QuakelineError, match=r"own\.csv"):
        invoke(
            "catalog", folder / "picks.csv", folder / "stations.csv",
            "-o", tmp_path / "out", "--set", named,
        )  # fmt: skip


def test_picks_of_other_stations_are_refused(files, tmp_path):
    folder, _ = files
    (tmp_path / "picks.csv").write_text("station,phase,time\nZZ.A,P,2020-01-01\n")
    with pytest.raises(DataError, match=r"no pick of .* belongs to a station"):
        invoke("catalog", tmp_path / "picks.csv", folder / "stations.csv", "-o", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_catalogs_of_two_pickers_become_one(files, tmp_path):
    folder, picks = files
    other = picks.assign(pick_id="other/" + picks["pick_id"], time=picks["time"])
    other["time"] += pd.Timedelta(milliseconds=30)
    other[other["time"] > other["time"].median()].to_parquet(tmp_path / "other.parquet")
    for name, table in (("one", folder / "foreign.parquet"), ("two", tmp_path / "other.parquet")):
        done = invoke(
            "catalog", table, folder / "stations.csv", "--velocity", folder / "velocity.csv",
            "--threads", 1, "--output", tmp_path / name,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    done = invoke("merge", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    events = tables.read(tmp_path / "out/events.parquet", EVENTS)
    first = tables.read(tmp_path / "one/events.parquet", EVENTS)
    assert events["event_id"].tolist() == first["event_id"].tolist()
    gone = pd.read_csv(tmp_path / "out/duplicates.csv")
    assert gone["id"].tolist() == first["event_id"].tolist()[1:]
    assert (gone["shared_picks"] > 10).all()
    assert len(obspy.read_events(str(tmp_path / "out/catalog.qml"))) == 2


def test_catalogs_in_other_velocities_are_merged_with_a_word(files, tmp_path):
    folder, _ = files
    common = ["catalog", folder / "picks.csv", folder / "stations.csv", "--threads", 1]
    own = ["--velocity", folder / "velocity.csv"]
    for name, words in (("one", own), ("two", []), ("three", own)):
        done = invoke(*common, *words, "--output", tmp_path / name)
        assert done.exit_code == 0, done.output
    for others, word in ((["two"], True), (["three"], False)):
        done = invoke(
            "merge", tmp_path / "one", *(tmp_path / name for name in others), "-o", tmp_path / "m"
        )
        assert done.exit_code == 0, done.output
        assert ("two was located with other velocities" in done.output) == word


def test_catalogs_without_a_common_station_are_told():
    def at(name, station, latitude, n=2):
        events = pd.DataFrame({"latitude": [latitude] * n, "longitude": [11.0] * n})
        picks = pd.DataFrame({"network": "XX", "station": [station, "S9"]})
        return Catalog(name, events, pd.DataFrame(), picks)

    one, near = at("one", "S1", 48.0), at("near", "S2", 48.0)
    far = replace(at("far", "T1", 49.0), picks=pd.DataFrame({"network": ["YY"], "station": ["S1"]}))
    assert strangers([one, near]) == []
    (said,) = strangers([one, near, far])
    assert said.startswith("far has no station in common with one (111 km apart): right for")
    empty = replace(far, events=far.events.iloc[:0])
    assert strangers([one, empty])[0].startswith("far has no station in common with one: right")
    assert strangers([replace(one, picks=one.picks.iloc[:0]), far]) == []


def test_catalogs_on_both_sides_of_the_date_line_are_near_each_other():
    def at(name, longitudes):
        events = pd.DataFrame({"latitude": -18.0, "longitude": longitudes})
        picks = pd.DataFrame({"network": ["XX"], "station": [name]})
        return Catalog(name, events, pd.DataFrame(), picks)

    (said,) = strangers([at("A", [179.5, -179.5, 179.4, -179.4]), at("B", [179.9])])
    assert "(11 km apart)" in said


def test_one_catalog_is_nothing_to_merge(tmp_path):
    with pytest.raises(ConfigError, match="two different catalogs"):
        invoke("merge", tmp_path, tmp_path, "-o", tmp_path / "out")


def test_what_is_left_out_of_a_table_is_counted(files, tmp_path, caplog):
    folder, _ = files
    bare = pd.read_csv(folder / "picks.csv")
    twice = pd.concat([bare, bare.head(3)])
    strange = twice.assign(station=twice["station"].where(twice.index > 1, "XX.NOWHERE"))
    strange.to_csv(tmp_path / "picks.csv", index=False)
    done = invoke(
        "catalog", tmp_path / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "velocity.csv", "--region", "11,12,47,48", "--output", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "3 repeated rows are left out" in caplog.text
    assert "2 picks of stations without coordinates: XX.NOWHERE" in caplog.text
    assert "1 of 2 events lie outside" in done.output


def test_unknown_settings_are_named_with_those_that_exist(files, tmp_path):
    folder, _ = files
    with pytest.raises(
        ConfigError, match=r"associate.min_pick: unknown key; did you mean min_picks.*allowed: m"
    ):
        invoke(
            "catalog", folder / "picks.csv", folder / "stations.csv", "--output", tmp_path,
            "--set", "associate.min_pick=3",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "good"),
    [
        *((name, True) for name in ("Pg", "s", "Pn", "P1", "PnL", "S*")),
        *((name, False) for name in ("pP", "sP", "PKP", "PcP", "ScS", "SKS", "PmP", "SmS", "PP")),
        *((name, False) for name in ("Pdiff", "P'P'", "LR", "Lg", "T", "IAML", "")),
    ],
)
def test_only_direct_phases_are_p_or_s(phase, good, tmp_path):
    row = {"station": "XX.S01", "phase": phase, "time": "2020-05-01T00:00:01"}
    pd.DataFrame([row]).to_csv(tmp_path / "picks.csv", index=False)
    if good:
        assert pick_tables.read(tmp_path / "picks.csv")["phase"].item() == phase[0].upper()
    else:
        with pytest.raises(DataError, match="no depth or core phases"):
            pick_tables.read(tmp_path / "picks.csv")


def test_other_phases_are_left_out_and_named(files, tmp_path, caplog):
    """Whatever else stands in their rows: an amplitude may have no time."""
    folder, picks = files
    foreign = pd.read_csv(folder / "picks.csv")
    others = foreign.iloc[:4].assign(phase=["PKP", "IAML", "PKP", "LR"])
    others["time"] = others["time"].where(others["phase"] != "IAML")
    pd.concat([others, foreign]).to_csv(tmp_path / "picks.csv", index=False)
    read = pick_tables.read(tmp_path / "picks.csv")
    pd.testing.assert_frame_equal(read, pick_tables.read(folder / "picks.csv"))
    (line,) = (record.getMessage() for record in caplog.records)
    words = f"4 of {len(foreign) + 4} picks are left out, of phases that are no P or S"
    assert words in line
    assert "PKP (2), IAML (1), LR (1)" in line
    assert len(read) == len(picks)


def test_a_warning_is_said_once(files, tmp_path, caplog):
    """Doubts of the model and of the catalog, which steps of the chain log as well."""
    folder, _ = files
    velocity = tmp_path / "odd.csv"
    velocity.write_text("depth_km,vp,vs\n0,4.4,3.9\n")
    picks = pd.read_csv(folder / "picks.csv")
    chance = pd.concat([picks] * 3, ignore_index=True)
    shift_s = np.random.default_rng(0).uniform(60, 3000, len(chance))
    chance["time"] = pd.to_datetime(chance["time"], utc=True) + pd.to_timedelta(shift_s, "s")
    picks["time"] = pd.to_datetime(picks["time"], utc=True)
    pd.concat([picks, chance]).to_csv(tmp_path / "picks.csv", index=False)
    done = invoke(
        "catalog", tmp_path / "picks.csv", folder / "stations.csv", "--velocity", velocity,
        "--threads", 1, "--output", tmp_path / "out",
    )  # fmt: skip
    said = [*done.output.splitlines(), *caplog.messages]
    assert sum("vp/vs is 1.13 at 0 km" in line for line in said) == 1
    warned = [line for line in said if line.startswith("WARNING")]
    assert len(warned) == len(set(warned)) >= 1
    assert sum("most picks join no event" in line.lower() for line in said) == 1
