#!/usr/bin/env bash
# Snakemake runs this inside the new conda environment, from the folder that the workflow works in.
set -euo pipefail

# What to install: a clone, whose pins are used, or a wheel.
source_tree=${QUAKELINE_SOURCE:-$PWD}
if [[ $source_tree == *.whl && -f $source_tree ]]; then
    exec python -m pip install --quiet "$source_tree[cloud,das,grid]"
fi
if [[ ! -f $source_tree/envs/constraints.txt ]]; then
    echo "quakeline's source is not in $source_tree: set QUAKELINE_SOURCE to your clone or wheel" >&2
    exit 1
fi
python -m pip install --quiet --constraint "$source_tree/envs/constraints.txt" \
    --editable "$source_tree[cloud,das,grid]"
