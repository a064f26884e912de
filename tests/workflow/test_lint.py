"""What Snakemake itself finds wanting in the workflow. Style is checked by `make lint`."""

from __future__ import annotations

from typing import Any


def test_snakemake_finds_nothing_wanting(workdir: Any) -> None:
    done = workdir.snakemake("--lint")
    assert done.returncode == 0, done.stdout + done.stderr
