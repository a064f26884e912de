# Names that the rules share.
#   SITE    partitions and limits of the cluster, from config/site.yaml; a workstation has none

CHUNKS = RUN.chunk_ids


def kept(product, path):
    """Mark a store as temporary unless `keep:` names it."""
    return directory(path) if product in RUN.keep else temp(directory(path))


def when_kept(template):
    """The stores of all chunks when the run keeps both kinds, else none."""
    kept_both = {"waveforms", "probabilities"} <= set(RUN.keep)
    return expand(template, chunk=CHUNKS) if kept_both else []


def benchmarks_of(*stages):
    """Time and memory of the jobs of some stages, as Snakemake measured them."""
    whole_run = {"stations", "weights", "associate", "locate", "merge"}
    return [
        f"results/{RUN.run}/benchmarks/{stage}/{name}.tsv"
        for stage in stages
        for name in (["all"] if stage in whole_run else CHUNKS)
    ]
