# The two commands of README, and the checks that .ci/run calls.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo

.PHONY: demo test slow lint types clean

# Reads up to two million tokens with the RMT that ships, and draws the curve. A few minutes on two cores.
demo: $(VENV)/installed
	$(BIN)/rmt-bench eval rmt-tiny --tasks detect --lengths 1..8seg,64seg,512seg,4096seg,31936seg \
		--samples 500 --token-budget 8M --seed 1 --output $(DEMO)

test: $(VENV)/installed
	$(BIN)/python -m pytest -m "not slow" -n auto

# The proofs that take minutes.
slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/basedpyright --pythonpath $(BIN)/python

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info runs
