"""The report of 10, 500 and 5,000 events: how long it takes to make, its size, how fast it opens.

The events are made up around the demo's, their waveforms and picks are the demo's; up to 20 record
sections of four stations. `made_cpu_s` and `made_s` are those of the stage `report` alone. Pages
are opened from disk in headless Chromium: `interactive_s` is from the call until scripts have ended
and the page is drawn, `sort_s` and `search_s` are from a click on a heading, or a search, until the
next picture. Medians of three.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measure

ROOT = Path(__file__).resolve().parents[1]
EVENTS = (10, 500, 5_000)
REPEATS = 3
#: Events in the demo's four minutes; the others come every half hour after them.
WITH_WAVEFORMS = 20
_DRAWN = "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"


def page_of(n_events: int, folder: Path) -> tuple[Path, dict[str, float]]:
    """Write the report of a made-up catalog; gives the page, and the seconds that it took."""
    from quakeline.workflow.stages import report

    inputs, page = made_up(n_events, folder), folder / "report.html"
    taken = measure.timed(lambda: report.run(report.Config(), **inputs, report=page))
    return page, taken


def made_up(n_events: int, folder: Path) -> dict[str, Any]:
    """Inputs of the stage; every event has the picks of one of the demo's."""
    import numpy as np
    import pandas as pd

    sys.path[:0] = [str(ROOT / "tests/helpers"), str(ROOT / "tests")]
    from report_run import RunFiles

    files = RunFiles(folder)
    rng = np.random.default_rng(0)
    events, picks, arrivals = files.events, files.picks, files.arrivals
    files.events, files.picks, files.arrivals = [], [], []
    for i in range(n_events):
        model, suffix = events[i % len(events)], f"-{i}"
        shift = pd.Timedelta(milliseconds=int(rng.integers(-2000, 2000)))
        if i >= WITH_WAVEFORMS:
            shift += pd.Timedelta(minutes=30 * i)
        files.events.append(
            model
            | {
                "event_id": f"e{i}",
                "n_p": 4 if i < WITH_WAVEFORMS else 3,
                "time": model["time"] + shift,
                "latitude": model["latitude"] + rng.normal(0, 0.02),
                "longitude": model["longitude"] + rng.normal(0, 0.03),
                "depth_km": float(rng.uniform(2, 9)),
                "magnitude": float(rng.exponential(0.4)),
                "magnitude_type": "ML",
                "mw": 1.2,
                "event_class": "earthquake",
                "event_class_probability": 0.9,
            }
        )
        files.picks += [
            pick
            | {
                "pick_id": pick["pick_id"] + suffix,
                "event_id": f"e{i}",
                "time": pick["time"] + shift,
            }
            for pick in picks
            if pick["event_id"] == model["event_id"]
        ]
        files.arrivals += [
            arrival | {"event_id": f"e{i}", "pick_id": arrival["pick_id"] + suffix}
            for arrival in arrivals
            if arrival["event_id"] == model["event_id"]
        ]
    return files.inputs()


def opened(browser: Any, page: Path) -> dict[str, float]:
    """Open a page in a fresh context and use its table."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    begin = time.perf_counter()
    tab.goto(page.as_uri(), wait_until="load")
    tab.evaluate(_DRAWN)
    taken = {"interactive_s": time.perf_counter() - begin}
    begin = time.perf_counter()
    tab.get_by_role("button", name="Mag.").click()
    tab.evaluate(_DRAWN)
    taken["sort_s"] = time.perf_counter() - begin
    begin = time.perf_counter()
    tab.locator("#events [name=search]").fill("mag>1 depth<5")
    tab.evaluate(_DRAWN)
    taken["search_s"] = time.perf_counter() - begin
    context.close()
    return taken


def main() -> None:
    """Measure and keep."""
    from playwright.sync_api import sync_playwright

    options = measure.arguments(__doc__)
    counts = EVENTS[:2] if options.quick else EVENTS
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for n_events in counts:
            folder = Path(place) / str(n_events)
            folder.mkdir()
            page, taken = page_of(n_events, folder)
            runs = [opened(browser, page) for _ in range(REPEATS)]
            found.append(
                {
                    "case": f"{n_events} events",
                    "megabytes": round(page.stat().st_size / 1e6, 2),
                    "made_cpu_s": round(taken["cpu_s"], 1),
                    "made_s": round(taken["wall_s"], 1),
                    **{
                        key: round(statistics.median(run[key] for run in runs), 2)
                        for key in runs[0]
                    },
                }
            )
            measure.finish("report", found, options.quick)
        browser.close()


if __name__ == "__main__":
    main()
