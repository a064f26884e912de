#!/usr/bin/env bash
# Snakemake runs this inside the new conda environment, from the folder that the workflow works in.
set -euo pipefail

source_tree=${QUAKELINE_SOURCE:-$PWD}
if [[ ! -f $source_tree/envs/constraints.txt ]]; then
    echo "quakeline's source is not in $source_tree: set QUAKELINE_SOURCE to your clone" >&2
    exit 1
fi
python -m pip install --quiet --constraint "$source_tree/envs/constraints.txt" \
    --editable "$source_tree[cloud,das,grid]"
