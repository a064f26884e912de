"""Without the libraries of an extra: one line that names it, and nothing else is touched."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from workfolder import REPOSITORY

from quakeline.core import extras

ABSENT = [name for names in extras.MODULES.values() for name in names]


def without(code: str, *absent: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that has none of these modules."""
    hidden = f"import sys\nfor name in {absent!r}: sys.modules[name] = None\n"
    words = [sys.executable, "-c", hidden + code]
    return subprocess.run(words, capture_output=True, text=True, cwd=REPOSITORY)


def test_the_table_is_that_of_the_package(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, modules in extras.MODULES.items():
        listed = {re.split(r"[^\w-]", one)[0] for one in project["optional-dependencies"][extra]}
        assert {name.replace("-", "_") for name in listed} == set(modules)


def test_the_demo_and_the_program_need_none() -> None:
    code = "import quakeline.cli; from quakeline.workflow.config import read\n"
    code += "read(None).require_files()"
    done = without(code, *ABSENT)
    assert done.returncode == 0, done.stderr


def test_a_run_of_fibres_says_what_to_install() -> None:
    code = "from quakeline.workflow.config import read, read_yaml; from pathlib import Path\n"
    code += "try: read(read_yaml(Path('config/runs/porotomo.yaml'))).require_files()\n"
    code += "except Exception as error: print(error)"
    done = without(code, "xdas", "dascore")
    line = "dascore and xdas needed, which are not installed: pip install 'quakeline[das]'"
    assert done.stdout.splitlines()[0] == f"fibres: {line}", done.stdout + done.stderr


def test_annotate_says_what_to_install() -> None:
    code = "from quakeline.fibres.das.apply import annotate\n"
    code += "try: annotate(None, None, None, None, None)\n"
    code += "except Exception as error: print(error)"
    done = without(code, "xdas", "dascore")
    assert "networks on fibre data: dascore and xdas needed" in done.stdout, done.stderr


def test_dask_is_named_where_it_is_asked_for() -> None:
    code = "import quakeline\nfrom quakeline.events.measurement.spread import workers\n"
    for call in ("quakeline.open_stores('x')", "workers('local:2').__enter__()"):
        code += f"try: {call}\nexcept Exception as error: print(error)\n"
    done = without(code, *extras.MODULES["dask"])
    line = "dask and distributed and xarray needed, which are not installed: pip install"
    assert done.stdout.splitlines() == [
        f"stores of a run as one: {line} 'quakeline[dask]'",
        f"--dask local:2: {line} 'quakeline[dask]'",
    ], done.stderr


def test_what_is_installed_is_no_fault() -> None:
    assert [extras.lacking(extra, "x") for extra in extras.MODULES] == [""] * len(extras.MODULES)
    extras.require("das", "x")
