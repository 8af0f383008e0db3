# The two commands of README, and the checks that .ci/run calls.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo

.PHONY: demo test slow minimum lint types docs clean

# Reads up to two million tokens with the RMT that ships, and draws the curve. A few minutes on two cores.
demo: $(VENV)/ready
	$(BIN)/rmt-bench eval rmt-tiny --tasks detect --lengths 1..8seg,64seg,512seg,4096seg,31936seg \
		--samples 500 --token-budget 8M --seed 1 --output $(DEMO)

test: $(VENV)/installed
	$(BIN)/python -m pytest -m "not slow" -n auto

# The proofs that take minutes, a file of them to each core.
slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile --durations 15

# The fast tests with the lowest versions that pyproject.toml promises, in an environment of their own.
minimum: $(VENV)/ready
	$(PYTHON) -m venv $(VENV)-minimum
	$(BIN)/python scripts/minimum.py > $(VENV)-minimum/lowest.txt
	$(VENV)-minimum/bin/python -m pip install --quiet --constraint constraints.txt \
		--constraint $(VENV)-minimum/lowest.txt --editable ".[audit,retrieval,server,train]" \
		hypothesis pytest pytest-timeout pytest-xdist pyyaml
	$(VENV)-minimum/bin/python -m pytest -m "not slow" -n auto

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

types: $(VENV)/installed
	$(BIN)/basedpyright --pythonpath $(BIN)/python

# The documentation site, in site/: open site/index.html.
docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What it takes to use the package, and what it takes, besides, to work on it.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-minimum build dist site *.egg-info runs
