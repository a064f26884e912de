"""The page as a whole: what it says about a full run, and about runs that lack something."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from nobody import trained

from quakeline.core.errors import DataError
from quakeline.core.schemas import EVENTS
from quakeline.models.cards import PHASENET
from quakeline.workflow.stages import report

VOID = {"meta", "link", "br", "hr", "img", "input"}
ATTACK = "<script>alert('x')</script>"


class Checker(HTMLParser):
    """Collects tags, ids, addresses and text; notes tags that do not close in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.faults: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        keys = ("href", "xlink:href", "src")
        self.targets += [str(given[key]) for key in keys if key in given]
        self.faults += [f"{tag} {key}" for key in given if key.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def checked(page: str) -> Checker:
    """Parse a page; it must be well formed, stand alone and have no name twice."""
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.faults
    assert page.startswith("<!doctype html>")
    scripts = re.findall(r"<script(.*?)>(.*?)</script>", page, flags=re.DOTALL)
    assert checker.tags["script"] == len(scripts)
    allowed = re.search(r"; script-src ([^\"]*)\">", page)
    policy = allowed[1].split() if allowed else []
    for about, text in scripts:
        if re.fullmatch(r' type="application/json" id="[a-z]+-data"', about):
            assert json.loads(text)
            continue
        assert about == ""
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        policy.remove(f"'sha256-{digest}'")
    assert policy == []
    assert [name for name, n in Counter(checker.ids).items() if n > 1] == []
    outside = [t for t in checker.targets if not t.startswith(("#", "data:"))]
    links = r"https://doi\.org/10\.\d+/\S+|catalog/[a-z]+\.(csv|qml|parquet)"
    assert [t for t in outside if not re.fullmatch(links, t)] == []
    inside = {t.removeprefix("#") for t in checker.targets if t.startswith("#")}
    assert inside <= set(checker.ids)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page
    return checker


def test_a_full_run(full_page):
    page = full_page.read_text(encoding="utf-8")
    words = checked(page).words
    assert len(page.encode()) < 1_000_000
    assert "Unterhaching swarm" in words
    assert "2010-05-27 16:24:00 to 2010-05-27 16:28:00 UTC (4 min)" in words
    assert re.search(r"events 3 2 of quality good", words)
    assert "P picks 13 12 belong to an event" in words
    assert "S picks 9 9 belong to an event" in words
    assert "stations with data 4 of 4 asked for" in words
    assert "2010-05-27 16:24:31.75" in words
    assert "4.98 ± 0.80" in words
    assert "few picks" in words
    assert "96.0 %" in words
    assert "Zhu, W. & Beroza" in words
    assert "0123456789ab" in words
    assert "a" * 64 in words
    assert "prepare 1 1.5 1.5 1.5 1.2 100 100" in words
    assert "merge 1 0.1 0.1 0.1 – – –" in words
    assert "all 3 3.1 1.5 100" in words


def test_record_sections_show_traces_picks_and_probabilities(full_page):
    page = full_page.read_text(encoding="utf-8")
    assert page.count('class="record"') == 3
    assert page.count('class="instrument"') == 12
    assert page.count('class="trace"') == 18
    assert page.count('class="chance P"') == 12
    assert page.count('class="own P"') == 12 + 1  # and the key
    assert page.count('class="own S"') == 9 + 1
    assert page.count('class="predicted S"') == 9 + 1
    assert "counts" in page
    first = page[page.index('id="record-1"') : page.index('id="record-2"')]
    order = re.findall(r"<b>(BW\.UH\d)\.\.", first)
    assert order == ["BW.UH3", "BW.UH2", "BW.UH1", "BW.UH4"]
    assert re.search(r"P \d\d\d\d-.* ± 0.060 s, probability 0.90, residual [+−]0.\d\d\d s", first)


def test_nothing_from_config_or_data_becomes_markup(run_files):
    name = "<b>$x_1$&"
    for row in [*run_files.stations[:1], *run_files.manifest[:1], *run_files.picks[:2]]:
        row["station"] = name
    run_files.manifest[0].update(status="unused", reason=ATTACK, path=name)
    run_files.events[0].update(quality=ATTACK, event_id=ATTACK)
    run_files.settings = f"run: x\nreport:\n  title: {ATTACK!r}\n"
    page = run_files.make(title=ATTACK)
    checker = checked(page)
    assert ATTACK not in page
    assert page.count("<script") == 3 + 5  # data and scripts
    assert checker.tags["b"] == page.count("<b>")
    assert "<b>$" not in page
    assert checker.words.count(ATTACK) >= 4
    assert page.count("&lt;b&gt;$x_1$&amp;") >= 5


def test_a_run_without_any_data_says_so(run_files):
    reason = "no file of the archive holds data of this station in this chunk"
    run_files.events, run_files.picks, run_files.arrivals = [], [], []
    run_files.manifest = [
        {"network": "BW", "station": f"UH{n}", "status": "no data", "reason": reason}
        for n in (1, 2, 3, 4)
    ]
    run_files.keep = ()
    words = checked(run_files.make()).words
    assert "No events in this run" in words
    assert "No usable data came for any station" in words
    assert f"no data {reason} BW.UH1, BW.UH2, BW.UH3, BW.UH4 1" in words
    assert "keep: [waveforms, probabilities]" in words
    assert "The run has no picks" in words
    assert "Network phasenet" in words


def test_a_run_without_stations_files_or_measurements(run_files):
    run_files.events, run_files.picks, run_files.arrivals = [], [], []
    run_files.manifest, run_files.stations, run_files.keep = [], [], ()
    arguments = {**run_files.inputs(), "benchmarks": [], "manifests": []}
    page = run_files.folder / "report.html"
    report.run(report.Config(), **arguments, report=page)
    words = checked(page.read_text(encoding="utf-8")).words
    assert "No station or event has coordinates" in words
    assert "2010-05-27 16:24:00 to" in words
    assert "No measurements were given" in words


def test_data_without_picks_names_the_thresholds(run_files):
    run_files.events, run_files.picks, run_files.arrivals = [], [], []
    words = checked(run_files.make()).words
    assert "Data came for 4 stations: BW.UH1, BW.UH2, BW.UH3, BW.UH4." in words
    assert "no probability reached the thresholds (P 0.3, S 0.3)" in words
    assert "There are no events to draw" in words


def test_a_table_in_place_of_the_picks_may_be_empty(run_files):
    run_files.events, run_files.picks, run_files.arrivals = [], [], []
    given = run_files.inputs()
    settings = yaml.safe_load(given["settings"])
    settings |= {
        "import_picks": {"table": "revised.csv", "replaces": True},
        "fetch": {"source": {}},
    }
    page = run_files.folder / "report.html"
    report.run(report.Config(), **given | {"settings": yaml.safe_dump(settings)}, report=page)
    words = checked(page.read_text(encoding="utf-8")).words
    assert "The table that replaces its picks holds none in the run's time." in words
    assert "no probability reached" not in words


def test_picks_without_events_point_to_the_association(run_files):
    run_files.events, run_files.arrivals = [], []
    for pick in run_files.picks:
        pick["event_id"] = None
    words = checked(run_files.make()).words
    assert "There are 13 P picks and 9 S picks on 4 stations" in words
    assert "0 belong to an event" in words


def test_a_run_that_kept_only_waveforms_draws_them(run_files):
    run_files.keep = ("waveforms",)
    page = run_files.make(section_highpass_hz=None)
    words = checked(page).words
    assert "Probabilities were not kept" in words
    assert "drawn as prepared" in words
    assert page.count('class="trace"') == 18
    assert 'class="chance' not in page


def drawn(page: str) -> list[str]:
    """What record sections show: curves and marks."""
    records = page[page.index('<section id="records"') : page.index('<section id="coverage"')]
    return re.findall(r'<path class="(?:trace|chance|own|predicted|other)[^>]*>', records)


def test_many_chunks_draw_the_same_as_one(run_files, full_page):
    run_files.chunk_s = 31.0
    page = run_files.make(title="Unterhaching swarm")
    whole = full_page.read_text(encoding="utf-8")
    assert drawn(page) == drawn(whole)
    assert len(drawn(page)) > 50
    words = checked(page).words
    assert "raw/ (9 chunks)" in words
    assert "waveforms/ (9 chunks)" in words
    assert words.count("96.0 %") == checked(whole).words.count("96.0 %")
    assert "annotate 9" in words


def test_gaps_are_drawn_and_counted(run_files):
    run_files.gaps = {"BW.UH3..SH": [(33.5, 35.0), (100.0, 112.0)], "BW.UH4..EH": [(0.0, 240.0)]}
    page = run_files.make()
    words = checked(page).words
    assert "BW.UH3..SH ZNE 90.3 %, 2 gaps, longest 12 s" in words
    assert "BW.UH4..EH 0 %" in words
    assert "No data in this window: BW.UH4..EH" in words
    first = page[page.index('id="record-1"') : page.index('id="record-2"')]
    assert first.count('class="blank"') == 3
    assert first.count('class="trace"') == 5


def test_only_the_largest_events_are_drawn(run_files):
    page = run_files.make(max_events=1, section_instruments=2)
    words = checked(page).words
    assert page.count('class="record"') == 1
    assert "Only the event with the most arrivals is drawn; 2 other events are left out." in words
    assert "2 instruments left out" in words
    assert 'href="#record-1"' in page
    assert 'href="#record-2"' not in page


def test_the_table_of_events_is_bounded(run_files):
    words = checked(run_files.make(max_rows=2, max_events=0)).words
    assert "Only the 2 events with the most arrivals are listed" in words
    assert "1 other event is left out. All are in catalog.csv." in words
    assert "max_events is 0" in words


def test_a_large_catalog_stays_a_small_page(run_files):
    rng = np.random.default_rng(1)
    base = run_files.events[0]
    run_files.events = [
        {
            **base,
            "event_id": f"e{i}",
            "time": base["time"] + pd.Timedelta(milliseconds=50 * i),
            "latitude": 48.05 + rng.normal(0, 0.02),
            "longitude": 11.63 + rng.normal(0, 0.02),
            "depth_km": 5 + rng.normal(),
            "magnitude": rng.normal(1, 0.5),
            "magnitude_type": "ML",
        }
        for i in range(4000)
    ]
    run_files.picks, run_files.arrivals = run_files.picks[:5], []
    page = run_files.make()
    words = checked(page).words
    assert len(page.encode()) < 4_000_000  # all events, and samples of 20
    assert "Uncertainties are left out because there are many events" in words
    assert "the 500 events with the most arrivals are listed; 3,500 other" in words
    assert "Mag." in words


def test_the_same_input_gives_the_same_page(run_files):
    arguments = run_files.inputs()
    program = (
        "import pickle, sys; from quakeline.workflow.stages import report;"
        "report.run(report.Config(), **pickle.load(sys.stdin.buffer))"
    )
    pages = []
    for seed in ("1", "2"):
        target = run_files.folder / f"{seed}.html"
        given = pickle.dumps({**arguments, "report": target})
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program], input=given, check=True, env=environment)
        pages.append(target.read_bytes())
    assert pages[0] == pages[1]


