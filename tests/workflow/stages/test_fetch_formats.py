"""Formats: every one gives data with codes, or a row that says why not; names from the config."""

from __future__ import annotations

import shutil
from pathlib import Path

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
from pydantic import ValidationError
from recordings import HEADER, OBSPY, trace, write

from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import Span
from quakeline.io.formats.waveform_files import read_headers
from quakeline.io.products import tables
from quakeline.waveforms.preparation.raw import RawFiles
from quakeline.waveforms.sources.naming import Naming
from quakeline.workflow.stages import fetch, stations

#: A file of each format of obspy, and the codes that it has, or none.
FORMATS = {
    "mseed/tests/data/gaps.mseed": "BW.BGLD..EHE",
    "sac/tests/data/LMOW.BHE.SAC": ".LMOW..BHE",
    "gse2/tests/data/loc_RJOB20050831023349.z": ".RJOB..Z",
    "seisan/tests/data/2005-07-23-1452-04S.CER___030": ".CER..BHE",
    "gcf/tests/data/20160603_1955n.gcf": ".6018..HHN",
    "y/tests/data/YAYT_BHZ_20021223.124800": ".AYT..BHZ",
    "reftek/tests/data/225051000_00008656": ".KW1..",
    "sh/tests/data/QFILE-TEST.QHD": ".TEST..BHE",
    "ah/tests/data/hrv.lh.zne": ".HRV..LHE",
    "css/tests/data/test_css.wfdisc": ".TESTBE..HHE",
    "kinemetrics/tests/data/BI008_MEMA-04823.evt": ".MEMA..0",
    "nied/tests/data/test.knet": "BO.AKT013..HNE",
    "ascii/tests/data/slist.ascii": "XX.TEST..BHZ",
    "dmx/tests/data/131114_090600.dmx": "ETNA.EMFO..Z",
    "segy/tests/data/1.sgy_first_trace": None,
    "segy/tests/data/1.su_first_trace": None,
    "win/tests/data/10030302.00": None,
    "pdas/tests/data/p1246001.108": None,
    "wav/tests/data/3cssan.near.8.1.RNON.wav": None,
    "seg2/tests/data/20180307_031245000.0.seg2": None,
}


def run_fetch(folder: Path, paths: list[str], table: str, when: Span, **source) -> pd.DataFrame:
    (folder / "stations.csv").write_text(f"{HEADER}\n{table}\n")
    known = folder / "stations.parquet"
    stations.run(
        stations.Config(table=str(folder / "stations.csv")),
        sources=[folder / "stations.csv"],
        stations=known,
        inventory=folder / "stations.xml",
    )
    fetch.run(
        fetch.Config(source={"kind": "files", "paths": paths, **source}),
        chunk=when.id,
        margin_s=0.0,
        stations=known,
        archive="",
        manifest=folder / "manifest.parquet",
    )
    return tables.read(folder / "manifest.parquet", MANIFEST)


def around(path: Path) -> Span:
    headers = read_headers(path)
    first, last = min(h.start_ns for h in headers), max(h.end_ns for h in headers)
    return Span.parse(Span(first - 10**9, last + 2 * 10**9).id)


@pytest.mark.parametrize(("name", "codes"), FORMATS.items())
def test_every_format_has_data_or_a_reason(tmp_path: Path, name: str, codes: str | None) -> None:
    path = OBSPY / "io" / name
    rows = run_fetch(tmp_path, [str(path)], "ZZ,NONE,0,0,0", around(path))
    rows = rows[rows["path"].notna()]
    assert len(rows) >= 1
    assert (rows["n_samples"] > 0).all()
    assert (rows["status"] == "unused").all()
    if codes is None:
        assert rows["reason"].str.contains("fetch.source.codes gives codes").all()
    else:
        found = rows["network"] + "." + rows["station"] + "." + rows["location"]
        assert (found + "." + rows["channel"]).str.startswith(codes).any()
        assert rows["reason"].str.contains("has no coordinates").any()


CODES = {
    "sac/tests/data/LMOW.BHE.SAC": ("XX.*..*", ["XX.LMOW..BHE"]),
    "gse2/tests/data/loc_RJOB20050831023349.z": ("BW.*..EH*", ["BW.RJOB..EHZ"]),
    "segy/tests/data/1.sgy_first_trace": ("XX.L{trace:03d}..GHZ", ["XX.L001..GHZ"]),
    "win/tests/data/10030302.00": ("XX.W..*", ["XX.W..A100", "XX.W..A101"]),
}


@pytest.mark.parametrize(("name", "code", "expected"), [(n, *c) for n, c in CODES.items()])
def test_codes_from_the_configuration(tmp_path, name, code, expected):
    """Fetched under their new codes, and read under them with all their samples."""
    path, when = OBSPY / "io" / name, around(OBSPY / "io" / name)
    if "EH*" in code:
        code = code.replace("EH*", "EHZ")
    stations_ = "\n".join(f"{c.split('.')[0]},{c.split('.')[1]},0,0,0" for c in expected)
    table = "\n".join(dict.fromkeys(stations_.splitlines()))
    rows = run_fetch(tmp_path, [str(path)], table, when, codes=[{"code": code}])
    rows = rows[rows["path"].notna()]
    assert list(rows["status"]) == ["data"] * len(expected), list(rows["reason"])
    names = rows[["network", "station", "location", "channel"]].agg(".".join, axis=1)
    assert list(names) == expected
    raw = RawFiles(when)
    stream = obspy.read(str(path))
    for number, row in enumerate(rows.itertuples()):
        segments, _ = raw.segments(rows[rows.index == row.Index])
        samples = np.concatenate([segment.samples for segment in segments])
        np.testing.assert_allclose(samples, stream[number].data)


