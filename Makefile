# One entry point for people and for CI. Everything lives in .venv; nothing else is touched.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo_out

# torch is asked for by itself and first: the CPU build is a tenth of the default one.
TORCH ?= torch==2.13.0
# Then ExecuTorch, for whose libraries the package builds its own where they are installed.
EXECUTORCH ?= executorch==1.5.1

KERNELS := $(shell find kernels -type f)
CPP := $(shell find kernels benchmarks android_demo -name '*.cpp' -o -name '*.h')
DIST ?= dist
WHEEL := -m pip wheel -q --disable-pip-version-check --no-deps -w $(DIST) -C wheel.cmake=true
MANYLINUX := py3-none-manylinux_2_28
# ExecuTorch as 64-bit ARM has it: what the ARM wheel's library for it is built against.
ARM_EXECUTORCH ?= build/aarch64-$(subst ==,-,$(EXECUTORCH))

.PHONY: demo test test-fast test-aarch64 test-android lint format train-demo train-actions figures screenshots bench install wheels \
  wheel-x86_64 wheel-aarch64 system-packages clean

# Also builds the kernels, into edge_dnq/_native; again when one of their files changed.
install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt $(KERNELS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt '$(TORCH)'
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt '$(EXECUTORCH)'
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The main job on the embedded checkpoint: export, run a video, show what was chosen and saved.
demo: install
	$(BIN)/edge-dnq demo -o $(DEMO_OUT)

# The whole suite.
test: install
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Without the tests that take minutes.
test-fast: install
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m 'not slow'

# What devices run, on emulated ARM processors: the wheel as it is installed, the kernels, their
# instruction counts. Part of the whole suite; skipped with a line that names what is missing.
test-aarch64: install
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/emulation

# The Android app as far as no phone is needed: its logic and JNI library on this machine's Java and on
# an emulated ARM one, the app against a real android.jar. Part of the whole suite, too.
test-android: install
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/android

lint: install
	clang-format --dry-run -Werror $(CPP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	clang-format -i $(CPP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Reproduces edge_dnq/assets/demo.safetensors. The policy learns on rendered clips that the networks
# have not seen, and on untrimmed streams of others.
DEMO := runs/demo
TRAIN_DEMO = $(BIN)/edge-dnq train --data synthetic:4800 --preset quick \
  --config edge_dnq/assets/demo.json --run-dir $(DEMO)/run --resume
RECORD_DEMO = $(BIN)/edge-dnq record $(DEMO)/recognition --split train --frames 16
train-demo: install
	for stage in full-precision any-precision; do \
	  $(TRAIN_DEMO) --stage $$stage -o $(DEMO)/recognition.pt || exit 1; done
	rm -rf $(DEMO)/recognition
	$(BIN)/edge-dnq export $(DEMO)/recognition.pt -o $(DEMO)/recognition
	$(RECORD_DEMO) synthetic:6400 --seed 1 -o $(DEMO)/clips.npz
	$(RECORD_DEMO) synthetic:3200 --seed 3 --streams -o $(DEMO)/streams.npz
	$(TRAIN_DEMO) --stage policy --recording $(DEMO)/clips.npz --recording $(DEMO)/streams.npz --half \
	  -o edge_dnq/assets/demo.safetensors

# Reproduces models/actions21.safetensors and its cross-validation from JHMDB's clips and ImageNet
# weights, which a package brings.
CLIPS ?= ../shared/data/jhmdb128/clips.csv
train-actions: install
	mkdir -p runs/actions21
	bash models/train_actions.sh $(BIN) $(CLIPS) runs/actions21

# Prints the tables of the policies of the built-in model; renders 5,000 clips the first time.
figures: demo
	$(BIN)/edge-dnq profile $(DEMO_OUT)/bundle
	$(BIN)/python benchmarks/policies.py $(DEMO_OUT)/bundle synthetic:20000 --split test --frames 16
	$(BIN)/python benchmarks/policy_precision.py

# The pictures of the demonstration, the report and the live page in docs/.
screenshots: demo
	$(BIN)/python -m docs.screenshots $(DEMO_OUT)

# The kernels beside stock LiteRT and other runtimes; run it on an idle machine. BENCH takes options.
bench: install
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.kernels --json build/benchmarks/results.json \
	  --picture docs/kernels.png $(BENCH)

# For devices: x86-64 and 64-bit ARM, glibc 2.28 or newer, any Python 3.
wheels: wheel-x86_64 wheel-aarch64

wheel-x86_64: install
	$(BIN)/python $(WHEEL) -C wheel.tags=$(MANYLINUX)_x86_64 .

wheel-aarch64: install $(ARM_EXECUTORCH)
	$(BIN)/python $(WHEEL) -C wheel.tags=$(MANYLINUX)_aarch64 \
	  -C cmake.define.CMAKE_TOOLCHAIN_FILE=$(CURDIR)/kernels/cmake/aarch64-linux-gnu.cmake \
	  -C cmake.define.EDGE_DNQ_EXECUTORCH=$(abspath $(ARM_EXECUTORCH))/executorch .

# Any Python's wheel serves: the libraries are the same.
$(ARM_EXECUTORCH): | install
	rm -rf $@.partial
	$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps -d $@.partial \
	  --only-binary=:all: --platform manylinux_2_28_aarch64 --python-version 3.11 '$(EXECUTORCH)'
	$(BIN)/python -m zipfile -e $@.partial/*.whl $@.partial
	rm $@.partial/*.whl
	mv $@.partial $@

# What the tests, the linters and the wheels need from Debian; the product itself needs none of it.
system-packages:
	@bash .ci/system-packages

clean:
	rm -rf $(DEMO_OUT) build dist edge_dnq/_native .pytest_cache .mypy_cache .ruff_cache .hypothesis
