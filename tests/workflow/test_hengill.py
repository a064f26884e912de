"""A full array end to end: Hengill, Iceland, 5 minutes of 20 stations at 200 Hz, EH and HH mixed.

The data are those of the project's shared material (QUAKELINE_SHARED); the velocities are those of
`local.txt` beside them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from runs import Finished, read_all
from workfolder import WorkFolder

from quakeline.core.schemas import ARRIVALS, CLASSES, COVERAGE, EVENTS, PICKS, WINDOW_CLASSES
from quakeline.io.products import provenance, tables

OVERLAY = """
run: hengill
time: {{start: 2018-12-30T03:00:00Z, end: 2018-12-30T03:05:00Z}}
stations: {{table: {data}/stations.csv}}
fetch: {{source: {{kind: files, paths: ["{data}/*.mseed"]}}}}
velocity: {{table: velocity.csv}}
associate:
  margin_km: 5
  depth_km: [0, 12]
  min_picks: 8
  min_p_picks: 4
  min_s_picks: 3
  min_p_and_s: 3
  tolerance_s: 0.4
  min_interevent_s: 1.5
  node_km: 2
locate: {{depth_km: [-0.5, 15]}}
classify: {{kind: network, weights: {{path: {weights}/quakexnet_base.pt.v1}}}}
report: {{title: Hengill}}
"""


def velocity_table(layers: Path) -> str:
    """The layers of `local.txt` (top in km, Vp, gradient, Vs, ...) as a velocity table."""
    rows = [line.split() for line in layers.read_text().splitlines() if line[:1] not in "#"]
    return "depth_km,vp,vs\n" + "".join(f"{row[0]},{row[1]},{row[3]}\n" for row in rows if row)


@pytest.fixture(scope="module")
def hengill(shared: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    data = shared / "data/hengill"

    def furnish(place: WorkFolder) -> str:
        velocity = place.folder / "velocity.csv"
        velocity.write_text(velocity_table(data / "local.txt"), encoding="utf-8")
        return place.overlay(OVERLAY.format(data=data, weights=shared / "weights/event"))

    done = Finished.once(tmp_path_factory, worker_id, "hengill", furnish)
    assert done.code == 0, done.out + done.err
    return done


def test_every_channel_of_the_array_is_used(hengill: Finished) -> None:
    (path,) = (hengill.results("hengill") / "coverage").glob("*.parquet")
    coverage = tables.read(path, COVERAGE)
    assert len(coverage) == 60
    assert set(coverage["instrument"]) == {"EH", "HH"}
    assert set(coverage["status"]) == {"used"}
    rates = coverage.groupby("station")["input_rate_hz"].max().value_counts().to_dict()
    assert rates == {200.0: 19, 100.0: 1}
    assert coverage["coverage"].min() > 0.999
    assert coverage["n_gaps"].sum() == 0
    assert (coverage["clipped_s"] == 0).all()


def test_picks_and_events(hengill: Finished) -> None:
    catalog = hengill.results("hengill") / "catalog"
    picks = tables.read(catalog / "picks.parquet", PICKS)
    events = tables.read(catalog / "events.parquet", EVENTS)
    arrivals = tables.read(catalog / "arrivals.parquet", ARRIVALS)
    assert picks["station"].nunique() == 20
    counts = picks["phase"].value_counts()
    assert counts["P"] == pytest.approx(123, abs=4)
    assert counts["S"] == pytest.approx(119, abs=4)
    assert len(events) == 9
    assert len(arrivals) > 0.95 * len(picks)
    assert (events["rms_s"] < 0.12).all()
    # Seven events of one swarm within a kilometre, two 7 km south of it, at the network's edge.
    swarm = events[events["latitude"].between(64.030, 64.041)]
    assert len(swarm) == 7
    assert (swarm["quality"] == "good").all()
    assert set(events["quality"]) <= {"good", "arrivals from one side only"}
    assert swarm["longitude"].between(-21.395, -21.380).all()
    # With 20 stations in 6 km depths of few events are told to some 0.6 km: each lies within two of
    # its stated errors.
    middle = swarm["depth_km"].median()
    assert 1.8 < middle < 3.2
    assert ((swarm["depth_km"] - middle).abs() < 2 * swarm["depth_sigma_km"]).all()
    assert swarm["depth_sigma_km"].max() < 1.1


def test_a_network_tells_earthquakes_where_its_windows_can_be_placed(hengill: Finished) -> None:
    """The last minute has no 75 s behind its P."""
    results = hengill.results("hengill")
    windows = read_all(results / "classes/windows", WINDOW_CLASSES)
    assert set(windows["classifier"].str.split().str[0]) == {"quakexnet-base"}
    told = windows[windows["event_class"].notna()]
    assert told.groupby("pick_id")["probability"].sum().to_numpy() == pytest.approx(1, abs=1e-5)
    events = tables.read(results / "catalog/events.parquet", EVENTS)
    late = events["time"] > pd.Timestamp("2018-12-30T03:03:40Z")
    assert set(events.loc[~late, "event_class"]) == {"earthquake"}
    assert set(events.loc[late, "event_class"]) == {"unknown"}
    assert events.loc[late, "event_class_probability"].isna().all()
    classes = tables.read(results / "classes/classes.parquet", CLASSES)
    why = classes.loc[classes["event_class"] == "unknown", "evidence"]
    assert why.str.startswith("no window: ").all()
    chosen = provenance.read(results / "classes/classes.parquet")["chosen"]
    assert chosen["classify.max_distance_km"] == 300
    assert "7 earthquake, 2 unknown" in hengill.out


def test_the_report_has_the_map(hengill: Finished) -> None:
    page = (hengill.results("hengill") / "report.html").read_text(encoding="utf-8")
    assert "Hengill" in page
    assert "<svg" in page
