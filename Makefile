# Verbs for people and CI; CMake does the work (see CMakePresets.json).
.DEFAULT_GOAL := help
.PHONY: help setup build demo test sanitize bench fuzz format lint install clean

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=

help: ## show this list
	@echo "sedge: WebAssembly runtime for the edge"
	@echo
	@awk '/^[a-z]+:.*## / { sub(/:.*## /, "|"); split($$0, part, "|"); printf "  make %-8s %s\n", part[1], part[2] }' $(MAKEFILE_LIST)

setup: ## install the Debian packages that are missing
	@scripts/setup.sh

build: setup ## build the release binary: build/release/sedge
	@scripts/build.sh release sedge

demo: build ## compile an edge function, serve it from a router.yaml, call it
	@scripts/demo.sh

test: setup ## build and run every test
	@scripts/test.sh

sanitize: setup ## every test under ASan+UBSan, the concurrent ones under TSan
	@scripts/test.sh asan-ubsan tsan

bench: build ## measure against a C++ floor and installed peers
	@python3 bench/run.py

fuzz: setup ## run each fuzz target for FUZZ_SECONDS (60)
	@scripts/fuzz.sh $(FUZZ_SECONDS)

format: setup ## rewrite C++ files in the project's format
	@scripts/lint.sh --fix

lint: setup ## formatting, layering and clang-tidy, as errors
	@scripts/lint.sh

install: setup ## install under PREFIX (/usr/local), below DESTDIR
	@scripts/build.sh release sedge sedge_archive
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean: ## remove build/
	@rm -rf build examples/edge/build
