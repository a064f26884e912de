# `make demo` installs quakeline and runs the embedded example; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$p && break; done)
CORES ?= $(shell nproc 2> /dev/null || echo 2)
CONSTRAINTS := envs/constraints.txt
INSTALLED := $(VENV)/.installed
INSTALLED_DAS := $(VENV)/.installed-das
# Extras that tests run with; EXTRAS=test,seisbench also tests against SeisBench.
EXTRAS ?= test
INSTALLED_TEST := $(VENV)/.installed-$(EXTRAS)
SNAKEFILES := Snakefile quakeline/workflow/dag

.PHONY: bench docs figures help demo demo-das test test-slow test-slurm lint types imports format reference constraints clean
# Two installs at once, or tests beside linters, only get in each other's way.
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## run the embedded example and show what it found
	$(BIN)/snakemake --cores $(CORES)
	$(BIN)/quakeline summary unterhaching

demo-das: $(INSTALLED_DAS) ## run the embedded earthquake on a fibre and show what it found
	$(BIN)/snakemake --cores $(CORES) --configfile config/runs/porotomo.yaml
	$(BIN)/quakeline summary porotomo

test: $(INSTALLED_TEST) lint types imports ## everything that CI checks
	$(BIN)/pytest -n 3 -m "not slow and not slurm"

test-slow: $(INSTALLED_TEST) ## the tests that take minutes, on the SLURM cluster too
	$(BIN)/pytest -m slow

test-slurm: $(INSTALLED_TEST) ## the workflow and its faults on a SLURM cluster of its own
	$(BIN)/pytest -m "slurm and not slow"

lint: $(INSTALLED_TEST) ## style of Python and Snakemake files, faults in the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/hadolint containers/Dockerfile

types: $(INSTALLED_TEST) ## types of the package and the benchmarks (mypy, strict)
	$(BIN)/mypy

imports: $(INSTALLED_TEST) ## the one-way arrows between the rooms of the package
	$(BIN)/lint-imports

format: $(INSTALLED_TEST) ## put Python and Snakemake files in style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt $(SNAKEFILES)

reference: $(INSTALLED) ## write config.yaml, README.md and config.schema.json in config/
	$(BIN)/quakeline config defaults
	$(BIN)/quakeline config reference
	$(BIN)/quakeline config schema

docs: $(patsubst docs/tutorials/%.md,build/notebooks/%.ipynb,$(wildcard docs/tutorials/*.md)) ## run the tutorials and build the documentation in build/site; a broken link is an error
	$(BIN)/mkdocs build --strict

build/notebooks/%.ipynb: docs/tutorials/%.md | $(INSTALLED_TEST)
	$(BIN)/python docs/site/notebooks.py $*

bench: $(INSTALLED_TEST) ## measure against peers (installs SeisBench); results in benchmarks/results
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[seisbench]"
	$(BIN)/python -m benchmarks.waveform_engine
	test -z "$$QUAKELINE_SHARED" || $(BIN)/python -m benchmarks.whole_process
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.classify
	$(BIN)/python -m benchmarks.workers
	$(BIN)/python -m benchmarks.engine_memory
	$(BIN)/python -m benchmarks.preparation
	$(BIN)/python -m benchmarks.table

figures: ## the pictures in README.md, from the demo's report (needs Chromium)
	$(BIN)/python docs/make_figures.py

# A fresh resolve of everything that running and testing need, for which the oldest Python is the right
# one (Debian 12 has 3.11.2). Without the local part of a version (+cpu) the same pin holds for every
# build of torch.
constraints: ## write envs/constraints.txt anew
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --editable ".[test,seisbench,slurm]"
	build/constraints/bin/python -m pip freeze --all --exclude-editable \
		| sed 's/+[a-z0-9.]*$$//' > $(CONSTRAINTS)
	rm -rf build/constraints

clean: ## remove the environment, caches and Snakemake's records; results stay
	rm -rf $(VENV) build dist *.egg-info .snakemake
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "quakeline needs Python 3.11 or newer ($(or $(PYTHON),python3) is not);" \
		"name one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(INSTALLED_DAS): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[das]"
	@touch $(INSTALLED) $@

$(INSTALLED_TEST): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[$(EXTRAS)]"
	@touch $(INSTALLED) $@
