SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# How long each fuzz target runs: 30s in "make fuzz", 5s in "make test".
FUZZTIME ?= 30s
# How often each benchmark runs.
BENCHCOUNT ?= 1

# What has heavy dependencies is in modules of its own: parts of the library, and benchmarks beside other software.
PARTS := $(patsubst %/go.mod,%,$(wildcard middleware/*/go.mod))
BENCHES := $(patsubst %/go.mod,%,$(wildcard bench/*/go.mod))

# The linters are pinned in a module of their own.
TOOL := go tool -modfile=tools/go.mod

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all
all: test demo ## everything that must work before a commit

.PHONY: test
test: FUZZTIME := 5s
test: lint fuzz interop race ## all checks of continuous integration, the Go tests last

.PHONY: race
race: ## the Go tests under the race detector
	for part in $(PARTS) bench/middleware; do go -C $$part test -race ./...; done
	go test -race ./...

.PHONY: lint
lint: ## formatting, go vet, the linters, and tidy module files
	@unformatted=$$(gofmt -l .); \
	if [[ -n $$unformatted ]]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags stress ./testing/interop ./testing/network ./testing/chaos
	$(TOOL) staticcheck ./...
	$(TOOL) revive -config revive.toml -set_exit_status ./...
	go mod tidy -diff
	go -C tools mod tidy -diff
	for module in $(PARTS) $(BENCHES); do \
		go -C $$module mod tidy -diff; \
		go -C $$module vet ./...; \
		go -C $$module tool -modfile=../../tools/go.mod staticcheck ./...; \
		go -C $$module tool -modfile=../../tools/go.mod revive -config ../../revive.toml -set_exit_status ./...; \
	done

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	./scripts/fuzz.sh $(FUZZTIME) . $(PARTS)

.PHONY: interop
interop: # what the tests against libzmq need, where it can be installed
	./scripts/interop-deps.sh

.PHONY: bench
bench: ## every benchmark BENCHCOUNT times, those beside NATS last
	go test -run '^$$' -bench . -benchmem -count $(BENCHCOUNT) ./...
	for part in $(PARTS); do go -C $$part test -run '^$$' -bench . -benchmem -count $(BENCHCOUNT) ./...; done
	go -C bench/middleware run .
	go -C bench/nats test -run '^$$' -bench . -count $(BENCHCOUNT)

.PHONY: stress
stress: interop ## what takes long: ten minutes of everything at once, messages of 100 MiB, cuts of 5 s, floods of 30 s, a minute of kills, many rounds under the race detector
	FANFARE_STRESS=10m go test -race -v -timeout 20m ./testing/stress
	go test -tags stress -run Huge -timeout 20m ./testing/interop
	go test -tags stress -v -timeout 20m ./testing/network
	go test -tags stress -race -v -timeout 20m ./testing/chaos
	go test -race -count 20 -timeout 30m ./socket ./bus ./internal/...

.PHONY: demo
demo: ## the quickstart example
	go run ./examples/quickstart
