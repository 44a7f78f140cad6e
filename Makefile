# Verbs for people and CI; CMake does the work (see CMakePresets.json).
.DEFAULT_GOAL := help
.PHONY: help setup build demo test reference manifests sanitize cross bench fuzz format lint install clean

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SANITIZERS ?= asan-ubsan tsan
TIDY ?= on
ARCH ?= aarch64
PREFIX ?= /usr/local
DESTDIR ?=

help: ## show this list
	@echo "sedge: WebAssembly runtime for the edge"
	@echo
	@awk '/^[a-z]+:.*## / { sub(/:.*## /, "|"); split($$0, part, "|"); printf "  make %-9s %s\n", part[1], part[2] }' $(MAKEFILE_LIST)

setup: ## install the Debian packages that are missing
	@scripts/setup.sh

build: setup ## build the release binaries: build/release/sedge and sedgec
	@scripts/build.sh release sedge sedgec

demo: build ## compile an edge function, serve it from a router.yaml, call it
	@scripts/demo.sh

test: setup ## build and run every test (LONG=1: long guests on every tier, too)
	@$(if $(LONG),SEDGE_LONG_GUESTS=1) scripts/test.sh

reference: setup ## type the reference document's commands, a line for each
	@scripts/build.sh release sedge integration_tests
	@SEDGE_REFERENCE=1 build/release/integration_tests --gtest_brief=1 --gtest_filter='Reference*'

manifests: setup ## check Kubernetes manifests against the schemas of two versions
	@scripts/build.sh release sedge integration_tests
	@[ -x build/venv/bin/kubernetes-validate ] || { python3 -m venv build/venv && build/venv/bin/pip install -q kubernetes-validate==1.37.0; }
	@PATH="$(CURDIR)/build/venv/bin:$$PATH" build/release/integration_tests --gtest_brief=1 --gtest_filter='Reference.Manifests*'

sanitize: setup ## every test under ASan+UBSan, the concurrent ones under TSan
	@scripts/test.sh $(SANITIZERS)

cross: setup ## build for ARCH (aarch64; riscv64: engine and command line), tried under qemu
	@scripts/cross.sh $(ARCH)

bench: build ## measure against a C++ floor and installed peers
	@python3 bench/run.py

fuzz: setup ## run each fuzz target for FUZZ_SECONDS (60)
	@FUZZ_SKIP="$(FUZZ_SKIP)" scripts/fuzz.sh $(FUZZ_SECONDS)

format: setup ## rewrite C++ files in the project's format
	@scripts/lint.sh --fix

lint: setup ## formatting, layering and clang-tidy, as errors (TIDY=off: without clang-tidy)
	@TIDY=$(TIDY) scripts/lint.sh

install: setup ## install under PREFIX (/usr/local), below DESTDIR; LINKS=1: other tools' names too
	@scripts/build.sh release sedge sedgec sedge_archive
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"
	@[ -z "$(LINKS)" ] || build/release/sedge links --to sedge "$(DESTDIR)$(PREFIX)/bin" || true

clean: ## remove build/
	@rm -rf build examples/edge/build
