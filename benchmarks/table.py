"""The results in benchmarks/results as Markdown tables: `python -m benchmarks.table`."""

from __future__ import annotations

import json

from benchmarks.measure import RESULTS, parser_of


def main() -> None:
    """Print a table for each benchmark that has run."""
    parser_of(__doc__).parse_args()
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result.get("cases"), list):
            continue  # fuzz.json and fuzz_plausible.json: counts, not measurements
        machine = result["environment"]
        versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
        print(
            f"## {result['name']}\n\n{machine['processor']}, {machine['cores']} cores; {versions}\n"
        )
        names = list(dict.fromkeys(name for row in result["cases"] for name in row))
        print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
        for row in result["cases"]:
            print(f"| {' | '.join(_cell(row.get(name)) for name in names)} |")
        print()


def _cell(value: object) -> str:
    """A value in three digits; empty where there is none."""
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
