"""Finished runs that several tests look at, and what every refusal of the program has in common."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from filelock import FileLock
from workfolder import WorkFolder, demo_like

from quakeline.core.schemas import Table
from quakeline.io.products import tables
from quakeline.workflow.stages import table as stages

#: Wide enough that no line of a table is broken.
WIDE = {"COLUMNS": "400"}


@dataclass(frozen=True)
class Finished:
    """A run that has ended: where, its exit code, and what it printed."""

    place: WorkFolder
    code: int
    out: str
    err: str

    @classmethod
    def once(
        cls,
        factory: pytest.TempPathFactory,
        worker_id: str,
        name: str,
        furnish: Callable[[WorkFolder], str],
    ) -> Finished:
        """Run `quakeline run` on the overlay that `furnish` writes, once for all workers."""
        base = factory.getbasetemp()
        folder = (base if worker_id == "master" else base.parent) / name
        place = WorkFolder(folder, environment=WIDE)
        said = folder / "outcome.json"
        with FileLock(f"{folder}.lock"):
            if not said.exists():
                WorkFolder.furnished(folder)
                done = place.quakeline("run", furnish(place), "--cores", "2")
                said.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
        return cls(place, *json.loads(said.read_text()))

    def results(self, run: str) -> Path:
        return self.place.folder / "results" / run


def read_all(folder: Path, table: Table) -> pd.DataFrame:
    """The tables of all chunks in a folder."""
    return tables.read_many(sorted(folder.glob("*.parquet")), table)


def refused(
    done: subprocess.CompletedProcess[str] | Finished, *words: str, most: int = 1
) -> list[str]:
    """Check that a command ended with exit code 2 and a last line, or a few, with these words."""
    code, out, err = (
        (done.code, done.out, done.err)
        if isinstance(done, Finished)
        else (done.returncode, done.stdout, done.stderr)
    )
    assert code == 2, out + err
    assert "Traceback" not in out + err
    own = [line for line in err.splitlines() if line.startswith("quakeline: ")]
    assert own == err.splitlines()[-len(own) :], err
    assert 1 <= len(own) <= most, own
    for word in words:
        assert word in "\n".join(own), (word, own)
    return own


def undo_after_prepare(results: Path, overlay: str) -> list[str]:
    """Remove what the stages after `prepare` made, but for weights; the names of these stages."""
    run = demo_like(yaml.safe_load(overlay))
    had = stages.of(run)
    after = had[had.index(stages.STAGES["prepare"]) + 1 :]
    undone = [stage for stage in after if "weights" not in stage.products]
    for top in {Path(p).parts[0] for stage in undone for p in stage.products.values()}:
        made = results / top
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    return [stage.name for stage in undone]
