"""The table of events: what it holds, and in a browser how it fits, sorts, finds and is linked."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from pages import DESKTOP, PHONE

from quakeline.report import event_table
from quakeline.report.formatting import linked
from quakeline.report.symbols import draw_stations

NARROW = {"width": 1120, "height": 800}


def frame(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "number": np.arange(1, n + 1),
            "time_ns": 1_274_977_471_790_000_000 + np.arange(n) * 10**10,
            "time_sigma_s": 0.1,
            "latitude": rng.uniform(-1, 1, n),
            "longitude": 11.5,
            "depth_km": np.where(np.arange(n) % 2, np.nan, 5.0),
            "depth_sigma_km": 0.5,
            "horizontal_sigma_km": 0.4,
            "magnitude": np.nan,
            "magnitude_type": None,
            "mw": np.nan,
            "rms_s": 0.05,
            "azimuthal_gap_deg": 133.4,
            "n_p": 4,
            "n_s": np.arange(n) % 5,
            "n_arrivals": 4 + np.arange(n) % 5,
            "n_stations": 4,
            "event_class": None,
            "event_class_probability": np.nan,
            "quality": "good",
        }
    )


def test_columns_without_any_value_are_left_out_and_rows_bounded(monkeypatch):
    monkeypatch.setattr(event_table, "MOST_EVENTS", 8)
    made = event_table.table(frame(10), drawn=[4], most_printed=2)
    data = json.loads(made.json)
    keys = [column["key"] for column in data["columns"]]
    assert {"mag", "mw", "class", "magnitude_type"}.isdisjoint(keys)
    assert (len(data["rows"]), made.left_out, data["drawn"]) == (8, 2, [4])
    assert [row[0] for row in data["rows"]] == [2, 3, 4, 5, 7, 8, 9, 10]
    assert [row[0].text for row in made.printed] == ["5", "10"]
    assert data["rows"][1][keys.index("depth")] == 5.0
    assert data["rows"][0][keys.index("depth")] is None
    assert data["columns"][keys.index("depth")]["sigma"] == keys.index("depth_sigma_km")


def test_only_what_is_a_doi_becomes_a_link():
    assert linked("see doi:10.1785/0120180080, <b>") == (
        'see <a href="https://doi.org/10.1785/0120180080">doi:10.1785/0120180080</a>, &lt;b&gt;'
    )
    assert linked("https://doi.org/10.3390/s21186290.").count("<a ") == 1
    assert "<a" not in linked("version 10.1/2 of 10.12")
    assert 'onclick="' not in linked('10.1000/x"onclick="y')


def test_filled_triangles_lie_above_empty_ones_at_the_same_place():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    draw_stations(axes, np.zeros(2), np.zeros(2), pd.Series([True, False]))
    faces = [collection.get_facecolor()[0].tolist() for collection in axes.collections]
    assert faces[0][0] < faces[-1][0]  # the stand-in of paper, then that of stations


@pytest.fixture(scope="module")
def many(tmp_path_factory, files_in):
    """The page of 250 events with magnitudes."""
    run = files_in(tmp_path_factory.mktemp("many"))
    base = run.events[0]
    run.events = [
        {
            **base,
            "event_id": f"e{i}",
            "time": base["time"] + pd.Timedelta(milliseconds=500 * i),
            "depth_km": 1 + i % 20,
            "magnitude": round(0.01 * i, 2),
            "magnitude_type": "ML",
            "event_class": "earthquake",
            "event_class_probability": 0.9,
            "mw": 1.5,
        }
        for i in range(250)
    ]
    run.make(max_events=1)
    return run.folder / "report.html"


CUT_OFF = """() => { const box = document.querySelector('#events .scroll');
  return box.scrollWidth > box.clientWidth + 1; }"""


@pytest.mark.parametrize("size", [DESKTOP, NARROW, PHONE], ids=["desktop", "narrow", "phone"])
def test_no_column_is_cut_off(visit, many, size):
    seen = visit(size, file=many)
    assert seen.complaints == []
    assert not seen.page.evaluate(CUT_OFF)
    titles = seen.page.locator("#events thead th").all_inner_texts()
    assert {"No.", "Mag."} <= {title.split("\n")[0].strip() for title in titles}
    assert len(titles) >= (13 if size is not PHONE else 3)


def test_rows_are_sorted_found_and_turned_over(visit, many):
    page = visit(DESKTOP, file=many).page
    rows = page.locator("#events tbody tr")
    says = page.locator("#events .tools output")
    assert (rows.count(), says.inner_text()) == (100, "1 to 100 of 250 events")
    for direction, first in (("ascending", "1"), ("descending", "250")):
        page.get_by_role("button", name="Mag.").click()
        assert page.locator(f"#events th[aria-sort={direction}]").inner_text().startswith("Mag.")
        assert rows.first.locator("th").inner_text() == first
    page.locator("#events [name=on]").click()
    assert rows.first.locator("th").inner_text() == "150"
    page.locator("#events [name=search]").fill("mag>=2.4 depth<=5")
    assert says.inner_text() == "5 of 250 events"
    page.locator("#events [name=search]").fill("16:24:32.25")
    assert says.inner_text() == "1 of 250 event"
    page.locator("#events [name=search]").fill("no such word")
    assert (rows.count(), says.inner_text()) == (0, "0 of 250 events")


def test_a_click_chooses_in_table_maps_and_record_sections(visit, full_page):
    seen = visit(DESKTOP)
    page = seen.page

    def chosen() -> list[str]:
        assert page.locator("#chosen-event h3").inner_text().startswith("Event ")
        return [
            page.locator("#events tr.picked th").inner_text(),
            re.search(r"Event (\d+):", page.locator("#map-move output").inner_text())[1],
            page.locator(".record.picked").get_attribute("id").removeprefix("record-"),
            page.locator("#chosen-event h3").inner_text().removeprefix("Event "),
        ]

    page.locator("#events tbody tr").nth(1).locator("td").first.click()
    assert chosen() == ["2"] * 4
    page.locator("#record-3 h3").click()
    assert chosen() == ["3"] * 4
    page.locator('.map .wide [id$="-events-above"] > path').first.click(force=True)
    assert len(set(chosen())) == 1
    assert chosen()[0] in "123"
    assert page.locator(".map .wide .picked").count() == 1
    assert seen.complaints == []


def test_files_and_citations_are_links(full_page):
    page = full_page.read_text(encoding="utf-8")
    for name in ("catalog.csv", "catalog.qml", "events.parquet", "picks.parquet"):
        assert f'<a href="catalog/{name}">{name}</a>' in page
    assert '<a href="https://doi.org/10.1093/gji/ggy423">' in page
