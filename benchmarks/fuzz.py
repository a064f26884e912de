"""100,000 damaged files for the readers of outside files: `python -m benchmarks.fuzz [CASES]`.

Counts go to benchmarks/results/fuzz.json. A case that is neither read nor refused with a line for
the user is named with its seed, and the exit code is 1.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measure import RESULTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz.readers import Hang, readers, tried


def main() -> None:
    """Run all cases in turn and write the counts."""
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


def _write(cases: int, counts: dict[str, Counter[str]], failures: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {"cases": cases, "ends": counts, "failures": failures[:200]}
    (RESULTS / "fuzz.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
