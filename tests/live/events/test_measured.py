"""Measurements between the last minutes and the next review lie in pieces on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from quakeline.core.schemas import MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.events.chain.sections import Sections
from quakeline.io.products import provenance, tables
from quakeline.live.events import files, measured, review
from quakeline.live.events.measured import FOLDER, Pieces, ids_of, joined, newest_of, rows_of
from quakeline.live.journal import Place


def rows(first: int, n: int, rms: float = 1.0) -> pd.DataFrame:
    names = [f"XX.A..HH/P/2024-01-01T00:{k // 60:02d}:{k % 60:02d}.000Z"
             for k in range(first, first + n)]  # fmt: skip
    row = {"component": "Z", "units": "counts", "first_bin_s": 0.0, "bin_s": 1.0,
           "spectrum_s": 1.0}  # fmt: skip
    frame = pd.DataFrame([{**row, "pick_id": name, "rms": [rms]} for name in names])
    return tables.typed(frame, MEASUREMENTS)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(measured, "_ROWS", 10)


def test_few_rows_wait_and_many_become_a_piece(tmp_path):
    pieces = Pieces(tmp_path)
    pieces.add([rows(0, 4), rows(4, 4)])
    assert len(pieces.write()) == 8
    assert pieces.paths() == []
    pieces.add([rows(8, 4)])
    assert pieces.write().empty
    (path,) = pieces.paths()
    assert len(ids_of(path)) == 12
    assert newest_of(path) == "2024-01-01T00:00:11.000Z"


def test_the_last_row_of_a_pick_counts(tmp_path):
    pieces = Pieces(tmp_path)
    for rms in (1.0, 2.0):
        pieces.add([rows(0, 10, rms)])
        pieces.write()
    whole = joined(map(rows_of, [*pieces.paths(), tmp_path / "nothing.parquet"]))
    assert len(whole) == 10
    assert {value[0] for value in whole["rms"]} == {2.0}


def test_another_session_begins_without_pieces_of_this_one(tmp_path):
    pieces = Pieces(tmp_path)
    pieces.add([rows(0, 10)])
    pieces.write()
    half = tmp_path / FOLDER / ".000002.parquet.77.part"
    half.write_bytes(b"")
    Pieces(tmp_path).begin(anew=False)
    assert not half.exists()
    assert len(pieces.paths()) == 1
    Pieces(tmp_path).begin(anew=True)
    assert not (tmp_path / FOLDER).exists()


DAY = "2024-01-01"


def task_of(folder: Path) -> review.Task:
    """A review of DAY, as far as measurements go."""
    place, none = Place(folder, by_day=True), tables.empty(PICKS)
    return review.Task(None, Sections(), place, DAY, (DAY,), place.span(DAY), 60 * SECOND,
                       (none, none), frozenset(), provenance.Record("live", 1, {}))  # fmt: skip


@pytest.mark.parametrize("is_late", [False, True])
def test_a_review_has_the_rows_that_go_to_a_piece_meanwhile(tmp_path, monkeypatch, is_late):
    """The session leaves rows in a piece, not in its table, before or after a review lists them."""
    own, listed = rows(0, 12), Pieces.paths
    table = tmp_path / files.MEASUREMENTS_TABLE
    tables.write(own, MEASUREMENTS, table)

    def session_writes() -> None:
        monkeypatch.setattr(Pieces, "paths", listed)
        pieces = Pieces(tmp_path)
        pieces.add([own])
        tables.write(pieces.write(), MEASUREMENTS, table)

    def paths(self: Pieces) -> list[Path]:
        before = listed(self)
        session_writes()
        return before if is_late else listed(self)

    monkeypatch.setattr(Pieces, "paths", paths)
    times = pd.to_datetime(own["pick_id"].str.rsplit("/", n=1).str[-1])
    whole, _ = review._measurements(task_of(tmp_path), own[["pick_id"]].assign(time=times))
    assert len(whole) == 12
    assert len(ids_of(tmp_path / DAY / files.MEASUREMENTS_TABLE)) == 12
    assert len(listed(Pieces(tmp_path))) == 1
    assert rows_of(table).empty
