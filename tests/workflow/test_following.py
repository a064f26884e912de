"""What of Snakemake's output a person sees while a run works."""

from __future__ import annotations

from pathlib import Path

import pytest

from quakeline.workflow.following import Follower


def test_progress_warnings_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, heard = tmp_path / "snakemake.txt", []
    output.write_text(
        "Building DAG of jobs...\nJob 1: stations\n1 of 15 steps (7%) done\n2 of 15 st"
    )
    follower = Follower(output, lambda done, total: heard.append((done, total)))
    follower.look()
    assert heard == [(1, 15)]
    with output.open("a") as file:
        file.write("eps (13%) done\nWARNING fetch: odd\nWARNING fetch: odd\n  rule x:\n")
        file.writelines(f"WARNING pick: {n}\n" for n in range(12))
        file.write("Nothing to be done (all requested files are present and up to date).")
    follower.close()
    assert heard == [(1, 15), (2, 15)]
    said = capsys.readouterr().err.splitlines()
    assert said.count("WARNING fetch: odd") == 1
    assert sum(line.startswith("WARNING") for line in said) == 11
    assert "Nothing to be done" in said[-2]
    assert said[-1] == f"WARNING 3 more warnings: {output}"
