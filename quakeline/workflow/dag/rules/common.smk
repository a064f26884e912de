# Names that the rules share.
#   SITE    partitions and limits of the cluster, from config/site.yaml; a workstation has none

import json

from quakeline.io.export_files import files_of
from quakeline.workflow.stages.table import STAGES, of

RESULTS = f"results/{RUN.run}"
CHUNKS = RUN.chunk_ids
STATION_CHUNKS = RUN.station_chunks
FIBRES = RUN.fibre_names


if SITE.results:

    storage results:
        **SITE.results.connection(),
        provider="s3",


def stored(path):
    """A path below the results: as it is, or in the object store that the site file names."""
    return storage.results(SITE.results.address(path)) if SITE.results else path


def product(stage, name):
    """The pattern of a product of a stage; stores that `keep:` does not name are temporary.

    What is temporary never goes to an object store.
    """
    path = f"{RESULTS}/{STAGES[stage].products[name]}"
    if not path.endswith(".zarr"):
        return stored(path)
    if name in STAGES[stage].temporary and name not in RUN.keep:
        return temp(directory(path))
    return stored(path) if SITE.results else directory(path)


def path_of(product):
    """The path of a product as plain text, for rules that take those of all chunks.

    Where any input of a rule is an output object, Snakemake hashes the whole list of chunks once
    for each of them: minutes for ten years of days. In an object store it has to be one.
    """
    kept = getattr(product, "flags", {}).get("storage_object")
    return storage.results(kept.query) if kept else str(product)


def every(product, **wildcards):
    """An output of a rule for all values of its wildcards, wherever it lies."""
    kept = getattr(product, "flags", {}).get("storage_object")
    if kept:
        return storage.results(expand(kept.query, **wildcards))
    return expand(str(product), **wildcards)


def if_apart(made, else_of):
    """What `pick` takes where `annotate` has jobs of its own, and where it does their work."""
    return made if RUN.annotates_apart else else_of


def earlier_of_picks():
    """The parameters of `annotate` where the jobs of `pick` do its work."""
    return {} if RUN.annotates_apart else {"earlier": RUN.params("annotate")}


def log_of(stage):
    """The pattern of the logs of a stage."""
    return f"{RESULTS}/{STAGES[stage].log}"


def benchmark_of(stage):
    """The pattern of the files in which Snakemake notes time and memory of the jobs of a stage."""
    return f"{RESULTS}/{STAGES[stage].benchmark}"


def benchmarks_before(stage):
    """Time and memory of all jobs of the run whose stages stand before one in the table."""
    before = of(RUN)[: of(RUN).index(STAGES[stage])]
    return [f"{RESULTS}/{path}" for earlier in before for path in earlier.benchmarks(RUN)]


def resources_of(stage, **amounts):
    """What the jobs of a stage ask of a cluster."""
    return SITE.resources("gpu" if STAGES[stage].gpu else "cpu", **amounts)


def is_local(stage):
    """Whether jobs of a stage run where the workflow was started."""
    return STAGES[stage].local(RUN)


def when_kept(template):
    """The stores of all chunks when the run keeps both kinds, else none."""
    kept_both = {"waveforms", "probabilities"} <= set(RUN.keep)
    return every(template, chunk=STATION_CHUNKS) if kept_both else []


def waveforms_for_polarities(template):
    """The stores of all chunks where networks read polarities from them, else none."""
    return every(template, chunk=STATION_CHUNKS) if RUN.mechanism.networks else []


def of_fibres(template):
    """The products of all fibres and chunks."""
    return every(template, fibre=FIBRES, chunk=CHUNKS)


def fibre_of(wildcards):
    """The section of a fibre as JSON."""
    return RUN.fibre(wildcards.fibre).model_dump_json()


def only_with(stage, product):
    """What belongs to a stage, in a run that has it; else none."""
    return [product] if STAGES[stage].has(RUN) else []


def choosing():
    """Products that tell what `auto` became; every chunk tells the same.

    Picks that a table replaces are an input of no other rule: they are made all the same.
    """
    chunks = STATION_CHUNKS if RUN.import_picks.replaces else STATION_CHUNKS[:1]
    picks = every(rules.pick.output.picks, chunk=chunks)
    onsets = every(rules.das_annotate.output.onsets, fibre=FIBRES, chunk=CHUNKS[:1])
    events = [path_of(rules.associate.output.events), path_of(rules.locate.output.events)]
    return [*picks, *onsets, *events]


def joined_picks():
    """Picks of a table that join those of the networks."""
    joins = not RUN.import_picks.replaces
    return only_with("import_picks", product("import_picks", "picks")) if joins else []


def records_to_learn():
    """Files of the data set that the picker is trained on."""
    given = RUN.train.files() if RUN.train else []
    return given or [path_of(file) for file in rules.dataset.output]


def weights_of(stages):
    """The weights files that some stages make."""
    return [path_of(getattr(rules, name).output.weights) for name in stages]


def event_weights():
    """The file of the network that looks at the waveforms of events, in a run that has one."""
    return [path for paths in STAGES["classify_windows"].files(RUN).values() for path in paths]


def exports_of_catalog():
    """Files of the further formats of the catalog; Snakemake would empty whole folders."""
    return [stored(f"{RESULTS}/catalog/{file}") for file in files_of(RUN.merge.exports)]


def files_of_run():
    """All files of a run but its stores, below the folder of the run."""
    paths = [
        f"{RESULTS}/{pattern.format(**job)}"
        for stage in of(RUN)
        for pattern in stage.products.values()
        if not pattern.endswith(".zarr")
        for job in stage.jobs(RUN)
    ]
    parts = [f"{RESULTS}/catalog/{file}" for file in [*files_of(RUN.merge.exports), *CRATE_PARTS]]
    return sorted({*paths, *parts})
