"""The workflow on data of a real FDSN server on loopback."""

from __future__ import annotations

from pathlib import Path

import archives
import pandas as pd
import pytest
import servers
from runs import WIDE, read_all, refused
from servers import Front
from workfolder import WorkFolder

from quakeline.core.schemas import MANIFEST, PICKS

FIRST, SECOND = "20100527T162400_20100527T162700", "20100527T162700_20100527T162800"
UNTIL_PICKS = ("--", "--until", "pick")


def overlay(centre: Front, more: str = "") -> str:
    return (
        "run: remote\ntime: {chunk_h: 0.05}\nfetch:\n  source:\n    kind: fdsn\n"
        f"    providers: ['{centre.url}']\n    pause_s: 0.02\n{more}"
    )


@pytest.fixture
def centre(fdsn_programs: Path, tmp_path: Path):
    recorded = [archives.write(t, tmp_path / "recorded") for t in archives.recordings()]
    inventory = servers.inventory_of(archives.recordings())
    with (
        servers.dataselect(fdsn_programs, recorded, tmp_path / "server", mended=True) as port,
        servers.front(inventory, port) as front,
    ):
        yield front


@pytest.fixture
def place(tmp_path: Path) -> WorkFolder:
    folder = tmp_path / "work"
    folder.mkdir()
    return WorkFolder(WorkFolder.furnished(folder).folder, environment=WIDE)


def picks(folder: Path) -> pd.DataFrame:
    found = read_all(folder, PICKS).sort_values(["time", "station", "phase"], ignore_index=True)
    return found.drop(columns="pick_id")


def test_the_picks_are_those_of_local_files(
    centre: Front, place: WorkFolder, demo_run: WorkFolder
) -> None:
    """One station is refused at first: `quakeline run` tells, `quakeline fetch` gets it."""
    path = place.demo_overlay(overlay(centre))
    centre.refused = ("UH3", "2010-05-27T16:24:30")  # Both chunks read it.
    done = place.quakeline("run", path, "--cores", "1", *UNTIL_PICKS)
    assert done.returncode == 0, done.stdout + done.stderr
    results = place.folder / "results/remote"
    manifest = read_all(results / "raw", MANIFEST)
    failed = manifest[manifest["status"] == "failed"]
    assert failed["reason"].str.contains("HTTP 403: the server refuses access").all()
    assert failed["station"].tolist() == ["UH3", "UH3"]
    settings = ("--configfile", path, "--until", "pick")
    assert place.planned(*settings) == {}

    centre.refused, n_asked = None, len(centre.asked)
    done = place.quakeline("fetch", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 requests (1 data, 1 no data, 0 failed)" in done.stdout
    assert {line.split()[1] for request in centre.asked[n_asked:] for line in request} == {"UH3"}
    planned = place.planned(*settings)
    assert set(planned) == {"prepare", "annotate", "pick"}, planned

    done = place.quakeline("run", path, *UNTIL_PICKS)
    assert done.returncode == 0, done.stdout + done.stderr
    local = picks(demo_run.folder / "results/unterhaching/picks")
    assert len(local) > 20
    pd.testing.assert_frame_equal(picks(results / "picks"), local)
    assert place.planned(*settings) == {}


def test_fetch_alone_makes_the_manifests_and_tells(centre: Front, place: WorkFolder) -> None:
    more = (
        "stations:\n  table: null\n  fdsn:\n"
        f"    {{providers: ['{centre.url}'], networks: [BW], pause_s: 0.02}}\n"
    )
    done = place.quakeline("fetch", place.demo_overlay(overlay(centre, more)))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if "BW.UH" in line]
    assert [row[0] for row in rows] == ["BW.UH1", "BW.UH2", "BW.UH3", "BW.UH4"]
    assert {tuple(row[1:]) for row in rows} == {("0.07", "0.00", "0.00")}
    raw = place.folder / "results/remote/raw"
    assert sorted(path.stem for path in raw.glob("*.parquet")) == [FIRST, SECOND]
    n_asked = len(centre.asked)
    done = place.quakeline("fetch", place.demo_overlay(overlay(centre, more)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 requests" in done.stdout
    assert len(centre.asked) == n_asked


def test_a_centre_that_fails_is_one_line_and_a_failed_command(
    centre: Front, place: WorkFolder
) -> None:
    centre.always = "403"
    done = place.quakeline("fetch", place.demo_overlay(overlay(centre)))
    refused(done, "HTTP 403: the server refuses access", most=3)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("providers: [NOWHERE]", "'NOWHERE' given; allowed: a base URL"),
        ("auth: password", "QUAKELINE_FDSN_USER is not set"),
    ],
)
def test_mistakes_are_told_before_anything_begins(
    place: WorkFolder, setting: str, words: str
) -> None:
    lines = ["kind: fdsn", setting]
    lines += [] if "providers" in setting else ["providers: [EARTHSCOPE]"]
    text = f"fetch: {{source: {{{', '.join(lines)}}}}}\n"
    for command in (("config", "check"), ("run",), ("fetch",)):
        refused(place.quakeline(*command, place.demo_overlay(text)), words)
