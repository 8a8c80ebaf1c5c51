# Two commands are all there is to know: `python3 -m miniredis` runs the server, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
IOREDIS := tests/clients/ioredis/node_modules
NODE_FRAMEWORKS := tests/frameworks/node/node_modules
NPM := $(shell command -v npm)
# One worker more than there are processors, for tests often wait for servers.
PYTEST_OPTIONS ?= -n $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
REFERENCES ?= redis-7.0 valkey-9.1
COMMANDS ?= 1000000
RESULTS := build/conformance
SPEEDS := build/speed
REDIS_PYS := 5 6 7
SUITES := django-redis==7.0.0 limits==5.8.0

.PHONY: test environment-frameworks environment-suites environment-redis-py test-frameworks test-suites test-redis-py demo bench bench-short bench-patterns check format conformance clean

test: $(INSTALLED) $(if $(NPM),$(IOREDIS)/installed)
	$(BIN)/pytest $(PYTEST_OPTIONS) --ignore tests/frameworks

# Celery, RQ and their like at work. They limit each other's redis-py: so arq has an environment to itself.
test-frameworks: environment-frameworks
	$(VENV)/frameworks/bin/pytest $(PYTEST_OPTIONS) --dist loadfile --ignore tests/frameworks/test_arq.py --ignore tests/frameworks/test_suites.py tests/frameworks
	$(VENV)/arq/bin/pytest tests/frameworks/test_arq.py

# The test suites that other projects have in their sdists, on clients in the server's process and on a real server.
test-suites: environment-suites
	$(VENV)/suites/bin/pytest -v tests/frameworks/test_suites.py

# Clients in the server's process with each major version of redis-py, beside the newest, which make test has.
test-redis-py: environment-redis-py
	for version in $(REDIS_PYS); do $(VENV)/redis-py-$$version/bin/pytest $(PYTEST_OPTIONS) tests/embedded tests/compat || exit; done

# What these tests need beside what make test has: it can be made before they are run.
environment-frameworks: $(VENV)/frameworks/installed $(VENV)/arq/installed $(if $(NPM),$(NODE_FRAMEWORKS)/installed)
environment-suites: $(VENV)/suites/installed $(VENV)/suites/sdists/installed
environment-redis-py: $(REDIS_PYS:%=$(VENV)/redis-py-%/installed)

# A tour of the pattern library in the terminal; DEMO_OPTIONS="--only stampede", "--url redis://…", "--list".
demo: $(VENV)/demo/installed
	@$(VENV)/demo/bin/python -m patterns $(DEMO_OPTIONS)

# miniredis beside a real server, a bare asyncio server, fakeredis, and redis-py on nothing: by turns, in ratios.
bench: $(VENV)/bench/installed
	@mkdir -p $(SPEEDS)
	$(VENV)/bench/bin/python -m conformance speed --json $(SPEEDS)/speed.json --html $(SPEEDS)/speed.html $(BENCH_OPTIONS)

# A tenth of it, which fails only where a ratio is twice as bad as in the last full result.
bench-short: $(INSTALLED)
	$(BIN)/python -m conformance speed --short --rounds 2 --check docs/speed.json \
		--only unpipelined --only pipelined --only latency --only embedded

# The pattern library beside others on a real server, and its promises put to the test.
bench-patterns: $(VENV)/bench-patterns/installed
	@mkdir -p $(SPEEDS)
	$(VENV)/bench-patterns/bin/python -m patterns.bench --json $(SPEEDS)/patterns.json $(BENCH_OPTIONS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The long one: everything that can be asked, by each reference. Goes on to the next where something differs.
conformance: $(INSTALLED)
	@mkdir -p $(RESULTS); agrees=0; \
	for reference in $(REFERENCES); do \
		$(BIN)/python -m conformance --reference $$reference --commands $(COMMANDS) $(if $(SEED),--seed $(SEED)) \
			--html $(RESULTS)/$$reference.html --json $(RESULTS)/$$reference.json \
			--junit $(RESULTS)/$$reference.xml --save $(RESULTS)/$$reference.scenarios || agrees=$$?; \
		[ $$agrees -ne 130 ] || break; \
	done; exit $$agrees

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/%/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)/$*
	$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

$(VENV)/suites/sdists/installed: $(VENV)/suites/installed
	for suite in $(SUITES); do \
		$(VENV)/suites/bin/python -m pip download --quiet --no-deps --no-binary :all: --dest $(@D) $$suite || exit; \
	done
	for archive in $(@D)/*.tar.gz; do tar -xzf $$archive -C $(@D) || exit; done
	touch $@

tests/%/node_modules/installed: tests/%/package.json
	cd tests/$* && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) $(IOREDIS) $(NODE_FRAMEWORKS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
