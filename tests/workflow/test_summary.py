"""What the terminal shows about a run: never nothing, and always why."""

import io

import pandas as pd
import pytest
from rich.console import Console

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import COVERAGE, EVENTS, MANIFEST, PICKS, STATIONS
from quakeline.io.products import tables
from quakeline.workflow import summary

T0 = pd.Timestamp("2010-05-27T16:24:33.123Z")
CHUNKS = ["20100527T160000_20100527T170000", "20100527T170000_20100527T180000"]


def event(number, **more):
    return {
        "event_id": f"e{number}",
        "time": T0 + pd.Timedelta(minutes=number),
        "latitude": 48.0451,
        "longitude": 11.6457,
        "depth_km": 4.04,
        "n_p": 5,
        "n_s": 3,
        "n_stations": 5,
        "associator": "pyocto",
        "locator": "grid",
        "quality": "good",
        **more,
    }


def pick(number, station="UH1", **more):
    return {
        "pick_id": f"p{number}",
        "source": "waveform",
        "network": "BW",
        "station": station,
        "location": "",
        "instrument": "HH",
        "phase": "P",
        "time": T0,
        "probability": 0.5,
        "model": "phasenet",
        "weights_id": "abc",
        **more,
    }


def data(station="UH1", **more):
    codes = {"network": "BW", "station": station, "location": "", "channel": "HHZ"}
    return {"path": f"{station}.mseed", **codes, "bytes": 1_500_000, "status": "data", **more}


def channel(station="UH1", **more):
    codes = {"network": "BW", "station": station, "location": "", "instrument": "HH"}
    gaps = {"n_gaps": 0, "longest_gap_s": 0.0, "units": "counts", "notes": ""}
    parts = {"component": "Z", "channels": "HHZ", "coverage": 1.0, "status": "used"}
    return {**codes, **gaps, **parts, **more}


def station(code):
    place = {"latitude": 48.0, "longitude": 11.6, "elevation_m": 0.0, "depth_m": 0.0}
    return {"network": "BW", "station": code, "location": "", "response": "none", **place}


def make(folder, events=(), picks=(), manifests=((),), stations=("UH1", "UH2", "UH3")):
    def put(name, table, rows):
        frame = pd.DataFrame(list(rows)) if rows else tables.empty(table)
        tables.write(frame, table, folder / f"{name}.parquet")

    put("catalog/events", EVENTS, events)
    put("catalog/picks", PICKS, picks)
    put("stations", STATIONS, [station(code) for code in stations])
    for chunk, rows in zip(CHUNKS, manifests, strict=False):
        put(f"raw/{chunk}", MANIFEST, rows)
    return folder


def text_of(folder, width=160):
    console = Console(file=io.StringIO(), width=width)
    summary.show(folder, console)
    return console.file.getvalue()


def test_events(tmp_path):
    sigma = {"depth_sigma_km": 0.83, "rms_s": 0.0712}
    text = text_of(make(tmp_path, [event(0, **sigma), event(1, quality="gap 270 deg")]))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "2010-05-27T16:24:33.1Z 48.045 11.646 4.0 ± 0.8 5 3 0.07 good" in lines
    assert "2010-05-27T16:25:33.1Z 48.045 11.646 4.0 5 3 gap 270 deg" in lines
    assert " mag " not in text
    assert " nan" not in text


def test_magnitudes_where_there_are_any(tmp_path):
    text = text_of(make(tmp_path, [event(0, magnitude=1.44), event(1)]))
    assert " mag " in text
    assert " 1.4 " in text
    assert " Mw " not in text
    far = cells("mw_note", [Reason.of(Code.NO_SITE, 2)])
    text = text_of(make(tmp_path, [event(0, magnitude=1.44, mw=1.72), event(1, **far)]))
    assert " 1.4 1.7 " in text
    assert "moments (Mw)  1 of 2 events; 1 without one: no coordinates (at 1 event)" in text


def test_why_events_have_no_magnitude_counts_events_not_stations(tmp_path):
    counts, site = Reason.of(Code.COUNTS_ONLY), Reason.of(Code.NO_SITE, 3)
    notes = [[counts.counted(16)], [site, counts.counted(12)]]
    rows = [event(n, **cells("magnitude_note", reasons)) for n, reasons in enumerate(notes)]
    told = (
        "0 of 2 events; 2 without one: no instrument response (at 2 events), no coordinates (at 1"
        " event)"
    )
    assert told in " ".join(text_of(make(tmp_path, rows)).split())


