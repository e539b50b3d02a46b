# zsq: what there is to run. `make` alone prints this list.
#
# Every target works on a fresh machine: what is missing is installed first (scripts/install.sh says what, and how
# where it cannot). The targets are thin; what needs more than a line is in scripts/.

# dev starts sooner on a fresh machine (about 3 minutes of building against 6), release serves faster.
PROFILE ?= dev
# More arguments for the server, e.g. ARGS="--role api".
ARGS ?= --demo
# Which tests, as cargo takes it, e.g. TESTS="-p domain".
TESTS ?= --workspace
# More arguments for the benchmark, e.g. BENCH="--seconds 10", BENCH=--json, BENCH=--help.
BENCH ?=

CARGO_RUN = cargo run --profile $(PROFILE) --package api --bin zsq --

.DEFAULT_GOAL := help
.PHONY: help run test check bench install prepare

help: ## this list
	@echo 'zsq: the service platform of a cross-border e-commerce pilot zone'
	@echo
	@awk -F ' *## ' '/^[a-z]+:.*## / { sub(/:.*/, "", $$1); printf "  make %-9s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make run PROFILE=release      serve an optimised build'
	@echo '  make run ARGS="--role api"    serve with other arguments (instead of --demo)'
	@echo '  make test TESTS="-p domain"   test one crate'
	@echo
	@echo 'Data is in ./data (or where the server says at its start); ZSQ_DATA_DIR names another folder.'
	@echo 'All settings, with their defaults: .env.example, or what `zsq config` prints.'

run: install ## install what is missing, build, serve on http://127.0.0.1:8080 with demo data
	@exec $(CARGO_RUN) serve $(ARGS)

test: install ## everything the CI runs: format, SQL, lints, all tests on a private PostgreSQL, licences, spelling
	@TESTS="$(TESTS)" scripts/verify.sh test

check: install ## the quick part of `make test`: format, SQL, lints, licences, spelling
	@scripts/verify.sh check

bench: install ## measure commands beside pgbench and the stock framework, 4 minutes after the build
	@cargo run --release --package tests --bin bench -- $(BENCH)

install: ## only install what is missing: a C compiler and PostgreSQL's server programs
	@scripts/install.sh

prepare: install ## after a change of SQL or of a migration: have PostgreSQL describe the fixed SQL anew, into .sqlx
	@scripts/sql.sh refresh
