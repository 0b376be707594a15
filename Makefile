# Works on a fresh machine with git, make, python3 (3.11 or newer) and pip. Nothing is installed outside this folder.

UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
PYTHON := .venv/bin/python

# Without a home that can be written to, downloads are kept here.
ifneq ($(shell test -w "$${HOME:-/nonexistent}" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.uv/cache
endif

# Tests write many small files; where there is memory for them, the disk need not see them.
SHM := $(shell test -w /dev/shm && echo /dev/shm)
PYTEST := $(if $(SHM),PYTEST_DEBUG_TEMPROOT=$(SHM)) $(PYTHON) -m pytest

# Compiled modules are kept: the tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: demo test prove lint bench sync clean

demo: sync  ## Trade, get killed in the middle of a leg, recover, and show the proof. SEED=n varies it.
	@$(PYTHON) tools/demo.py $(if $(SEED),--seed $(SEED))

test: sync  ## Every test but the proofs that take minutes.
	@$(PYTEST) -n 2 --dist worksteal -m "not long"

prove: sync  ## The long proofs: hundreds of real kills, many seeds.
	@$(PYTEST) -n 2 --dist worksteal -m long

lint: sync
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache --no-logo

bench: sync  ## Budgets as ratios. ROWS="1 2" picks rows.
	@$(PYTHON) tools/bench.py $(ROWS)

sync: .venv/.synced

.venv/.synced: uv.lock pyproject.toml | $(UV)
	@$(UV) sync --frozen --quiet
	@touch $@

.uv/bin/uv:
	@PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target .uv uv

clean:
	rm -rf .venv .uv .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
