# Needs make and Python 3.11 or newer, nothing else. `make help` lists what there is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
# Another build of torch, for example one for your GPU: make setup TORCH=torch==2.13.0
TORCH  ?= torch==2.13.0
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
# Tests share the cores with the processes that they start.
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo up test interop check format clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/dev.stamp ## Make .venv with everything that development wants.

demo: $(VENV)/train.stamp ## Play the whole story on this machine: no Slack, Redis, GPU or keys needed.
	@$(BIN)/python -m examples.demo

up: $(VENV)/train.stamp ## Run Tunesmith here until Ctrl-C.
	@$(BIN)/tunesmith up

test: $(VENV)/dev.stamp ## Run every test.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -q

interop: $(VENV)/dev.stamp .venv-interop/stamp ## Ask the gateway with inspect_ai and lm-eval, and hold their scores against ours.
	$(BIN)/python -m pytest -q -m interop tests/gateway/test_interop.py

check: $(VENV)/dev.stamp ## Lint, formatting, types, and the import law.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## Put the source in shape.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was built and cached here; keep .venv and .tunesmith.
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache .demo
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No python3 found: install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Tunesmith needs Python 3.11 or newer (make PYTHON=/path/to/python3.11)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

# torch first and by its exact version: asked for in company, pip may fetch gigabytes of a build for GPUs.
$(VENV)/train.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what training needs (about 2 GB the first time)"
	@$(PIP) '$(TORCH)'
	@$(PIP) -e '.[train]'
	@touch $@

# Their dependencies and ours do not go together, so they live apart, as they do where people use them.
.venv-interop/stamp: examples/interop/requirements.txt | $(BIN)/python
	@echo "Installing inspect_ai and lm-eval"
	@$(PYTHON) -m venv .venv-interop
	@.venv-interop/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

$(VENV)/dev.stamp: $(VENV)/train.stamp
	@echo "Installing what development needs"
	@$(PIP) -e '.[train,dev,postgres,s3]'
	@touch $@
