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
# Where `make install` puts things. DESTDIR stands in front of all, for staged installs.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
DESTDIR ?=
# What is installed and packed: `release`, or `dev` for what the tests have built.
PROFILE ?= release
# With BUILD=no nothing is built first: `make library program`, then `sudo make install BUILD=no`.
BUILD ?= yes
# Where `make deb` puts the packages.
DEB ?= target/deb
# Where `make wheel` puts the Python package, and what builds it.
WHEEL ?= target/wheel
# Where `make docker-plugin` puts the plugin.
DOCKER_PLUGIN ?= target/docker-plugin
PYTHON ?= python3
# The OpenAPI description of the Open Service Broker API: data beside the project, which not every machine has.
OSB ?= ../shared/data/osb

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
openapi: build ## Property tests of the API and of the broker by their OpenAPI descriptions (OSB=folder)
	scripts/check-openapi $(if $(wildcard $(OSB)),'$(OSB)')

BUILT := target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
AS_WISHED := PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' BINDIR='$(BINDIR)' DATADIR='$(DATADIR)' DESTDIR='$(DESTDIR)'

COMMA := ,

# Without its kind for Rust, which no program here links, the library is optimised as a whole.
# Each part alone in release: the tests' features are not shipped. In dev it is what the tests have.
.PHONY: library
library: ## Build libpromfetch (PROFILE=release)
	$(if $(filter dev,$(PROFILE)),$(CARGO) build --workspace --all-targets --locked,$(CARGO) rustc --profile $(PROFILE) --locked -p promfetch-ffi --lib --crate-type cdylib$(COMMA)staticlib)

.PHONY: program
program: ## Build the program promfetch (PROFILE=release)
	$(if $(filter dev,$(PROFILE)),$(CARGO) build --workspace --all-targets --locked,$(CARGO) build --profile $(PROFILE) --locked -p promfetch-broker)

.PHONY: install
install: install-lib install-program ## Install library and program (PREFIX=/usr/local DESTDIR= LIBDIR= INCLUDEDIR= BINDIR= DATADIR=)

.PHONY: install-lib
install-lib: $(if $(filter yes,$(BUILD)),library) ## Install the library, its header and promfetch.pc alone
	$(AS_WISHED) scripts/install-lib install $(BUILT)

.PHONY: install-program
install-program: $(if $(filter yes,$(BUILD)),program) ## Install the program, its manual and completions alone
	$(AS_WISHED) scripts/install-program install $(BUILT)

.PHONY: uninstall
uninstall: ## Remove what install put there; give it the same PREFIX and others
	$(AS_WISHED) scripts/install-lib uninstall $(BUILT)
	$(AS_WISHED) scripts/install-program uninstall $(BUILT)

.PHONY: deb
deb: $(if $(filter yes,$(BUILD)),library program) ## Make the Debian packages libpromfetch1, libpromfetch-dev, promfetch (DEB=folder)
	scripts/make-deb $(BUILT) $(DEB)

.PHONY: wheel
wheel: $(if $(filter yes,$(BUILD)),library) ## Make the Python package with the library in it (WHEEL=folder PYTHON=python3)
	$(PYTHON) ffi/python/build_wheel.py --library $(BUILT)/libpromfetch.so --out $(WHEEL)

# Only the program itself is linked statically: what runs while it is built, macros and build scripts, is not.
.PHONY: docker-plugin
docker-plugin: ## Make the folder for `docker plugin create` (DOCKER_PLUGIN=folder PROFILE=release)
	$(if $(filter yes,$(BUILD)),$(CARGO) rustc --profile $(PROFILE) --locked -p promfetch-plugins --bin promfetch-docker -- -C target-feature=+crt-static)
	scripts/make-docker-plugin $(BUILT) $(DOCKER_PLUGIN)

.PHONY: abi-baseline
abi-baseline: build ## Write the baseline of the ABI in ffi/abi anew, from the library that the tests have
	UPDATE=1 $(CARGO) test --workspace --locked --test it -- ffi::abi::

.PHONY: fuzz-ffi
fuzz-ffi: build ## Call the C library at random (SECONDS=600)
	FUZZ_SECONDS=$(SECONDS) $(CARGO) test --workspace --locked --test it -- --nocapture ffi::fuzz

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
	$(CARGO) build --release --locked -p promfetch-broker
	$(MAKE) library
	@# Thousands of instances are thousands of connections.
	ulimit -n "$$(ulimit -Hn)"; $(CARGO) bench --workspace --locked --bench '*'

.PHONY: tools
tools: ## Install the programs that the tests run against
	scripts/install-test-tools

# Not a part of the tests: two release builds from nothing.
.PHONY: bosh-compile
bosh-compile: ## Compile the packages of the BOSH release from vendored crates, in a namespace without a network
	bosh/scripts/create-release --stage
	bosh/scripts/compile-offline

.PHONY: clean
clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf .tools

.tools/bin/cargo-deny:
	$(CARGO) install --locked cargo-deny --no-default-features --version $(DENY_VERSION) --root .tools
