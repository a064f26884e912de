"""The tables of docs/catalog.md that follow from benchmarks/results.

`python -m benchmarks.catalog_tables [--write]` prints them, or puts them into the page, between
`<!-- figures: NAME -->` and `<!-- end -->`. Every case of a result has its row: those of the lists
below in their order, then those without a name there, under what the result calls them. A case of
the lists that is not measured has none. Rows of quakeline beside other associators are those of
`real_catalogs`, with what stations that were left out say of `rivals`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, parser_of

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"
Row = dict[str, Any]

_SETS = {
    "ridgecrest2019_rt20min": "Ridgecrest 2019, 20 min, 15 stations, two instruments",
    "ridgecrest2019_scsn": "Ridgecrest 2019, analysts' picks, 23 h, 188 stations",
    "ridgecrest2019_pal_foreshocks": "Ridgecrest 2019, foreshocks, 15 h, 10 of 14 stations,"
    " kurtosis picks",
    "westmorland2020": "Westmorland 2020, 20 h, 16 stations, a model that is too fast",
    "ceus2017_neic": "Central US 2017, raw P alone, 575 stations",
    "calaveras_ncsn": "Calaveras 1984 to 1997, P alone, to 300 km",
}
_SHORT = {
    "ridgecrest2019_rt20min": "Ridgecrest in real time",
    "ridgecrest2019_pal_foreshocks": "Ridgecrest foreshocks",
    "westmorland2020": "Westmorland",
    "ceus2017_neic": "Central US",
    "calaveras_ncsn": "Calaveras",
    "ridgecrest2019_scsn": "Ridgecrest, analysts' picks",
}
_ASSOCIATORS = {"quakeline": "quakeline", "pyocto": "PyOcto 0.2.2", "gamma": "GaMMA 1.2.17"}
_SPANS = {
    "westmorland2020 2020-10-01T01:00Z": "Westmorland, 01 h, model too fast above",
    "westmorland2020 2020-10-01T06:00Z": "Westmorland, 06 to 07:30 h",
    "westmorland2020 2020-10-01T11:00Z": "Westmorland, 11 to 12:30 h",
    "ridgecrest2019_rt20min all": "Ridgecrest in real time",
    "ridgecrest2019_scsn 2019-07-04T18:00Z": "Ridgecrest, analysts' picks, 18 h",
    "ridgecrest2019_scsn 2019-07-04T20:00Z": "Ridgecrest, analysts' picks, 20 h",
    "ridgecrest2019_pal_foreshocks 2019-07-04T18:00Z": "Ridgecrest foreshocks, 10 of 14 stations,"
    " 18 to 20 h",
    "ridgecrest2019_pal_foreshocks 2019-07-05T00:00Z": "Ridgecrest foreshocks, 00 to 02 h",
    "calaveras_ncsn 1984-01-01T00:00Z": "Calaveras, P alone, 1984 to 1987",
    "calaveras_ncsn 1988-01-01T00:00Z": "Calaveras, P alone, 1988 to 1997",
}
_PARTS = {
    **_SPANS,
    **{
        f"{case} first 300{model}": f"{title}, first 300 picks{model}"
        for model in ("", ", IASP91")
        for case, title in _SHORT.items()
    },
}
_FEW = " few events"
_FEW_EVENTS = {f"{case}{_FEW}": title for case, title in _SHORT.items() if case != "ceus2017_neic"}
_OWN = {**_SPANS, "calaveras_ncsn 1984-01-01T00:00Z": "Calaveras, P alone, 1984 to 1997"}
_CAUSES = ("shared", "elsewhere", "other", "no_origin", "odds", "away", "unseen")


def main() -> None:
    """Print the tables, or put them into the page."""
    parser = parser_of(__doc__)
    parser.add_argument("--write", action="store_true", help="put them into docs/catalog.md")
    if parser.parse_args().write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for name, rows in TABLES.items():
        print(f"{name}\n\n" + "\n".join(rows()) + "\n")


def filled(page: str, tables: Mapping[str, Callable[[], list[str]]] | None = None) -> str:
    """A page with the rows of its tables as the results have them; headings stay."""
    for name, rows in (TABLES if tables is None else tables).items():
        begin, end = f"<!-- figures: {name} -->\n", "<!-- end -->"
        head, found, rest = page.partition(begin)
        if not found:
            raise ValueError(f"no {begin.strip()} in the page")
        table, _, rest = rest.partition(end)
        titles = re.match(r"\n(\|.*\n){2}", table)
        if titles is None:
            raise ValueError(f"no table after {begin.strip()}")
        page = head + begin + titles[0] + "\n".join(rows()) + "\n\n" + end + rest
    return page


def _cases(name: str) -> list[Row]:
    path = RESULTS / f"{name}.json"
    cases: list[Row] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases


def _titled(names: Mapping[str, str], measured: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What was measured and its title: in the order of the names, then all else as it is called."""
    known = list(dict.fromkeys(measured))
    yield from ((case, title) for case, title in names.items() if case in known)
    yield from ((case, case) for case in known if case not in names)


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _few(values: list[Any] | None) -> str:
    """Numbers of one kind, as `32, 44`."""
    return ", ".join("" if value is None else f"{value:,}" for value in values or [])


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def real_catalogs() -> list[str]:
    """Rows of each set."""
    known = {row["case"]: row for row in _cases("real_catalogs")}
    lines = []
    for case, title in _titled(_SETS, known):
        row = known[case]
        inside = " / ".join(f"{100 * row[name][0]:.0f}" for name in ("in_68", "in_95"))
        lines.append(
            _line(
                [
                    title,
                    f"{row['picks']:,}",
                    f"{row['references']:,}",
                    f"{row['recall']:.2f}",
                    f"{row['recall_6']:.2f}",
                    f"{row['events_per_reference']:.2f}",
                    f"{row['epicentre_km']:.1f}",
                    f"{row['depth_km']:+.1f}",
                    inside,
                    _few(row["false_events"]),
                    f"{row['cpu_s']:.0f}",
                ]
            )
        )
    return lines


