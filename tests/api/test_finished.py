"""`quakeline.open_run`: tables, stores, obspy objects and figures of the finished demo."""

from __future__ import annotations

import shutil
from pathlib import Path

import archives
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from workfolder import WorkFolder

import quakeline
from quakeline.api.figures import statistics
from quakeline.api.finished import FinishedRun
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MECHANISMS, PICKS, POLARITIES, STATIONS


@pytest.fixture
def run(demo_run: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> FinishedRun:
    """The demo, opened from the folder that it was made in."""
    monkeypatch.chdir(demo_run.folder)
    return quakeline.open_run("results/unterhaching")


def test_tables_are_those_of_the_catalog(run: FinishedRun) -> None:
    for frame, schema in (
        (run.events, EVENTS),
        (run.arrivals, ARRIVALS),
        (run.picks, PICKS),
        (run.stations, STATIONS),
    ):
        assert list(frame.columns)[: len(schema.names)] == schema.names
        assert len(frame)
    for frame, schema in ((run.mechanisms, MECHANISMS), (run.polarities, POLARITIES)):
        assert list(frame.columns) == schema.names
        assert frame.empty
    assert set(run.arrivals_of(0)["event_id"]) == {run.events["event_id"][0]}
    assert run.arrivals_of(0)["time"].notna().all()
    assert run.settings["run"] == "unterhaching"
    assert run.provenance["stage"] == "merge"


def test_a_run_is_found_by_its_name_and_a_catalog_in_its_folder(
    run: FinishedRun, tmp_path: Path
) -> None:
    assert quakeline.open_run("unterhaching").events.equals(run.events)
    alone = tmp_path / "alone"
    shutil.copytree("results/unterhaching/catalog", alone)
    opened = quakeline.open_run(alone)
    assert opened.events.equals(run.events)
    assert opened.stations.empty
    with pytest.raises(DataError, match=r"keeps them with keep: \[waveforms\]"):
        _ = opened.waveforms
    with pytest.raises(DataError, match=r"nowhere holds no events\.parquet"):
        quakeline.open_run("nowhere")


def test_streams_are_the_recordings(run: FinishedRun) -> None:
    """UH4 was recorded at the rate of the network, so its samples are those of the file."""
    event = run.event(0)
    stream = run.stream(0, before_s=5, after_s=20)
    assert sorted({f"{t.stats.station}.{t.stats.channel}" for t in stream}) == sorted(
        f"{t.stats.station}.{t.stats.channel}" for t in archives.recordings()
    )
    last = run.arrivals_of(0)["time"].max()
    for trace in stream:
        assert abs(trace.stats.starttime.timestamp - event["time"].timestamp() + 5) <= 0.011
        assert abs(trace.stats.endtime.timestamp - last.timestamp() - 20) <= 0.011
    (kept,) = stream.select(station="UH4", channel="EHZ")
    (raw,) = archives.recordings("UH4.EHZ")
    raw.trim(kept.stats.starttime, kept.stats.endtime, nearest_sample=True)
    assert abs(raw.stats.starttime - kept.stats.starttime) < 1e-3
    assert np.corrcoef(raw.data, kept.data)[0, 1] > 0.999
    nearest = run.arrivals_of(0).set_index("station")["distance_km"]
    assert kept.stats.distance / 1000 == pytest.approx(nearest["UH4"].iloc[0], abs=0.01)


def test_gaps_part_traces(run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.waveforms.load()
    holed = whole["valid"].copy()
    middle = run.event(0)["time"].tz_convert(None)
    end = middle + pd.Timedelta(seconds=1)
    holed.loc[{"instrument": "BW.UH1..SH", "time": slice(middle, end)}] = False
    monkeypatch.setitem(run._stores, "waveforms", whole.assign(valid=holed))
    parts = run.stream(0).select(station="UH1")
    assert len(parts) == 2
    assert parts[1].stats.starttime - parts[0].stats.endtime > 0.9
    assert not any(np.ma.isMaskedArray(trace.data) for trace in parts)


@pytest.mark.parametrize("event", ["ql1", 2, -3])
def test_events_that_are_none(run: FinishedRun, event: str | int) -> None:
    for ask in (run.event, run.stream, run.plot.record_section):
        with pytest.raises(ConfigError, match="there are 0 to 1, ql20100527"):
            ask(event)


def test_figures_show_what_there_is(run: FinishedRun) -> None:
    figure = run.plot.map()
    (drawn,) = figure.axes[0].collections
    assert np.allclose(drawn.get_offsets(), run.events[["longitude", "latitude"]])
    assert len(figure.axes[0].lines[0].get_xdata()) == 4
    depths = run.plot.section(azimuth_deg=0).axes[0]
    assert depths.yaxis_inverted()
    with pytest.raises(DataError, match="no event lies within 1e-09 km around"):
        run.plot.section(azimuth_deg=90, width_km=1e-9)
    records = run.plot.record_section(0).axes[0]
    assert len(records.lines) == 4
    spread = run.plot.residuals().axes[0]
    n = (run.arrivals["phase"] == "P").sum()
    assert spread.get_legend().get_texts()[0].get_text().startswith(f"P: {n}, rms ")
    with pytest.raises(DataError, match="no waveforms of component X"):
        run.plot.record_section(0, component="X")
    with pytest.raises(DataError, match="no event has a magnitude"):
        run.plot.gutenberg_richter()


def test_gutenberg_richter_is_drawn_with_its_law(run: FinishedRun) -> None:
    """4,000 magnitudes of b = 1 above 0.95."""
    drawn = 0.95 + np.random.default_rng(5).exponential(1 / np.log(10), 4000)
    many = run.events.iloc[np.zeros(4000, int)].assign(magnitude=drawn, magnitude_type="ML")

    class Many:
        events, folder = many, run.folder

    figure: Figure = statistics.gutenberg_richter_of(Many())  # type: ignore[arg-type]
    (axes,) = figure.axes
    assert axes.get_xlabel() == "ML"
    assert axes.lines[0].get_ydata()[0] == 4000
    label = axes.lines[2].get_label()
    assert isinstance(label, str)
    assert float(label.split()[2]) == pytest.approx(1.0, abs=0.06)


def test_tables_with_places(run: FinishedRun) -> None:
    """Each row keeps its cells, and lies where its own or its station's coordinates say."""
    for name, rows in (("events", run.events), ("stations", run.stations)):
        made = run.to_geopandas(name)
        assert made.crs.to_epsg() == 4326
        pd.testing.assert_frame_equal(pd.DataFrame(made.drop(columns="geometry")), rows)
        assert np.allclose(made.geometry.x, rows["longitude"])
        assert np.allclose(made.geometry.y, rows["latitude"])
    for name, rows in (("picks", run.picks), ("arrivals", run.arrivals)):
        made = run.to_geopandas(name)
        assert made["pick_id"].tolist() == rows["pick_id"].tolist()
        stations = run.stations.drop_duplicates("station").set_index("station")
        assert np.allclose(made.geometry.y, stations["latitude"][made["station"]])
    with pytest.raises(ConfigError, match="table: 'waveforms' given; allowed: events, stations"):
        run.to_geopandas("waveforms")


def test_rows_without_places_have_no_point() -> None:
    table = pd.DataFrame({"longitude": [11.0, np.nan], "latitude": [48.0, 48.0]}, index=[7, 9])
    made = quakeline.to_geopandas(table)
    assert made.geometry[7].x == 11.0
    assert made.geometry[9] is None
    with pytest.raises(DataError, match="no column latitude"):
        quakeline.to_geopandas(table[["longitude"]])
