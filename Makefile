PYTHON ?= python3
PY := .venv/bin/python
TESTS ?=
PIP = $$($(PY) -m pip --version >/dev/null 2>&1 && echo $(PY) -m pip || echo $(PYTHON) -m pip --python $(PY))
PIP_FLAGS = --quiet --disable-pip-version-check --require-hashes
LOCK = $(PY) -m uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-annotate --no-strip-extras --no-emit-index-url

.PHONY: run demo test check format format-check lint types imports openapi client tour deep fuzz model jobs sync reload bench lock clean

run: .venv/.run-stamp  ## Set up what is missing, migrate, seed an empty database, serve.
	@$(PY) -m flask --app wsgi demo
demo: run
test: .venv/.dev-stamp  ## The whole suite on SQLite and on a PostgreSQL that it starts itself.
	$(PY) -m pytest -n logical --maxprocesses 8 --dist loadgroup $(TESTS)
client:  ## Does the sample client compile against docs/openapi.json? Needs node.
	cd docs/client && npm ci --silent && npm run --silent build
deep: .venv/.dev-stamp  ## The tests that could go on for ever, gone far: races, hostile input, generated requests.
	TEST_DEPTH=deep $(PY) -m pytest -n logical --maxprocesses 8 --dist loadgroup tests/concurrency tests/contract/test_strict_input.py tests/contract/test_fuzz.py
check: format-check lint types imports openapi test  ## Everything that CI asks, but the tour and its client.
format: .venv/.dev-stamp
	$(PY) -m ruff check --fix-only --quiet . && $(PY) -m ruff format .
format-check: .venv/.dev-stamp
	$(PY) -m ruff format --check .
lint: .venv/.dev-stamp
	$(PY) -m ruff check .
types: .venv/.dev-stamp
	$(PY) -m mypy
imports: .venv/.dev-stamp
	$(PY) -c "from importlinter.cli import lint_imports_command as run; run()" --no-logo
openapi: .venv/.dev-stamp  ## Is docs/openapi.json what the routes say?
	$(PY) -m flask --app wsgi openapi check
tour: .venv/.dev-stamp client  ## The documented walk and the sample client's day, against a live server on both engines.
	$(PY) -m tests.tour
fuzz: .venv/.dev-stamp  ## N generated requests (100,000), each put to both engines: no error of ours, and the same answers.
	$(PY) -m tests.campaigns.fuzz --requests $(or $(N),100000)
model: .venv/.dev-stamp  ## The ledger's state machine at length: 2,000 sequences of 60 steps an engine.
	HYPOTHESIS_PROFILE=model $(PY) -m pytest tests/points/test_ledger_machine.py
jobs: .venv/.dev-stamp  ## Two jobs processes under kills, pauses and outages: N fires (1,000) on ENGINE (postgresql).
	$(PY) -m tests.campaigns.jobs --fires $(or $(N),1000) --engine $(or $(ENGINE),postgresql)
sync: .venv/.dev-stamp  ## A phone that syncs while N rows (100,000) are changed on ENGINE (postgresql): nothing is missed.
	$(PY) -m tests.campaigns.sync --rows $(or $(N),100000) --engine $(or $(ENGINE),postgresql)
reload: .venv/.dev-stamp  ## RELOADS (20) graceful reloads under N requests (20,000): every one is answered.
	$(PY) -m tests.campaigns.reload --requests $(or $(N),20000) --reloads $(or $(RELOADS),20)
bench: .venv/.dev-stamp
	$(PY) -m bench
lock: .venv/.dev-stamp  ## Pin anew within the bounds of pyproject.toml, keeping what still fits.
	$(LOCK) -o requirements.lock && $(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Debian keeps what `venv` needs for its own pip in a package of its own (python3-venv). Without
# it, an environment with no pip is made, and the pip beside $(PYTHON) installs into it.
$(PY):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit("Python 3.11 or newer is needed, $(PYTHON) is %d.%d: try make PYTHON=python3.12" % v[:2] if v < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { $(PYTHON) -m pip --version >/dev/null && $(PYTHON) -m venv --clear --without-pip .venv; } \
	  || { echo "Neither venv nor pip works in $(PYTHON). On Debian: apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }
.venv/.run-stamp: requirements.lock $(PY)
	@echo "Installing the libraries of $< (once) ..."; $(PIP) install $(PIP_FLAGS) -r $< && touch $@
.venv/.dev-stamp: requirements-dev.lock .venv/.run-stamp
	@echo "Installing the libraries of $< (once) ..."; $(PIP) install $(PIP_FLAGS) -r $< && touch $@
