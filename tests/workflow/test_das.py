"""Fibres through the real workflow: the embedded earthquake, and a fibre beside seismometers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import das_sequence
import numpy as np
import pandas as pd
import pytest
from pages import DESKTOP, PHONE, Visit
from runs import WIDE, Finished
from workfolder import WorkFolder

from quakeline.core.geometry import distance_azimuth
from quakeline.core.reasons import Code, reasons_in
from quakeline.core.schemas import (
    ARRIVALS,
    COVERAGE,
    EVENTS,
    FIBRE_PICKS,
    PICKS,
    STATION_MAGNITUDES,
)
from quakeline.io.products import tables
from quakeline.training.fibres.records import RATE, START, FibreRecords

BEGIN = pd.Timestamp("2016-03-21T07:37:30.532309Z")
P_S, S_S = 8.4, 28.2


@pytest.fixture(scope="session")
def porotomo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    """The embedded fibre demo. Do not change it."""
    return Finished.once(tmp_path_factory, worker_id, "porotomo", lambda place: "porotomo")


@pytest.fixture(scope="session")
def sequence(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    """Four seismometers and a fibre that record three known sources. Do not change it."""
    return Finished.once(tmp_path_factory, worker_id, "sequence", das_sequence.furnish)


@pytest.fixture(scope="session")
def own_network(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    """The same sequence, the fibre with a network of its own. Do not change it."""
    return Finished.once(tmp_path_factory, worker_id, "own_network", das_sequence.furnish_own)


def seconds(picks: pd.DataFrame) -> pd.Series:
    return (picks["time"] - BEGIN).dt.total_seconds()


def test_p_and_s_are_picked_across_the_cable(porotomo: Finished) -> None:
    """Single channels call a third of P S and the reverse; fronts do not."""
    assert porotomo.code == 0, porotomo.out + porotomo.err
    (path,) = porotomo.results("porotomo").glob("fibres/BRADY/picks/*.parquet")
    picks = tables.read(path, FIBRE_PICKS)
    raw = {phase: seconds(picks[picks["phase"] == phase]) for phase in "PS"}
    assert {phase: len(times) for phase, times in raw.items()} == {"P": 326, "S": 729}
    for phase, onset in (("P", P_S), ("S", S_S)):
        assert ((raw[phase] - onset).abs() < 1).mean() < 0.7
    clean = {phase: seconds(picks[picks["front_phase"] == phase]) for phase in "PS"}
    assert len(clean["P"]) == pytest.approx(320, abs=6)
    assert len(clean["S"]) == pytest.approx(429, abs=10)
    assert ((clean["P"] - P_S).abs() < 0.6).all()
    assert ((clean["S"] - S_S).abs() < 1).mean() > 0.95
    assert clean["P"].median() == pytest.approx(P_S, abs=0.15)
    assert clean["S"].median() == pytest.approx(S_S, abs=0.15)
    across = picks.loc[picks["front_phase"] == "P", "channel_index"]
    assert (across.min(), across.max()) == (0, 499)
    assert across.nunique() > 300
    assert np.nanstd(picks.loc[picks["front"] >= 0, "residual_s"]) < 0.05


def test_no_location_is_possible_and_the_run_says_why(porotomo: Finished) -> None:
    results = porotomo.results("porotomo")
    assert tables.read(results / "catalog/events.parquet", EVENTS).empty
    assert "No events" in porotomo.out
    assert "no positions of their channels" in " ".join(porotomo.out.split())
    assert "fibre BRADY" in porotomo.out
    page = (results / "report.html").read_text()
    assert "No events in this run" in page
    assert "the channels have no positions" in page
    picks = tables.read(results / "catalog/picks.parquet", PICKS)
    assert set(picks["fibre"]) == {"BRADY"}
    assert len(picks) == len(list(picks["pick_id"].unique()))


def test_the_report_shows_a_small_waterfall_with_picks(porotomo: Finished) -> None:
    page = (porotomo.results("porotomo") / "report.html").read_text()
    assert page.count('<figure class="waterfall">') == 1
    image = page.split('src="data:image/png;base64,')[1].split('"')[0]
    assert 20_000 < len(image) < 200_000
    for phase in "PS":
        path = page.split(f'<path class="{phase}" d="M')[1].split('"')[0]
        assert path.count("v") > 250


def test_a_fibre_of_a_run_becomes_records_to_train_on(porotomo: Finished, tmp_path: Path) -> None:
    """Labels are the picks on fronts; samples are as the run prepared them."""
    words = ("dataset", "from-fibre", "porotomo", "BRADY", "-o", str(tmp_path / "ds"))
    more = ("--length", "20", "--channels", "100", "--split", "fibre")
    done = porotomo.place.quakeline(*words, *more)
    assert done.returncode == 0, done.stderr
    found = FibreRecords.open(tmp_path / "ds")
    assert all(found.rows(part) for part in ("train", "dev", "test"))
    (path,) = porotomo.results("porotomo").glob("fibres/BRADY/picks/*.parquet")
    picks = tables.read(path, FIBRE_PICKS)
    on_fronts = picks[picks["front"] >= 0]
    labels = 0
    for row in range(len(found)):
        samples, onsets = found.read(row)
        assert samples.std() > 0
        start = pd.Timestamp(found.table[START].iloc[row])
        for phase, own in onsets.items():
            rate = found.table[RATE].iloc[row]
            times = start + pd.to_timedelta(own[np.isfinite(own)] / rate, unit="s")
            known = on_fronts.loc[on_fronts["front_phase"] == phase, "time"]
            for time in times:
                assert (known - time).abs().min() < pd.Timedelta("1ms")
            labels += len(times)
    assert labels > len(on_fronts) / 3
    inside = WorkFolder(porotomo.results("porotomo"), environment=WIDE)
    done = inside.quakeline("dataset", "from-fibre", ".", "BRADY", "-o", str(tmp_path / "d"), *more)
    assert done.returncode == 0, done.stderr
    assert len(FibreRecords.open(tmp_path / "d")) == len(found)
    done = porotomo.place.quakeline("dataset", "from-fibre", "porotomo", "X", "-o", "ds")
    assert done.returncode == 2
    assert "fibres of porotomo: BRADY" in done.stderr


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_times_stand_below_their_place_in_the_waterfall(
    porotomo: Finished, browser: Any, size: dict[str, int]
) -> None:
    visit = Visit(browser, porotomo.results("porotomo") / "report.html", size, "light")
    picture, axis = (
        visit.page.locator(f".waterfall .{name}").bounding_box() for name in ("picture", "axis")
    )
    visit.context.close()
    assert (axis["x"], axis["width"]) == (picture["x"], picture["width"])
    assert axis["y"] == pytest.approx(picture["y"] + picture["height"], abs=2)


def test_nothing_is_done_again(porotomo: Finished) -> None:
    place = porotomo.place
    assert place.planned("--configfile", "config/runs/porotomo.yaml") == {}


@pytest.mark.parametrize(
    ("run", "most_km", "most_s"),
    [("sequence", 1.0, 0.2), pytest.param("own_network", 3.0, 0.5, marks=pytest.mark.slow)],
)
def test_the_picks_of_the_fibre_enter_the_events_of_the_seismometers(
    run: str, most_km: float, most_s: float, request: pytest.FixtureRequest
) -> None:
    """The fibre's own network is untrained and late or early by some tenths of a second."""
    sequence: Finished = request.getfixturevalue(run)
    assert sequence.code == 0, sequence.out + sequence.err
    catalog = sequence.results("sequence") / "catalog"
    events = tables.read(catalog / "events.parquet", EVENTS)
    arrivals = tables.read(catalog / "arrivals.parquet", ARRIVALS)
    picks = tables.read(catalog / "picks.parquet", PICKS)
    assert len(events) == len(das_sequence.SOURCES)
    origin = pd.Timestamp(das_sequence.START.datetime, tz="UTC")
    for event, (time, x, y, depth) in zip(events.itertuples(), das_sequence.SOURCES, strict=True):
        latitude, longitude = das_sequence.FRAME.to_latlon(np.array([x]), np.array([y]))
        away, _ = distance_azimuth(event.latitude, event.longitude, latitude, longitude)
        assert away[0] < most_km
        assert abs(event.depth_km - depth) < most_km
        assert abs((event.time - origin).total_seconds() - time) < most_s
        ids = arrivals.loc[arrivals["event_id"] == event.event_id, "pick_id"]
        own = picks[picks["pick_id"].isin(ids)]
        for phase in "PS":
            sources = own.loc[own["phase"] == phase, "source"].value_counts()
            assert sources["das"] >= 4, (event.event_id, phase)
            assert sources["waveform"] >= 3, (event.event_id, phase)
    reasons = tables.read(catalog.parent / "magnitudes/stations.parquet", STATION_MAGNITUDES)
    fibre = reasons["network"] == "CABLE"
    told = [
        {one.code for one in reasons_in(text, codes)}
        for text, codes in zip(reasons["reason"], reasons["reason_codes"], strict=True)
    ]
    assert all((codes == {Code.ON_FIBRE}) == own for codes, own in zip(told, fibre, strict=True))
    assert not any(Code.NO_SITE in codes for codes in told)


