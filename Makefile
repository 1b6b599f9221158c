# The only entry point. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down check fences unit fuzz chart test services e2e proof chaos images crds golden bench

CLUSTER := e2e/cluster/cluster
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/socialplatform
DENY_VERSION := 0.20.2
DENY := $(CACHE)/cargo-deny-$(DENY_VERSION)/bin/cargo-deny

help: ## List the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /\1\t/' | expand -t 12

up: ## A cluster with a running SocialPlatform at http://127.0.0.1:8080, and a first conversation with it
	e2e/cluster/up

down: ## Remove what `make up` made
	$(CLUSTER) delete socialplatform

check: fences unit fuzz ## The inner loop: formatting, lints, dependency fences, unit tests
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

fences: $(DENY) ## What may depend on what, which licences, from where
	$(DENY) --log-level error check bans licenses sources
	cargo check -p operator-render
	found=$$(cargo tree --locked --workspace -e no-dev -i fail) && test -z "$$found" # faults are for tests alone

unit: ## Tests that need nothing but this checkout
	cargo test --locked --workspace --lib --bins -- --skip ::with_redis::
	cargo test --locked --workspace --test it -- golden:: invariants:: roll:: schema_walk:: wiring::

fuzz: ## That the fuzz targets build; fuzz/README.md says how to run them
	cp Cargo.lock fuzz/
	cargo check --manifest-path fuzz/Cargo.toml

chart: ## The operator's chart as it is rendered, and its alerts; `make services` does this too
	TEST_HELM=$$($(CLUSTER) helm) TEST_PROMTOOL=$$($(CLUSTER) promtool) \
		cargo test --locked --workspace --test it -- chart:: alerts:: rights::

services: ## All tests but the cluster's, against real stores on loopback
	e2e/cluster/with-stores cargo test --locked --workspace

e2e: ## The tests on a kind cluster made for them; KEEP=1 leaves it for a look
	e2e/cluster/e2e

proof: ## The operator killed after every write, with a stale view, without events; every field of the resource changed and changed back
	E2E_PROOF_FULL=1 e2e/cluster/e2e --nocapture convergence:: stale_view:: schema_walk:: rotation::

chaos: ## Parts killed, cut off and filled up while people write, and what is left of it: SEED=… to repeat, FAULTS=24, SECONDS=3600 at most
	$(if $(SEED),E2E_CHAOS_SEED=$(SEED)) E2E_CHAOS_FAULTS=$(or $(FAULTS),24) E2E_CHAOS_SECONDS=$(or $(SECONDS),3600) \
		e2e/cluster/e2e --nocapture chaos::

test: ## Everything that proves it
	$(MAKE) check
	$(MAKE) services
	$(MAKE) e2e

bench: ## What requests cost and how fast they are, beside nginx and express-http-proxy; SIZES="10000 200000" for fewer posts
	bench/run

images: ## Build the images of the operator and the services, as they are shipped
	$(CLUSTER) tools
	$(CLUSTER) images
	PROFILE=dist e2e/cluster/programs

crds: ## Write crds/, the chart's copy and docs/reference.md from operator/api
	cargo run --bin crdgen

golden: ## Write the expected manifests of operator/render again
	UPDATE_GOLDEN=1 cargo test -p operator-render

$(DENY):
	cargo install cargo-deny@$(DENY_VERSION) --locked --root $(CACHE)/cargo-deny-$(DENY_VERSION)
