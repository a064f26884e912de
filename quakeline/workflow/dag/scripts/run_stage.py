"""The one script of the workflow: every rule runs the stage of its own name."""

from quakeline.workflow.runner import run_job

run_job(snakemake)  # noqa: F821 (Snakemake defines it)