@pytest.mark.slow
def test_a_network_of_its_own_picks_the_fibre_alone(own_network: Finished) -> None:
    results = own_network.results("sequence")
    assert (results / "weights/picker.safetensors").is_file()
    assert (results / "weights/fibres.safetensors").is_file()
    picks = tables.read(results / "catalog/picks.parquet", PICKS)
    models = picks.groupby("source")["model"].unique()
    assert models["das"].tolist() == ["das-onset-onset"]
    assert models["waveform"].tolist() == ["phasenet"]


def test_picks_of_the_fibre_are_true(sequence: Finished) -> None:
    """Against the times at which P and S came."""
    results = sequence.results("sequence")
    (path,) = results.glob("fibres/CABLE/picks/*.parquet")
    picks = tables.read(path, FIBRE_PICKS)
    members = picks[picks["front"] >= 0]
    came = (
        members["time"] - pd.Timestamp(das_sequence.START.datetime, tz="UTC")
    ).dt.total_seconds()
    x = das_sequence.FIBRE[0] + members["channel_index"] * das_sequence.SPACING_M / 1000
    y = np.full(len(x), das_sequence.FIBRE[1])
    errors = []
    for phase in "PS":
        of = members["front_phase"] == phase
        true = np.array(
            [das_sequence.delays(x[of], y[of.to_numpy()], s)[phase] for s in das_sequence.SOURCES]
        )
        errors.append(np.abs(true - came[of].to_numpy()).min(axis=0))
    assert np.percentile(np.concatenate(errors), 90) < 0.25
    assert das_sequence.DEAD not in set(picks["channel_index"])
    coverage = tables.read(next(results.glob("fibres/CABLE/coverage/*")), COVERAGE)
    assert "1 of 150 channels never change" in coverage["notes"].iloc[0]
    page = (results / "report.html").read_text()
    assert "fibres are thick lines" in page
    assert "fibre CABLE" in page
