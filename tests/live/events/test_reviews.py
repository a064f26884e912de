"""Whole days are reviewed when they are over: their events are those of an archive, bit by bit."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from live_events import measured_around, part_of, steps

from quakeline.core.reasons import Code
from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.events.chain.sections import Sections
from quakeline.events.chain.whole import made
from quakeline.io.products import provenance, tables
from quakeline.live.events import files, publication, reviews
from quakeline.live.events.section import Events
from quakeline.live.events.setup import Setup
from quakeline.live.output import TABLE, Output
from quakeline.live.remarks import Remarks
from quakeline.live.results import Picks

RECIPE = provenance.Record("live", 1, {"a": 1})
DAY_S = 86_400
CATALOG = {files.EVENTS_TABLE: EVENTS, files.ARRIVALS_TABLE: ARRIVALS}


@pytest.fixture(scope="module")
def material(shared):
    folder = shared / "data/picks/ridgecrest2019_pal_foreshocks"
    return part_of(folder, "2019-07-04T18:00Z", 240.0)


@pytest.fixture(scope="module")
def setup(material) -> Setup:
    return Setup(material.stations, material.model, rules=Events(settle_s=0, step_s=0.001))


class At:
    """A session's events at work in a folder."""

    def __init__(self, setup: Setup, target: Path, *, by_day: bool = False) -> None:
        self.said, self.remarks = [], Remarks()
        self.output = Output(target, "live", RECIPE, names=files.NAMES, by_day=by_day)
        self.work = setup.working(self.output.place, self.remarks, self.said.append)
        self.output.begin()
        self.work.begin(self.output)

    def give(self, picks: pd.DataFrame, known_ns: int) -> None:
        """Hand over picks, and let all picks before a time be known."""
        if len(picks):
            new = self.output.add(Picks(picks, np.full(len(picks), known_ns), np.zeros(len(picks))))
            if new is not None:
                self.work.add(new)
        self.work.work(known_ns)
        self.work.flush()
        self.write()

    def write(self, *, ended: bool = False) -> None:
        self.output.write({}, {}, {}, now=True, ended=ended)

    def until_reviewed(self, day: str, known_ns: int) -> None:
        deadline = time.monotonic() + 300
        while self.work.write()["reviewed"] < day and not self.remarks.all():
            assert time.monotonic() < deadline
            self.work.work(known_ns)
            time.sleep(0.01)
        self.write()

    def close(self) -> None:
        self.work.close()
        self.output.close()


def replayed(setup: Setup, picks: pd.DataFrame, target: Path, step_s: float = 60.0) -> list:
    at = At(setup, target)
    try:
        for known_ns, new in steps(picks, step_s):
            at.give(new, known_ns)
        at.work.finish()
        at.write(ended=True)
    finally:
        at.close()
    return at.said


def assert_same(folder: Path, expected: dict[str, pd.DataFrame]) -> None:
    """Tables are equal in all but the ids of events, which belong to the same picks."""
    found = {name: tables.read(folder / name, schema) for name, schema in CATALOG.items()}
    pairs = zip(found[files.EVENTS_TABLE]["event_id"], expected[files.EVENTS_TABLE]["event_id"],
                strict=True)  # fmt: skip
    ids = dict(pairs)
    for name, table in found.items():
        named = table.assign(event_id=table["event_id"].map(ids))
        order = [one for one in ("time", "event_id", "pick_id") if one in named]
        both = [one.sort_values(order, ignore_index=True) for one in (named, expected[name])]
        pd.testing.assert_frame_equal(*both, check_exact=True)


