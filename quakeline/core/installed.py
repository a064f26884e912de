"""Files of the workflow that lie inside the package, wherever it is installed."""

from __future__ import annotations

from pathlib import Path

_WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
#: Snakefile, rules, script, profiles and conda environment.
DAG = _WORKFLOW / "dag"
SNAKEFILE = DAG / "Snakefile"
PROFILES = DAG / "profiles"
#: Overlays of the embedded demos, and the tables that they name.
EXAMPLES = _WORKFLOW / "examples"
#: The folder that the package lies in: a clone, or the site-packages of an environment.
HOME = _WORKFLOW.parents[1]
