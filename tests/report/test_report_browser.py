"""The page in a real browser: desktop and phone, light and dark, on paper."""

from __future__ import annotations

import pytest
from pages import COLLIDING, DESKTOP, OUTSIDE, PHONE, TEXT_SIZES, VISIBLE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_opens_without_complaints_or_requests(visit, full_page, size, scheme):
    seen = visit(size, scheme)
    assert seen.complaints == []
    assert seen.requests == [full_page.as_uri()]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_only_wide_tables_scroll_sideways(visit, size):
    page = visit(size).page
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert page.evaluate(OUTSIDE) == []
    box = page.locator("#events .scroll").bounding_box()
    assert box["width"] <= size["width"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_figures_are_visible(visit, size):
    page = visit(size).page
    maps = page.locator(".map svg")
    shown = [maps.nth(i).evaluate(VISIBLE) for i in range(maps.count())]
    assert sorted(shown) == [False, True]
    assert shown[0] == (size is DESKTOP)
    for name, least in ((".plot svg", 12), ("#coverage .lane svg", 5), ("#lone .lane svg", 4)):
        drawings = page.locator(name)
        assert drawings.count() == least
        boxes = [drawings.nth(i).bounding_box() for i in range(least)]
        assert min(box["width"] for box in boxes) > 0.55 * size["width"]
    trace = page.locator(".trace").first.bounding_box()
    assert trace["height"] > 30


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_text_is_large_enough_and_does_not_collide(visit, size):
    page = visit(size).page
    assert page.evaluate(TEXT_SIZES) == []
    assert page.evaluate(COLLIDING) == []


def contrast(first: list[float], second: list[float]) -> float:
    """Contrast ratio of two sRGB colours as WCAG 2 defines it."""

    def luminance(colour: list[float]) -> float:
        linear = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_enough_contrast(visit, scheme):
    page = visit(DESKTOP, scheme).page
    colours = page.evaluate("""() => {
      const style = getComputedStyle(document.documentElement);
      const names = ['paper', 'panel', 'ink', 'muted', 'p', 's', 'accent', 'station'];
      return Object.fromEntries(names.map(n => {
        const hex = style.getPropertyValue('--' + n).trim();
        return [n, [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16))];
      }));
    }""")
    for name in ("ink", "muted", "p", "s", "accent", "station"):
        for ground in ("paper", "panel"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def test_links_lead_to_their_parts(visit):
    page = visit(PHONE).page
    page.locator('#events a[href="#record-3"]').click()
    box = page.locator("#record-3").bounding_box()
    assert -1 <= box["y"] < PHONE["height"]


def test_hostile_names_stay_text(visit, run_files):
    attack = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    run_files.stations[0]["station"] = attack
    run_files.manifest[0].update(station=attack, status="unused", reason=attack)
    run_files.settings = f"run: {attack!r}\n"
    run_files.make(title=attack)
    file = run_files.folder / "report.html"
    seen = visit(PHONE, file=file)
    assert seen.page.title() == attack
    assert seen.complaints == []
    assert seen.requests == [file.as_uri()]
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_run_without_events_reads_well_on_a_phone(visit, run_files):
    run_files.events, run_files.picks, run_files.arrivals, run_files.keep = [], [], [], ()
    run_files.make()
    page = visit(PHONE, file=run_files.folder / "report.html").page
    assert page.locator(".notice").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate(OUTSIDE) == []


def test_page_prints(visit):
    page = visit(DESKTOP, "dark").page
    page.emulate_media(media="print")
    pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "15mm"))
    assert pdf.startswith(b"%PDF")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
