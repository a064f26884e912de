"""The picture in README.md, from the demo's report: `make figures` (needs Chromium)."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PARTS = {"map.png": "#map figure", "record_section.png": "#record-2"}


def main() -> None:
    """Take pictures of two parts of the report."""
    root = Path(__file__).resolve().parents[1]
    report = root / "results/unterhaching/report.html"
    browser = shutil.which("chromium")
    if not report.is_file() or browser is None:
        sys.exit("figures: needs results/unterhaching/report.html (make demo) and chromium")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=FLAGS).new_page(
            viewport={"width": 1100, "height": 900}
        )
        page.goto(report.as_uri())
        for name, selector in PARTS.items():
            page.locator(selector).first.screenshot(path=root / "docs/figures" / name)


if __name__ == "__main__":
    main()
