"""Files of a run come from its object store."""

from pathlib import Path

from quakeline.workflow.object_store import copy_files

copy_files(
    snakemake.input,  # noqa: F821 (Snakemake defines it)
    snakemake.output,  # noqa: F821
    Path(snakemake.params.results),  # noqa: F821
)
