# What a contributor needs. Go and make are enough for run, build and test.

GO        ?= go
FUZZTIME  ?= 60s
BENCHTIME ?= 1s
TESTFLAGS ?=
ARGS      ?=
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT    := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
LDFLAGS   := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# The race detector needs a C compiler.
CC_FOUND  := $(shell command -v $$($(GO) env CC) 2>/dev/null)
ifneq ($(CC_FOUND),)
# At its end a process under the race detector sleeps for a second, and the tests run hundreds of them (F55).
RACE := CGO_ENABLED=1 GORACE='atexit_sleep_ms=10 $(GORACE)' $(GO) test -race
else
RACE := CGO_ENABLED=0 $(GO) test
endif

.PHONY: help run build console deb rpm image test quick check house bench microbench faults lint fuzz mutate clean

help:
	@echo 'make run     build and run the server in dev mode, with nothing to configure (ARGS=... adds flags)'
	@echo 'make test    everything that must be green: format, vet, go.mod, tests under the race detector'
	@echo 'make quick   while you work: the tests of what changed since main, without the race detector and without tests that'
	@echo '             start processes; vets what imports it, too; PKG="./protocol/..." all tests of these packages'
	@echo 'make check PKG=./protocol  one package: format, vet, static analysis, tests under the race detector'
	@echo 'make house   figures of the source, and their goals (ARGS="-show words" says what keeps one from its goal)'
	@echo 'make build   bin/parley, one static binary'
	@echo 'make deb     a Debian package in bin; make rpm and make image (docker, podman or buildah) likewise'
	@echo 'make console the built files of the console, anew (Node 20.19 or newer, and npm)'
	@echo 'make bench   Parley beside its peers, and a million connections in memory: bench/README.md (ARGS=... adds flags)'
	@echo 'make microbench  the Go benchmarks, as a table'
	@echo 'make faults  what happens when a server is killed, flooded, cut off...: bench/FAULTS.md (10 minutes; FAULTS=short for two, ARGS=... adds flags)'
	@echo 'make lint    static analysis'
	@echo 'make mutate  break the source in one place at a time: do the tests notice? (140 builds and runs, some ten seconds each; ARGS="-run REGEXP" for some)'
	@echo 'make fuzz    every fuzz target for FUZZTIME (60s) each'

run: build
	@exec bin/parley serve --dev $(ARGS)

build:
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

# $(call package,deb): what cmd/parley/deploy/package/build makes of the binary, in bin.
define package
	@cmd/parley/deploy/package/build $(1) bin/parley '$(VERSION)' bin
endef

deb: build
	$(call package,deb)

rpm: build
	$(call package,rpm)

image: build
	$(call package,image)

console:
	@cd transport/console/web && npm ci --no-audit --no-fund --loglevel=error && npm run build --silent

test:
	@unformatted=$$($$($(GO) env GOROOT)/bin/gofmt -l actors bench cmd protocol transport 2>/dev/null); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w fixes it):"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./... && $(GO) -C bench vet ./...
	@$(GO) mod tidy -diff && $(GO) -C bench mod tidy -diff || { echo 'go mod tidy changes a go.mod'; exit 1; }
ifeq ($(CC_FOUND),)
	@echo 'No C compiler: testing without the race detector. Install one for the whole check: apt-get install gcc libc6-dev'
endif
# Some tests of bench read the source of the server, which go test does not know: what it remembers would be old (-count=1).
	@{ status=0; \
	$(RACE) -v -timeout 10m $(TESTFLAGS) ./... 2>&1 || status=$$?; \
	cd bench && $(RACE) -v -count=1 -timeout 10m $(TESTFLAGS) ./... 2>&1 || status=$$?; \
	echo "go test ended with $$status"; } | awk -f .ci/summary.awk

# The packages of PKG by their module; without PKG all of both.
PKG_SERVER := $(if $(PKG),$(filter-out ./bench ./bench/%,$(PKG)),./...)
PKG_BENCH  := $(if $(PKG),$(patsubst ./bench%,.%,$(filter ./bench ./bench/%,$(PKG))),./...)

quick:
ifeq ($(PKG),)
	@GO='$(GO)' TESTFLAGS='$(TESTFLAGS)' .ci/quick
else
	@$(GO) vet ./... && $(GO) -C bench vet ./...
	$(if $(PKG_SERVER),@CGO_ENABLED=0 $(GO) test -timeout 5m $(TESTFLAGS) $(PKG_SERVER))
	$(if $(PKG_BENCH),@CGO_ENABLED=0 $(GO) -C bench test -timeout 5m $(TESTFLAGS) $(PKG_BENCH))
endif

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# With those of comments that name something else than what they stand at.
CHECKS := inherit,ST1020,ST1021,ST1022

# $(call check_packages,FOLDER,PACKAGES): packages of the module in a folder.
define check_packages
	@unformatted=$$($$($(GO) env GOROOT)/bin/gofmt -l $$($(GO) -C $(1) list -f '{{.Dir}}/*.go' $(2))); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w fixes it):"; echo "$$unformatted"; exit 1; fi
	@$(GO) -C $(1) vet $(2)
	@$(GO) -C $(1) run $(STATICCHECK) $(2)
	@cd $(1) && $(RACE) -timeout 10m $(TESTFLAGS) $(2)
endef

check:
	$(if $(PKG),,$(error which packages? make check PKG=./protocol))
	$(if $(PKG_SERVER),$(call check_packages,.,$(PKG_SERVER)))
	$(if $(PKG_BENCH),$(call check_packages,bench,$(PKG_BENCH)))

house:
	@$(GO) -C bench run ./house $(ARGS)

bench:
	@$(GO) -C bench run ./suite $(ARGS)
	@$(GO) -C bench run ./million

BENCHMARKS = -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

microbench:
	@{ $(GO) test $(BENCHMARKS); $(GO) -C bench test $(BENCHMARKS); } | awk ' \
		/^pkg:/ { pkg = $$2; sub(/.*\/parley\//, "", pkg) } \
		/^(goos|goarch|cpu):/ && !seen[$$0]++ { print } \
		/^Benchmark/ { name = $$1; $$1 = ""; printf "%-24s %-48s %s\n", pkg, name, $$0 } \
		/^(FAIL|---|panic)/ { print; bad = 1 } \
		END { exit bad }'

faults: build
	@$(GO) -C bench run ./faults $(if $(filter short,$(FAULTS)),-short) $(ARGS)

lint:
	@if command -v golangci-lint >/dev/null; then golangci-lint run && cd bench && golangci-lint run; \
	else echo 'golangci-lint is not installed; running staticcheck'; \
		$(GO) run $(STATICCHECK) -checks $(CHECKS) ./... && $(GO) -C bench run $(STATICCHECK) -checks $(CHECKS) ./...; fi

fuzz:
	@set -e; grep -rho --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]*' actors bench cmd protocol transport 2>/dev/null | \
	sed 's|^\(.*\)/[^/]*:func |\1 |' | sort -u | while read -r dir target; do \
		echo "== $$dir $$target"; \
		$(GO) -C "$$dir" test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x; \
	done

mutate:
	@$(GO) -C bench run ./mutate $(ARGS)

clean:
	@rm -rf bin
