# Every target works alone on a fresh clone: it makes .venv and installs what it needs into it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := instructor,cluster,test
TORCH := torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help install demo lectures test lint unit test-all lowest oracle extras benchmarks clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## make .venv and install everything into it

$(VENV)/.installed: pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python -e '.[$(EXTRAS)]'; \
	else \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet -e '.[$(EXTRAS)]'; \
	fi
	@touch $@

demo: install ## grade a made-up class of real notebooks end to end
	$(BIN)/grader demo

lectures: extras ## execute the lectures; build their site with slides, which needs no network, in out/lectures
	$(BIN)/sphinx-build -q -E -b html lectures out/lectures
	@echo "open out/lectures/index.html; under each lecture's title: its slides"

test: lint unit ## lint, type check, and every test that is quick

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: install
	$(BIN)/pytest -n auto --dist worksteal -m "not slow"

test-all: oracle extras ## what takes longer than `make test`: PyTorch oracles, real kernels, attacks, the lectures, many seeds
	$(BIN)/pytest -n auto --dist worksteal -m "slow or oracle"

# The bounds in pyproject.toml are kept true by this: what each direct dependency touches, with its oldest version.
LOWEST := .venv-lowest
lowest: ## quick tests of solutions and grader with the oldest versions that pyproject.toml allows (needs uv)
	uv venv --quiet --allow-existing --python $(PYTHON) $(LOWEST)
	uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[$(EXTRAS)]'
	$(LOWEST)/bin/pytest -n auto --dist worksteal -m "not slow" tests/solutions $(addprefix tests/grader/test_,$(addsuffix .py,\
		autograde build cli compare doctor examine execute exports gradients judge judges nbgrader prepare read report \
		results sandbox_parts student wire))

# PyTorch is no dependency of the package: it is installed for the oracle tests alone.
oracle: install
	@$(BIN)/python -c "import torch" 2>/dev/null || { \
		if command -v uv >/dev/null 2>&1 && [ -z "$$CI" ]; then uv pip install --quiet --python $(BIN)/python '$(TORCH)'; \
		else $(BIN)/python -m pip install --quiet '$(TORCH)'; fi; }

# What builds the lectures' site and the bundle for the browser: the student's and the instructor's day needs neither.
extras: install
	@$(BIN)/python -c "import myst_nb, sphinx_design, furo, jupyterlite_pyodide_kernel" 2>/dev/null || { \
		if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python -e '.[$(EXTRAS),lectures,lite]'; \
		else $(BIN)/python -m pip install --quiet -e '.[$(EXTRAS),lectures,lite]'; fi; }

benchmarks: oracle ## print every measured ratio (takes a while)
	$(BIN)/python -m tests.benchmarks

clean: ## remove .venv and everything generated
	rm -rf $(VENV) $(LOWEST) demo out .mypy_cache .ruff_cache
