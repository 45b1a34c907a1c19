# `make demo` and `make test` set everything up themselves; they need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEMS := $(VENV)/systems

.PHONY: setup systems demo test test-real test-browser check bench torture mutations schema lock clean

setup: $(READY)

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Accord needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

# Business systems that tests start, in an environment of their own.
systems: $(SYSTEMS)/.ready

$(SYSTEMS)/.ready: requirements/systems.txt $(READY)
	$(BIN)/uv venv --quiet --clear $(SYSTEMS)
	$(BIN)/uv pip install --quiet --python $(SYSTEMS)/bin/python --require-hashes -r requirements/systems.txt
	touch $(SYSTEMS)/.ready

demo: setup
	$(BIN)/accord demo $(ARGS)

test: setup systems
	$(BIN)/python -m pytest -n auto --dist loadgroup -q --ignore tests/browser --ignore tests/real/redmine $(ARGS)

# Redmine, of Debian. Its own database is made by the tests; the package's is not touched.
test-real: setup systems
	test -f /usr/share/redmine/config.ru && command -v puma >/dev/null || { apt-get update -qq && \
	  echo "redmine redmine/instances/default/dbconfig-install boolean false" | debconf-set-selections && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma; }
	$(BIN)/python -m pytest -q tests/real/redmine $(ARGS)

test-browser: setup
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	$(BIN)/python -m pytest -q tests/browser $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench $(ARGS)

torture: setup
	$(BIN)/python -m pytest -q tests/sim --torture $(or $(ARGS),600)

# Every one of the listed single-line faults in a copy of the source; each must be caught.
mutations: setup
	$(BIN)/python -m tests.sim.mutations $(ARGS)

schema: setup
	$(BIN)/python -m accord.config.json_schema > docs/accord.schema.json
	$(BIN)/python -m accord.document.values_page docs/reference/types-and-lenses.md

lock:
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 pyproject.toml --extra postgres --extra excel --extra parquet --extra keyring --group dev -o requirements/dev.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/systems.in -o requirements/systems.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .accord-demo
