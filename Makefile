VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# One more than CI has cores: builds wait for the disk, too.
WORKERS ?= 3
export UNIFIED_ISO_RAW ?= sample
export UNIFIED_ISO_OUT ?= out
DBT := $(BIN)/dbt --no-use-colors
DBT_DIRS := --project-dir . --profiles-dir .

STYLE := requirements.lock tests/sqlfluff/adapter.py \
	$(shell find macros -name '*.sql') $(shell find .sqlfluff examples models python -name .sqlfluff)
SQL := $(shell find examples models tests/generic python -name '*.sql')
# What an SQL file is told depends on it and on what is in STYLE, and on no other one of them.
TO_LINT = $(if $(filter $(STYLE),$?),$(SQL),$?)
# Lints what matches a pattern: patterns, options.
lint_sql = $(if $(filter $1,$(TO_LINT)),$(BIN)/sqlfluff lint $2 $(filter $1,$(TO_LINT)))
# Shows what each of two jobs says in one piece, where make can.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help build check test lint types unit quick bench torture docs clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

build: $(BIN)/.installed ## generate a small raw sample and publish it to out/
	$(BIN)/unified-iso sample $(UNIFIED_ISO_RAW) --real-time --ancillary-services
	$(BIN)/unified-iso build --raw $(UNIFIED_ISO_RAW) --out $(UNIFIED_ISO_OUT)

lint: $(BIN)/.installed target/linted ## check the style of SQL and Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Parsing all SQL takes minutes of one core, so what has not changed since is not linted again.
target/linted: $(STYLE) $(SQL)
	$(call lint_sql,models/% tests/generic/%)
	$(call lint_sql,python/%,--templater placeholder)
	$(call lint_sql,examples/%)
	mkdir -p target
	touch $@

types: $(BIN)/.installed ## check the types of the package and of its tests
	$(BIN)/mypy

unit: $(BIN)/.installed ## run the dbt unit tests
	@# A staging view of an older tree may have other columns. Nothing reads what dbt would write down of these runs.
	rm -rf target/unit-tests
	UNIFIED_ISO_OUT=target/unit-tests $(DBT) --no-write-json seed $(DBT_DIRS)
	UNIFIED_ISO_OUT=target/unit-tests $(DBT) --no-write-json test --select test_type:unit $(DBT_DIRS)

quick: $(BIN)/.installed
	$(BIN)/python -m pytest -m "not builds"

check: $(BIN)/.installed ## everything that needs no build, on two cores: lint, types, unit, quick tests
	@# The longest first, and one more at a time than there are cores, so that neither core waits for one at the end.
	$(MAKE) --no-print-directory --jobs=3 $(SYNC) quick unit lint types

test: check ## everything CI runs
	$(BIN)/python -m pytest -m builds --numprocesses=$(WORKERS) --dist=loadfile \
		--no-loadscope-reorder

bench: $(BIN)/.installed ## measure a full-size build against its floor (about 25 GB of disk)
	$(BIN)/python tests/bench/measure.py bench

torture: $(BIN)/.installed ## attack the program and count what it can't stand (hours; 10 GB of disk)
	$(BIN)/python tests/torture/run.py

docs: $(BIN)/.installed ## write the documentation site, one HTML file, and say where it is
	$(BIN)/python -m unified_iso.docs_site

clean: ## remove everything that was generated here
	rm -rf $(VENV) sample out target logs bench build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