def rivals() -> list[str]:
    """Rows of each set and associator; those that were stopped say so."""
    ours = {row["case"]: row for row in _cases("real_catalogs")}
    theirs = {(row["case"], row["associator"]): row for row in _cases("rivals")}
    lines = []
    for case, title in _titled(_SHORT, [*ours, *(case for case, _ in theirs)]):
        for name, program in _titled(_ASSOCIATORS, ["quakeline", *(one for _, one in theirs)]):
            row = theirs.get((case, name), {})
            if name == "quakeline":
                row = {**ours[case], "held_out": row.get("held_out")} if case in ours else {}
            if "ended" in row:
                stopped = f"stopped after {row['cpu_s']:.0f} CPU s"
                lines.append(_line([title, program, stopped]) + " |" * 9)
            elif row:
                lines.append(_line([title, program, *_compared(row)]))
    return lines


def _compared(row: Row) -> list[str]:
    """What is compared of one associator on one set."""
    said = row.get("held_out") or {}
    shares = [
        f"{_percent(said[f'{kind}_confirmed'])} of {said[kind]}" if said else ""
        for kind in ("references", "further")
    ]
    return [
        f"{row['recall']:.2f}",
        f"{row['events_per_reference']:.2f}",
        f"{row['epicentre_km']:.1f}",
        f"{row['depth_km']:+.1f}",
        str(row["twins"]),
        _few(row.get("false_events")),
        *shares,
        _percent(said.get("chance")),
        f"{row['cpu_s']:.0f}",
    ]


def stability() -> list[str]:
    """Rows of each part."""
    known = {row["case"]: row for row in _cases("stability")}
    return [_line([title, *_changes(known[case])]) for case, title in _titled(_PARTS, known)]


def _changes(row: Row) -> list[str]:
    """How much a part changes: least and most of all changes."""
    changed, every = row["changed"], [row["first"], *row["changed"]]

    def ends(values: Iterable[float], form: str = ".0f") -> str:
        some = list(values)
        low, high = (f"{value:{form}}" for value in (min(some), max(some)))
        return low if low == high else f"{low} to {high}"

    return [
        ends(one["events"] for one in every),
        ends(100 * one["ellipsoid"][1] for one in every if "ellipsoid" in one),
        ends(100 * one["kept"] for one in changed),
        ends((one["moved_km"][0] for one in changed), ".1f"),
        ends((one["moved_depth_km"][0] for one in changed), ".1f"),
        ends(100 * one["beyond_sigma"][0] for one in changed),
    ]


def stated_errors() -> list[str]:
    """Rows of the parts of sets."""
    return _stated(_SPANS, few=False)


def stated_errors_few() -> list[str]:
    """Rows of small catalogs of each set."""
    return _stated(_FEW_EVENTS, few=True)


def _stated(titles: dict[str, str], *, few: bool) -> list[str]:
    """Rows of the cases that were measured, first in the velocities of the sets."""
    measured = [row for row in _cases("stated_errors") if row["case"].endswith(_FEW) == few]
    lines = []
    for velocity, words in (("own", "the set's"), ("IASP91", "IASP91")):
        known = {row["case"]: row for row in measured if row["velocity"] == velocity}
        for case, title in _titled(titles, known):
            row = known[case]
            lines.append(_line([title, words, row["matched"], *_of_errors(row)]))
    return lines


def _of_errors(row: Row) -> list[str]:
    """Cells of shares within stated errors, and of how far events are off in km."""
    parts = [row[name] for name in ("ellipsoid", "epicentre", "depth")]
    return [
        *(f"{100 * some:.0f} / {100 * most:.0f}" for some, most in parts),
        f"{row['epicentre_km']:.1f}",
        f"{row['depth_km']:+.1f}",
        f"{row['stated_depth_km']:.1f}",
    ]


def missed() -> list[str]:
    """Rows of the sets of which references with six picks are missed."""
    known = {row["case"]: row for row in _cases("missed")}
    lines = []
    for case, title in _titled(_SHORT, known):
        row = known[case]
        if row["missed"]:
            causes = [
                f"{count} ({row['better'][name]})" if (count := row["causes"][name]) else "0"
                for name in _CAUSES
            ]
            lines.append(_line([title, f"{row['missed']} of {row['references_6']}", *causes]))
    return lines


def own_velocities() -> list[str]:
    """Rows of events in velocities of other events of the same parts."""
    return [
        _line(
            [
                title,
                "the set's" if row["velocity"] == "own" else "IASP91",
                row["inverted"],
                row["delays"],
                row["matched"],
                *_of_errors(row),
            ]
        )
        for case, title in _titled(_OWN, (row["case"] for row in _cases("own_velocities")))
        for row in _cases("own_velocities")
        if row["case"] == case
    ]


TABLES: dict[str, Callable[[], list[str]]] = {
    "real_catalogs": real_catalogs,
    "rivals": rivals,
    "stability": stability,
    "missed": missed,
    "stated_errors": stated_errors,
    "stated_errors_few": stated_errors_few,
    "own_velocities": own_velocities,
}

if __name__ == "__main__":
    main()
