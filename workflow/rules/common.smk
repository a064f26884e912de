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


def benchmarks_of(*stages):
    """Time and memory of the jobs of some stages, as Snakemake measured them."""
    whole_run = {"stations", "weights", "associate", "locate", "magnitude", "classify", "merge"}
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
