"""The catalog of a run: picks of all chunks, linked to events, sorted, in every format."""

import logging
import subprocess
import sys
from pathlib import Path

import obspy
import pandas as pd
import pytest
from nobody import trained

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATION_MAGNITUDES, STATIONS
from quakeline.earth.sections import named
from quakeline.io.exports import hypodd
from quakeline.io.products import provenance, tables
from quakeline.models.cards import PHASENET
from quakeline.workflow.stages import merge

SECTION = named("iasp91")
T0 = pd.Timestamp("2010-05-27T16:24:00Z")


def event(event_id, second, **more):
    return {
        "event_id": event_id,
        "time": T0 + pd.Timedelta(seconds=second),
        "latitude": 48.0,
        "longitude": 11.6,
        "depth_km": 4.0,
        "n_p": 1,
        "n_s": 0,
        "n_stations": 1,
        "associator": "pyocto",
        "locator": "grid",
        "quality": "good",
        **more,
    }


def pick(pick_id, second, **more):
    return {
        "pick_id": pick_id,
        "source": "waveform",
        "network": "BW",
        "station": "UH1",
        "location": "",
        "instrument": "HH",
        "phase": "P",
        "time": T0 + pd.Timedelta(seconds=second),
        "probability": 0.5,
        "model": "phasenet",
        "weights_id": "abc",
        **more,
    }


def arrival(event_id, pick_id):
    return {"event_id": event_id, "pick_id": pick_id, "phase": "P", "weight": 1.0}


STATION = {
    "network": "BW",
    "station": "UH1",
    "location": "",
    "channel": "HHZ",
    "latitude": 48.0,
    "longitude": 11.6,
    "elevation_m": 500.0,
    "depth_m": 0.0,
    "response": "none",
}
OUTPUTS = {
    "events": "catalog/events.parquet",
    "arrivals": "catalog/arrivals.parquet",
    "picks": "catalog/picks.parquet",
    "quakeml": "catalog/catalog.qml",
    "csv": "catalog/catalog.csv",
}


def put(folder, name, table, rows):
    path = folder / f"{name}.parquet"
    tables.write(pd.DataFrame(rows) if rows else tables.empty(table), table, path)
    return path


class Merged:
    """Run the stage on tables made of rows; what it wrote is read on demand."""

    def __init__(
        self,
        folder,
        events,
        arrivals,
        *chunks,
        config=None,
        exports=(),
        station_magnitudes=(),
        weights=(),
    ):
        outputs = {name: folder / path for name, path in OUTPUTS.items()}
        merge.run(
            config or merge.Config(),
            origins=put(folder, "origins", EVENTS, events),
            origin_arrivals=put(folder, "origin_arrivals", ARRIVALS, arrivals),
            chunk_picks=[put(folder, f"chunk{n}", PICKS, rows) for n, rows in enumerate(chunks)],
            station_magnitudes=put(
                folder, "station_magnitudes", STATION_MAGNITUDES, list(station_magnitudes)
            ),
            stations=put(folder, "stations", STATIONS, [STATION]),
            weights=list(weights),
            mechanisms=[],
            polarities=[],
            velocity=Path(SECTION.file),
            velocity_parts=[],
            model=SECTION.model_dump_json(),
            **outputs,
            exports=[folder / "catalog" / name for name in exports],
        )
        self.events = tables.read(outputs["events"], EVENTS)
        self.arrivals = tables.read(outputs["arrivals"], ARRIVALS)
        self.picks = tables.read(outputs["picks"], PICKS)
        self.quakeml = obspy.read_events(outputs["quakeml"])
        self.csv = pd.read_csv(outputs["csv"])


@pytest.fixture
def log(caplog, monkeypatch):
    logger = logging.getLogger("quakeline")
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.INFO, "quakeline")
    return caplog


def test_everything_is_sorted_and_linked(tmp_path):
    merged = Merged(
        tmp_path,
        [event("late", 60), event("early", 0)],
        [arrival("late", "p3"), arrival("early", "p2"), arrival("early", "p1")],
        [pick("p2", 2), pick("p1", 1), pick("lone", 2)],
        [],
        [pick("p3", 62, event_id="old")],
    )
    assert list(merged.events["event_id"]) == ["early", "late"]
    assert list(merged.picks["pick_id"]) == ["p1", "lone", "p2", "p3"]
    event_ids = merged.picks["event_id"]
    assert event_ids.isna().tolist() == [False, True, False, False]
    assert event_ids.dropna().tolist() == ["early", "early", "late"]
    assert list(merged.arrivals["pick_id"]) == ["p1", "p2", "p3"]
    assert list(merged.csv["event_id"]) == ["early", "late"]
    assert [len(e.picks) for e in merged.quakeml] == [2, 1]
    assert merged.quakeml[0].picks[0].waveform_id.channel_code == "HHZ"


def test_repeats_are_dropped_and_counted(tmp_path, log):
    rows = [pick("a", 1), pick("b", 2)]
    merged = Merged(tmp_path, [], [], rows, rows)
    assert list(merged.picks["pick_id"]) == ["a", "b"]
    assert "2 picks of several chunks dropped" in log.text
    assert "differ" not in log.text


def test_repeats_that_differ_are_told(tmp_path, log):
    merged = Merged(tmp_path, [], [], [pick("a", 1)], [pick("a", 1, probability=0.9)])
    assert list(merged.picks["probability"]) == [0.5]
    assert "1 repeated picks differ" in log.text


