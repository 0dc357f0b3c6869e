# make demo    opens the cockpit on servers of its own
# make test    runs the tests
# PYTHON=python3.13 picks another interpreter (3.11 to 3.13), WORKERS=0 tests one after the other
PYTHON ?= python3
VENV   ?= .venv
WORKERS ?= 2
SECONDS ?= 600
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev

.PHONY: help demo test lint bench soak screenshots clean
.DEFAULT_GOAL := help

help: ## show these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sshdash needs Python 3.11 or later, and '$(PYTHON)' is not that."; \
	    echo "Name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP) $@

demo: $(STAMP) ## open the cockpit on the embedded demo fleet
	@$(BIN)/sshdash demo

# Those marked `alone` measure: they have the machine to themselves. 5: there are none of a kind.
test: $(DEV) ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not alone" $(TESTS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m alone $(TESTS) || [ $$? -eq 5 ]

lint: $(DEV) ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV) ## measure beside OpenSSH, rsync, rclone and tmux (which it needs)
	@$(BIN)/python -m tests.bench

soak: $(DEV) ## cut 50 tunnels' network for ten minutes (SECONDS=60: one) and compare every byte
	@$(BIN)/python -m tests.soak $(SECONDS)

screenshots: $(DEV) ## draw every screen again, from the demo fleet
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[screenshots]'
	$(BIN)/python -m tests.screenshots

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
