# Names that the rules share.
#   SITE    partitions and limits of the cluster, from config/site.yaml; a workstation has none

CHUNKS = RUN.chunk_ids
STATION_CHUNKS = RUN.station_chunks
FIBRES = RUN.fibre_names


def kept(product, path):
    """Mark a store as temporary unless `keep:` names it."""
    return directory(path) if product in RUN.keep else temp(directory(path))


def when_kept(template):
    """The stores of all chunks when the run keeps both kinds, else none."""
    kept_both = {"waveforms", "probabilities"} <= set(RUN.keep)
    return expand(template, chunk=STATION_CHUNKS) if kept_both else []


def of_fibres(template):
    """The products of all fibres and chunks."""
    return expand(template, fibre=FIBRES, chunk=CHUNKS)


def fibre_of(wildcards):
    """The section of a fibre as JSON."""
    return RUN.fibre(wildcards.fibre).model_dump_json()


def choosing():
    """Products that tell what `auto` became; every chunk tells the same."""
    picks = expand(rules.pick.output.picks, chunk=STATION_CHUNKS[:1])
    onsets = expand(rules.das_annotate.output.onsets, fibre=FIBRES, chunk=CHUNKS[:1])
    return [*picks, *onsets, rules.associate.output.events, rules.locate.output.events]


def when_evaluated(product):
    """What belongs to the stage evaluate, in a run that names a reference; else none."""
    return [product] if RUN.evaluate.reference else []


def when_imported(product):
    """What belongs to the stage import_picks, in a run that names a table of picks; else none."""
    return [product] if RUN.import_picks.table else []


def benchmarks_of(*stages):
    """Time and memory of the jobs of some stages, as Snakemake measured them."""
    whole_run = {
        "stations",
        "weights",
        "das_weights",
        "import_picks",
        "associate",
        "locate",
        "magnitude",
        "classify",
        "merge",
        "evaluate",
    }
    return [
        f"results/{RUN.run}/benchmarks/{stage}/{name}.tsv"
        for stage in stages
        for name in (["all"] if stage in whole_run else STATION_CHUNKS)
    ]


def benchmarks_of_fibres(*stages):
    """The same for stages that work on one fibre."""
    return [
        f"results/{RUN.run}/benchmarks/{stage}/{fibre}-{chunk}.tsv"
        for stage in stages
        for fibre in FIBRES
        for chunk in CHUNKS
    ]


def weights_of(stages):
    """The weights files that some stages make."""
    return [path_of(getattr(rules, name).output.weights) for name in stages]


def exports_of_catalog():
    """Files of the further formats of the catalog; Snakemake would empty whole folders."""
    hypodd = ("phase.dat", "station.dat", "events.csv", "stations.csv")
    files = {
        "fdsn-text": ["catalog.txt"],
        "nordic": ["catalog.nordic"],
        "nonlinloc": ["nonlinloc/catalog.obs", "nonlinloc/stations.in"],
        "hypodd": [f"hypodd/{name}" for name in hypodd],
    }
    return [
        f"results/{RUN.run}/catalog/{file}"
        for name in RUN.merge.exports
        for file in files[name]
    ]


def path_of(product):
    """The path of a product as plain text, for rules that take those of all chunks.

    Where any input of a rule is an output object, Snakemake hashes the whole list of chunks once
    for each of them: minutes for ten years of days.
    """
    return str(product)
