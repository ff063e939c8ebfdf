# Two commands do everything on a fresh machine with Python >= 3.11, git and make: `make repro` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PYTEST := python -m pytest -n 2 --dist loadfile

.PHONY: setup repro test test-all lint types coverage refetch lock clean

repro: setup  ## run the whole pipeline on what params.yaml says
	@python -m stages.check
	dvc repro
	@python -m stages.outcome

test: setup  ## the tests, without the slow ones and those in a browser
	OMP_NUM_THREADS=1 $(PYTEST) -m "not slow and not browser"

test-all: setup  ## all tests
	OMP_NUM_THREADS=1 $(PYTEST)

coverage: setup  ## all quick tests, with line coverage, subprocesses included
	OMP_NUM_THREADS=1 $(PYTEST) -m "not slow and not browser" --cov --cov-report=term --cov-fail-under=90

lint: setup
	ruff check .
	ruff format --check .

types: setup
	mypy

refetch: setup  ## bring in new or changed pictures: DVC does not watch data.source
	@python -m stages.check
	dvc repro --force --single-item fetch
	dvc repro
	@python -m stages.outcome

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { $(PYTHON) --version; echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(grep -o '^uv==[^ ]*' requirements.lock)"
	$(BIN)/python -m uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/python -m compileall -q stages scan_core
	touch $@

lock:  ## pin everything anew
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-annotate --no-header \
	  --no-emit-index-url --upgrade --output-file requirements.lock

clean:  ## remove what runs leave behind; the DVC cache stays
	rm -rf .resume .pytest_cache .mypy_cache .ruff_cache .coverage*
