"""PhaseNet's tables whose cells are lists of picks."""

from __future__ import annotations

from pathlib import Path

import pytest

from quakeline.core.errors import DataError
from quakeline.io.formats import pick_tables

HEAD = "fname,t0,p_idx,p_prob,s_idx,s_prob"
ROWS = [
    "NC.MCV..EH.0361339.npz,2019-07-04T17:00:00.000,[5999],[0.75],[6300],[0.5]",
    "BG.ACR..DP_0,2019-07-04T18:00:00.000,[100 2345],[0.5 0.93],[],[]",
]
PICKS = [
    ("NC", "MCV", "P", "17:00:59.990", 0.75),
    ("NC", "MCV", "S", "17:01:03.000", 0.5),
    ("BG", "ACR", "P", "18:00:01.000", 0.5),
    ("BG", "ACR", "P", "18:00:23.450", 0.93),
]


def read(folder: Path, *lines: str, **options: float) -> list[tuple[str, str, str, str, float]]:
    path = folder / "picks.csv"
    path.write_text("\n".join(lines) + "\n")
    table = pick_tables.read(path, **options).sort_values(["time", "phase"])
    return [
        (one.network, one.station, one.phase, f"{one.time:%H:%M:%S.%f}"[:-3], one.probability)
        for one in table.itertuples()
    ]


def test_a_row_is_as_many_picks_as_it_lists(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD, *ROWS)
    assert [one[:4] for one in found] == [one[:4] for one in PICKS]
    assert [one[4] for one in found] == pytest.approx([one[4] for one in PICKS])


def test_lists_with_commas_and_a_column_of_stations(tmp_path: Path) -> None:
    head = "station_id,fname,t0,p_idx,p_prob,s_idx,s_prob"
    row = 'XX.AAA.00.HH,a name,2019-07-04T18:00:00.000,"[100, 2345]","[0.5, 0.93]",[],[]'
    assert [one[1:4] for one in read(tmp_path, head, row)] == [
        ("AAA", "P", "18:00:01.000"),
        ("AAA", "P", "18:00:23.450"),
    ]


def test_tabs_as_phasenet_itself_writes_them(tmp_path: Path) -> None:
    rows = [row.replace(",", "\t").replace("100 2345", "100,2345") for row in ROWS]
    rows = [row.replace("0.5 0.93", "0.5,0.93") for row in rows]
    found = read(tmp_path, HEAD.replace(",", "\t"), *rows)
    assert [one[:4] for one in found] == [one[:4] for one in PICKS]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("CI.CCC.00.HHZ.mseed", ("CI", "CCC", "00", "HH")),
        ("CI.CCC..EH.0361339.npz", ("CI", "CCC", "", "EH")),
        ("CI.CCC.HHZ.mseed", ("CI", "CCC", "", "")),
        ("CI.CCC.2019-07-04.mseed", ("CI", "CCC", "", "")),
        ("NC.MCV.20190704T00.mseed", ("NC", "MCV", "", "")),
        ("NC.MCV_6000.npz", ("NC", "MCV", "", "")),
    ],
)
def test_names_of_files_tell_codes_and_nothing_else(
    tmp_path: Path, name: str, codes: tuple[str, ...]
) -> None:
    path = tmp_path / "picks.csv"
    path.write_text(f"{HEAD}\n{name},2019-07-04T17:00:00,[1],[0.9],[],[]\n")
    (pick,) = pick_tables.read(path).itertuples()
    assert (pick.network, pick.station, pick.location, pick.instrument) == codes


def test_the_rate_of_the_samples_counts(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD, ROWS[1], sampling_rate_hz=50.0)[0][3] == "18:00:02.000"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["fname,itp,tp_prob,its,ts_prob", "NC.MCV,[1],[0.9],[],[]"], "without t0"),
        ([HEAD, "long name.npz,2019-07-04T17:00:00,[1],[0.9],[],[]"], "begin with NET.STA"),
        ([HEAD.replace("fname", "name"), "x,2019-07-04T17:00:00,[1],[0.9],[],[]"], "station"),
        ([HEAD, ROWS[1].replace("[100 2345]", "[100]")], "row 2: 1 values in p_idx, 2 in p_prob"),
        ([HEAD, "AB.STATION7.x,2019-07-04T17:00:00,[1],[0.9],[],[]"], "begin with NET.STA"),
        (["# a comment", HEAD, ROWS[1].replace("2345", "nan")], r"row 3: p_idx '\[100 nan\]'"),
        ([HEAD, ROWS[1].replace("2345", "-5")], r"numbers from 0 on"),
        ([HEAD, ROWS[1].replace("2345", "x")], r"p_idx '\[100 x\]' given"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, *lines)
    assert "\n" not in str(caught.value)
