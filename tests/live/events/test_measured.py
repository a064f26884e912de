"""Measurements between the last minutes and the next review lie in pieces on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from live_events import measured_around

from quakeline.core.schemas import MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.events.chain.sections import Sections
from quakeline.io.products import provenance, tables
from quakeline.live.events import files, measured, review
from quakeline.live.events.measured import FOLDER, Pieces, ids_of, joined, newest_of, rows_of
from quakeline.live.journal import Place


def rows(first: int, n: int, rms: float = 1.0) -> pd.DataFrame:
    return rows_at([f"2024-01-01T00:{k // 60:02d}:{k % 60:02d}.000Z"
                    for k in range(first, first + n)], rms)  # fmt: skip


def rows_at(times: list[str], rms: float = 1.0) -> pd.DataFrame:
    return measured_around([f"XX.A..HH/P/{time}" for time in times], rms)


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


DAY, NEXT, LAST = "2024-01-01", "2024-01-02", "2024-01-04"


def task_of(folder: Path, day: str = DAY) -> review.Task:
    """A review of a day, as far as measurements go."""
    place, none = Place(folder, by_day=True), tables.empty(PICKS)
    return review.Task(None, Sections(), place, day, (day,), place.span(day), 60 * SECOND,
                       (none, none), frozenset(), provenance.Record("live", 1, {}))  # fmt: skip


def picks_of(own: pd.DataFrame) -> pd.DataFrame:
    times = pd.to_datetime(own["pick_id"].str.rsplit("/", n=1).str[-1])
    return own[["pick_id"]].assign(time=times)


def reviewed(folder: Path, day: str, picks: pd.DataFrame) -> set[str]:
    """Review a day as far as measurements go; gives the picks of its table."""
    whole, spent, unread = review._measurements(task_of(folder, day), picks_of(picks))
    assert not unread
    Pieces(folder).remove(spent)
    assert set(whole["pick_id"]) == set(picks["pick_id"])
    return ids_of(folder / day / files.MEASUREMENTS_TABLE)


@pytest.fixture
def midnight(tmp_path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A piece with rows before midnight, after it, and at noon of the next day."""
    some = tuple(rows_at([f"{day}T{hour}:{k}.000Z" for k in range(10, 14)])
                 for day, hour in ((DAY, "23:59"), (NEXT, "00:00"), (NEXT, "12:00")))  # fmt: skip
    pieces = Pieces(tmp_path)
    pieces.add(list(some))
    assert pieces.write().empty
    return some


def test_picks_after_midnight_that_an_event_before_it_has_are_in_the_table_of_their_day(
    tmp_path, midnight
):
    before, after, noon = midnight
    own = reviewed(tmp_path, DAY, pd.concat([before, after]))
    assert own == set(before["pick_id"])
    own = reviewed(tmp_path, NEXT, noon)  # those after midnight belong to the event
    assert own == {*after["pick_id"], *noon["pick_id"]}
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize("day", [NEXT, LAST])
def test_rows_of_a_day_that_was_not_reviewed_go_to_its_table(tmp_path, midnight, day):
    before, after, noon = midnight
    later = set().union(*(one["pick_id"] for one in (after, noon)))
    taken = pd.concat([after, noon]) if day == NEXT else rows_at([])
    assert reviewed(tmp_path, day, taken) == (later if day == NEXT else set())
    assert ids_of(tmp_path / DAY / files.MEASUREMENTS_TABLE) == set(before["pick_id"])
    assert ids_of(tmp_path / NEXT / files.MEASUREMENTS_TABLE) == later
    assert not (tmp_path / FOLDER).exists()


def test_rows_that_come_after_the_review_of_their_day_are_added_to_its_table(tmp_path, midnight):
    first = reviewed(tmp_path, DAY, midnight[0])
    late = rows(0, 10)
    pieces = Pieces(tmp_path)
    pieces.add([late])
    pieces.write()
    reviewed(tmp_path, NEXT, midnight[2])
    assert ids_of(tmp_path / DAY / files.MEASUREMENTS_TABLE) == first | set(late["pick_id"])


def test_a_piece_stays_where_the_table_of_its_day_cannot_be_read(tmp_path, midnight):
    (tmp_path / DAY).mkdir()
    (tmp_path / DAY / files.MEASUREMENTS_TABLE).write_bytes(b"no table")
    _, spent, unread = review._measurements(task_of(tmp_path, NEXT), picks_of(midnight[2]))
    assert not spent
    assert list(unread) == [DAY]
    assert files.MEASUREMENTS_TABLE in unread[DAY]
    own = ids_of(tmp_path / NEXT / files.MEASUREMENTS_TABLE)
    assert own == {*midnight[1]["pick_id"], *midnight[2]["pick_id"]}


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
    whole, _, _ = review._measurements(task_of(tmp_path), picks_of(own))
    assert len(whole) == 12
    assert len(ids_of(tmp_path / DAY / files.MEASUREMENTS_TABLE)) == 12
    assert len(listed(Pieces(tmp_path))) == 1
    assert rows_of(table).empty
