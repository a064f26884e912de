"""Events of a session that was stopped, however it was: none is lost, doubled or renamed."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
import yaml
from live_events import part_of, steps

from quakeline.core.errors import ConfigError
from quakeline.core.reasons import Code
from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.io import exports
from quakeline.io.products import provenance, tables
from quakeline.live.events import files, publication, working
from quakeline.live.events.section import Events
from quakeline.live.events.setup import Setup
from quakeline.live.events.updates import SETTLED
from quakeline.live.output import Output
from quakeline.live.remarks import Remarks
from quakeline.live.results import Picks

RECIPE = provenance.Record("live", 1, {"a": 1})
RULES = Events(settle_s=0, step_s=0.001)
STEP_S = 60.0
#: Evaluation status in QuakeML, where it is called otherwise.
STATUS = {"withdrawn": "rejected", "reviewed": "final"}
CATALOG = ((files.EVENTS_TABLE, EVENTS), (files.ARRIVALS_TABLE, ARRIVALS))


@pytest.fixture(scope="module")
def material(shared):
    folder = shared / "data/picks/ridgecrest2019_pal_foreshocks"
    return part_of(folder, "2019-07-04T18:00Z", 240.0)


@pytest.fixture(scope="module")
def setup(material) -> Setup:
    return Setup(material.stations, material.model, rules=RULES)


def session(
    setup: Setup, picks: pd.DataFrame, target: Path, said: list, *, by_day=False, ends=True
) -> Remarks:
    """A session that is given the same picks again, as one that goes on may be."""
    remarks = Remarks()
    output = Output(target, "live replay", RECIPE, names=files.NAMES, by_day=by_day)
    at_work = setup.working(output.place, remarks, said.append)
    output.begin()
    at_work.begin(output)
    try:
        _fed(output, at_work, picks)
        if ends:
            at_work.finish()
        output.write({}, {}, {}, now=True, ended=ends and not by_day)
    finally:
        at_work.close()
        output.close()
    return remarks


def _fed(output: Output, at_work: working.Working, picks: pd.DataFrame) -> None:
    for known_ns, new in steps(picks, STEP_S):
        if len(new):
            given = Picks(new, np.full(len(new), known_ns), np.zeros(len(new)))
            fresh = output.add(given)
            if fresh is not None:
                at_work.add(fresh)
        at_work.work(known_ns)
        at_work.flush()
        output.write({}, {}, {}, now=True)


def lines(target: Path) -> list[dict]:
    return [json.loads(line) for line in (target / files.LINES).read_text().splitlines()]


def last_of(rows: list[dict]) -> set[str]:
    """Ids of events that were not withdrawn at last."""
    return {name for name, row in {row["id"]: row for row in rows}.items()
            if row["status"] in SETTLED}  # fmt: skip


@pytest.fixture(scope="module")
def expected(setup, material, tmp_path_factory) -> tuple[Path, list]:
    target, said = tmp_path_factory.mktemp("whole") / "out", []
    session(setup, material.picks, target, said)
    assert len(last_of(lines(target))) >= 3
    return target, said


def test_lines_tables_and_quakeml_agree(expected):
    target, said = expected
    rows = lines(target)
    assert [row["id"] for row in rows] == [one.event_id for one in said]
    assert [row["version"] for row in rows] == [one.version for one in said]
    events = tables.read(target / files.EVENTS_TABLE, EVENTS)
    arrivals = tables.read(target / files.ARRIVALS_TABLE, ARRIVALS)
    assert set(events["event_id"]) == last_of(rows)
    assert set(arrivals["event_id"]) == set(events["event_id"])
    for row in rows:
        path = target / files.FOLDER / f"{row['id']}.v{row['version']:04d}.qml"
        (event,) = obspy.read_events(str(path))
        origin = event.preferred_origin()
        assert event.creation_info.version == str(row["version"])
        assert origin.evaluation_status == (STATUS.get(row["status"], row["status"]))  # fmt: skip
        assert origin.latitude == pytest.approx(row["latitude"])
        assert len(event.picks) == row["n_picks"] == len(row["arrivals"])


class Killed(BaseException):
    """The process ends here and does nothing more."""


PLACES = {
    "line": (publication.Journal, "append"),
    "quakeml": (files, "write_version"),
    "tables": (files, "write_tables"),
    "association": (working.Window, "take"),
}


@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("line", False),
        ("line", True),
        ("quakeml", False),
        ("tables", True),
        ("association", True),
    ],
)
def test_it_goes_on_wherever_it_died(
    setup, material, expected, tmp_path, monkeypatch, place, after
):
    owner, name = PLACES[place]
    function, rng = getattr(owner, name), random.Random(f"{place} {after}")
    said, left, deaths = [], [0], 0

    def dying(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        made = function(*args, **kwargs)
        if left[0] == 0:
            raise Killed
        return made

    monkeypatch.setattr(owner, name, dying)
    for _ in range(2):
        left[0] = rng.randint(1, 4)
        try:
            session(setup, material.picks, tmp_path / "out", said)
        except Killed:
            deaths += 1
    assert deaths
    left[0] = 0
    session(setup, material.picks, tmp_path / "out", said)
    rows = lines(tmp_path / "out")
    by_id = defaultdict(list)
    for row in rows:
        by_id[row["id"]].append(row)
    for versions in by_id.values():
        assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
    assert {(one.event_id, one.version) for one in said} == {
        (row["id"], row["version"]) for row in rows
    }
    for name, schema in CATALOG:
        found, once = (
            tables.read(folder / name, schema) for folder in (tmp_path / "out", expected[0])
        )
        pd.testing.assert_frame_equal(found, once, check_exact=True)


def test_a_session_without_an_end_has_a_folder_for_each_day(setup, material, tmp_path):
    over_midnight = material.picks["time"] + pd.Timedelta("5h58min")
    picks, said = material.picks.assign(time=over_midnight), []
    for _ in range(2):  # the second session finds all that the first one left
        session(setup, picks, tmp_path / "out", said, by_day=True, ends=False)
    days = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert days == ["2019-07-04", "2019-07-05"]
    found = [
        tables.read(tmp_path / "out" / day / files.EVENTS_TABLE, EVENTS).assign(day=day)
        for day in days
    ]
    events = pd.concat(found)
    assert (events["time"].dt.strftime("%Y-%m-%d") == events["day"]).all()
    last = {one.event_id: one.status for one in said}
    assert set(events["event_id"]) == {name for name in last if last[name] != "withdrawn"}
    numbers = [(one.event_id, one.version) for one in said]
    assert len(numbers) == len(set(numbers))
    assert all(list((tmp_path / "out" / day / files.FOLDER).glob("*.qml")) for day in days)
    whole = exports.read_tables(tmp_path / "out")
    assert set(whole.events["event_id"]) == set(events["event_id"])
    assert len(whole.pairs) == len(whole.arrivals)
    assert whole.stations is not None
    assert len(whole.stations) == len(material.stations)
    said_with = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    assert said_with == {**setup.sections.plain(), "velocity": {}}


def test_a_station_without_coordinates_has_no_events_and_is_named_once(setup, material, tmp_path):
    picks = material.picks
    first = picks.iloc[0]
    known = material.stations[material.stations["station"] != first["station"]]
    less = Setup(known, material.model, rules=RULES)
    said: list = []
    remarks = session(less, picks, tmp_path / "out", said)
    (named,) = [one for one in remarks.all() if one[1].code is Code.NO_PLACE_FOR_EVENTS]
    assert named[0] == f"{first['network']}.{first['station']}"
    used = {pick for one in said for pick in one.arrivals["pick_id"]}
    lost = set(picks.loc[picks["station"] == first["station"], "pick_id"])
    assert used
    assert not used & lost


def test_a_line_that_is_no_update_is_one_line(setup, material, tmp_path):
    session(setup, material.picks.iloc[:3], tmp_path / "out", [], ends=False)
    (tmp_path / "out" / files.LINES).write_text('{"id": 3}\n')
    with pytest.raises(ConfigError, match="what is no update of an event"):
        session(setup, material.picks.iloc[:3], tmp_path / "out", [])


def test_a_new_session_removes_the_files_of_events_that_ended(setup, material, tmp_path):
    session(setup, material.picks, tmp_path / "out", [])
    stranger = tmp_path / "out" / files.FOLDER / "mine.qml"
    stranger.write_text("")
    (tmp_path / "out/session.json").unlink()
    session(setup, material.picks.iloc[:3], tmp_path / "out", [])
    assert [path.name for path in stranger.parent.iterdir()] == ["mine.qml"]