def test_no_events(tmp_path, log):
    merged = Merged(tmp_path, [], [], [pick("a", 1)])
    assert (len(merged.events), len(merged.arrivals), len(merged.quakeml)) == (0, 0, 0)
    assert list(merged.csv.columns) == EVENTS.plain_names
    assert merged.picks["event_id"].isna().all()
    assert "no events" in log.text


def test_nothing_at_all(tmp_path):
    merged = Merged(tmp_path, [], [], [], [])
    assert (len(merged.picks), len(merged.csv), len(merged.quakeml)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("events", "arrivals", "message"),
    [
        (["e", "e"], [("e", "p")], "event_id occurs more than once: e "),
        (["e"], [("e", "p"), ("x", "q")], "arrivals belong to no event: x "),
        (["e"], [("e", "p"), ("e", "y")], "arrivals belong to no pick: y "),
        (["e", "f"], [("e", "p"), ("f", "p")], "pick has more than one arrival: p "),
    ],
)
def test_contradictions_are_refused(tmp_path, events, arrivals, message):
    with pytest.raises(DataError, match=message):
        Merged(
            tmp_path,
            [event(event_id, n) for n, event_id in enumerate(events)],
            [arrival(*ids) for ids in arrivals],
            [pick("p", 1), pick("q", 2)],
        )
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize(("name", "expected"), [(None, "0123456789ab"), ("vp 5", "vp~205")])
def test_earth_model_is_named_or_its_digest(tmp_path, name, expected):
    record = provenance.Record("locate", 1, {}, {"velocity": "0123456789abcdef"})
    with provenance.recording(record):
        config = merge.Config(earth_model=name)
        merged = Merged(
            tmp_path, [event("e", 0)], [arrival("e", "p")], [pick("p", 1)], config=config
        )
    model = merged.quakeml[0].origins[0].earth_model_id.id
    assert model == f"smi:local/quakeline/earth_model/{expected}"


def test_signature(tmp_path):
    config = merge.Config(agency_id="LMU", author="me")
    merged = Merged(tmp_path, [event("e", 0)], [arrival("e", "p")], [pick("p", 1)], config=config)
    info = merged.quakeml[0].creation_info
    assert (info.agency_id, info.author) == ("LMU", "me")


@pytest.mark.parametrize("key", ["agency_id", "author", "earth_model"])
def test_settings_fit_quakeml(key):
    for text in ("", "x" * 129):
        with pytest.raises(ValueError, match=key):
            merge.Config(**{key: text})


def test_importing_the_stage_loads_nothing_heavy():
    code = (
        "import sys, importlib.util as u;"
        f"s = u.spec_from_file_location('merge', {merge.__file__!r});"
        "m = u.module_from_spec(s); s.loader.exec_module(m);"
        "print({'obspy', 'pandas', 'numpy', 'pyarrow', 'torch'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_further_formats_stand_beside_the_tables(tmp_path):
    Merged(
        tmp_path,
        [event("one", 0)],
        [arrival("one", "p1")],
        [pick("p1", 1)],
        config=merge.Config(exports=["hypodd", "fdsn-text"], agency_id="ours"),
        exports=(*(f"hypodd/{name}" for name in hypodd.FILES), "catalog.txt"),
    )
    (read,) = obspy.read_events(str(tmp_path / "catalog/hypodd/phase.dat"), format="HYPODDPHA")
    assert len(read.picks) == 1
    (event_of_text,) = obspy.read_events(str(tmp_path / "catalog/catalog.txt"), format="EVENTTXT")
    assert event_of_text.origins[0].creation_info.agency_id == "ours"


def test_amplitudes_behind_magnitudes_stand_at_their_picks(tmp_path):
    codes = {"event_id": "e", "network": "BW", "station": "UH1", "location": "", "instrument": "HH"}
    given = {**codes, "components": "NE", "wood_anderson_mm": 0.25, "magnitude": 1.0}
    merged = Merged(
        tmp_path,
        [event("e", 0, magnitude=1.25, magnitude_type="ML", magnitude_stations=4)],
        [arrival("e", "p1"), arrival("e", "p2")],
        [pick("p1", 1), pick("p2", 2)],
        station_magnitudes=[
            {**given, "pick_id": "p1"},
            {**given, "pick_id": "p2", "magnitude": None, "reason": "too far"},
        ],
    )
    amplitudes = merged.picks["wood_anderson_mm"].tolist()
    assert amplitudes == pytest.approx([0.25, float("nan")], nan_ok=True)
    (magnitude,) = merged.quakeml[0].magnitudes
    assert (magnitude.mag, magnitude.station_count) == (1.25, 4)
    assert merged.csv["magnitude_stations"].tolist() == [4]


def test_the_quakeml_names_the_parent_of_trained_weights(tmp_path):
    path, _ = trained(PHASENET, tmp_path)
    rows = [event("e", 0)], [arrival("e", "p")], [pick("p", 1)]
    (comment,) = Merged(tmp_path, *rows, weights=[path]).quakeml.comments
    assert comment.text.startswith("alpine was trained from phasenet (tensors 3c8ce53a41d3; Zhu")
    assert Merged(tmp_path / "other", *rows).quakeml.comments == []
