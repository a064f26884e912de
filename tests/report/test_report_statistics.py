"""Statistics of a larger catalog on the page, and the map that moves, in a real browser."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from pages import COLLIDING, DESKTOP, OUTSIDE, PHONE, TEXT_SIZES

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import EVENTS
from quakeline.core.timeline import SECOND, Span, to_ns
from quakeline.events.comparison.evaluation import evaluate
from quakeline.events.comparison.reference import COLUMNS
from quakeline.events.comparison.settings import Settings
from quakeline.io.products import tables
from quakeline.report import figures, moving_map, stations
from quakeline.report.catalog import load
from quakeline.report.scripts import embedded

N = 600
BEGIN = pd.Timestamp("2010-05-27T16:24:00Z")
SPAN = Span(to_ns(BEGIN.to_pydatetime()), to_ns(BEGIN.to_pydatetime()) + 240 * SECOND)


def enlarge(files, magnitudes=True):
    """Give a run 600 events with a known law, and a reference that has some and misses some."""
    rng = np.random.default_rng(11)
    seconds = np.sort(rng.uniform(1, 239, N))
    files.events = [
        {
            **files.events[0],
            "event_id": f"e{number}",
            "time": BEGIN + pd.Timedelta(seconds=float(second)),
            "latitude": 48.05 + float(rng.normal(0, 0.02)),
            "longitude": 11.64 + float(rng.normal(0, 0.03)),
            "depth_km": float(rng.uniform(1, 8)),
            "magnitude": round(0.45 + float(rng.exponential(np.log10(np.e))), 1)
            if magnitudes
            else None,
            "magnitude_type": "ML" if magnitudes else None,
        }
        for number, second in enumerate(seconds, 1)
    ]
    return files


def compared(files):
    """The evaluation of these events against 500 of them, and 40 that they lack."""
    own = tables.conform(pd.DataFrame(files.events), EVENTS).to_pandas()
    columns = list(COLUMNS)
    kept = own[columns].iloc[:500]
    lacking = own[columns].iloc[:40].assign(latitude=47.7)
    lacking["event_id"] = "<b>" + lacking["event_id"]
    both = pd.concat([kept, lacking], ignore_index=True)
    places = pd.DataFrame(files.stations)
    rules = Settings(tolerance_s=0.5, tolerance_km=5.0)
    found = evaluate(own, both, places, SPAN, rules)
    files.matches = found.matches.to_dict("records")
    files.evaluation = {"reference": "<b>them</b>.xml", **found.summary}
    return files


def catalog_of(files):
    inputs = files.inputs()
    names = ("events", "arrivals", "picks", "stations", "manifests", "settings")
    compared = {name: inputs[name] for name in ("matches", "evaluation")}
    return load(*(inputs[name] for name in names), **compared)


def test_the_law_of_the_plot_is_that_of_the_events(run_files):
    plot = figures.frequency(catalog_of(enlarge(run_files)))
    found = re.search(r"Mc 0\.5, b (\d\.\d\d) ± (\d\.\d\d) \(600 events\)", plot.note)
    assert abs(float(found[1]) - 1.0) < 3 * float(found[2])
    assert float(found[2]) == pytest.approx(1 / np.sqrt(N), rel=0.2)
    assert [curve.kind for curve in plot.curves] == ["own", "own law"]


def test_the_wadati_diagram_gives_the_ratio_of_velocities(run_files):
    plot = figures.wadati(catalog_of(run_files))
    ratio = float(re.search(r"Vp/Vs (\d\.\d\d)", plot.note)[1])
    assert ratio == pytest.approx(1.83, abs=0.05)
    assert plot.curves[0].path.count("h0") == 9


def test_residuals_and_lone_picks_are_those_of_the_tables(run_files):
    run_files.picks[-1]["station"] = "UH2"
    catalog = catalog_of(run_files)
    (row,) = [row for row in stations.residuals(catalog) if row.site == "BW.UH3"]
    own = catalog.arrivals[catalog.arrivals["label"].str.startswith("BW.UH3.")]
    values = own["residual_s"][own["phase"] == "P"]
    assert (row.p.n, row.p.median) == (len(values), pytest.approx(values.median()))
    early = Span(SPAN.start_ns - 16 * 3600 * SECOND, SPAN.start_ns + 8 * 3600 * SECOND)
    lone = stations.lone_picks(dataclasses.replace(catalog, span=early))
    assert (lone.columns, lone.column_s, lone.most) == (48, 1800, 1)
    strips = {strip.site: strip for strip in lone.strips}
    assert strips["BW.UH2"].lone == 1
    assert [cell[0] for cell in strips["BW.UH2"].cells] == [32]
    assert strips["BW.UH1"].cells == []
    assert stations.lone_picks(catalog).column_s == 5
    months = Span(SPAN.start_ns - 200 * 86_400 * SECOND, SPAN.end_ns)
    long = stations.lone_picks(dataclasses.replace(catalog, span=months))
    assert (long.column_s % 86_400, long.columns <= 96) == (0, True)


def test_one_residual_has_no_spread(run_files):
    (row,) = [row for row in stations.residuals(catalog_of(run_files)) if row.site == "BW.UH1"]
    assert (row.p.n, row.s.n) == (3, 2)
    run_files.arrivals = [a for a in run_files.arrivals if a["event_id"] == "e1"]
    rows = stations.residuals(catalog_of(run_files))
    assert {row.p.n for row in rows} == {1}
    assert all(np.isnan(row.p.mad) for row in rows)
    assert np.isfinite(stations.residual_scale(rows))
    section = run_files.make().partition('id="residuals"')[2].partition("</section>")[0]
    assert "nan" not in section
    assert '<td class="n">–</td>' in section


def test_classes_and_moments_stand_in_the_table(run_files):
    run_files.events[0] |= {"event_class": "blast", "event_class_probability": 0.81, "mw": 1.74}
    run_files.events[1] |= cells("magnitude_note", [Reason.of(Code.COUNTS_ONLY, 4)])
    page = run_files.make()
    assert '<abbr title="class">Class</abbr></th>' in page
    assert '<td>blast</td><td class="n">0.81</td>' in page
    assert '<abbr title="moment magnitude">Mw</abbr>' in page
    assert "Mw 1.7, blast (0.81)" in page
    assert "Most often the reason is: no instrument response." in page


def test_without_magnitudes_the_page_says_so(run_files):
    page = run_files.make()
    assert "No event has a magnitude" in page
    assert 'id="map-data"' in page
    assert 'id="reference"' not in page


def test_the_reference_stands_beside_the_catalog(run_files):
    page = compared(enlarge(run_files)).make(max_events=0)
    section = page[page.index('id="reference"') : page.index('id="statistics"')]
    assert "&lt;b&gt;them&lt;/b&gt;.xml" in section
    row = re.search(r'<th scope="row">all</th>(.*?)</tr>', section)[1]
    assert re.findall(r">([^<>]+)</td>", row) == ["500", "40", "100", "92.6 %", "83.3 %"]
    assert section.count("<td>2010-05-27") == 40
    assert "<b>e" not in page
    moving = moving_map.data(catalog_of(run_files))
    theirs = [number for *_, number in moving["theirs"]]
    assert (len(theirs), theirs.count(None)) == (540, 40)
    assert len(page[page.index('id="map-move"') :]) < 500_000


def test_embedded_data_cannot_end_the_script(run_files):
    run_files.stations[0]["station"] = "</script><b>"
    moving = moving_map.data(catalog_of(run_files))
    text = embedded(moving)
    assert "<" not in text
    assert json.loads(text) == moving
    assert len(moving["events"]) == 3


def test_twenty_thousand_events_stay_small(run_files):
    catalog = catalog_of(enlarge(run_files))
    many = pd.concat([catalog.events] * 40, ignore_index=True)
    whole = dataclasses.replace(catalog, events=many)
    moving = moving_map.data(whole)
    assert (len(moving["events"]), moving["leftOut"]) == (20_000, 4_000)
    assert len(embedded(moving)) < 1_100_000
    assert len(figures.magnitude_time(whole).curves[0].path) < 300_000


@pytest.fixture(scope="module")
def large_page(tmp_path_factory, files_in):
    folder = tmp_path_factory.mktemp("large")
    compared(enlarge(files_in(folder))).make(title="Large", max_events=1)
    return folder / "report.html"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_statistics_are_readable(visit, large_page, size):
    seen = visit(size, file=large_page)
    assert seen.complaints == []
    assert seen.requests == [large_page.as_uri()]
    assert seen.page.evaluate(OUTSIDE) == []
    assert seen.page.evaluate(TEXT_SIZES) == []
    assert seen.page.evaluate(COLLIDING) == []
    charts = seen.page.locator(".chart svg")
    assert charts.count() == 3
    for k in range(3):
        assert charts.nth(k).bounding_box()["width"] > 0.6 * min(size["width"], 832)


INK = """() => { const c = document.querySelector('#map-move canvas');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) sum += i % 9973; return sum; }"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_map_moves(visit, large_page, size):
    page = visit(size, file=large_page).page
    says = page.locator("#map-move output")
    assert says.inner_text() == "600 events, 2010-05-27 16:24:00 to 2010-05-27 16:28:00 UTC"
    pictures = [page.evaluate(INK)]

    def changed():
        pictures.append(page.evaluate(INK))
        return pictures[-1] != pictures[-2]

    assert pictures[0] > 0
    page.locator("#map-move [name=in]").click()
    assert changed()
    canvas = page.locator("#map-move canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30)
    page.mouse.up()
    assert changed()
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(200)
    assert changed()
    page.mouse.click(*middle)
    page.locator("#map-move [name=whole]").click()
    assert page.evaluate(INK) != pictures[-1]
    page.locator("#map-move [name=until]").fill("500")
    assert re.fullmatch(r"\d+ events, .* to 2010-05-27 16:26:00 UTC.*", says.inner_text())
    n = int(says.inner_text().split()[0])
    assert 250 < n < 350
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert changed()


def test_a_click_names_the_event(visit, full_page):
    page = visit(DESKTOP).page
    place = page.evaluate("""() => {
      const d = JSON.parse(document.getElementById('map-data').textContent);
      const c = document.querySelector('#map-move canvas'), e = d.events[2];
      const scale = Math.min(c.clientWidth, c.clientHeight) / (2 * d.half);
      return [c.clientWidth / 2 + e[0] * scale, c.clientHeight / 2 - e[1] * scale]; }""")
    page.locator("#map-move canvas").click(position={"x": place[0], "y": place[1]})
    said = page.locator("#map-move output").inner_text()
    assert "Event 3: 2010-05-27 16:27:29, depth 5.78 km, 8 arrivals" in said
