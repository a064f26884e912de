"""The results in benchmarks/results as Markdown tables: `python -m benchmarks.table`."""

from __future__ import annotations

import json

from benchmarks.measure import RESULTS


def main() -> None:
    """Print a table for each benchmark that has run."""
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result["cases"], list):
            continue  # fuzz.json: counts, not measurements
        machine = result["environment"]
        versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
        print(
            f"## {result['name']}\n\n{machine['processor']}, {machine['cores']} cores; {versions}\n"
        )
        print("| case | unit | ours | peer | ratio | largest difference |")
        print("| --- | --- | ---: | ---: | ---: | ---: |")
        for row in result["cases"]:
            equal = "" if row["equal"] is None else f"{row['equal']:.1e}"
            numbers = f"{row['ours']:.3g} | {row['peer']:.3g} | {row['ratio']:.2f}"
            print(f"| {row['case']} | {row['unit']} | {numbers} | {equal} |")
        print()


if __name__ == "__main__":
    main()
