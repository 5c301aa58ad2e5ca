# What people and CI both call. `make study` is the main job; `make test` is the gate.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: env check test study lock clean
.DEFAULT_GOAL := test

env: $(STAMP)

# The stamp is written last, so its existence means that the environment is whole. An environment that is
# already there is brought up to date rather than rebuilt.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kinject needs Python 3.11 or newer, found " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

check: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test: check
	$(BIN)/pytest

study: env
	$(BIN)/kinject study corpora/catalog

# Writes the lock from what is installed: install the wanted versions first, then run this.
lock: env
	$(BIN)/python .ci/lock.py > requirements.lock.new
	mv requirements.lock.new requirements.lock
	@touch $(STAMP)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .coverage
