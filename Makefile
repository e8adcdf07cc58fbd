# `make demo` and `make test` prepare the environment themselves, in .venv; `make clean` takes away all they made.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

VENV ?= .venv
PYTHON ?= python3.11 python3 python3.12 python3.13 python
PORT ?= 8501
DEMO_OPTIONS ?=
BIN := $(VENV)/bin
CHROMIUM := $(shell command -v chromium chromium-browser google-chrome 2>/dev/null | head -n 1)
MARKED := $(if $(CHROMIUM),,-m "not browser")

.PHONY: help demo test wheel-test clean

help: ## Say what can be made.
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Set up .venv, read the sample documents, print cited answers, start an app.
	@echo "==> The demo: reading the sample documents and asking"
	$(BIN)/fmapps demo --vertical law --port $(PORT) $(DEMO_OPTIONS)

test: $(VENV)/.development ## Set up .venv; lint, types, layers, tests.
	@echo "==> Lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "==> Types"
	$(BIN)/mypy
	@echo "==> Layers"
	$(BIN)/lint-imports
	@echo "==> Tests$(if $(CHROMIUM),, (no Chromium here: without those that drive a browser))"
	$(BIN)/pytest $(MARKED) $(PYTEST_OPTIONS)

wheel-test: $(VENV)/.development ## Build the wheel, install it outside the checkout, run its demo.
	@echo "==> The wheel, outside the checkout"
	$(BIN)/pytest tests/cli/test_wheel.py

clean: ## Take away .venv, the demo's folder and every cache.
	rm -rf $(VENV) .demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "==> Creating $(VENV)"
	@for candidate in $(PYTHON); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "with $$("$$candidate" --version) ($$candidate)"; exec "$$candidate" -m venv $(VENV); \
	    fi; \
	done; \
	echo "No Python 3.11 or newer was found (tried: $(PYTHON)). Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	exit 1

$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> Installing fmapps and what it needs into $(VENV) (torch is the large one)"
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.development: $(VENV)/.runtime
	@echo "==> Installing what the checks and tests need into $(VENV)"
	$(BIN)/python -m pip install --editable '.[dev]' --constraint constraints.txt
	@touch $@
