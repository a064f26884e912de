"""How much of the Python interface is described, and shown by examples.

Tests execute the examples. Names are those of `import quakeline`; members are the public methods
and properties of the classes among them, and of what `open_run` gives.
"""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator
from types import ModuleType

import quakeline
from benchmarks.measure import parser_of
from quakeline.api.figures.plots import Plots
from quakeline.api.finished import FinishedRun


def names() -> dict[str, object]:
    """The public names and what they are."""
    return {name: getattr(quakeline, name) for name in sorted(quakeline._PLACES)}


def members() -> Iterator[tuple[str, str | None]]:
    """Public methods and properties of the public classes, with their docstrings.

    Those that a class has of another class of quakeline count, those of PyTorch do not.
    """
    classes = [one for one in names().values() if inspect.isclass(one)]
    for one in (*classes, FinishedRun, Plots):
        own = [base for base in one.__mro__ if base.__module__.partition(".")[0] == "quakeline"]
        for name, member in (item for base in own for item in vars(base).items()):
            is_code = inspect.isroutine(member) or isinstance(member, property | classmethod)
            if is_code and not name.startswith("_"):
                yield f"{one.__name__}.{name}", inspect.getdoc(getattr(one, name))


def modules() -> list[ModuleType]:
    """The modules whose examples show the public names."""
    found = {inspect.getmodule(one) for one in (*names().values(), FinishedRun, Plots)}
    return sorted((one for one in found if one), key=lambda one: one.__name__)


def without_example() -> list[str]:
    """Public names whose docstring has no example."""
    parser = doctest.DocTestParser()
    return [name for name, one in names().items() if not parser.get_examples(one.__doc__ or "")]


def main() -> None:
    """Print the table that docs/performance.md has."""
    parser_of(__doc__).parse_args()
    known, parts = names(), dict(members())
    described = sum(bool(one.__doc__) for one in known.values())
    finder = doctest.DocTestFinder()
    tests = [test for module in modules() for test in finder.find(module)]
    print("| of the public interface | described | with an example |")
    print("| --- | ---: | ---: |")
    print(f"| {len(known)} names | {described} | {len(known) - len(without_example())} |")
    print(f"| {len(parts)} methods and properties | {sum(map(bool, parts.values()))} | |")
    print(f"\n{sum(len(test.examples) for test in tests)} statements in {len(modules())} modules")


if __name__ == "__main__":
    main()
