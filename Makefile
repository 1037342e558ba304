# Every target checks for Swift, installs the Debian packages that it lacks, builds, and runs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help prepare demo test bench compare fuzz fuzz-short sanitize docs format format-check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prepare:
	@tools/prepare

demo: prepare ## a small corpus, a trained model, a table and a report, in about a minute
	swift build -c release --product penchant
	"$$(swift build -c release --show-bin-path)/penchant" demo

test: prepare ## everything that CI runs: tests in debug and release, fuzz corpus, sanitizers, a consumer package
	@Tests/run

bench: prepare ## kernels and training steps against ceilings measured in the same run
	swift run --package-path bench -c release penchant-bench

compare: prepare ## the same cases beside PyTorch, JAX and faiss (PYTHON=a python that has them)
	bench/compare

fuzz: prepare ## five minutes for every fuzz target
	Tests/Fuzz/run --seconds 300

fuzz-short: prepare ## replay of the corpus, and ten seconds for every fuzz target
	Tests/Fuzz/run --seconds 10

sanitize: prepare ## the long form of the sanitizer runs
	Tests/run-sanitizers --long

docs: prepare ## DocC pages of every library in .build/docs
	docs/build

format: ## rewrite the sources in the project's style
	tools/format

format-check: ## say what `make format` would change
	tools/format --check

clean: ## remove what the builds left
	rm -rf .build .build-* bench/.build
