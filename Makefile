# Two commands for a newcomer: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= $(shell command -v python3.11 || \
	python3 -c 'import sys; sys.version_info < (3, 11) or print(sys.executable)' 2>/dev/null)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   set up .venv, run the crash of 4 November 2025 again, write a report"
	@echo "make test   set up .venv and run everything that CI runs"
	@echo "make bench  the benchmarks (DATA=folder and PEERS=folder add the rows that need them)"
	@echo "make lock   pin newer versions of what we depend on (UPGRADE=--upgrade)"

# The pinned files are the stamps' inputs: nothing is installed again until they change, so that
# both commands work offline from the second time on.
.venv/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=path"; exit 2; }
	"$(PYTHON)" -m venv .venv
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test-installed: .venv/.installed requirements-test.txt
	$(PIP) --require-hashes --requirement requirements-test.txt
	@touch $@

demo: .venv/.installed
	$(BIN)/undertow crash 2025-11-04

lint: .venv/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest

bench: .venv/.test-installed
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA)) $(if $(PEERS),--peers $(PEERS))

lock: .venv/.test-installed
	$(PIP) pip-tools
	scripts/lock.sh $(UPGRADE)

clean:
	rm -rf .venv report.html pulse.json runs replays
