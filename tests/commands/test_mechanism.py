"""`quakeline mechanism` on a catalog, with anybody's polarities."""

import re
import shutil

import numpy as np
import obspy
import pandas as pd
import pytest
from thrust import kagan, straight, written
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError, QuakelineError
from quakeline.core.schemas import EVENTS, MECHANISMS, POLARITIES
from quakeline.io.products import tables


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A catalog of an event in a half-space, its stations, and the polarities of a mechanism."""
    folder = tmp_path_factory.mktemp("mechanism")
    stations, frame, polarities = written(folder)
    done = invoke(
        "catalog", folder / "picks.csv", folder / "stations.csv", "--velocity",
        folder / "velocity.csv", "--threads", 1, "--output", folder / "catalog",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder, stations, frame, polarities


def run(folder, polarities, output, *more):
    polarities.to_csv(output.with_suffix(".csv"), index=False)
    done = invoke(
        "mechanism", folder / "catalog", "--polarities", output.with_suffix(".csv"),
        "--max-takeoff-gap", 90, "--output", output, *more,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = tables.read(output / "mechanisms.parquet", MECHANISMS).itertuples()
    return row, tables.read(output / "polarities.parquet", POLARITIES), done.output


def test_the_mechanism_of_a_catalogs_event(made, tmp_path):
    folder, stations, frame, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    row, used, _ = run(folder, polarities.assign(event_id=event.event_id), tmp_path / "out")
    assert row.event_id == event.event_id
    assert row.quality_class in "AB"
    assert kagan(row) < np.hypot(row.plane_1_sigma_deg, row.plane_2_sigma_deg)
    # Rays are those that leave the hypocentre straight to the stations, 30 in a half-space.
    azimuth, takeoff = straight(stations, frame)
    own = used.set_index("station").loc[stations["station"]]
    assert len(own) == 30
    apart = (own["azimuth_deg"].to_numpy() - azimuth + 180) % 360 - 180
    assert np.abs(apart * np.sin(np.radians(takeoff))).max() < 2
    assert np.abs(own["takeoff_deg"].to_numpy() - takeoff).max() < 2
    assert own["agrees"].mean() > 0.85
    # The QuakeML names the event and its origin as that of the catalog does.
    (of_catalog,) = obspy.read_events(str(folder / "catalog/catalog.qml"))
    (of_mechanism,) = obspy.read_events(str(tmp_path / "out/mechanisms.qml"))
    assert of_mechanism.resource_id == of_catalog.resource_id
    assert of_mechanism.preferred_origin_id == of_catalog.preferred_origin_id
    (focal,) = of_mechanism.focal_mechanisms
    assert focal.nodal_planes.nodal_plane_1.strike == pytest.approx(row.strike_1_deg)
    assert focal.nodal_planes.nodal_plane_2.rake == pytest.approx(row.rake_2_deg)
    assert len(focal.waveform_id) == focal.station_polarity_count == 30
    assert focal.comments[0].text == f"quality {row.quality_class}"


def test_the_origin_time_tells_the_event_as_well(made, tmp_path):
    folder, _, _, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    by_id, _, _ = run(folder, polarities.assign(event_id=event.event_id), tmp_path / "id")
    signs = polarities["polarity"].map({"U": "1", "D": "-1"})
    time = (event.time + pd.Timedelta(seconds=1)).isoformat()
    by_time, _, _ = run(folder, polarities.assign(time=time, polarity=signs), tmp_path / "time")
    assert by_time.strike_1_deg == by_id.strike_1_deg


def test_improbable_and_undecided_polarities_are_told(made, tmp_path):
    folder, _, _, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    table = polarities.assign(event_id=event.event_id, probability=0.9)
    table.loc[0, "polarity"], table.loc[1, "probability"] = "N", 0.4
    table.loc[2, "event_id"], table.loc[3, "station"] = "another", "NONE"
    row, used, output = run(folder, table, tmp_path / "out")
    assert "left out 2 undecided polarities, 1 of events that are not in the catalog" in output
    assert row.polarities == 26
    assert row.note == "1 polarities of stations without a place"
    assert used["weight"].iloc[:26].to_numpy() == pytest.approx(0.8)
    assert used["note"].iloc[26:].tolist() == ["no coordinates"]


def test_reversed_stations_give_the_same(made, tmp_path):
    folder, _, _, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    right, _, _ = run(folder, polarities.assign(event_id=event.event_id), tmp_path / "right")
    turned = polarities.assign(event_id=event.event_id)
    turned.loc[:4, "polarity"] = turned.loc[:4, "polarity"].map({"U": "D", "D": "U"})
    days = "\n".join(f"{code} 0 0" for code in turned["station"][:5])
    (tmp_path / "reversed.txt").write_text(days + "\n")
    row, _, _ = run(folder, turned, tmp_path / "out", "--hash-reversals", tmp_path / "reversed.txt")
    assert row.strike_1_deg == right.strike_1_deg


def test_what_cannot_be_told_is_a_note(made, tmp_path):
    folder, stations, frame, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    table = polarities.assign(event_id=event.event_id)
    azimuth, _ = straight(stations, frame)
    few, _, _ = run(folder, table[:4], tmp_path / "few")
    assert few.note.startswith("4 polarities, 8 are needed")
    half, _, _ = run(folder, table[(azimuth > 10) & (azimuth < 160)], tmp_path / "half")
    assert "azimuths of polarities have a gap of" in half.note
    up, used, _ = run(folder, table.assign(polarity="U"), tmp_path / "up", "--worst-quality", "B")
    assert up.note.startswith("an explosion or a collapse fits the polarities as well as any")
    assert np.isnan(up.strike_1_deg)
    assert used["agrees"].isna().all()
    mixed = table.assign(polarity=np.random.default_rng(1).choice(["U", "D"], len(table)))
    noise, _, _ = run(folder, mixed, tmp_path / "noise", "--worst-quality", "B")
    assert np.isnan(noise.strike_1_deg)


def test_small_events_of_a_cluster_give_one_mechanism(made, tmp_path):
    """Each of three events has ten of the polarities, of 12 needed; a fourth lies elsewhere."""
    folder, _, _, polarities = made
    events = tables.read(folder / "catalog/events.parquet", EVENTS)
    several = pd.concat(
        [
            events.assign(event_id=f"e{n}", time=events["time"] + pd.Timedelta(hours=n))
            for n in range(4)
        ]
    ).reset_index(drop=True)
    several["latitude"] += [0.0, 0.002, 0.004, 0.2]
    shutil.copytree(folder / "catalog", tmp_path / "catalog")
    tables.write(several, EVENTS, tmp_path / "catalog/events.parquet")
    table = polarities.assign(event_id=[f"e{n % 3}" for n in range(len(polarities))])
    extra = polarities.head(5).assign(event_id="e3")
    pd.concat([table, extra]).to_csv(tmp_path / "table.csv", index=False)
    words = (
        "mechanism", tmp_path / "catalog", "--polarities", tmp_path / "table.csv",
        "--max-takeoff-gap", 90, "--velocity", folder / "velocity.csv", "--output",
    )  # fmt: skip
    few = ("--min-polarities", 12)
    done = invoke(*words, tmp_path / "out", "--composite-km", 0.5, *few)
    assert done.exit_code == 0, done.output
    found = tables.read(tmp_path / "out/mechanisms.parquet", MECHANISMS)
    joined = found[found["composite_of"].notna()]
    assert sorted(joined["composite_of"].iloc[0].split()) == ["e0", "e1", "e2"]
    (row,) = joined.itertuples()
    assert row.polarities == 30
    assert kagan(row) < np.hypot(row.plane_1_sigma_deg, row.plane_2_sigma_deg)
    assert "1 of them of 3 small events together, 1 events without one" in done.output
    rest = found[found["composite_of"].isna()]
    assert rest["event_id"].tolist() == ["e1", "e2", "e3"]
    assert rest["note"].tolist() == [
        *["part of the composite of e0"] * 2,
        "5 polarities, 12 are needed",
    ]
    assert rest["strike_1_deg"].isna().all()
    # Events that have enough polarities by themselves are not joined.
    done = invoke(*words, tmp_path / "enough", "--composite-km", 0.5)
    assert (
        tables.read(tmp_path / "enough/mechanisms.parquet", MECHANISMS)["composite_of"].isna().all()
    )
    with pytest.raises(ConfigError, match="--composite-km: given without a catalog"):
        invoke("mechanism", "--output", tmp_path / "none", "--composite-km", 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("station,polarity\nA,U\n", "no column event_id (or time), network"),
        ("event_id,network,station,polarity\ne,XX,S00,maybe\n", "line 2: polarity 'maybe'"),
        (
            "event_id,network,station,polarity\nno,XX,S00,U\n",
            "none of its polarities is of an event",
        ),
        (
            "time,network,station,polarity\nsoon,XX,S00,U\n",
            "line 2: time 'soon' is no ISO 8601 time",
        ),
        (
            "event_id,network,station,polarity,probability\ne,XX,S00,U,2\n",
            "line 2: probability '2'",
        ),
    ],
)
def test_a_table_that_is_none_is_one_line(made, tmp_path, text, words):
    folder, *_ = made
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataError, match=words.replace("(", r"\(").replace(")", r"\)")):
        invoke(
            "mechanism", folder / "catalog", "--polarities", tmp_path / "table.csv",
            "--output", tmp_path / "out",
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_codes_of_no_station_are_refused(made, tmp_path):
    """Network and station exchanged."""
    folder, _, _, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    turned = polarities.rename(columns={"network": "station", "station": "network"})
    turned.assign(event_id=event.event_id).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(DataError, match=r"no polarity belongs to a station; e\.g\. "):
        invoke(
            "mechanism", folder / "catalog", "--polarities", tmp_path / "table.csv",
            "--output", tmp_path / "out",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "needed are a catalog and --polarities, or --hash-phase"),
        (["{catalog}"], "needed with a catalog: --polarities, or --polarity-network"),
        (["{catalog}", "--amplitude-ratios"], "--amplitude-ratios: given without"),
        (["--worst-quality", "E"], "--worst-quality: 'E' given; allowed: A, B, C, D"),
    ],
)
def test_options_that_do_not_go_together(made, tmp_path, words, told):
    folder, *_ = made
    named = [word.format(catalog=folder / "catalog") for word in words]
    with pytest.raises(ConfigError, match=told):
        invoke("mechanism", *named, "--output", tmp_path / "out")


@pytest.mark.parametrize(
    "option",
    [
        *("--polarities", "--polarity-network", "--hash-phase", "--hash-stations"),
        *("--hash-reversals", "--velocity"),
    ],
)
def test_a_file_that_does_not_exist_is_one_line(tmp_path, option):
    """Also where another file alone would be enough, as a phase file with take-off angles."""
    absent = re.escape(f"{option}: file 'nope.onnx' does not exist")
    with pytest.raises(ConfigError, match=absent):
        invoke("mechanism", option, "nope.onnx", "--output", tmp_path / "out")
    with pytest.raises(ConfigError, match=f"{option}: file .* is no file"):
        invoke("mechanism", option, tmp_path, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_velocity_model_beside_a_catalog(made, tmp_path):
    """A name of the program's, or a file, which must exist."""
    folder, _, _, polarities = made
    (event,) = tables.read(folder / "catalog/events.parquet", EVENTS).itertuples()
    table = polarities.assign(event_id=event.event_id)
    row, _, _ = run(folder, table, tmp_path / "out", "--velocity", "iasp91")
    assert row.polarities == 30
    words = ("--polarities", tmp_path / "out.csv", "--output", tmp_path / "none")
    with pytest.raises(QuakelineError, match=r"nope\.csv"):
        invoke("mechanism", folder / "catalog", *words, "--velocity", "nope.csv")
