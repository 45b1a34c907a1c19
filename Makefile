# `make demo` and `make test` set everything up themselves; they need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEMS := $(VENV)/systems
STORES := $(VENV)/stores

.PHONY: setup systems demo test test-real test-browser check bench torture mutations schema lock clean

setup: $(READY)

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Accord needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

# Business systems that tests start, in environments of their own.
systems: $(SYSTEMS)/.ready $(STORES)/.ready

$(SYSTEMS)/.ready: requirements/systems.txt $(READY)
	$(BIN)/uv venv --quiet --clear $(SYSTEMS)
	$(BIN)/uv pip install --quiet --python $(SYSTEMS)/bin/python --require-hashes -r requirements/systems.txt
	touch $(SYSTEMS)/.ready

$(STORES)/.ready: requirements/stores.txt $(READY)
	$(BIN)/uv venv --quiet --clear $(STORES)
	$(BIN)/uv pip install --quiet --python $(STORES)/bin/python --require-hashes -r requirements/stores.txt
	touch $(STORES)/.ready

demo: setup
	$(BIN)/accord demo $(ARGS)

# What needs more than Python.
REAL = redmine pair tryton_postgresql openssh mariadb

test: setup systems
	$(BIN)/python -m pytest -n auto --dist loadgroup -q --ignore tests/browser $(REAL:%=--ignore tests/real/%) $(ARGS)

# Systems of Debian's packages and of the npm registry. Redmine's own database is made by the tests; the package's is not touched.
test-real: setup systems
	test -f /usr/share/redmine/config.ru && command -v puma >/dev/null || { apt-get update -qq && \
	  echo "redmine redmine/instances/default/dbconfig-install boolean false" | debconf-set-selections && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma; }
	command -v /usr/sbin/sshd >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server openssh-client; }
	command -v mariadbd >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server; }
	$(BIN)/python -m pytest -q $(REAL:%=tests/real/%) $(ARGS)

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

lock:
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 pyproject.toml --extra postgres --extra mysql --extra excel --extra parquet --extra caldav --extra sftp --extra s3 --extra keyring --group dev -o requirements/dev.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/systems.in -o requirements/systems.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/stores.in -o requirements/stores.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .accord-demo
