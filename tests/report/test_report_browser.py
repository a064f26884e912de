"""The page in a real browser: desktop and phone, light and dark, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VISIBLE = "element => element.getBoundingClientRect().width > 0 && element.checkVisibility()"
OUTSIDE = """() => {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.scroll') && !e.closest('svg') && e.checkVisibility())
    .filter(e => !e.classList.contains('skip'))
    .map(e => [e, e.getBoundingClientRect()])
    .filter(([e, box]) => box.left < 0 || box.right > width + 0.5)
    .map(([e]) => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40));
}"""
TEXT_SIZES = """() => [...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => e.checkVisibility())
  .map(e => {
    const matrix = e.ownerSVGElement ? e.getScreenCTM() : {a: 1, b: 0};
    const scale = Math.hypot(matrix.a, matrix.b);
    return [parseFloat(getComputedStyle(e).fontSize) * scale, e.textContent.slice(0, 40)];
  })
  .filter(([size]) => size < 11)"""
COLLIDING = """() => [...document.querySelectorAll('.map svg, .plot, .axis')]
  .filter(e => e.checkVisibility())
  .flatMap(e => {
    const texts = [...e.querySelectorAll('text, span')];
    const boxes = texts.map(t => t.getBoundingClientRect());
    const found = [];
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
      const a = boxes[i], b = boxes[j];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 4) found.push(texts[i].textContent + ' | ' + texts[j].textContent);
    }
    return found;
  })"""


@pytest.fixture(scope="module")
def browser(browser_path: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(browser_path), args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page that is open in the browser, and what it asked for or complained about."""

    def __init__(self, browser: Any, file: Path, size: dict[str, int], scheme: str) -> None:
        self.context = browser.new_context(
            viewport=size, color_scheme=scheme, java_script_enabled=True
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())


@pytest.fixture
def visit(browser: Any, full_page: Path) -> Iterator[Any]:
    opened: list[Visit] = []

    def open_page(size: dict[str, int], scheme: str = "light", file: Path = full_page) -> Visit:
        opened.append(Visit(browser, file, size, scheme))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()


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
    for name, least in ((".plot svg", 12), (".lane svg", 5)):
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