def test_a_trace_is_told_by_its_number(tmp_path: Path) -> None:
    """A SEG-Y file of several traces at the same time, of which a chunk needs only a part."""
    rng = np.random.default_rng(0)
    stream = obspy.Stream(
        trace("...", "2020-05-01T00:00:00", rng.normal(size=3000).astype("f4")) for _ in range(3)
    )
    path = tmp_path / "shot.sgy"
    stream.write(str(path), format="SEGY", data_encoding=5)
    when = Span(1_588_291_210 * 10**9, 1_588_291_220 * 10**9)
    table = "\n".join(f"XX,L{n},0,0,0" for n in (1, 2, 3))
    naming = [{"files": "*.sgy", "code": "XX.L{trace}..GHZ"}]
    rows = run_fetch(tmp_path, [str(path)], table, when, codes=naming)
    assert list(rows["header_codes"]) == ["...#1", "...#2", "...#3"]
    raw = RawFiles(when)
    for number, index in enumerate(rows.index):
        (segment,), notes = raw.segments(rows.loc[[index]])
        assert notes == []
        assert segment.start_ns == when.start_ns
        np.testing.assert_array_equal(segment.samples, stream[number].data[1000:2001])
    rows = run_fetch(tmp_path, [str(path)], table, when, codes=[{"code": "XX.L1..GHZ"}])
    assert rows["status"].iloc[0] == "unused"
    assert "to several traces of the file at the same time" in rows["reason"].iloc[0]


def test_the_first_naming_that_fits_counts(tmp_path: Path) -> None:
    for channel in ("hhz", "hhn"):
        write([trace(f"xx.aaa..{channel}", 0, np.arange(900, dtype="i4"))], tmp_path / channel)
    codes = [
        {"header": "xx.aaa..hhn", "code": "XX.AAA..HHN"},
        {"files": f"{tmp_path}/hh?", "code": "XX.AAA.10.HHZ"},
    ]
    paths = [str(tmp_path / "hh?")]
    rows = run_fetch(tmp_path, paths, "XX,AAA,0,0,0", Span(0, 10**10), codes=codes)
    assert list(rows["channel"] + rows["location"]) == ["HHN", "HHZ10"]
    assert list(rows["header_codes"]) == ["xx.aaa..hhn", "xx.aaa..hhz"]


@pytest.mark.parametrize("code", ["AAA", "XX.AAA.HHZ", "XX...HHZ", "XX.A A..HHZ", "XX.{n}..HHZ"])
def test_codes_that_are_none(code: str) -> None:
    with pytest.raises(ValidationError, match="given; "):
        Naming(code=code)


def test_codes_in_small_letters_are_those_in_capitals(tmp_path: Path) -> None:
    write([trace("xx.aaa..hhz", 0, np.arange(900, dtype="i4"))], tmp_path / "a.mseed")
    rows = run_fetch(tmp_path, [str(tmp_path / "*.mseed")], "XX,AAA,0,0,0", Span(0, 10**10))
    assert (rows["station"].iloc[0], rows["status"].iloc[0]) == ("AAA", "data")


def test_names_that_lie_and_places_that_are_wrong_are_remarks(tmp_path: Path) -> None:
    recordings = archives.recordings("UH3.SHZ", "UH3.SHN", "UH3.SHE")
    for one, place in zip(recordings, "NEZ", strict=True):
        archives.write(one, tmp_path, place)
    (tmp_path / "list.txt").write_text("N.mseed E.mseed Z.mseed\n\nmissing.mseed\n")
    listed = {"kind": "archive_list", "list_file": str(tmp_path / "list.txt")}
    folder = tmp_path / "sds/2010/BW/UH3/SHZ.D"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "E.mseed", folder / "BW.UH3..SHZ.D.2010.147")
    when = Span.parse("20100527T162400_20100527T162800")
    for source in (listed, {"kind": "sds", "roots": [str(tmp_path / "sds")]}):
        fetch.run(
            fetch.Config(source=source),
            chunk=when.id,
            margin_s=0.0,
            stations=known_uh3(tmp_path),
            archive="",
            manifest=tmp_path / "manifest.parquet",
        )
        rows = tables.read(tmp_path / "manifest.parquet", MANIFEST)
        reasons = rows["reason"].fillna("")
        if source is listed:
            assert (rows["status"] == "data").sum() == 3
            assert reasons.str.contains("line 1 of .* at the place of").sum() >= 2
            missing = rows[rows["status"] == "unreadable"]["reason"].iloc[0]
            assert missing.startswith("cannot be opened: No such file or directory; line 3 of ")
        else:
            assert reasons.iloc[0] == "the file's name says BW.UH3..SHZ"


def known_uh3(folder: Path) -> Path:
    (folder / "stations.csv").write_text(f"{HEADER}\nBW,UH3,48,11,500\n")
    known = folder / "stations.parquet"
    stations.run(
        stations.Config(table=str(folder / "stations.csv")),
        sources=[folder / "stations.csv"],
        stations=known,
        inventory=folder / "stations.xml",
    )
    return known