def test_a_table_of_another_kind_is_an_error_of_the_user(run_files):
    arguments = run_files.inputs()
    arguments["events"] = arguments["picks"]
    with pytest.raises(DataError, match=f"picks .*, expected events version {EVENTS.version}"):
        report.run(report.Config(), **arguments, report=run_files.folder / "report.html")
    assert not (run_files.folder / "report.html").exists()


def test_units_and_colours_of_the_map_follow_the_page(full_page):
    page = full_page.read_text(encoding="utf-8")
    figure = page[page.index('<figure class="map">') : page.index("</figure>")]
    assert "var(--ink)" in figure
    assert not re.search(r"#0[1-5]0[2-6]0[3-7]", figure)
    assert figure.count("<svg") == 2
    assert "48.05°N" in figure
    assert "11.60°E" in figure
    assert re.search(r">\d+ km<", figure)
    assert Path(full_page).stat().st_size < 400_000


def test_trained_weights_are_cited_with_their_parent(run_files):
    path, _ = trained(PHASENET, run_files.folder)
    run_files.weights = [path]
    for row in run_files.picks:
        row["model"] = "alpine"
    run_files.keep = ()
    words = checked(run_files.make()).words
    assert "Network alpine" in words
    assert "Network phasenet" not in words
    assert "Trained on INSTANCE; own, 2024" in words
    assert "Trained from phasenet (tensors 3c8ce53a41d3; Zhu, W. & Beroza, G. C. (2019)" in words
    assert "Licence of phasenet MIT" in words


def test_what_the_residuals_say_of_the_model_stands_on_top(run_files):
    run_files.diagnosis = {
        "velocity": "m.csv: 4 constant layers",
        "doubts": ["vp/vs is <1.2>"],
        "sentences": ["The model is at least 5 % too fast for P."],
    }
    words = checked(run_files.make()).words
    assert "The model is at least 5 % too fast for P." in words
    assert "vp/vs is <1.2>" in words
    assert "Velocities: m.csv: 4 constant layers." in words


def test_a_fibre_run_without_events_has_no_empty_sections(run_files):
    run_files.events, run_files.picks, run_files.arrivals, run_files.keep = [], [], [], ()
    run_files.settings = "run: x\nfibres: [{name: A}]\nfetch: null\n"
    checker = checked(run_files.make())
    assert {"map", "coverage", "picks", "provenance"} <= set(checker.ids)
    assert {"events", "statistics", "records", "residuals"}.isdisjoint(checker.ids)
    assert "None." not in checker.words
