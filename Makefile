# Two commands do everything on a fresh clone: `make run` and `make test`. The rest is for those who change the code.
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8080
DATA   ?= ./data
BIN     = $(VENV)/bin
RUN_STAMP = $(VENV)/.run-requirements
DEV_STAMP = $(VENV)/.dev-requirements

.PHONY: run test lint check quick sim mutants kill tamper bench browser lock sbom audit-deps clean

run: $(RUN_STAMP)
	@$(BIN)/python -m compileall -q src    # a restart need not: it takes a second of three
	@$(BIN)/tocsin serve --data $(DATA) --listen 127.0.0.1:$(PORT)

# The tests are compiled once, not by each worker of each run, whatever the environment says of bytecode.
PYTEST  = PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --dist loadfile
# Quick tests write into memory where there is some: nothing waits for a disk. Slow ones kill processes, on a real disk.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'NR == 2 {print $$4}')" -gt 1000000 ] && echo TMPDIR=/dev/shm)
QUICK   = $(MEMORY) $(PYTEST) -n 2 -m "not slow"
# The longest files come first (tests/conftest.py): no worker is left alone with one at the end.
SLOW    = $(PYTEST) -n 2 --no-loadscope-reorder -m slow
# Real servers, browsers and clocks on a busy machine: what fails runs again, twice at most, and is named as RERUN.
AGAIN   = --reruns 2 -r R

test: $(DEV_STAMP)
	@$(QUICK) $(AGAIN)
	@$(SLOW) $(AGAIN)

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check: lint
	@$(QUICK)

quick: $(DEV_STAMP)
	@$(QUICK)

sim: $(DEV_STAMP)
	@$(BIN)/python -m tests.sim.run --lives 10000

mutants: $(DEV_STAMP)
	@$(BIN)/python -m tests.sim.mutants

kill: $(DEV_STAMP)
	@$(BIN)/python -m compileall -q src
	@$(BIN)/python -m tests.path.kill --kills 300

tamper: $(DEV_STAMP)
	@$(BIN)/python -m tests.audit.harness 100

bench: $(DEV_STAMP)
	@$(BIN)/python bench/run.py

browser: $(DEV_STAMP)
	@$(BIN)/pytest tests/browser

sbom: $(DEV_STAMP)
	@$(BIN)/python -m tests.supply.sbom dist/tocsin.cdx.json

audit-deps: $(DEV_STAMP)
	@$(BIN)/python -m tests.supply.audit

COMPILE = $(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe --all-build-deps --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check "pip-tools>=7.5"
	$(COMPILE) -o requirements.txt pyproject.toml
	$(COMPILE) --extra dev -o requirements-dev.txt pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tocsin needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)" >&2; exit 2; }
	@echo "setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src    # commands start in half the time, also where Python may write no bytecode
	@touch $@

$(DEV_STAMP): requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@ $(RUN_STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
