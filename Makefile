# Two commands are all there is to know: `python3 -m miniredis` runs the server, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
NODE_MODULES := tests/clients/ioredis/node_modules
PYTEST_OPTIONS ?= -n auto

.PHONY: test check format clean

test: $(INSTALLED) $(if $(shell command -v npm),$(NODE_MODULES)/installed)
	$(BIN)/pytest $(PYTEST_OPTIONS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(NODE_MODULES)/installed: tests/clients/ioredis/package.json
	cd tests/clients/ioredis && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) $(NODE_MODULES) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
