# The few commands of this repository; `make help` lists them. Each sets up what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# `make check test` runs the contracts once: check has them already.
TIERS ?= $(if $(filter check,$(MAKECMDGOALS)),unit integration faults acceptance browser)
# For tests as if it were another day, as DATE="2028-02-29 23:55" (UTC); docs/testing.md says which are worth it.
DATE ?=
MINUTES ?= 10
SEED ?=
# pip reads pinned versions with hashes from requirements/locked/<name>.txt; the stamp makes a second run instant.
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet

UV := uv==0.13.9

.PHONY: help install demo test test-unit check bench soak format pictures pins secrets clean system

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)-demo ## Make .venv with everything that the demonstration needs
	@echo "Installed in $(VENV): try \`make demo\` or $(BIN)/millstream --help"

demo: $(INSTALLED)-demo ## The whole path on this machine, no server installed before (ARGS="--port 8080 --data DIR")
	@exec $(BIN)/millstream demo $(ARGS)

check: $(INSTALLED)-dev ## Style, types, import contracts, sizes, names, documentation, supply chain
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.supply
	$(BIN)/python -m pytest -q tests/contracts

test: $(INSTALLED)-dev system ## All tests, tier by tier, each within its time budget (TIERS="unit faults" for some)
	@$(BIN)/python $(if $(DATE),-m tests.clock "$(DATE)") -m tests.tiers $(TIERS)

test-unit: $(INSTALLED)-dev ## Unit tests alone: no network, seconds
	@$(BIN)/python -m pytest -q tests/unit $(ARGS)

bench: $(INSTALLED)-dev ## Speed and memory, as ratios measured in the same run (ARGS="ingest wire")
	@$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(INSTALLED)-dev ## The kill test for as long as you like (MINUTES=10 SEED=1)
	@MILLSTREAM_ALARM_RUNS=$$(($(MINUTES) * 30)) MILLSTREAM_ALARM_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s tests/faults/test_alarm_kills.py
	@MILLSTREAM_CALCULATION_RUNS=$$(($(MINUTES) * 20)) MILLSTREAM_CALCULATION_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s tests/faults/test_calculation_kills.py
	@MILLSTREAM_ATTACK_MINUTES=$(MINUTES) MILLSTREAM_ATTACK_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s tests/integration/attacks tests/unit/cloud_api/test_foreign_bytes.py
	@MILLSTREAM_FAULT_MINUTES=$(MINUTES) MILLSTREAM_FAULT_SEED=$(SEED) $(BIN)/python -m pytest -q -s tests/faults/test_kills.py $(ARGS)

format: $(INSTALLED)-dev ## Put the code into its form
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

pictures: $(INSTALLED)-dev system ## Take the READMEs' pictures of the console (docs/images)
	@$(BIN)/python -m tests.browser.pictures

pins: $(INSTALLED)-dev ## Write requirements/locked: the pinned versions with hashes
	@$(PIP) $(UV)
	@$(BIN)/python requirements/lock.py

secrets: $(INSTALLED)-dev ## Accept what the scan for secrets finds now, after you have looked at it
	@$(BIN)/python -m tests.supply --accept

clean: ## Remove .venv, caches and what tests have installed
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name node_modules -prune -exec rm -rf {} +
	find tests -name .install.lock -delete

# What tests need and no wheel has: root installs it, everybody else is told how.
SYSTEM_PACKAGES := mosquitto libmodbus5 socat chromium
system:
	@PATH="$$PATH:/usr/sbin:/sbin"; \
	command -v mosquitto mosquitto_passwd socat chromium >/dev/null && ldconfig -p | grep -q 'libmodbus\.so\.5' && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $(SYSTEM_PACKAGES), which tests need"; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null; \
	else \
	  echo "Tests need the packages $(SYSTEM_PACKAGES) (Debian, Ubuntu: sudo apt-get install $(SYSTEM_PACKAGES))" >&2; exit 1; \
	fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=…)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment: install the package \`python3-venv\`" >&2; exit 1; }

$(INSTALLED)-%: requirements/locked/%.txt pyproject.toml | $(BIN)/python
	@echo "Installing Millstream and requirements/locked/$*.txt into $(VENV)"
	@$(PIP) --require-hashes -r requirements/locked/$*.txt
	@$(PIP) --no-deps --editable .
	@touch $@
