"""100,000 damaged files for the readers of outside files: `python -m benchmarks.fuzz`.

Counts go to benchmarks/results/fuzz.json. A case that is neither read nor refused with a line for
the user is named with its seed, and the exit code is 1.

`python -m benchmarks.fuzz plausible` draws tables and recordings that are right or have one
plausible fault, and compares what is read with the truth; ends and the largest deviations go to
benchmarks/results/fuzz_plausible.json. The first case that fails ends it, with its description.

The number of cases may stand behind the kind (`damaged 500`, `plausible 50`); --quick tries a few
and keeps no counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measure import RESULTS, parser_of

#: Parts of the tests that are used here.
_TESTS = [str(Path(__file__).resolve().parents[1] / name) for name in ("tests", "tests/helpers")]
#: Cases of each kind, and those of --quick.
CASES = {"damaged": (100_000, 130), "plausible": (1000, 10)}


def main() -> None:
    """Try the cases asked for; exit code 1 where one failed."""
    parser = parser_of(__doc__)
    parser.add_argument("kind", nargs="?", choices=CASES, default="damaged")
    parser.add_argument("cases", nargs="?", type=int)
    parser.add_argument("--quick", action="store_true", help="a few cases, which keeps no counts")
    words = parser.parse_args()
    sys.path[:0] = _TESTS
    many, few = CASES[words.kind]
    work = {"damaged": damaged, "plausible": plausible}[words.kind]
    work(words.cases or (few if words.quick else many), kept=not words.quick)


def damaged(cases: int, kept: bool) -> None:
    """Try so many damaged files in turn."""
    from fuzz.readers import Hang, readers, tried

    counts: dict[str, Counter[str]] = {}
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = readers(folder)
        for number in range(cases):
            reader = found[number % len(found)]
            try:
                end = tried(reader, number, folder)
            except (Exception, Hang) as error:
                end = type(error).__name__
                failures.append(f"{reader.name} {number}: {end}: {str(error)[:120]}")
            counts.setdefault(reader.name, Counter())[end] += 1
            if kept and number % 5000 == 4999:
                _write(number + 1, counts, failures)
    if kept:
        _write(cases, counts, failures)
    print("\n".join([json.dumps(counts), *failures[:200]]))
    sys.exit(1 if failures else 0)


def plausible(cases: int, kept: bool) -> None:
    """Judge so many tables, and a tenth as many events and recordings."""
    from fuzz import plausible_records as records
    from fuzz import plausible_tables as tables
    from hypothesis import given, settings

    from quakeline.models.sections import Builtin
    from quakeline.workflow.stages import weights

    ends: Counter[str] = Counter()
    worst = {"time of a pick in a table, s": 0.0, "place of an event, km": 0.0, "pick, s": 0.0}

    def note(name: str, end: str, error: float, allowed: float) -> None:
        ends[f"{name}: {end}"] += 1
        worst[name] = max(worst[name], error)
        if error > allowed:
            raise AssertionError(f"{name}: {error:g}")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = folder / "weights.safetensors"
        weights.run(Builtin(), weights=network)
        true = records.picks(records.PLAIN, folder, network)

        @settings(max_examples=cases, deadline=None, database=None)
        @given(tables.cases(["", *tables.FAULTS]))
        def of_tables(case: tables.Case) -> None:
            note("time of a pick in a table, s", *tables.judged(case, folder), tables.TIME_S)

        @settings(max_examples=max(cases // 10, 1), deadline=None, database=None)
        @given(tables.cases(["", "percent", "moved, not closed"]))
        def of_events(case: tables.Case) -> None:
            note("place of an event, km", "located", tables.located(case), tables.PLACE_KM)

        @settings(max_examples=max(cases // 10, 1), deadline=None, database=None)
        @given(records.records())
        def of_records(one: records.Record) -> None:
            with tempfile.TemporaryDirectory() as own:
                found = records.picks(one, Path(own), network)
            note("pick, s", "picked", records.largest_error(found, true), records.SAMPLE_S)

        of_tables()
        of_events()
        of_records()
    result = {"ends": dict(sorted(ends.items())), "largest deviation": worst}
    text = json.dumps(result, indent=1) + "\n"
    if kept:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "fuzz_plausible.json").write_text(text, encoding="utf-8")
    print(text)


def _write(cases: int, counts: dict[str, Counter[str]], failures: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {"cases": cases, "ends": counts, "failures": failures[:200]}
    (RESULTS / "fuzz.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
