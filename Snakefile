# `snakemake` in a clone runs the workflow of the installed package, quakeline/workflow/dag.
from quakeline.core.installed import SNAKEFILE


include: str(SNAKEFILE)