def catalog_of(
    material, picks: pd.DataFrame, measurements: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    given = material.measurements if measurements is None else measurements
    catalog = made(replace(material, picks=picks, measurements=given), Sections()).catalog
    return {files.EVENTS_TABLE: catalog.events, files.ARRIVALS_TABLE: catalog.arrivals}


@pytest.fixture(scope="module")
def whole(setup, material, tmp_path_factory) -> tuple[Path, list]:
    target = tmp_path_factory.mktemp("whole") / "out"
    return target, replayed(setup, material.picks, target)


def test_a_replay_ends_with_the_catalog_of_an_archive(whole, material):
    target, said = whole
    picks = tables.read(target / TABLE, PICKS)
    expected = catalog_of(material, picks)
    assert len(expected[files.EVENTS_TABLE]) >= 5
    assert_same(target, expected)
    rows = [json.loads(line) for line in (target / files.LINES).read_text().splitlines()]
    last = {row["id"]: row for row in rows}
    assert {row["status"] for row in last.values()} <= {"reviewed", "withdrawn"}
    assert [(row["id"], row["version"]) for row in rows] == [
        (one.event_id, one.version) for one in said
    ]
    before = {row["id"] for row in rows if row["status"] == "final"}
    assert len(before & set(tables.read(target / files.EVENTS_TABLE, EVENTS)["event_id"])) >= 4


def test_no_kill_in_a_review_loses_or_doubles_a_version(
    whole, setup, material, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    add, left = publication.Publication.add, [0]

    def dying(self, updates, picks):
        updates = list(updates)
        if any(one.status == "reviewed" for one in updates):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
        add(self, updates, picks)
        if left[0] == 1:
            left[0] = 0
            raise Killed

    monkeypatch.setattr(publication.Publication, "add", dying)
    for count in (2, 4):
        left[0] = count
        with pytest.raises(Killed):
            replayed(setup, material.picks, tmp_path / "out")
    left[0] = -1
    replayed(setup, material.picks, tmp_path / "out")
    for name in CATALOG:
        found, once = (
            tables.read(one / name, CATALOG[name]) for one in (tmp_path / "out", whole[0])
        )
        pd.testing.assert_frame_equal(found, once, check_exact=True)
    both = [
        sorted((row["id"], row["version"], row["status"]) for row in map(json.loads, text))
        for text in (
            (one / files.LINES).read_text().splitlines() for one in (tmp_path / "out", whole[0])
        )
    ]
    assert both[0] == both[1]


def test_an_event_over_midnight_comes_once(whole, setup, material, tmp_path):
    events = tables.read(whole[0] / files.EVENTS_TABLE, EVENTS)
    middle = events.sort_values("time")["time"].iloc[len(events) // 2]
    midnight = pd.Timestamp("2019-07-05T00:00Z")
    moved = material.picks["time"] + (midnight - middle - pd.Timedelta("0.5s"))
    names = [f"{old.rsplit('/', 1)[0]}/{at.isoformat()}"
             for old, at in zip(material.picks["pick_id"], moved, strict=True)]  # fmt: skip
    picks = material.picks.assign(time=moved, pick_id=names)
    at = At(setup, tmp_path / "out", by_day=True)
    late_ns = midnight.value + 2 * DAY_S * SECOND
    try:
        for known_ns, new in steps(picks, 60.0):
            at.work.measure([measured_around(new["pick_id"])])
            at.give(new, known_ns)
        at.until_reviewed("2019-07-04", known_ns + 600 * SECOND)
        task = at.work._reviews._asked("2019-07-04")
        at.until_reviewed("2019-07-05", late_ns)
    finally:
        at.close()
    first = [tables.read(tmp_path / "out/2019-07-04" / one, CATALOG[one]) for one in CATALOG]
    later = [tables.read(tmp_path / "out/2019-07-05" / one, CATALOG[one]) for one in CATALOG]
    assert (first[0]["time"] < midnight).all()
    assert (midnight - first[0]["time"].max()).total_seconds() < 1
    used = [*first[1]["pick_id"], *later[1]["pick_id"]]
    assert len(used) == len(set(used))
    is_first = picks["time"] < midnight
    over = first[1]["pick_id"].isin(picks["pick_id"][~is_first])
    assert over.any()  # an event of the first day has picks of the next one
    for day, own in (("2019-07-04", picks[is_first]), ("2019-07-05", picks[~is_first])):
        table = tables.read(tmp_path / "out" / day / files.MEASUREMENTS_TABLE, MEASUREMENTS)
        assert sorted(table["pick_id"]) == sorted(own["pick_id"])
    whole_picks = picks.sort_values(["time", "pick_id"], ignore_index=True)
    own = whole_picks[whole_picks["time"] < midnight + pd.Timedelta(task.after_ns)]
    made_of = catalog_of(
        material, tables.typed(own.reset_index(drop=True), PICKS), measured_around(own["pick_id"])
    )
    inside = made_of[files.EVENTS_TABLE].query("time < @midnight").reset_index(drop=True)
    arrivals = made_of[files.ARRIVALS_TABLE]
    arrivals = arrivals[arrivals["event_id"].isin(inside["event_id"])].reset_index(drop=True)
    assert_same(tmp_path / "out/2019-07-04",
                {files.EVENTS_TABLE: inside, files.ARRIVALS_TABLE: arrivals})  # fmt: skip
    left = whole_picks[
        (whole_picks["time"] >= midnight - pd.Timedelta("30s"))
        & ~whole_picks["pick_id"].isin(first[1]["pick_id"])
    ]
    around = measured_around(left["pick_id"])
    made_of = catalog_of(material, tables.typed(left.reset_index(drop=True), PICKS), around)
    assert_same(tmp_path / "out/2019-07-05", made_of)
    last = {one.event_id: one.status for one in at.said}
    assert set(last.values()) <= {"reviewed", "withdrawn"}


def test_the_next_session_makes_a_review_that_a_stop_interrupts(setup, material, tmp_path):
    picks, said = material.picks, []
    later_ns = int(picks["time"].max().value) + 2 * DAY_S * SECOND
    for number in range(2):
        at = At(setup, tmp_path / "out", by_day=True)
        try:
            at.give(picks, later_ns)
            at.work.work(later_ns)
            at.write()  # begins with the review
            if number:
                at.until_reviewed("2019-07-04", later_ns)
        finally:
            at.close()
            said += at.said
    last = {one.event_id: one for one in said}
    assert {one.status for one in last.values()} <= {"reviewed", "withdrawn"}
    assert len(said) == sum(one.version for one in last.values())
    assert_same(tmp_path / "out/2019-07-04", catalog_of(material, picks))


def failing(task: object) -> None:
    raise ValueError("of this test")


def over_midnight(picks: pd.DataFrame) -> pd.DataFrame:
    """The same picks, moved so that the middle one is the first of a day."""
    midnight = pd.Timestamp("2019-07-05T00:00Z")
    moved = picks["time"] + (midnight - picks["time"].iloc[len(picks) // 2])
    names = [f"{old}/{at.isoformat()}" for old, at in zip(picks["pick_id"], moved, strict=True)]
    return picks.assign(time=moved, pick_id=names)


def test_a_review_that_fails_is_said_and_made_by_the_next_session(
    setup, material, tmp_path, monkeypatch
):
    picks = material.picks
    later_ns = int(picks["time"].max().value) + 2 * DAY_S * SECOND
    monkeypatch.setattr(reviews, "made", failing)
    at = At(setup, tmp_path / "out", by_day=True)
    try:
        at.work.measure([measured_around(picks["pick_id"])])
        at.give(picks, later_ns)
        at.until_reviewed("2019-07-04", later_ns)
        assert at.work.write()["reviewed"] < "2019-07-04"
    finally:
        at.close()
    ((day, why),) = at.remarks.all()
    assert (day, why.code) == ("2019-07-04", Code.REVIEW_FAILED)
    assert "ValueError: of this test" in str(why)
    monkeypatch.undo()
    at = At(setup, tmp_path / "out", by_day=True)
    try:
        at.until_reviewed("2019-07-04", later_ns)
    finally:
        at.close()
    assert not at.remarks.all()
    around = measured_around(picks["pick_id"])
    assert_same(tmp_path / "out/2019-07-04", catalog_of(material, picks, around))


def test_days_after_a_review_that_failed_twice_are_reviewed_and_nothing_is_lost(
    setup, material, tmp_path, monkeypatch
):
    picks = over_midnight(material.picks)
    days = ("2019-07-04", "2019-07-05")
    later_ns = int(picks["time"].max().value) + 3 * DAY_S * SECOND
    monkeypatch.setattr(reviews, "made", failing)
    for code in (Code.REVIEW_FAILED, Code.REVIEW_FAILED_AGAIN):
        at = At(setup, tmp_path / "out", by_day=True)
        try:
            if code is Code.REVIEW_FAILED:
                at.work.measure([measured_around(picks["pick_id"])])
                at.give(picks, later_ns)
            at.until_reviewed(days[0], later_ns)
            assert [(day, why.code) for day, why in at.remarks.all()] == [(days[0], code)]
        finally:
            at.close()
    monkeypatch.undo()
    at = At(setup, tmp_path / "out", by_day=True)
    try:
        at.until_reviewed(days[1], later_ns)
    finally:
        at.close()
    assert not at.remarks.all()
    last = {one.event_id: one.status for one in at.said}
    assert "reviewed" in last.values()
    kept = [*tmp_path.glob(f"out/**/{files.MEASUREMENTS_TABLE}"), *tmp_path.glob("out/measured/*")]
    there = set().union(*(tables.read(one, MEASUREMENTS)["pick_id"] for one in kept))
    assert there == set(picks["pick_id"])
    assert set(tables.read(tmp_path / "out" / days[0] / TABLE, PICKS)["pick_id"]) == set(
        picks["pick_id"][picks["time"] < pd.Timestamp(days[1], tz="UTC")]
    )


def test_what_a_review_withdrew_does_not_come_back_with_later_picks(setup, material, tmp_path):
    none = (tables.empty(one) for one in (EVENTS, ARRIVALS, PICKS))
    picks, midnight = material.picks, pd.Timestamp("2019-07-05T00:00Z")
    picks = picks[picks["time"] < picks["time"].min() + pd.Timedelta("90s")]
    moved = picks["time"] + (midnight - picks["time"].max() - pd.Timedelta("10s"))
    picks = picks.assign(time=moved)
    known_ns = midnight.value + 180 * SECOND
    later = picks.iloc[-3:].assign(
        pick_id=[f"later{n}" for n in range(3)],
        time=moved.iloc[-3:] + pd.Timedelta("200s"),
    )
    at = At(setup, tmp_path / "out", by_day=True)
    try:
        at.give(picks, known_ns)
        review = at.work._reviews
        review._task = review._asked("2019-07-04")
        unread = {"2019-07-03": "measurements.parquet is damaged"}
        # It makes no event.
        review._set(reviews.Reviewed(*none, frozenset(), frozenset(), unread))
        review._tell(float("inf"))
        at.give(later, known_ns + 60 * SECOND)
    finally:
        at.close()
    said = [(day, why) for day, why in at.remarks.all() if why.code is Code.MEASUREMENTS_UNREADABLE]
    assert [day for day, _ in said] == ["2019-07-03"]
    assert "measurements.parquet is damaged" in str(said[0][1])
    assert any(one.status == "final" for one in at.said)
    assert at.work._window._picks["pick_id"].isin(picks["pick_id"]).any()  # still associated
    last = {one.event_id: one.status for one in at.said}
    assert set(last.values()) == {"withdrawn"}
    assert at.work._window.ask(known_ns).job.past is None


@pytest.mark.slow
def test_two_hours_of_foreshocks_end_with_the_catalog_of_an_archive(shared, tmp_path):
    folder = shared / "data/picks/ridgecrest2019_pal_foreshocks"
    material = part_of(folder, "2019-07-04T18:00Z", 7200.0)
    setup = Setup(material.stations, material.model)
    replayed(setup, material.picks, tmp_path / "out", 600.0)
    expected = catalog_of(material, tables.read(tmp_path / "out" / TABLE, PICKS))
    assert len(expected[files.EVENTS_TABLE]) > 100
    assert_same(tmp_path / "out", expected)
