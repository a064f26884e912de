"""What `classify` gives."""

from __future__ import annotations

from typing import Any

from quakeline.fibres.das.report import AnnotateReport


class ClassifyOutput:
    """Results of `classify` by name, also as attributes: `output["P"]` and `output.P`.

    Attributes
    ----------
    creator
        Name of the network.
    results
        What the callback's `get_results_dict` gave.
    report
        What was left out of the data, and why.
    """

    def __init__(self, creator: str, results: dict[str, Any], report: AnnotateReport) -> None:
        self.creator, self.results, self.report = creator, results, report

    def __getattr__(self, name: str) -> Any:
        """Give a result."""
        results = self.__dict__.get("results", {})
        if name not in results:
            raise AttributeError(f"no result {name!r}; there are {', '.join(map(str, results))}")
        return results[name]

    def __getitem__(self, name: str) -> Any:
        """Give a result."""
        return self.results[name]

    def __repr__(self) -> str:
        """Say how much there is of each result."""
        parts = [
            f"{name}: {len(value) if hasattr(value, '__len__') else value}"
            for name, value in self.results.items()
        ]
        return f"ClassifyOutput({self.creator}; {', '.join(parts)})"
