"""What a run says about its data: equal remarks are one, what cannot be used comes first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import COVERAGE, MANIFEST
from quakeline.io.products import tables
from quakeline.io.products.remarks import gather, lacking, some


def manifest(*rows: dict[str, Any]) -> pd.DataFrame:
    codes = {"network": "A", "station": "B", "path": None, "chunk": "1", **cells("reason", [])}
    return pd.DataFrame([{**codes, **row} for row in rows], dtype=object)


def coverage(*rows: dict[str, Any]) -> pd.DataFrame:
    codes = {"network": "A", "station": "B", "location": "", "channels": "HHZ", "chunk": "1"}
    common = {**codes, "status": "used", "notes_codes": None}
    return pd.DataFrame([{**common, **row} for row in rows])


def noted(*reasons: Reason, **row: Any) -> dict[str, Any]:
    return {**cells("notes", reasons), **row}


NO_FILES = tables.empty(MANIFEST).assign(chunk="")
NO_CHANNELS = tables.empty(COVERAGE).assign(chunk="")


def test_a_run_without_remarks() -> None:
    assert gather(NO_FILES, NO_CHANNELS) == []
    quiet = coverage({"notes": ""}, noted(Reason.of(Code.RESPONSE_REMOVED)))
    assert gather(manifest({"status": "data", "path": "a"}), quiet) == []


def test_chunks_and_places_are_summed_up() -> None:
    silent = [{"status": "no data", "reason": "nothing", "chunk": str(n)} for n in range(30)]
    (remark,) = gather(manifest(*silent, {**silent[0], "station": "C"}), NO_CHANNELS)
    assert (remark.status, remark.text, remark.where) == ("no data", "nothing", ("A.B", "A.C"))
    assert remark.chunks == 30


def test_what_cannot_be_used_comes_first_and_files_are_named() -> None:
    files = manifest(
        {"status": "no data", "reason": "none"},
        {"status": "data", "reason": "odd", "path": "a.mseed"},
        {"status": "unused", "reason": "no place", "path": "b.mseed"},
        {"status": "unreadable", "reason": "empty", "path": "c.mseed"},
    )
    found = [(remark.status, *remark.where) for remark in gather(files, NO_CHANNELS)]
    expected = [("unreadable", "c.mseed"), ("unused", "b.mseed"), ("no data", "A.B")]
    assert found == [*expected, ("used", "a.mseed")]


def test_notes_on_a_channel_in_use_are_single_remarks() -> None:
    removed, none = Reason.of(Code.RESPONSE_REMOVED), Reason.of(Code.NO_RESPONSE)
    dead, steps = Reason.of(Code.NO_USABLE_SAMPLES), Reason.of(Code.STEPS, 3)
    channels = coverage(
        noted(removed, Reason.of(Code.NOT_FINITE, 12)),
        noted(Reason.of(Code.NOT_FINITE, 340), none, station="C"),
        noted(dead, steps, status="unused", station="D"),
    )
    found = {remark.text: remark.where for remark in gather(NO_FILES, channels)}
    assert found == {
        "no usable samples in the chunk; 3 steps to another level": ("A.D..HHZ",),
        "12 samples are not finite: gaps": ("A.B..HHZ", "A.C..HHZ"),
        "response: none": ("A.C..HHZ",),
    }


def test_numbers_in_codes_make_a_difference() -> None:
    why = [Reason.of(Code.NO_COORDINATES, station=f"X.S{n}") for n in (1, 2)]
    rows = [{"status": "unused", "path": "a", **cells("reason", [one])} for one in why]
    assert len(gather(manifest(*rows), NO_CHANNELS)) == 2


def test_numbers_in_the_words_of_other_programs_make_none() -> None:
    """A damaged file of each day is one remark, not one of each day."""
    damaged = [Reason.of(Code.UNREADABLE, why=f"only {n} of 512 bytes came") for n in (7, 300)]
    rows = [{"status": "unreadable", "path": "a", **cells("reason", [one])} for one in damaged]
    assert len(gather(manifest(*rows), NO_CHANNELS)) == 1


def test_events_count_once_for_each_reason_that_they_have_no_magnitude() -> None:
    without = Reason.of(Code.COUNTS_ONLY)
    spoilt = Reason.of(Code.WINDOW_SPOILT, 3)
    notes = [[without.counted(16)], [spoilt, without.counted(12)], []]
    events = pd.DataFrame([cells("magnitude_note", reasons) for reasons in notes])
    assert lacking(events, "magnitude") == [(without, 2), (spoilt.counted(None), 1)]


def test_many_names_are_counted() -> None:
    assert some(["b", "a", "b"], 2) == "a, b"
    assert some("dcba", 2) == "a, b and 2 more"


def test_reasons_that_differ_in_numbers_are_one_kind() -> None:
    far = [Reason.of(Code.TEXT, text=f"nearest station {km} km away") for km in (120, 130, 120)]
    other = Reason.of(Code.TEXT, text="no response")
    rows = [cells("magnitude_note", [one]) for one in (other, *far, other)]
    assert lacking(pd.DataFrame(rows), "magnitude") == [(far[0], 3), (other, 2)]
