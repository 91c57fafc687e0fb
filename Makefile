# What one can do here. `make` alone lists it.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
DENY_VERSION := 0.20.2
# Tests wait more than they work: more of them at once than there are cores.
IT_THREADS ?= 6
# One name or more of tests: make test-it IT='faults:: deadline::'
IT ?=
# How long `make fuzz` goes on. What it finds is below target/fuzz.
SECONDS ?= 600
# The OpenAPI description of the Open Service Broker API: data beside the project, which not every machine has.
OSB ?= ../shared/data/osb

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Build the release binary and start the demo on port 8085
	$(CARGO) build --release --locked -p promfetch-broker
	target/release/promfetch demo

.PHONY: build
build: ## Build everything for the tests, with the features that the tests use
	$(CARGO) build --workspace --all-targets --locked

.PHONY: test
test: test-unit test-it ## Install what the tests need and run them all

# Always the whole workspace: with a part of it cargo picks other features, and builds the dependencies once more.
TEST_FILES := $(foreach crate,core broker ffi,$(wildcard $(crate)/tests/*.rs $(crate)/tests/*/main.rs))
OTHER_TESTS := $(patsubst %,--test %,$(basename $(notdir $(patsubst %/main.rs,%,$(TEST_FILES)))))

.PHONY: test-unit
test-unit: tools build ## Run the tests of the crates, and the examples of their documentation
	$(CARGO) test --workspace --locked --no-fail-fast --lib --bins $(OTHER_TESTS)
	$(CARGO) test --workspace --locked --no-fail-fast --doc

.PHONY: test-it
test-it: tools build ## Run the tests of the whole system (IT='name …' picks some)
	$(CARGO) test --workspace --locked --test it -- --test-threads=$(IT_THREADS) $(IT)

.PHONY: fuzz
fuzz: ## Spoil pages of the corpus at random, on all cores (SECONDS=600)
	FUZZ_SECONDS=$(SECONDS) $(CARGO) test --release -p promfetch-core --locked --test fuzz -- --nocapture

.PHONY: openapi
openapi: build ## Property tests of the broker by its OpenAPI description (OSB=folder)
	@if [ -d "$(OSB)" ]; then scripts/check-openapi "$(OSB)"; else echo "skipped: openapi, as $(OSB) is not there"; fi

.PHONY: lint
lint: ## Check format and lints
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: doc
doc: ## Build the documentation of the code
	@# Private items are in it, so links to them lead somewhere.
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' $(CARGO) doc --workspace --no-deps --locked --document-private-items

.PHONY: docs
docs: ## Write docs/configuration.md and the table of own metrics anew from the program
	UPDATE_DOCS=1 $(CARGO) test --workspace --locked --quiet --lib -- configuration_page own_metrics_page

.PHONY: deny
deny: .tools/bin/cargo-deny ## Check licences, sources and banned crates
	$(CARGO) fetch --locked
	.tools/bin/cargo-deny --offline --all-features check bans licenses sources
	@# Two crypto providers in one build panic at the first use of TLS.
	@found="$$($(CARGO) tree --workspace --all-features --target all --locked -i aws-lc-sys 2>&1 || true)"; \
	if ! grep -q 'did not match any packages' <<<"$$found"; then echo "aws-lc-sys is in the tree: $$found" >&2; exit 1; fi

.PHONY: bench
bench: ## Measure and print the figures of the design (FLEET_SECONDS=120)
	$(CARGO) build --release --locked -p promfetch-broker -p promfetch-ffi
	@# Thousands of instances are thousands of connections.
	ulimit -n "$$(ulimit -Hn)"; $(CARGO) bench --workspace --locked --bench '*'

.PHONY: tools
tools: ## Install the programs that the tests run against
	scripts/install-test-tools

.PHONY: clean
clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf .tools

.tools/bin/cargo-deny:
	$(CARGO) install --locked cargo-deny --no-default-features --version $(DENY_VERSION) --root .tools
