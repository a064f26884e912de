# From prepared waveforms to picks.
#   weights    the picker of the config (Python package index, cache, or a local path)
#                                                  -> weights/picker.safetensors
#   annotate   waveforms/<chunk>.zarr, weights     -> probabilities/<chunk>.zarr
#   pick       probabilities, waveforms            -> picks/<chunk>.parquet


localrules:
    weights,


rule weights:
    output:
        weights=f"results/{RUN.run}/weights/picker.safetensors",
    params:
        stage=RUN.params("weights"),
    log:
        f"results/{RUN.run}/logs/weights/all.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/weights/all.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../../envs/quakeline.yaml"
    script:
        "../scripts/run_stage.py"


rule annotate:
    input:
        waveforms=rules.prepare.output.waveforms,
        weights=rules.weights.output.weights,
    output:
        probabilities=kept(
            "probabilities", f"results/{RUN.run}/probabilities/{{chunk}}.zarr"
        ),
    params:
        stage=RUN.params("annotate"),
    log:
        f"results/{RUN.run}/logs/annotate/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/annotate/{{chunk}}.tsv"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    conda:
        "../../envs/quakeline.yaml"
    script:
        "../scripts/run_stage.py"


rule pick:
    input:
        probabilities=rules.annotate.output.probabilities,
        waveforms=rules.prepare.output.waveforms,
    output:
        picks=f"results/{RUN.run}/picks/{{chunk}}.parquet",
    params:
        stage=RUN.params("pick"),
    log:
        f"results/{RUN.run}/logs/pick/{{chunk}}.log",
    benchmark:
        f"results/{RUN.run}/benchmarks/pick/{{chunk}}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    conda:
        "../../envs/quakeline.yaml"
    script:
        "../scripts/run_stage.py"
