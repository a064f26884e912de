"""The table of docs/live_events.md that follows from benchmarks/results.

`python -m benchmarks.live_tables [--write]` prints it, or puts it into the page, between
`<!-- figures: live_archive -->` and `<!-- end -->`: a row for each set of picks.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.catalog_tables import filled
from benchmarks.measure import RESULTS, parser_of

PAGE = Path(__file__).parents[1] / "docs" / "live_events.md"
_SETS = {
    "ridgecrest2019_pal_foreshocks": "Ridgecrest foreshocks, 2 h, 10 of 14 stations",
    "ridgecrest2019_rt20min": "Ridgecrest, 20 min after the M7.1, 15 stations",
}


def main() -> None:
    """Print the table, or put it into the page."""
    parser = parser_of(__doc__)
    parser.add_argument("--write", action="store_true", help="put it into docs/live_events.md")
    if parser.parse_args().write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), TABLES), encoding="utf-8")
        return
    print("\n".join(live_archive()))


def live_archive() -> list[str]:
    """Rows of live events beside those of an archive, of each set of picks."""
    cases = json.loads((RESULTS / "live_events.json").read_text(encoding="utf-8"))["cases"]
    found: dict[str, dict[str, float]] = {}
    for row in cases:
        kind, _, rest = row["case"].partition(", ")
        if kind == "archive":
            found.setdefault(rest.partition(",")[0], {})[row["unit"]] = row["ours"]
    return [_row(_SETS.get(name, name), figures) for name, figures in found.items()]


def _row(title: str, figures: dict[str, float]) -> str:
    """A line of the table."""
    epicentres, later = "km between epicentres", "km between epicentres, second half of the events"
    pairs = [(epicentres, 1), (later, 1), ("s between origin times", 2)]
    share = figures["share of epicentres apart less than both stated errors together"]
    cells = [
        title,
        *(
            f"{figures[unit]:.0f}"
            for unit in (
                "events of the archive",
                "of them also live",
                "of them with the same picks",
                "events that are live alone",
            )
        ),
        *(
            ", ".join(f"{figures[f'{unit}, {point}']:.{digits}f}" for point in ("median", "90 %"))
            for unit, digits in pairs
        ),
        f"{100 * share:.0f} %",
    ]
    return "| " + " | ".join(cells) + " |"


TABLES = {"live_archive": live_archive}

if __name__ == "__main__":
    main()
