# weir. 'make help' lists the targets. On Debian with Go, what else a target needs is installed and said (scripts/tools.sh).

FUZZTIME ?= 10m
SOAKTIME ?= 1h
BENCH ?=

VERSION := $(shell git describe --always --dirty 2>/dev/null)
export GOFLAGS := $(GOFLAGS) -buildvcs=false

PLAYERS := origin/page/dist/players/versions.json
BROWSER := e2e/browser/node_modules/.package-lock.json
# Packages with a -update flag for their golden files, and those whose tests run goroutines against each other.
GOLDEN = $(shell grep -rl --include='*_test.go' --exclude-dir=node_modules '"update"' . | xargs -r -n1 dirname | sort -u)
RACE := ./segcache ./ingest ./ingest/web ./ingest/rtmp ./origin ./control/... ./bench/push ./bench/play ./bench/check

.PHONY: help build run page test race lint fuzz bench soak golden clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/weir; without npm the player page has no players
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PLAYERS); else echo "weir: no npm here: the player page will say how to get its players (make page)"; fi
	go build -ldflags '-X main.version=$(VERSION)' -o bin/weir ./cmd/weir

run: ## build weir and serve the built-in test stream at http://localhost:8080/
	@scripts/tools.sh certificates node npm
	@$(MAKE) --no-print-directory build
	./bin/weir demo

page: ## fetch the players of the player page with npm
	@scripts/tools.sh certificates node npm
	@$(MAKE) --no-print-directory $(PLAYERS)

$(PLAYERS): origin/page/package-lock.json origin/page/package.json origin/page/build.mjs
	cd origin/page && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

$(BROWSER): e2e/browser/package-lock.json e2e/browser/package.json
	cd e2e/browser && npm ci --no-audit --no-fund --loglevel=error

test: ## run the tests, those under the race detector and with real clients too; make soak has the long ones
	@scripts/tools.sh certificates node npm ffmpeg chromium gcc varnishd nginx gst-launch-1.0
	@$(MAKE) --no-print-directory $(PLAYERS) $(BROWSER)
	go vet ./...
	WEIR_REQUIRE_TOOLS=1 go test $$(go list ./... | grep -v /e2e)
	@$(MAKE) --no-print-directory race
	WEIR_REQUIRE_TOOLS=1 go test -count=1 -timeout 20m ./e2e/...

race: ## run the tests of what runs concurrently under the race detector
	@scripts/tools.sh certificates gcc
	CGO_ENABLED=1 go test -race $(RACE)

lint: ## gofumpt, go vet, staticcheck
	@unformatted=$$(find . -name node_modules -prune -o -name '*.go' -print | xargs go tool gofumpt -l); if [ -n "$$unformatted" ]; then echo "not in gofumpt's form:" $$unformatted; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

fuzz: ## run every fuzz target for FUZZTIME (10m)
	@scripts/fuzz.sh $(FUZZTIME)

bench: ## measure latency, waiting requests, ingest, delivery beside nginx, and memory; BENCH=-quick for a look
	@scripts/tools.sh certificates nginx
	go run ./bench/cmd/bench $(BENCH)

soak: ## four runs of SOAKTIME (1h): encoders that come and go, hostile input, 50 channels with low latency and many players, weir check on low latency; and what is too long for make test
	@scripts/tools.sh certificates node npm ffmpeg chromium gcc
	@$(MAKE) --no-print-directory $(PLAYERS) $(BROWSER)
	WEIR_SOAK=$(SOAKTIME) go test -count=1 -timeout 0 -run '^TestDrift$$' ./ingest/rtmp
	WEIR_REQUIRE_TOOLS=1 WEIR_SOAK=$(SOAKTIME) go test -count=1 -timeout 0 -v -run '^Test((Hostile|LowLatency)?Soak|CheckLowLatency|GeneratedRTMP|HEVCByRTMP|Sources|SourcesPlayed)$$' ./e2e
	WEIR_REQUIRE_TOOLS=1 WEIR_SOAK=$(SOAKTIME) go test -count=1 -timeout 0 -v -run '^TestModes$$/^(RTMP|Smooth-each)$$' ./e2e

golden: ## rewrite the golden files; read the difference before you commit it
	go test $(GOLDEN) -update

clean: ## remove what was built
	rm -rf bin origin/page/dist/players
