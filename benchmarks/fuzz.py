"""100,000 damaged files for the readers of outside files: `python -m benchmarks.fuzz [CASES]`.

Counts go to benchmarks/results/fuzz.json. A case that is neither read nor refused with a line for
the user is named with its seed, and the exit code is 1.

`python -m benchmarks.fuzz plausible [CASES]` draws tables and recordings that are right or have one
plausible fault, and compares what is read with the truth; ends and the largest deviations go to
benchmarks/results/fuzz_plausible.json. The first case that fails ends it, with its description.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings

from benchmarks.measure import RESULTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz import plausible_records, plausible_tables
from fuzz.readers import Hang, readers, tried

from quakeline.models.sections import Builtin
from quakeline.workflow.stages import weights


def main() -> None:
    """Run all cases in turn and write the counts."""
    if sys.argv[1:2] == ["plausible"]:
        plausible(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
        return
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
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
            if number % 5000 == 4999:
                _write(number + 1, counts, failures)
    _write(cases, counts, failures)
    print("\n".join([json.dumps(counts), *failures[:200]]))
    sys.exit(1 if failures else 0)


def plausible(cases: int) -> None:
    """Judge so many tables, and a tenth as many events and recordings."""
    ends: Counter[str] = Counter()
    worst = {"time of a pick in a table, s": 0.0, "place of an event, km": 0.0, "pick, s": 0.0}

    def note(name: str, end: str, error: float, allowed: float) -> None:
        ends[f"{name}: {end}"] += 1
        worst[name] = max(worst[name], error)
        if error > allowed:
            raise AssertionError(f"{name}: {error:g}")

    tables, records = plausible_tables, plausible_records
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
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    (RESULTS / "fuzz_plausible.json").write_text(text, encoding="utf-8")
    print(text)


def _write(cases: int, counts: dict[str, Counter[str]], failures: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {"cases": cases, "ends": counts, "failures": failures[:200]}
    (RESULTS / "fuzz.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
