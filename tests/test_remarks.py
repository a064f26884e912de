"""What a run says about its data: equal remarks are one, what cannot be used comes first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from quakeline.io import tables
from quakeline.remarks import gather, some
from quakeline.schemas import COVERAGE, MANIFEST


def manifest(*rows: dict[str, Any]) -> pd.DataFrame:
    codes = {"network": "A", "station": "B", "path": None, "reason": None, "chunk": "1"}
    return pd.DataFrame([{**codes, **row} for row in rows], dtype=object)


def coverage(*rows: dict[str, Any]) -> pd.DataFrame:
    codes = {"network": "A", "station": "B", "location": "", "channels": "HHZ", "chunk": "1"}
    return pd.DataFrame([{**codes, "status": "used", **row} for row in rows])


NO_FILES = tables.empty(MANIFEST).assign(chunk="")
NO_CHANNELS = tables.empty(COVERAGE).assign(chunk="")


def test_a_run_without_remarks() -> None:
    assert gather(NO_FILES, NO_CHANNELS) == []
    quiet = coverage({"notes": ""}, {"notes": "response removed"})
    assert gather(manifest({"status": "data", "path": "a"}), quiet) == []


def test_chunks_and_places_are_summed_up() -> None:
    silent = [{"status": "no data", "reason": "nothing", "chunk": str(n)} for n in range(30)]
    (remark,) = gather(manifest(*silent, {**silent[0], "station": "C"}), NO_CHANNELS)
    assert (remark.status, remark.reason, remark.where) == ("no data", "nothing", ("A.B", "A.C"))
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
    channels = coverage(
        {"notes": "response removed; 12 samples are not finite: gaps"},
        {"notes": "340 samples are not finite: gaps; response: none", "station": "C"},
        {"notes": "dead; whatever", "status": "unused", "station": "D"},
    )
    found = {remark.reason: remark.where for remark in gather(NO_FILES, channels)}
    assert found == {
        "dead; whatever": ("A.D..HHZ",),
        "12 samples are not finite: gaps": ("A.B..HHZ", "A.C..HHZ"),
        "response: none": ("A.C..HHZ",),
    }


def test_numbers_in_codes_make_a_difference() -> None:
    rows = [
        {"status": "unused", "reason": f"station X.S{n} is unknown", "path": "a"} for n in (1, 2)
    ]
    assert len(gather(manifest(*rows), NO_CHANNELS)) == 2


def test_many_names_are_counted() -> None:
    assert some(["b", "a", "b"], 2) == "a, b"
    assert some("dcba", 2) == "a, b and 2 more"
