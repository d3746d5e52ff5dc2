# What people and CI do here; `make help` lists it. A fresh machine needs make and python3 (3.11 or newer), no more:
# the first target makes an environment from the hashed locks in requirements/, later ones find it ready.
# ARGS adds arguments: make test ARGS="tests/store -k fence".

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
export PORT
# Trust what this machine trusts, as pip does: behind a company's proxy that is more than uv brings along.
export UV_SYSTEM_CERTS ?= true
# Python keeps what it compiled, whatever this machine says: else every process of the tests compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV = .tools/bin/uv
IN = .venv/bin

##@ Use

run: .venv/ready-to-run  ## Start web and worker on SQLite and the outbox, with a sample clinic (PORT=8000)
	@exec $(IN)/aftercare run $(ARGS)

##@ Work on it

# Tests wait for processes and disks a third of their time: three at once keep two cores busy.
test: .venv/ready-to-work  ## Run all tests, on SQLite and on a PostgreSQL of their own
	@$(IN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: .venv/ready-to-work  ## Lint, format, types, layers, and the shipped protocols and templates
	@$(IN)/ruff check .
	@$(IN)/ruff format --check .
	@$(IN)/mypy
	@$(IN)/lint-imports --no-logo
	@$(IN)/python -m service.cli check

bench: .venv/ready-to-bench  ## Measure speed; what the README's figures come from
	@$(IN)/python -m benchmarks $(ARGS)

chaos: .venv/ready-to-work  ## Let everything fail at once, and check that the promise was kept (SEED=1 MINUTES=2)
	@$(IN)/python -m chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),2) $(ARGS)

fuzz: .venv/ready-to-work  ## Try the API against its own description for a while (MINUTES=5)
	@AFTERCARE_FUZZ_SECONDS=$$((60 * $(or $(MINUTES),5))) $(IN)/python -m pytest tests/http/test_fuzz.py -n 0 -s $(ARGS)

lock: .tools/ready  ## Write the locks anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(LOCK) pyproject.toml --group dev --output-file requirements/dev.txt $(ARGS)
	@$(LOCK) pyproject.toml --constraints requirements/dev.txt --output-file requirements/run.txt
	@$(LOCK) --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt $(ARGS)
	@$(LOCK) --group tools --output-file requirements/tools.txt $(ARGS)

clean:  ## Remove environments and caches; what `make run` stored in .aftercare stays
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {print "\n" substr($$0, 5)} /^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' Makefile

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# The environment. `run` brings what production needs; `work` is that and the tools of development.

.venv/ready-to-run: requirements/run.txt .venv/made
	@$(UV) pip install --quiet --python $(IN)/python --require-hashes -r requirements/run.txt
	@touch $@

.venv/ready-to-bench: requirements/bench.txt .venv/ready-to-work
	@$(UV) pip install --quiet --python $(IN)/python --require-hashes -r requirements/bench.txt
	@touch $@

.venv/ready-to-work: requirements/dev.txt .venv/made
	@$(UV) pip sync --quiet --python $(IN)/python --require-hashes requirements/dev.txt
	@touch .venv/ready-to-run $@

# The package is used from this folder: a line in the environment's path, and the command beside its python.
.venv/made: | .tools/ready
	@$(UV) venv --quiet --clear --python .tools/bin/python .venv
	@pwd > "$$($(IN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/aftercare.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -P -m service.cli "$$@"\n' > $(IN)/aftercare
	@chmod +x $(IN)/aftercare
	@touch $@

.tools/ready: requirements/tools.txt
	@test -n "$(PYTHON)" || { echo "Aftercare needs Python 3.11 or newer: install it, or name yours: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make environments: on Debian and Ubuntu, sudo apt install python3-venv"; exit 1; }
	@echo "Setting up, once: a few seconds"
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

.PHONY: run test check bench chaos fuzz lock clean help