def test_events_fit_a_narrow_terminal(tmp_path):
    rows = [
        event(n, depth_sigma_km=10.5, depth_km=10.0, rms_s=0.2, longitude=-111.6) for n in (0, 1)
    ]
    text = text_of(make(tmp_path, rows), width=80)
    assert "2010-05-27T16:24:33.1Z 48.045 -111.600 10.0 ± 10.5 5 3  0.20 good" in text


def test_many_events_are_cut_to_the_largest(tmp_path):
    rows = [event(n, n_p=30 if n == 24 else 5) for n in range(25)]
    text = text_of(make(tmp_path, rows))
    assert "2010-05-27T16:48:33.1Z" in text
    assert "The 20 events with the most arrivals; 5 more with --all." in text


def test_totals(tmp_path):
    picks = [pick(0, event_id="e0"), pick(1, "UH2", phase="S")]
    manifests = [[data(), data(channel="HHN"), data("UH2")], [data(), data("UH9", status="unused")]]
    text = text_of(make(tmp_path, [event(0)], picks, manifests))
    totals = {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines() if line}
    assert totals["events"] == "1, 2010-05-27T16:24:33.1Z to 2010-05-27T16:24:33.1Z"
    assert totals["picks"] == "2 (1 P, 1 S), 1 of them in events"
    assert totals["stations"] == "2 of 3 with data, 2 with picks"
    assert totals["chunks"] == "2 with data, 0 without"
    assert totals["files"] == "2 used (3 MB), 1 not used"


def test_chunks_without_data_are_named(tmp_path):
    text = text_of(make(tmp_path, [event(0)], manifests=[[data()], []]))
    assert f"1 with data, 1 without: {CHUNKS[1]}" in text


def test_reasons_are_grouped_and_remarks_come_last(tmp_path):
    silent = {"network": "BW", "status": "no data", "reason": "no file"}
    broken = {"path": "bad[1].mseed", "status": "unreadable", "reason": "[red]truncated"}
    names = ("UH2", "UH3", "UH4", "UH5", "UH6")
    rows = [data(reason="7 spikes"), *({**silent, "station": name} for name in names)]
    text = text_of(make(tmp_path, [event(0)], manifests=[rows, [*rows, broken]]))
    lines = text[text.index("Data not used") :].splitlines()
    assert lines[1].split() == ["status", "reason", "where", "chunks"]
    found = [" ".join(line.split()) for line in lines[2:5]]
    assert found == [
        "unreadable [red]truncated bad[1].mseed 1",
        "no data no file BW.UH2, BW.UH3, BW.UH4, BW.UH5 and 1 more 2",
        "used 7 spikes UH1.mseed 2",
    ]


def test_many_reasons_are_counted(tmp_path):
    rows = [data(f"S{n}", status="unused", reason=f"reason S{n}") for n in range(27)]
    text = text_of(make(tmp_path, [event(0)], manifests=[rows]))
    assert "2 more with --all." in text


def test_what_preparation_found_is_shown_and_decides_what_counts_as_data(tmp_path):
    folder = make(tmp_path, [event(0)], manifests=[[data(), data("UH2")], [data()]])
    dead = channel("UH2", status="unused", coverage=0.0, notes="dead channel")
    missing = Reason.of(Code.COMPONENTS_MISSING, components="N")
    notes = cells("notes", [Reason.of(Code.RESPONSE_REMOVED), missing])
    rows = [channel(**notes), dead]
    tables.write(pd.DataFrame(rows), COVERAGE, folder / "coverage" / f"{CHUNKS[0]}.parquet")
    text = text_of(folder)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "unused dead channel BW.UH2..HHZ 1" in lines
    assert "used no component N: zeros for the network BW.UH1..HHZ 1" in lines
    assert "response removed" not in text
    assert "stations 1 of 3 with data, 0 with picks" in lines
    assert f"chunks 1 with data, 1 without: {CHUNKS[1]}" in lines


def test_places(tmp_path):
    folder = make(tmp_path, [event(0)])
    (folder / "report.html").touch()
    text = text_of(folder, width=400)
    assert str(folder / "report.html") in text
    assert str(folder / "catalog" / "events.parquet") in text
    assert ["QuakeML", "not", "made"] in [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        ({"manifests": []}, "no data were asked for"),
        ({"manifests": [[data(status="unused", reason="x")]]}, "No data could be used"),
        ({"manifests": [[data()]]}, "There are data of 1 station, but no picks"),
        (
            {"manifests": [[data(), data("*", network="F")]]},
            "happened, or pick.thresholds and das_annotate.thresholds are too high",
        ),
        (
            {"manifests": [[data(), data("*", network="F")]]},
            "There are data of 1 station and 1 fibre, but no picks.",
        ),
        ({"manifests": [[data("*")]]}, "1 fibre, but no picks. Either nothing happened, or das_a"),
        (
            {"manifests": [[data()]], "picks": [pick(0), pick(1, "UH2")]},
            "There are 2 picks, but at 2 stations only",
        ),
        (
            {"manifests": [[data()]], "picks": [pick(n, f"UH{n}") for n in range(3)]},
            "3 picks at 3 stations form no event",
        ),
    ],
)
def test_no_events_says_why(tmp_path, made, hint):
    text = text_of(make(tmp_path, **made), width=400)
    assert "No events." in text
    assert hint in text
    assert "events    0" in text


