# What a developer does with this repository. `make` alone lists it.

PREFIX ?= /usr/local
INPUT  ?= @examples/data/lighthouses.json
# How often test-cluster kills the primary of a database under Patroni.
FAILOVERS ?= 3

binary := .build/release/aikit-lua
swift_sources := Package.swift Sources Tests examples

.DEFAULT_GOAL := help
.PHONY: help build run test test-cluster test-threads fuzz bench docs format lint install clean

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

build: ## Build the program for release, as .build/release/aikit-lua
	@scripts/setup.sh build
	@scripts/build.sh

run: build ## Run the main example, examples/document.lua, on the document that comes with it
	$(binary) run examples/document.lua --input '$(INPUT)'

test: build ## Run every test: Swift, Lua, the guides' scripts, conformance
	@scripts/setup.sh test
	@scripts/test.sh

test-cluster: ## Run what needs a database and several processes, on a throw-away PostgreSQL; after build and test
	@scripts/test-cluster.sh 45 300 $(FAILOVERS)

fuzz: ## Fuzz the C bridge, and what decodes values, frames, JSON and journals, for half a minute each
	@scripts/test-fuzz.sh
	@scripts/test-fuzz.sh decoders

test-threads: ## Build the tests for ThreadSanitizer and run those that start no program; half an hour
	@scripts/setup.sh test
	@scripts/test-threads.sh

bench: build ## Measure steps a second beside plain Lua, and the time to start
	@scripts/setup.sh bench
	@scripts/bench.sh

docs: ## Build the reference of the Swift API, as .build/docs
	@scripts/docs.sh

format: ## Format the Swift sources
	swift format --in-place --parallel --recursive $(swift_sources)

lint: ## Check the format of the Swift sources, and every Lua file with luacheck
	@scripts/setup.sh lint
	swift format lint --strict --parallel --recursive $(swift_sources)
	luacheck --quiet $$(git ls-files '*.lua')

install: build ## Install the program, its manual page and shell completions below PREFIX (/usr/local)
	scripts/install.sh $(binary) '$(DESTDIR)$(PREFIX)'

clean: ## Remove what was built
	rm -rf .build
