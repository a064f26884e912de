"""Revised picks: a table with author and time that a run takes, and nothing lost."""

from __future__ import annotations

import pandas as pd
import pytest

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import to_ns
from quakeline.io.formats import pick_tables
from quakeline.report.catalog import with_labels
from quakeline.report.view.content import opened
from quakeline.report.view.picks import RevisedPicks

AT = to_ns(pd.Timestamp("2010-05-27T16:25:00.123456Z").to_pydatetime())
LABEL = "BW.UH3..SH"


def test_changes_are_a_table_that_import_picks_reads(content, table):
    before = len(content.picks)
    one, two = sorted(content.catalog.picks["pick_id"])[:2]
    content.picks.add(LABEL, "S", AT)
    content.picks.move(one, AT)
    content.picks.delete(two)
    read = pick_tables.read(table)
    assert len(read) == before
    made = read[read["time"] == pd.Timestamp(AT, tz="UTC")]
    assert sorted(made["phase"]) == ["P", "S"]
    assert set(made["model"]) == {"manual"}
    assert made["time_sigma_s"].isna().all()
    assert {one, two}.isdisjoint(read["pick_id"])
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    assert list(cells["author"][cells["author"] != ""]) == ["Ada", "Ada"]
    assert cells["edited"][cells["author"] != ""].str.match(r"20\d\d-\d\d-\d\dT.*Z$").all()
    assert "event_id" not in cells
    untouched = content.catalog.picks.set_index("pick_id").drop([one, two])
    same = read.set_index("pick_id").loc[untouched.index]
    assert (same["time"] == untouched["time"]).all()
    assert same["probability"].tolist() == pytest.approx(untouched["probability"].tolist())


def test_a_moved_pick_keeps_nothing_that_was_measured_at_its_old_time(content, table):
    own = content.catalog.picks
    kept = {"pick_id", "source", "network", "station", "location", "instrument", "fibre"}
    kept |= {"channel_index", "distance_m", "phase", "time", "probability", "model", "weights_id"}
    measured = [column for column in PICKS.columns if column.name not in {*kept, "event_id"}]
    values = {column.name: "blast" if column.type == "string" else 0.5 for column in measured}
    picks = RevisedPicks(own.head(2).assign(**values), table, "Ada")
    moved, other = own["pick_id"].head(2)
    picks.move(moved, AT)
    read = pick_tables.read(table).set_index("pick_id")
    assert read.loc[other, list(values)].to_dict() == values
    assert read.drop(index=other)[list(values)].isna().all(axis=None)


def test_a_table_goes_on_where_it_was_left(content, table, run_folder):
    content.picks.add(LABEL, "S", AT)
    again = opened(run_folder, table, "Grace")
    assert (len(again.picks), again.picks.edited) == (len(content.picks), 1)
    again.picks.add(LABEL, "P", AT)
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    assert sorted(cells["author"][cells["author"] != ""]) == ["Ada", "Grace"]


def test_what_is_no_pick_is_refused_and_changes_nothing(content, table):
    content.picks.add(LABEL, "P", AT)
    text = table.read_text()
    for act in (
        lambda: content.picks.add(LABEL, "P", AT),
        lambda: content.picks.add("BW.UH3", "P", AT),
        lambda: content.picks.add(LABEL, "X", AT),
        lambda: content.picks.move("nobody", AT),
        lambda: content.picks.delete("nobody"),
    ):
        with pytest.raises(DataError):
            act()
    assert table.read_text() == text


def test_picks_of_fibres_keep_the_names_of_their_channels(content, table):
    """A fibre may be called as no station can be."""
    own = content.catalog.picks
    channel = {"source": "das", "network": "cable-1", "station": "00010", "location": ""}
    more = own.head(1).assign(
        **channel, instrument="", fibre="cable-1", channel_index=10, pick_id="f"
    )
    both = with_labels(pd.concat([own, more]))
    RevisedPicks(both, table, "Ada").add(LABEL, "S", AT)
    again = RevisedPicks(both, table, "Ada")
    again.add(LABEL, "P", AT)
    read = pick_tables.read(table, fibres=frozenset({"cable-1"})).set_index("pick_id").loc["f"]
    assert {name: read[name] for name in channel} == channel
    assert (read["fibre"], read["channel_index"]) == ("cable-1", 10)


def test_other_tables_are_not_replaced(content, table):
    table.write_text("station,phase,time\nUH1,P,2010-05-27T16:24:33Z\n")
    with pytest.raises(ConfigError, match="that `quakeline view` wrote"):
        RevisedPicks(content.catalog.picks, table, "Ada")
    without = RevisedPicks(content.catalog.picks, None, "Ada")
    with pytest.raises(ConfigError, match="--picks FILE"):
        without.add(LABEL, "P", AT)


def test_two_who_revise_one_table_lose_nothing(content, table, run_folder):
    other = opened(run_folder, table, "Grace").picks
    one, two = sorted(content.catalog.picks["pick_id"])[:2]
    content.picks.delete(one)
    made = other.add(LABEL, "S", AT)
    content.picks.delete(two)
    read = set(pick_tables.read(table)["pick_id"])
    assert made["pick_id"] in read
    assert {one, two}.isdisjoint(read)
    moved = content.picks.move(made["pick_id"], AT + 10**9)
    with pytest.raises(DataError, match="another process"):
        other.undo()
    assert moved["pick_id"] in set(pick_tables.read(table)["pick_id"])


def test_changes_are_undone_the_last_one_first(content, table):
    before = content.picks.rows()
    one, two = sorted(content.catalog.picks["pick_id"])[:2]
    content.picks.add(LABEL, "S", AT)
    content.picks.move(one, AT)
    content.picks.delete(two)
    assert content.picks.undoable == 3
    for _ in range(3):
        content.picks.undo()
    by_id = lambda rows: sorted(rows, key=lambda row: row["pick_id"])  # noqa: E731
    assert by_id(content.picks.rows()) == by_id(before)
    assert content.picks.edited == 0
    assert set(pick_tables.read(table)["pick_id"]) == {row["pick_id"] for row in before}
    with pytest.raises(DataError, match="no change to undo"):
        content.picks.undo()


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("station", "ELSE", "BW.ELSE is no station of the run"),
        ("time", "2011-05-27T16:25:00Z", "are not of the time of this run"),
        ("pick_id", None, "none of its picks is one of the run"),
    ],
)
def test_the_table_of_another_run_is_refused(content, table, run_folder, column, value, why):
    content.picks.add(LABEL, "P", AT)
    cells = pd.read_csv(table, dtype=str, keep_default_na=False)
    cells[column] = value or "x" + cells[column]
    cells.to_csv(table, index=False)
    text = table.read_text()
    with pytest.raises(ConfigError, match=f"written for another run: .*{why}"):
        opened(run_folder, table, "Ada")
    assert table.read_text() == text
