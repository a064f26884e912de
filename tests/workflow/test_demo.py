"""The embedded demo from end to end: the events that are there, where and when they were.

Gates: the LMU network's analyst location of a sibling event, and onsets read by eye.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from workfolder import WorkFolder

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.io.formats.ellipsoids import covariance_of
from quakeline.io.products import provenance, tables
from quakeline.workflow.stages.table import STAGES

LARGE = [pd.Timestamp(f"2010-05-27T{time}Z") for time in ("16:24:31.75", "16:27:29.06")]
#: Two small events that a catalog may hold; P at UH3 less its travel time there.
SMALL = [pd.Timestamp(f"2010-05-27T{time}Z") for time in ("16:25:25.2", "16:27:00.6")]
LATITUDE, LONGITUDE, DEPTH_KM = 48.04707, 11.64554, 4.58
P_AT_UH3 = [pd.Timestamp(f"2010-05-27T{time}Z") for time in ("16:24:33.15", "16:27:30.40")]

RESULTS = "results/unterhaching"


@pytest.fixture(scope="module")
def events(demo_run: WorkFolder) -> pd.DataFrame:
    return tables.read(demo_run.folder / RESULTS / "catalog/events.parquet", EVENTS)


@pytest.fixture(scope="module")
def picks(demo_run: WorkFolder) -> pd.DataFrame:
    return tables.read(demo_run.folder / RESULTS / "catalog/picks.parquet", PICKS)


def seconds_from(times: pd.Series, moment: pd.Timestamp) -> pd.Series:
    return (times - moment).dt.total_seconds().abs()


@pytest.mark.parametrize("origin", LARGE, ids=str)
def test_a_large_event_is_found_where_it_was(events: pd.DataFrame, origin: pd.Timestamp) -> None:
    (event,) = events[seconds_from(events["time"], origin) < 0.5].to_dict("records")
    there = np.array([event["latitude"]]), np.array([event["longitude"]])
    distance_km, _ = distance_azimuth(LATITUDE, LONGITUDE, *there)
    assert distance_km[0] < 2
    assert abs(event["depth_km"] - DEPTH_KM) < 2
    assert event["n_p"] >= 3
    assert event["n_s"] >= 1


@pytest.mark.parametrize("origin", LARGE, ids=str)
def test_the_reference_is_in_the_ellipsoid(events: pd.DataFrame, origin: pd.Timestamp) -> None:
    """Within the 68 % ellipsoid: 3.51 of chi-squared with three degrees of freedom."""
    (event,) = events[seconds_from(events["time"], origin) < 0.5].to_dict("records")
    there = np.array([LATITUDE]), np.array([LONGITUDE])
    distance_km, azimuth = distance_azimuth(event["latitude"], event["longitude"], *there)
    angle = np.radians(azimuth[0])
    east, north = distance_km[0] * np.sin(angle), distance_km[0] * np.cos(angle)
    apart = np.array([east, north, DEPTH_KM - event["depth_km"]])
    covariance = covariance_of(event)
    assert covariance is not None
    assert apart @ np.linalg.solve(covariance, apart) < 3.51
    # Two events hardly tell of the velocities, which the errors allow for.
    assert event["horizontal_sigma_km"] < 1.5
    assert event["depth_sigma_km"] < 2.5


def test_there_is_no_false_event(events: pd.DataFrame) -> None:
    for time in events["time"]:
        assert min(abs((time - known).total_seconds()) for known in (*LARGE, *SMALL)) < 1


@pytest.mark.parametrize("onset", P_AT_UH3, ids=str)
def test_p_is_picked_on_its_onset(picks: pd.DataFrame, onset: pd.Timestamp) -> None:
    at_uh3 = picks[(picks["station"] == "UH3") & (picks["phase"] == "P")]
    assert seconds_from(at_uh3["time"], onset).min() < 0.1


def test_arrivals_join_events_and_picks(
    demo_run: WorkFolder, events: pd.DataFrame, picks: pd.DataFrame
) -> None:
    arrivals = tables.read(demo_run.folder / RESULTS / "catalog/arrivals.parquet", ARRIVALS)
    assert set(arrivals["event_id"]) == set(events["event_id"])
    assert set(arrivals["pick_id"]) == set(picks.loc[picks["event_id"].notna(), "pick_id"])
    used = arrivals[arrivals["weight"] > 0].groupby("event_id")["phase"].value_counts()
    for event in events.itertuples():
        assert used[event.event_id].get("P", 0) == event.n_p
        assert used[event.event_id].get("S", 0) == event.n_s


def test_quakeml_reads_back(demo_run: WorkFolder, events: pd.DataFrame) -> None:
    import obspy

    catalog = obspy.read_events(str(demo_run.folder / RESULTS / "catalog/catalog.qml"))
    assert len(catalog) == len(events)
    rows = events.sort_values("time").itertuples()
    for quake, row in zip(sorted(catalog, key=_time), rows, strict=True):
        origin = quake.preferred_origin()
        assert abs(_time(quake) - row.time.timestamp()) < 1e-5
        assert origin.latitude == pytest.approx(row.latitude, abs=1e-6)
        assert origin.depth == pytest.approx(1000 * row.depth_km, abs=0.1)
        identifiers = {pick.resource_id for pick in quake.picks}
        assert origin.arrivals
        assert {arrival.pick_id for arrival in origin.arrivals} <= identifiers


def _time(quake: object) -> float:
    return float(quake.preferred_origin().time.timestamp)  # type: ignore[attr-defined]


def test_the_csv_lists_the_same_events(demo_run: WorkFolder, events: pd.DataFrame) -> None:
    csv = pd.read_csv(demo_run.folder / RESULTS / "catalog/catalog.csv")
    assert list(csv["event_id"]) == list(events["event_id"])


def test_products_say_what_made_them(demo_run: WorkFolder) -> None:
    made_by = {
        path.relative_to(demo_run.folder / RESULTS).parts[0]: provenance.read(path)["stage"]
        for suffix in ("parquet", "zarr")
        for path in (demo_run.folder / RESULTS).rglob(f"*.{suffix}")
    }
    assert made_by["catalog"] == "merge"
    assert made_by["picks"] == "pick"
    assert made_by["waveforms"] == "prepare"
    assert made_by["probabilities"] == "annotate"


def test_the_report_is_there(demo_run: WorkFolder, events: pd.DataFrame) -> None:
    page = (demo_run.folder / RESULTS / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert len(page) > 10_000


def test_every_job_left_a_log_and_a_benchmark(demo_run: WorkFolder) -> None:
    results = demo_run.folder / RESULTS
    logs = {path.relative_to(results / "logs").with_suffix("") for path in results.rglob("*.log")}
    times = {
        path.relative_to(results / "benchmarks").with_suffix("") for path in results.rglob("*.tsv")
    }
    assert logs == times
    assert not list(results.rglob("*.error"))
    assert not list(results.rglob("*.part"))


def test_the_summary_shows_the_events(demo_run: WorkFolder) -> None:
    done = demo_run.quakeline("summary", "unterhaching")
    assert done.returncode == 0, done.stderr
    assert "2010-05-27T16:24:31" in done.stdout
    assert "2010-05-27T16:27:2" in done.stdout


#: Versions of the stages that numbers come from, and what they gave. Where a number here changes,
#: raise the VERSION of the stage that changed it, and put both together.
GOLDEN = {
    "versions": {
        "prepare": 11,
        "weights": 1,
        "annotate": 3,
        "pick": 3,
        "associate": 19,
        "locate": 18,
    },
    "picks": {"UH1 P": 2, "UH1 S": 2, "UH2 P": 4, "UH2 S": 2}
    | {"UH3 P": 3, "UH3 S": 5, "UH4 P": 2, "UH4 S": 1},
    "probability": {"UH3 P": 0.9850, "UH3 S": 0.9553},
    "events": [(31.79, 48.0467, 11.6466, 5.25), (209.01, 48.0461, 11.6466, 5.60)],
}


def test_numbers_are_those_of_the_versions(events: pd.DataFrame, picks: pd.DataFrame) -> None:
    names = ("prepare", "weights", "annotate", "pick", "associate", "locate")
    assert {name: STAGES[name].module.VERSION for name in names} == GOLDEN["versions"]
    keys = picks["station"] + " " + picks["phase"]
    assert keys.value_counts().to_dict() == GOLDEN["picks"]
    largest = picks.groupby(keys)["probability"].max()
    for key, probability in GOLDEN["probability"].items():
        assert largest[key] == pytest.approx(probability, abs=2e-4)
    begin = pd.Timestamp("2010-05-27T16:24:00Z")
    for event, golden in zip(events.to_dict("records"), GOLDEN["events"], strict=True):
        seconds, latitude, longitude, depth_km = golden
        assert (event["time"] - begin).total_seconds() == pytest.approx(seconds, abs=0.02)
        assert event["latitude"] == pytest.approx(latitude, abs=5e-4)
        assert event["longitude"] == pytest.approx(longitude, abs=5e-4)
        assert event["depth_km"] == pytest.approx(depth_km, abs=0.05)
