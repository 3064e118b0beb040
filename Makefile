# Two commands for a newcomer: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test lint bench clean lock tapes
.DEFAULT_GOAL := help

help:
	@echo "make demo   set up .venv, measure the bundled crash of 4 November 2025, write report.html"
	@echo "make test   set up .venv and run everything that CI runs"
	@echo "make bench  the benchmarks (DATA=folder and PEERS=folder add the rows that need them)"

# The pinned files are the stamps' inputs: nothing is installed again until they change.
.venv/.installed: requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: set PYTHON=path"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.test-installed: .venv/.installed requirements-test.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-test.txt
	@touch $@

demo: .venv/.installed
	$(BIN)/undertow pulse 2025-11-04 --out .

lint: .venv/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest

bench: .venv/.test-installed
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA)) $(if $(PEERS),--peers $(PEERS))

clean:
	rm -rf .venv report.html pulse.json
