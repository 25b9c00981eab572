# Two commands do everything on a fresh machine with Python 3.11 or newer and make:
#   make bench    set up, then train, prove and compare the frameworks
#   make test     set up, then run lint, types, import contracts and all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := torch tensorflow-cpu jax
MORE_FRAMEWORKS := keras flax optax paddlepaddle "mlx[cpu]" tinygrad mindspore transformers lightning
# Two processes, a CPU each; tests/conftest.py says which tests stay together, and in which order.
PARALLEL := -n 2 --dist loadgroup --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

.PHONY: bench docs test test-long check fix harness gpu-smoke clean
.DEFAULT_GOAL := test

$(VENV)/ready-bench: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the frameworks; this takes some minutes the first time"
	$(PIP) -e . $(FRAMEWORKS)
	touch $@

$(VENV)/ready-test: $(VENV)/ready-bench
	$(PIP) -e ".[dev]" $(MORE_FRAMEWORKS)
	tests/install_tools.sh
	touch $@

# Keras comes along with TensorFlow; its three rows would take half as long again.
bench: ARGS ?= --quick --backend numpy --backend torch --backend tensorflow --backend jax
bench: $(VENV)/ready-bench
	$(BIN)/envdoctor bench $(ARGS)

check: $(VENV)/ready-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest $(PARALLEL) --durations=30 $(ARGS)

# What takes too long for every change: every family on every backend.
test-long: $(VENV)/ready-test
	$(BIN)/python -m pytest -m long $(PARALLEL) $(ARGS)

# All of them, even if one fails; ARGS=--quick for a short round. How often verdicts are right takes
# half an hour more, and quiet: benchmarks/harness/resolution.py.
harness: $(VENV)/ready-bench
	@code=0; for script in command_line doctor overhead backends; do \
	  $(BIN)/python benchmarks/harness/$$script.py $(ARGS) || code=1; \
	done; exit $$code

# On a machine with an NVIDIA GPU, with the torch and jax that PYTHON has; installs nothing.
gpu-smoke:
	$(PYTHON) benchmarks/gpu_smoke.py $(ARGS)

docs: $(VENV)/ready-test
	$(BIN)/python -m mkdocs build --strict

fix: $(VENV)/ready-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
