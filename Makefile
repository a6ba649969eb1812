# Every target sets up what it needs: a fresh clone and `make demo` are enough.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell tools/interpreter)
BIN := .venv/bin
ARGS ?=

.PHONY: help demo serve test check coverage bench prove-soak prove-lifecycle prove-simulation prove-cuts prove-headroom prove-availability format docs requirements clean

help:  ## Show what there is.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.run: requirements/run.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/.demo: .venv/.run requirements/demo.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

demo: .venv/.demo  ## Run all chains on simulated providers, with chaos. No keys needed.
	$(BIN)/hotswap demo $(ARGS)

serve: .venv/.run  ## Run the gateway with your keys and hotswap.yaml.
	$(BIN)/hotswap serve $(ARGS)

check: .venv/.dev  ## Linters, types, import rules, fast tests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/pytest -q $(ARGS)

test: .venv/.dev  ## All tests.
	$(BIN)/pytest -m "slow or not slow" $(ARGS)

coverage: .venv/.dev  ## The fast tests' coverage; processes that tests start are not seen by it.
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage report --skip-covered

bench: .venv/.run  ## Measure against the bare upstream and nginx (ARGS=--quick: little more than a minute).
	$(BIN)/python -m bench.run $(ARGS)

prove-lifecycle: .venv/.dev  ## Deaths, signals, takeovers under load; a keeper away for a minute.
	LIFECYCLE_AWAY_S=60 $(BIN)/pytest -q -m slow tests/chaos/lifecycle $(ARGS)

prove-cuts: .venv/.dev  ## Streams cut after every byte, and taken up in every manner; about 15 minutes (docs/cuts.md).
	$(BIN)/python -m hotswap.testing.cuts --page=docs/cuts.md $(ARGS)

prove-headroom: .venv/.dev  ## Hard limits asked twice as much as they allow; about 3 minutes (docs/headroom.md).
	$(BIN)/python -m hotswap.testing.headroom --page=docs/headroom.md $(ARGS)

prove-simulation: .venv/.dev  ## A million simulated requests over random faults; about 8 minutes (docs/simulation.md).
	$(BIN)/python -m hotswap.testing.simulation --requests=1000000 --page=docs/simulation.md $(ARGS)

prove-availability: .venv/.dev  ## Published outages of three vendors replayed over 20 million requests; about 12 minutes (docs/availability.md).
	$(BIN)/python -m hotswap.testing.outages --days=30 --seeds=20 --write $(ARGS)

prove-soak: .venv/.run  ## Half an hour of mixed load: memory and descriptors stay flat (ARGS=--minutes=2).
	$(BIN)/python -m bench.soak $(ARGS)

requirements:  ## Resolve the pins anew (needs uv).
	uv pip compile pyproject.toml --group build --universal --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/run.txt
	uv pip compile pyproject.toml --group build --group demo -c requirements/run.txt --universal --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/demo.txt
	uv pip compile pyproject.toml --group build --group lint --group test --group e2e -c requirements/demo.txt --universal --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/dev.txt

format: .venv/.dev  ## Format the code.
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

docs: .venv/.run  ## Write the generated parts of the documentation.
	$(BIN)/python -m tools.docs

clean:  ## Remove what the other targets made.
	rm -rf .venv .hotswap
