# One entry point for people and for CI. Everything lives in .venv; nothing else is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo_out

# torch is asked for by itself and first: the CPU build is a tenth of the default one.
TORCH ?= torch==2.13.0

.PHONY: demo test test-fast lint format train-demo figures install clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt '$(TORCH)'
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The main job on the embedded checkpoint: export, run a video, show what was chosen and saved.
demo: install
	$(BIN)/edge-dnq demo -o $(DEMO_OUT)

# The whole suite.
test: install
	$(BIN)/python -m pytest -n 2

# Without the tests that take minutes.
test-fast: install
	$(BIN)/python -m pytest -n 2 -m 'not slow'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Reproduces edge_dnq/assets/demo.safetensors.
train-demo: install
	$(BIN)/edge-dnq train --data synthetic:2400 --preset quick --config edge_dnq/assets/demo.json \
	  --run-dir runs/demo --resume -o edge_dnq/assets/demo.safetensors

# Prints the tables of the README.
figures: demo
	$(BIN)/python benchmarks/policies.py $(DEMO_OUT)/bundle synthetic:2400 --split test
	$(BIN)/python benchmarks/policy_precision.py

clean:
	rm -rf $(DEMO_OUT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
