"""Preliminary picks come early and end as the picks of a patient session, under the same id."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import Stream, UTCDateTime
from packets import cut, live_picks, loaded, session_of
from recordings import picker_weights, trace

from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND
from quakeline.inference.annotator import Annotator
from quakeline.io.products import provenance, tables
from quakeline.live.hurry import FINAL, PRELIMINARY, WITHDRAWN, Announcements
from quakeline.live.output import LINES, TABLE, Output
from quakeline.picking.extraction import joined

__all__ = ["picker_weights"]

LATER = 1000 * SECOND
START = UTCDateTime("2020-05-01")


@pytest.fixture(scope="module")
def annotator(picker_weights: Path) -> Annotator:
    return loaded(picker_weights)


@pytest.fixture(scope="module")
def stream() -> Stream:
    made = Stream()
    for component in "ZNE":
        counts = np.random.default_rng(ord(component)).normal(0, 6, 30_000)
        event = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
        for at in (40, 88, 133, 190):
            counts[at * 100 :][: len(event)] += event * 0.3
        made += trace(f"XX.AAA..HH{component}", START.ns, counts.round().astype("i4"))
    return made


def row(time_s: float, probability: float = 0.8, phase: str = "P") -> dict[str, object]:
    codes = {"network": "XX", "station": "A", "location": "", "instrument": "HH"}
    time_ns = round(time_s * SECOND)
    return {
        **codes,
        "phase": phase,
        "time_ns": time_ns,
        "probability": probability,
        "pick_id": f"{phase}{time_s}",
    }


def told(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(one["id"], one["version"], one["status"]) for one in rows]


def test_an_announcement_keeps_its_id_until_it_is_final() -> None:
    known = Announcements()
    assert told(known.preliminary("XX.A..HH", [row(10)], LATER)) == [("P10", 1, PRELIMINARY)]
    assert known.preliminary("XX.A..HH", [row(10.01, 0.82)], LATER) == []
    assert told(known.preliminary("XX.A..HH", [row(10.1)], LATER)) == [("P10", 2, PRELIMINARY)]
    assert known.preliminary("XX.B..HH", [], LATER) == []
    assert told(known.final([row(10.12), row(30)])) == [("P10", 3, FINAL), ("P30", 1, FINAL)]
    assert known.preliminary("XX.A..HH", [], LATER) == []


def test_what_is_there_no_more_is_withdrawn_once() -> None:
    known = Announcements()
    known.preliminary("XX.A..HH", [row(10), row(12, phase="S")], LATER)
    assert told(known.preliminary("XX.A..HH", [row(10)], LATER)) == [("S12", 2, WITHDRAWN)]
    assert known.preliminary("XX.A..HH", [row(10)], LATER) == []


def test_what_was_announced_goes_on_in_the_next_session() -> None:
    first = Announcements()
    first.preliminary("XX.A..HH", [row(10), row(12, phase="S"), row(40)], LATER)
    second = Announcements(json.loads(json.dumps(first.kept())))
    assert second.preliminary("XX.A..HH", [], 9 * SECOND) == []  # not there yet
    assert told(second.preliminary("XX.A..HH", [row(10.1)], 11 * SECOND)) == [
        ("P10", 2, PRELIMINARY)
    ]
    assert told(second.preliminary("XX.A..HH", [row(10.1)], 20 * SECOND)) == [("S12", 2, WITHDRAWN)]
    assert told(second.final([row(10.1)])) == [("P10", 3, FINAL)]
    assert told(second.withdraw_all()) == [("P40", 2, WITHDRAWN)]
    assert second.kept() == []


def test_two_onsets_of_a_phase_keep_apart() -> None:
    known = Announcements()
    known.preliminary("XX.A..HH", [row(10), row(10.6)], LATER)
    moved = known.preliminary("XX.A..HH", [row(10.05), row(10.65)], LATER)
    assert told(moved) == [("P10", 2, PRELIMINARY), ("P10.6", 2, PRELIMINARY)]


def test_finals_are_those_of_a_patient_session_and_announced_long_before(
    annotator: Annotator, stream: Stream, tmp_path: Path
) -> None:
    packets = cut(stream, seed=1, mean_s=1.0, late_s=1.0)
    patient = live_picks(session_of(annotator), packets)
    said: list[dict[str, object]] = []
    when: dict[object, list[float]] = defaultdict(list)
    session = session_of(annotator, hurry=True)
    recipe = provenance.Record("live", 1, {})
    output = Output(tmp_path, "live replay", recipe, said.append, hurry=True)
    output.begin()
    frames = []
    for packet in [*packets, None]:
        if packet is not None:
            session.add(packet)
        for picks in session.work() if packet is not None else session.finish():
            before = len(said)
            if picks.preliminary:
                output.announce(picks)
            else:
                output.add(picks)
                frames.append(picks.frame)
            for one in said[before:]:
                when[one["id"]].append(session.clock_ns / SECOND)
    output.write({}, {}, {}, ended=True, now=True)
    output.close()
    found = tables.conform(joined(frames), PICKS).to_pandas()
    pd.testing.assert_frame_equal(found, patient, check_exact=True)
    pd.testing.assert_frame_equal(tables.read(tmp_path / TABLE, PICKS), patient, check_exact=True)
    assert len((tmp_path / LINES).read_text().splitlines()) == len(patient)

    versions: dict[object, list[dict[str, object]]] = defaultdict(list)
    for one in said:
        versions[one["id"]].append(one)
    early = []
    for name, some in versions.items():
        assert [one["version"] for one in some] == list(range(1, len(some) + 1))
        assert [one["status"] for one in some[:-1]] == [PRELIMINARY] * (len(some) - 1)
        assert some[-1]["status"] in (FINAL, WITHDRAWN)
        if some[-1]["status"] == FINAL:
            early.append(when[name][-1] - when[name][0])
    finals = {one["pick_id"] for one in said if one["status"] == FINAL}
    assert finals == set(patient["pick_id"])
    assert len(early) == len(patient) > 7
    assert np.median(early) > 15
