# `make help` lists the targets. All paths are relative: the checkout may lie in a folder whose name has spaces.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What another project left in the environment would lead Python or Spark astray.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV SPARK_HOME SPARK_CONF_DIR SPARK_REMOTE
# Compiled files are kept: importing torch and transformers from source takes every process twice as long.
unexport PYTHONDONTWRITEBYTECODE
unexport PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON PYSPARK_SUBMIT_ARGS PYSPARK_GATEWAY_PORT
export TOKENIZERS_PARALLELISM := false

PREPARE = python=$$(.ci/find_python) && "$$python" .ci/prepare.py
VENV_PYTHON = .venv/bin/python
# The Java that the set-up found or installed.
SPARK_PYTHON = JAVA_HOME="$$(cat .cache/java_home)" $(VENV_PYTHON)
OLDEST_PYTHON = JAVA_HOME="$$(cat .cache/java_home)" .venv-oldest/bin/python
VLLM_PYTHON = .venv-vllm/bin/python
PYTEST = -m pytest --durations=5 $(ARGS)
# Two at once: a session of Spark plans on one core (which tests share a process: tests/conftest.py). The longest tier
# comes first, so that it does not end alone.
PARALLEL = $(PYTEST) -n 2 --dist loadfile
TIERS = tests/e2e tests/faults tests/spark tests/unit
# What trains and measures models over tables whose own tests run on the oldest Spark too.
ABOVE_SPARK = flow/test_benchmarks.py flow/test_canaries.py flow/test_dry_run_of_files.py engines
# Of the twenty kills of tests/faults/plan.py: few (`make test` tries them), rest (the others, which CI tries) or all.
FAULTS = all
# lib/synpref/jobs is a link to jobs/
CODE = lib tests $(wildcard .ci/*.py)

.PHONY: help demo test test-oldest test-vllm faults unit lint format types bench wheel lock setup clean distclean

help: ## list these targets
	@echo "synpref: curate preference pairs and train reward models on what is kept"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: setup ## run the whole pipeline on a generated pool with known truth; leaves runs/demo/
	@$(SPARK_PYTHON) -m synpref.cli pipeline --conf demo $(ARGS)

test: setup ## run the tests: unit, Spark, end to end (ARGS="-k name" for some)
	@$(SPARK_PYTHON) $(PARALLEL) $(TIERS)

test-oldest: ## run the Spark tests on the oldest supported Spark and Delta, in an environment of its own
	@$(PREPARE) oldest
	@$(OLDEST_PYTHON) $(PARALLEL) tests/spark $(addprefix --ignore=tests/spark/,$(ABOVE_SPARK))

# Apart from CI: an environment of 5 GB more and ten minutes, for what changes with vLLM and its lock file alone.
test-vllm: setup ## run judges and reward models against a real vLLM on the CPU, in an environment of its own
	@$(PREPARE) vllm
	@$(VLLM_PYTHON) $(PYTEST) tests/vllm

faults: setup ## kill drivers, executors, workers and engines at twenty random points, and look at the tables
	@$(SPARK_PYTHON) $(PYTEST) -n 2 --dist load tests/faults --faults $(FAULTS)

unit: ## run the unit tests only: no Spark, seconds
	@$(PREPARE) environment
	@$(VENV_PYTHON) $(PARALLEL) tests/unit

lint: ## check style with ruff
	@$(PREPARE) environment
	@$(VENV_PYTHON) -m ruff check
	@$(VENV_PYTHON) -m ruff format --check

format: ## format the code and mend what ruff can mend
	@$(PREPARE) environment
	@$(VENV_PYTHON) -m ruff check --fix
	@$(VENV_PYTHON) -m ruff format

types: ## check types with mypy, strict
	@$(PREPARE) environment
	@$(VENV_PYTHON) -m mypy $(CODE)

bench: setup ## run the benchmarks: ratios of two ways that take turns, printed and held to a bound
	@$(SPARK_PYTHON) $(PYTEST) -s tests/bench

wheel: ## build the wheel into dist/
	@$(PREPARE) environment
	@$(VENV_PYTHON) -m build --wheel --no-isolation --outdir dist

lock: ## resolve setup.cfg again into the lock files (UPGRADE=--upgrade for new versions)
	@$(PREPARE) environment
	@.ci/lock

setup: ## only the set-up: environment, Java, Delta jars, two small models
	@$(PREPARE) all

clean: ## remove what builds, tests and tools left; keeps environments, models and runs/
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log

distclean: clean ## remove the environments and models too; keeps runs/
	@rm -rf .venv .venv-oldest .venv-vllm .venv-trl .cache
