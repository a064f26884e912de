import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, PICKS, STATIONS, TABLES, Column, Table
from quakeline.io.products import provenance, tables

SMALL = Table(
    "small",
    3,
    (
        Column("name", "string", "", False, "a name"),
        Column("time", "time", "", False, "a time"),
        Column("value", "float", "m", True, "a value"),
        Column("count", "int", "", True, "a count"),
        Column("good", "bool", "", True, "a flag"),
    ),
)


def rows(**changes):
    frame = pd.DataFrame(
        {
            "name": ["a", ""],
            "time": pd.to_datetime([1, 1_588_291_200_123_456_789], unit="ns", utc=True),
            "value": [1.5, np.nan],
            "count": [1, 2],
            "good": [True, False],
        }
    )
    return frame.assign(**changes)


def test_round_trip(tmp_path):
    tables.write(rows(), SMALL, tmp_path / "small.parquet")
    frame = tables.read(tmp_path / "small.parquet", SMALL)
    assert frame["time"].astype("int64").tolist() == [1, 1_588_291_200_123_456_789]
    assert frame["name"].tolist() == ["a", ""]
    assert frame["value"].isna().tolist() == [False, True]
    assert frame["count"].tolist() == [1, 2]


def test_order_is_the_schemas_and_missing_nullable_columns_are_null():
    arrow = tables.conform(rows()[["good", "time", "name"]], SMALL)
    assert arrow.column_names == SMALL.names
    assert arrow.column("value").null_count == 2


def test_units_and_meanings_stand_in_the_file(tmp_path):
    tables.write(rows(), SMALL, tmp_path / "small.parquet")
    schema = pq.read_schema(tmp_path / "small.parquet")
    assert schema.field("value").metadata == {b"unit": b"m", b"meaning": b"a value"}
    assert schema.metadata[b"quakeline_table"] == b"small"
    assert schema.metadata[b"quakeline_table_version"] == b"3"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (rows().drop(columns="name"), "table small: column name is missing"),
        (rows(name=["a", None]), "column name has empty values"),
        (rows(time=[pd.NaT, pd.NaT]), "column time has empty values"),
        (rows(extra=1, more=2), "unknown columns extra, more"),
        (rows(value=["x", "y"]), "column value: "),
        (rows(count=[1.5, 2.0]), "column count: "),
        (rows(time=["yesterday", "today"]), "column time: "),
        (rows(name=[1, 2]), "column name: "),
        (rows(good=["yes", "no"]), "column good: "),
        (rows(count=[2**70, 1]), "column count: "),
    ],
)
def test_what_does_not_fit_is_named(frame, message):
    with pytest.raises(DataError, match=message):
        tables.conform(frame, SMALL)


def test_int_columns_may_have_holes():
    assert tables.conform(rows(count=[1.0, np.nan]), SMALL).column("count").null_count == 1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_be_empty(tmp_path, table):
    path = tmp_path / "empty.parquet"
    tables.write(tables.empty(table), table, path)
    frame = tables.read(path, table)
    assert list(frame.columns) == table.names
    assert frame.empty
    tables.write(pd.DataFrame(), table, path)
    assert list(tables.read(path, table).columns) == table.names


def test_another_table_another_version_and_other_files_are_refused(tmp_path):
    path = tmp_path / "picks.parquet"
    tables.write(tables.empty(PICKS), PICKS, path)
    with pytest.raises(DataError, match=r"holds picks version \d+, expected arrivals"):
        tables.read(path, ARRIVALS)
    older = Table("small", 2, SMALL.columns)
    tables.write(rows(), SMALL, path)
    with pytest.raises(DataError, match="holds small version 3, expected small version 2"):
        tables.read(path, older)
    rows().to_parquet(path)
    with pytest.raises(DataError, match=r"holds another kind version \?"):
        tables.read(path, SMALL)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot read"):
        tables.read(path, SMALL)
    with pytest.raises(DataError, match="cannot read"):
        tables.read(tmp_path / "none.parquet", SMALL)


def test_a_version_before_a_column_came_is_read_with_nulls(tmp_path):
    path = tmp_path / "small.parquet"
    before = [one for one in SMALL.columns if one.name != "good"]
    tables.write(rows().drop(columns="good"), Table("small", 2, tuple(before)), path)
    with pytest.raises(DataError, match="holds small version 2, expected small version 3"):
        tables.read(path, SMALL)
    read = tables.read(path, Table("small", 3, SMALL.columns, since=2))
    assert list(read.columns) == SMALL.names
    assert read["good"].isna().all()
    assert read["name"].tolist() == ["a", ""]
    tables.write(rows()[["name", "time"]], Table("small", 2, SMALL.columns[:2]), path)
    required = Column("value", "float", "m", False, "a value")
    with pytest.raises(DataError, match="it has no column value"):
        tables.read(path, Table("small", 3, (*SMALL.columns[:2], required), since=2))


