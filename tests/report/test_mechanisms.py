"""Focal mechanisms of the report: beachballs and polarities where they belong."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from pages import DESKTOP, PHONE

from quakeline.core.reasons import Code, Reason, cells
from quakeline.events.mechanisms import rotations, search
from quakeline.report import mechanisms

PLANES = [(30.0, 50.0, 70.0), (200.0, 85.0, -10.0), (310.0, 40.0, -95.0), (0.0, 90.0, 180.0)]


@pytest.mark.parametrize("planes", PLANES)
def test_dots_up_lie_in_what_obspy_fills(planes: tuple[float, float, float]) -> None:
    """Our rays and polarities and obspy's beachball are one picture, also of rays upwards."""
    rng = np.random.default_rng(1)
    azimuth, takeoff = rng.uniform(0, 360, 400), np.degrees(np.arccos(rng.uniform(-1, 1, 400)))
    frame = rotations.frames(*(np.array([angle]) for angle in planes))
    wave = search.amplitudes(rotations.moments(frame), azimuth, takeoff)[0]
    clear = np.abs(wave) > 0.1
    x, y = mechanisms.places_on_sphere(azimuth, takeoff)
    assert np.hypot(x, y).max() <= 1
    outlines = [Outline(one) for one in mechanisms.pressed(planes, 1.0)]
    dots = np.stack([x, y], axis=1)
    inside = np.array([outline.contains_points(dots) for outline in outlines]).sum(axis=0) % 2 == 1
    assert (inside == (wave > 0))[clear].mean() > 0.99


def row(event_id: str, **columns: Any) -> dict[str, Any]:
    """A row of MECHANISMS of quality A."""
    known = {
        "event_id": event_id, "strike_1_deg": 30.0, "dip_1_deg": 50.0, "rake_1_deg": 70.0,
        "strike_2_deg": 239.7, "dip_2_deg": 43.9, "rake_2_deg": 112.2, "plane_1_sigma_deg": 18.1,
        "plane_2_sigma_deg": 13.2, "probability": 0.9, "quality_class": "A", "polarities": 4,
        "misfit": 0.1, "station_ratio": 0.6, "azimuth_gap_deg": 60.0, "takeoff_gap_deg": 40.0,
        "method": "grid search",
    }  # fmt: skip
    return known | columns


def without(event_id: str, reason: Reason) -> dict[str, Any]:
    """A row of an event without a mechanism."""
    return {
        "event_id": event_id, "polarities": 4, "method": "grid search", **cells("note", [reason])
    }  # fmt: skip


def polarity(event_id: str, station: str, **columns: Any) -> dict[str, Any]:
    known = {
        "event_id": event_id, "network": "BW", "station": station, "location": "", "polarity": 1,
        "weight": 1.0, "azimuth_deg": 40.0, "takeoff_deg": 120.0, "distance_km": 5.0,
        "radiation": 0.4, "agrees": True,
    }  # fmt: skip
    return known | columns


def test_the_page_has_a_section_of_them(run_files: Any) -> None:
    few = Reason.of(Code.FEW_POLARITIES, 4, needed=8)
    run_files.mechanisms = [row("e1"), without("e2", few), without("e3", few)]
    run_files.polarities = [
        polarity("e1", "UH1"),
        polarity("e1", "UH<b>", polarity=-1, agrees=False, azimuth_deg=200.0),
        polarity("e2", "UH1", polarity=0, agrees=None, takeoff_deg=None, radiation=None),
    ]
    page = run_files.make()
    assert '<section id="mechanisms"' in page
    assert '<a href="#mechanisms">' in page
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "1 event of 3 with a mechanism: 1 of quality A. 2 of 3 polarities" in text
    assert "Events without one: 2 (e.g. 4 polarities, 8 are needed)." in text
    assert "30/50/70 ± 18°" in text
    assert "2 polarities, 1 against" in text
    assert "BW.UH&lt;b&gt; down" in page
    assert page.count('class="up"') == page.count('class="down wrong"') == 1
    assert run_files.make() == page


def test_a_composite_says_so(run_files: Any) -> None:
    run_files.mechanisms = [
        row("e1", composite_of="e1 e2"),
        without("e2", Reason.of(Code.IN_COMPOSITE, event="e1")),
    ]
    run_files.polarities = [polarity("e1", "UH1")]
    page = run_files.make()
    assert "of 2 small events together" in page
    assert "1 (e.g. part of the composite of e1)" in page


def brightness(colour: str) -> float:
    """Of `rgb(r, g, b)`, 0 to 255."""
    return float(np.mean([float(word) for word in re.findall(r"[\d.]+", colour)[:3]]))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_beachballs_stand_on_the_map(run_files: Any, visit: Any, tmp_path: Any, size: Any) -> None:
    """At the epicentres, larger for larger magnitudes, dark for good ones; a click chooses."""
    run_files.mechanisms = [row("e1"), row("e2", quality_class="C"), row("e3")]
    run_files.polarities = [polarity(name, "UH1") for name in ("e1", "e2", "e3")]
    for event, magnitude in zip(run_files.events, (1.0, 3.0, 2.0), strict=True):
        event |= {"magnitude": magnitude, "magnitude_type": "ML"}
    run_files.make()
    seen = visit(size, file=tmp_path / "report.html")
    page, layout = seen.page, ".map .wide" if size is DESKTOP else ".map .narrow"
    widths, fills = [], []
    for number in (1, 2, 3):
        ball = page.locator(f"{layout} [id$='-mechanism-{number}']")
        circle = page.locator(f"{layout} [id$='-events-above'] > *").nth(number - 1)
        box, spot = ball.bounding_box(), circle.bounding_box()
        for start, length in (("x", "width"), ("y", "height")):
            middles = [one[start] + one[length] / 2 for one in (box, spot)]
            assert abs(middles[0] - middles[1]) < 1.5
        widths.append(box["width"])
        paths = ball.locator("path")
        colours = [
            paths.nth(n).evaluate("e => getComputedStyle(e).fill") for n in range(paths.count())
        ]
        fills.append(min(map(brightness, colours)))
    assert widths[0] < widths[2] < widths[1]
    assert fills[1] > 150 > max(fills[0], fills[2])
    page.locator(f"{layout} [id$='-mechanism-2'] path").first.click(force=True)
    assert page.locator("#events tr.picked th").inner_text() == "2"
    assert seen.complaints == []


def test_a_run_without_any_mechanism_says_why(run_files: Any) -> None:
    gap = Reason.of(Code.AZIMUTH_GAP, gap_deg=200, most_deg=90)
    run_files.mechanisms = [without("e1", gap)]
    page = run_files.make()
    assert "0 events of 3 with a mechanism." in " ".join(page.split())
    assert "azimuths of polarities have a gap of 200 deg, above 90" in page
    assert 'class="spheres"' not in page


def test_a_run_without_the_stage_has_no_section(run_files: Any) -> None:
    assert "mechanisms-heading" not in run_files.make()
