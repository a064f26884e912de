"""Codes in one form wherever they enter: headers, metadata, responses, picks, names, settings."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import archives
import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Response, Station

import quakeline
from quakeline.core.errors import DataError
from quakeline.core.timeline import Span
from quakeline.io.formats import codes, inventory, pick_tables, responses, station_tables
from quakeline.io.formats.waveform_files import read_headers
from quakeline.waveforms.preparation.recordings import of_files, of_stream
from quakeline.waveforms.preparation.settings import Prefer
from quakeline.waveforms.sources.remote import RemoteSource
from quakeline.waveforms.sources.sds import Sds
from quakeline.workflow.stages.prepare import Config

SPELLINGS = ["--", "", "  ", "\0\0", "-"]


@pytest.mark.parametrize("code", SPELLINGS)
def test_the_empty_location_has_one_form(code: str) -> None:
    assert codes.normal(code) == ""


@pytest.mark.parametrize(
    ("code", "normal"), [("uh1", "UH1"), (" hhz ", "HHZ"), ("00\0", "00"), ("0", "0"), (None, "")]
)
def test_other_codes(code: str | None, normal: str) -> None:
    assert codes.normal(code) == normal


def earthworm(folder: Path, station: str = "UH1", location: str = "--") -> Path:
    """A recording whose header has a location as Earthworm writes it."""
    (trace,) = archives.recordings("UH1.SHZ")
    trace = archives.renamed(trace, station)
    path = archives.write(trace, folder, f"{station}{location}")
    content = bytearray(path.read_bytes())
    for begin in range(0, len(content), archives.RECORD):
        struct.pack_into("2s", content, begin + 13, location.encode())
    path.write_bytes(bytes(content))
    return path


def described(*named: str, latitude: float = 48.0) -> Inventory:
    """Stations (NET.STA.LOC.CHA) with a flat response each."""
    networks = []
    for number, name in enumerate(named):
        net, sta, loc, cha = name.split(".")
        response = Response.from_paz([], [], 1e9, input_units="M/S", output_units="COUNTS")
        place = latitude + number, 11.0, 500.0
        channel = Channel(cha, loc, *place, 0.0, sample_rate=200.0, response=response)
        networks.append(Network(net, stations=[Station(sta, *place, channels=[channel])]))
    return Inventory(networks=networks)


def stationxml(folder: Path, *named: str) -> Path:
    path = folder / "stations.xml"
    described(*named).write(str(path), format="STATIONXML")
    return path


@pytest.mark.parametrize("location", ["--", "  "])
def test_earthworms_location_finds_its_response(tmp_path: Path, location: str) -> None:
    """As reported: `response: none` for every channel, in silence."""
    path = earthworm(tmp_path, location=location)
    (header,) = read_headers(path)
    assert header.codes == "BW.UH1..SHZ"
    assert header.header_codes == ("BW.UH1.--.SHZ" if location == "--" else "")
    known = inventory.read([stationxml(tmp_path, "BW.UH1..SHZ")])
    curves = quakeline.annotate(str(path), inventory=known)
    assert {trace.stats.location for trace in curves} == {""}
    picks = quakeline.pick(str(path), inventory=known)
    assert len(picks)
    assert picks["amplitude_m_s"].notna().all()
    assert set(picks["location"]) == {""}


def test_a_stream_in_memory_is_read_alike_and_stays_as_it_is(tmp_path: Path) -> None:
    (trace,) = archives.recordings("UH1.SHZ")
    trace.stats.location, trace.stats.station = "--", "uh1"
    known = described("BW.UH1.--.shz")
    picks = quakeline.pick(obspy.Stream([trace]), inventory=known)
    assert set(picks["station"]) == {"UH1"}
    assert picks["amplitude_m_s"].notna().all()
    assert trace.id == "BW.uh1.--.SHZ"
    assert known[0][0][0].location_code == "--"


def test_flags_of_records_are_found_under_the_same_codes(tmp_path: Path) -> None:
    from quakeline.waveforms.preparation.flags import Flags

    path = earthworm(tmp_path)
    content = bytearray(path.read_bytes())
    for begin in range(0, len(content), archives.RECORD):
        content[begin + 38] |= 0b10  # clipping
    path.write_bytes(bytes(content))
    (note,) = Flags().notes([str(path)], ("BW", "UH1", "", "SHZ"))
    assert "clipping of the digitizer" in str(note)


def test_a_near_miss_is_named(tmp_path: Path) -> None:
    (trace,) = archives.recordings("UH1.SHZ")
    trace.stats.location = "00"
    known = inventory.read([stationxml(tmp_path, "BW.UH1.10.SHZ")])
    from quakeline.api.direct.weights import load
    from quakeline.picking.direct.picks import picks_of, settings_of

    annotator = load("phasenet", None)
    done = picks_of(of_stream([trace], known), annotator, settings_of(annotator.card))
    assert "no response: the inventory has location 10, not 00" in "\n".join(done.lines)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (("AB", "STA", "10", "HHZ"), "location 10, not 00"),
        (("AB", "STA", "", "HHZ"), "location (empty), not 00"),
        (("AB", "STA", "00", "BHZ"), "channels 00.BHZ, not 00.HHZ"),
        (("XX", "STA", "00", "HHZ"), "network XX, not AB"),
        (("AB", "OTHER", "00", "HHZ"), ""),
    ],
)
def test_what_is_near(known: codes.Codes, said: str) -> None:
    assert codes.nearest(("AB", "STA", "00", "HHZ"), [known]) == said


def test_stationxml_and_tables_and_responses(tmp_path: Path) -> None:
    read = inventory.read([stationxml(tmp_path, "bw.uh1.--.shz")])
    frame = inventory.table_of(read)
    row = frame.loc[0, ["network", "station", "location", "channel"]]
    assert row.tolist() == ["BW", "UH1", "", "SHZ"]
    table = tmp_path / "stations.csv"
    table.write_text("network,station,location,latitude,longitude,elevation_m\nbw,uh1,--,48,11,5\n")
    row = station_tables.read_table(table).loc[0, ["network", "station", "location"]]
    assert row.tolist() == ["BW", "UH1", ""]
    (tmp_path / "SAC_PZs_bw_uh1_shz_--").write_text("ZEROS 0\nPOLES 0\nCONSTANT 1.0\n")
    (one,) = responses.read(tmp_path / "SAC_PZs_bw_uh1_shz_--")
    assert one.codes == ("BW", "UH1", "", "SHZ")
    (one,) = responses.read(stationxml(tmp_path, "bw.uh1.--.shz"))
    assert one.codes == ("BW", "UH1", "", "SHZ")


def test_picks(tmp_path: Path) -> None:
    path = tmp_path / "picks.csv"
    path.write_text("station,phase,time\nbw.uh1.--.shz,P,2020-01-01\ncable.00010,S,2020-01-01\n")
    codes_of = ["network", "station", "location", "instrument"]
    picks = pick_tables.read(path, fibres=frozenset({"cable"}))[codes_of]
    assert picks.to_numpy().tolist() == [["BW", "UH1", "", "SH"], ["cable", "00010", "", ""]]
    numbers = pd.DataFrame({"station": ["a", "b"], "location": [0.0, np.nan]})
    numbers.assign(phase="P", time=1.6e9).to_parquet(tmp_path / "picks.parquet")
    read = pick_tables.read(tmp_path / "picks.parquet")
    assert sorted(zip(read["station"], read["location"], strict=True)) == [("A", "00"), ("B", "")]


def test_settings_and_names_of_files(tmp_path: Path) -> None:
    assert Config(instruments=["hh"], prefer=Prefer(locations=["--"])).instruments == ["HH"]
    assert Prefer(locations=["--", "00"]).locations == ["", "00"]
    folder = tmp_path / "2010/BW/UH1/SHZ.D"
    folder.mkdir(parents=True)
    path = folder / "BW.UH1.--.SHZ.D.2010.147"
    path.touch()
    day = Span.parse("20100527T000000_20100528T000000")
    for location in ("", "--"):
        source = Sds(roots=[str(tmp_path)], locations=[location], stations=["uh1"])
        assert source.files(day) == [path]
        assert source.remarks(path, "BW.UH1..SHZ") == []
    assert RemoteSource.model_fields["locations"].annotation == list[codes.Code]


def test_stations_that_only_capitals_tell_apart_are_not_merged(tmp_path: Path) -> None:
    """Metadata and picks are refused in a line; of waveforms one is used, the other is told of."""
    with pytest.raises(DataError, match=r"AB\.STA and AB\.sta are at different places"):
        inventory.read([stationxml(tmp_path, "AB.STA..HHZ", "AB.sta..HHZ")])
    table = tmp_path / "stations.csv"
    head = "network,station,latitude,longitude,elevation_m\n"
    table.write_text(f"{head}AB,STA,48,11,5\nAB,sta,49,11,5\n")
    with pytest.raises(DataError, match="only capital letters"):
        station_tables.read_table(table)
    picks = tmp_path / "picks.csv"
    picks.write_text("station,phase,time\nAB.STA,P,2020-01-01\nAB.sta,P,2020-01-01\n")
    with pytest.raises(DataError, match="only capital letters"):
        pick_tables.read(picks)
    files = [earthworm(tmp_path / "data", name) for name in ("UH1", "uh1")]
    manifest = of_files(files).manifest
    assert manifest["status"].tolist() == ["data", "unused"]
    assert "only capital letters tell them apart" in manifest["reason"].iloc[1]
    assert "BW.uh1..SHZ" in manifest["reason"].iloc[1]


def test_one_channel_in_two_spellings_is_one(tmp_path: Path) -> None:
    """`--` and blanks mean the same, so that nothing is lost where they overlap."""
    files = [earthworm(tmp_path, location="--"), earthworm(tmp_path, location="  ")]
    assert of_files(files).manifest["status"].tolist() == ["data", "data"]


def test_inspect_tells_of_spellings(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from quakeline.cli import app

    earthworm(tmp_path / "data", "uh1")
    earthworm(tmp_path / "data", "UH1")
    words = ["inspect", str(tmp_path / "data"), "--json", str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "the headers spell its codes BW.UH1..SHZ and BW.uh1..SHZ" in done.output
    assert "BW.UH1..SHZ" in json.dumps(json.loads((tmp_path / "out.json").read_text()))
