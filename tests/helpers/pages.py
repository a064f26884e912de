"""A page in a real browser: sizes of windows, what is wrong with a page, what it asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
COLLIDING = """() => [...document.querySelectorAll('.map svg, .plot, .axis, .chart .area')]
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