def test_many_tables_become_one_and_none_an_empty_one(tmp_path):
    for n in range(3):
        frame = rows() if n != 1 else tables.empty(SMALL)
        tables.write(frame, SMALL, tmp_path / f"{n}.parquet")
    paths = sorted(tmp_path.glob("*.parquet"))
    joined = tables.read_many(paths, SMALL)
    assert joined["name"].tolist() == ["a", "", "a", ""]
    assert joined.index.tolist() == [0, 1, 2, 3]
    assert list(tables.read_many([], STATIONS).columns) == STATIONS.names
    assert tables.read_many(paths[1:2], SMALL).empty


def picks_of(names):
    """A table of picks with these ids, without all that may be null."""
    given = {c.name: "x" for c in PICKS.columns if not c.nullable and c.type == "string"}
    times = pd.to_datetime(np.arange(len(names)), unit="s", utc=True)
    frame = pd.DataFrame({**given, "pick_id": names, "time": times})
    rest = [c.name for c in PICKS.columns if not c.nullable and c.name not in frame]
    return frame.assign(**dict.fromkeys(rest, 0.5))


def test_only_some_columns_and_rows_are_read(tmp_path):
    paths = [tmp_path / f"{n}.parquet" for n in range(5)]
    for n, path in enumerate(paths):
        tables.write(picks_of([f"{n}a", f"{n}b"]), PICKS, path)
    columns = ["time", "phase"]
    assert tables.read(paths[0], PICKS, columns).columns.tolist() == columns
    assert tables.read_many([], PICKS, columns).columns.tolist() == columns
    wanted = pd.Series(["4a", "0b", "0b", "none"])
    whole = tables.read_many(paths, PICKS, of=wanted)
    assert whole["pick_id"].tolist() == ["0b", "4a"]
    pd.testing.assert_frame_equal(
        whole[columns], tables.read_many(paths, PICKS, columns, of=wanted)
    )
    every = tables.read_many(paths, PICKS)
    pd.testing.assert_frame_equal(
        whole, every[every["pick_id"].isin(wanted)].reset_index(drop=True)
    )
    assert tables.read_many(paths, PICKS, of=wanted[:0]).empty


def test_a_column_that_an_older_version_lacks_is_null_where_it_is_asked_for(tmp_path):
    path = tmp_path / "old.parquet"
    older = Table("small", 2, SMALL.columns[:3])
    tables.write(rows()[older.names], older, path)
    newer = Table("small", 3, SMALL.columns, since=2)
    found = tables.read(path, newer, ["count", "name"])
    assert found.columns.tolist() == ["count", "name"]
    assert found["count"].isna().all()


def test_another_table_is_refused_whatever_is_asked_of_it(tmp_path):
    tables.write(rows(), SMALL, tmp_path / "small.parquet")
    with pytest.raises(DataError, match="holds small version 3, expected picks"):
        tables.read(tmp_path / "small.parquet", PICKS, ["phase"], pd.Series(["a"]))


def test_many_files_are_as_few(tmp_path, monkeypatch):
    for n in range(7):
        tables.write(picks_of([f"{n}"] * (n % 3)), PICKS, tmp_path / f"{n}.parquet")
    paths = sorted(tmp_path.glob("*.parquet"))
    few = tables.read_many(paths, PICKS)
    monkeypatch.setattr(tables, "_TOGETHER", 2)
    pd.testing.assert_frame_equal(few, tables.read_many(paths, PICKS))


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(DataError):
        tables.write(rows(value=["x", "y"]), SMALL, tmp_path / "small.parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_record_of_the_stage_lies_inside(tmp_path):
    path = tmp_path / "small.parquet"
    record = provenance.Record("pick", 1, {"a": 1}, {"waveforms": "abc"})
    with provenance.recording(record):
        tables.write(rows(), SMALL, path)
    stored = json.loads(pq.read_schema(path).metadata[provenance.KEY.encode()])
    assert stored == record.as_json() == provenance.read(path)
    assert provenance.identify(path) == record.product_id


def test_picks_of_before_the_fit_had_columns_of_its_own_are_read(tmp_path):
    later = {"fit_offset_s", "fit_height", "fit_residual"}
    before = Table("picks", 1, tuple(c for c in PICKS.columns if c.name not in later))
    row = {c.name: "x" for c in before.columns if c.type == "string"}
    row |= {"time": pd.Timestamp("2020-01-01", tz="UTC"), "probability": 0.9, "time_sigma_s": 0.1}
    tables.write(pd.DataFrame([row]), before, tmp_path / "picks.parquet")
    frame = tables.read(tmp_path / "picks.parquet", PICKS)
    assert list(frame.columns) == PICKS.names
    assert frame["time_sigma_s"].tolist() == pytest.approx([0.1])
    assert frame[sorted(later)].isna().all(axis=None)
    assert tables.conform(frame, PICKS).num_rows == 1
