# One DAG from raw archives to a catalog. Settings: config/config.yaml and the overlay that
# --configfile or `quakeline run` gives (merged by quakeline.workflow.config, not by Snakemake); without one
# it is the demo, config/runs/unterhaching.yaml.
from quakeline.workflow.cluster import read_site
from quakeline.workflow.config import read
from quakeline.core.errors import ConfigError
from quakeline.workflow.runner import guard_imports

# In jobs too, a file of the working folder never stands for a module of Python.
guard_imports()

try:
    RUN = read(config if config or workflow.configfiles else None)
    RUN.require_files()
    SITE = read_site()
except ConfigError as error:
    raise WorkflowError(f"configuration:\n{error}")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/picks.smk"
include: "workflow/rules/das.smk"
include: "workflow/rules/catalog.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/catalog/events.parquet",
        f"{RESULTS}/report.html",
        rules.merge.output.exports,
        f"{RESULTS}/catalog/ro-crate-metadata.json",
