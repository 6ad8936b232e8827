VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
export UNIFIED_ISO_RAW ?= sample
export UNIFIED_ISO_OUT ?= out
DBT := $(BIN)/dbt --no-use-colors
DBT_DIRS := --project-dir . --profiles-dir .

.PHONY: help build test lint bench torture docs clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

build: $(BIN)/.installed ## generate a small raw sample and publish it to out/
	$(BIN)/unified-iso sample $(UNIFIED_ISO_RAW)
	$(BIN)/unified-iso build --raw $(UNIFIED_ISO_RAW) --out $(UNIFIED_ISO_OUT)

lint: $(BIN)/.installed ## check the style of SQL and Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint models tests/generic

test: lint ## everything CI runs
	UNIFIED_ISO_OUT=target/unit-tests $(DBT) seed $(DBT_DIRS)
	UNIFIED_ISO_OUT=target/unit-tests $(DBT) test --select test_type:unit $(DBT_DIRS)
	$(BIN)/python -m pytest --ignore=tests/python/test_torture.py
	@# It forks, and a child waits forever for a lock that a thread of another test held.
	$(BIN)/python -m pytest tests/python/test_torture.py

bench: $(BIN)/.installed ## measure a full-size build against its floor (about 25 GB of disk)
	$(BIN)/python tests/bench/measure.py bench

torture: $(BIN)/.installed ## attack the program and count what it can't stand (hours; 10 GB of disk)
	$(BIN)/python tests/torture/run.py

docs: $(BIN)/.installed ## write the documentation site to target/static_index.html
	$(DBT) docs generate --static $(DBT_DIRS)

clean: ## remove everything that was generated here
	rm -rf $(VENV) sample out target logs bench .pytest_cache .ruff_cache .hypothesis