def test_a_table_in_place_of_the_picks_may_be_empty(tmp_path):
    folder = make(tmp_path, manifests=[[data()]])
    tables.write(tables.empty(PICKS), PICKS, folder / "imported/picks.parquet")
    text = text_of(folder, width=400)
    assert "The table of picks has none within the run's time, and there are no others." in text


def test_only_folders_of_logs_that_exist_are_named(tmp_path):
    folder = make(tmp_path, manifests=[[data()]])
    assert "what the network expects." in text_of(folder, width=400)
    for stage in ("das_annotate", "das_pick"):
        (folder / "logs" / stage).mkdir(parents=True)
    text = text_of(folder, width=600)
    logs = folder / "logs"
    assert f"expects: see {logs / 'das_annotate'} and {logs / 'das_pick'}." in text
    assert str(logs / "prepare") not in text


def test_no_events_although_candidates_existed(tmp_path):
    picks = [pick(n, f"UH{n}") for n in range(3)]
    folder = make(tmp_path, picks=picks, manifests=[[data()]])
    tables.write(pd.DataFrame([event(0)]), EVENTS, folder / "associations" / "events.parquet")
    assert "1 groups of picks were found, but none could be located" in text_of(folder, width=400)


def test_without_a_station_table(tmp_path):
    folder = make(tmp_path, [event(0)], manifests=[[data()]])
    (folder / "stations.parquet").unlink()
    assert "1 with data, 0 with picks" in text_of(folder)


def test_unknown_run_names_the_runs(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with pytest.raises(DataError, match=r"run 'demo' does not exist; runs in .*: one, two$"):
        summary.summarise(tmp_path / "demo")


def test_no_runs_at_all(tmp_path):
    with pytest.raises(DataError, match=r"there is no other run in .*results"):
        summary.summarise(tmp_path / "results" / "demo")


def test_unfinished_run(tmp_path):
    (tmp_path / "demo").mkdir()
    with pytest.raises(DataError, match="run 'demo' has no catalog yet: it is not finished"):
        summary.summarise(tmp_path / "demo")


def test_an_unfinished_run_says_what_is_known_about_its_data(tmp_path):
    folder = make(tmp_path, manifests=[[data(status="unused", reason="wrong rate")]])
    (folder / "catalog/events.parquet").unlink()
    console = Console(file=io.StringIO(), width=160)
    with pytest.raises(DataError, match="not finished"):
        summary.show(folder, console)
    assert "wrong rate" in console.file.getvalue()


def at_80_columns(folder, **options):
    page = io.StringIO()
    summary.show(folder, Console(file=page, width=80), **options)
    return page.getvalue()


def test_no_word_is_broken_at_80_columns(tmp_path):
    far = event(1, quality="arrivals from one side only", magnitude=2.1, mw=2.0, depth_sigma_km=1.2)
    run = make(tmp_path / "run", [far], [pick(1)], [[data(), data("UH2", status="unused")]])
    text = at_80_columns(run)
    assert max(map(len, text.splitlines())) <= 80
    for word in ("arrivals", "side", "only", "2010-05-27T16:25:33.1Z", "4.0 ± 1.2", "unused"):
        assert word in text


def test_all_lists_everything_and_paths_are_short_otherwise(tmp_path):
    long = "/archive/of/the/whole/network/in/folders/of/years/2010/UH1.mseed"
    unused = [data(f"X{n}", path=long.replace("UH1", f"X{n}"), status="unused") for n in range(9)]
    cause = cells("reason", [Reason.of(Code.NO_COORDINATES, station="BW.X")])
    rows = [{**row, **cause} for row in unused]
    run = make(tmp_path / "run", [event(n) for n in range(30)], [pick(1)], [[data(), *rows]])
    short, whole = at_80_columns(run), at_80_columns(run, everything=True)
    assert "10 more with --all" in short
    assert len(whole.splitlines()) > len(short.splitlines()) + 10
    for number in range(30):
        assert f"2010-05-27T{16 + (24 + number) // 60}:{(24 + number) % 60:02d}:33.1Z" in whole
