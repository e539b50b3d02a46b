#!/bin/sh
# Runs the checks (`check`), or the checks and the tests (`test`), stops at the first that fails, and prints how long
# each took. Tools that are not installed are skipped, and said so: they only look at text and manifests.
set -eu

mode=$1
summary=""
begun=$(date +%s)

# $1: name; the rest: command.
step() {
    name=$1
    shift
    echo "== $name: $*"
    step_begun=$(date +%s)
    if ! "$@"; then
        report "$name" FAILED
        exit 1
    fi
    report "$name" "ok"
}

report() {
    summary="$summary$(printf '%6ss  %s %s' "$(($(date +%s) - step_begun))" "$1" "$2")
"
    [ "$2" = ok ] || print_summary
}

print_summary() {
    printf '\n%s%6ss  in all\n' "$summary" "$(($(date +%s) - begun))"
}

# $1: name; $2: the program that must be there; the rest: command.
optional_step() {
    name=$1 program=$2
    shift 2
    if command -v "$program" >/dev/null; then
        step "$name" "$@"
    else
        summary="$summary      -  $name skipped: no $program here
"
    fi
}

target_folder() {
    cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}

# shellcheck disable=SC2086 # TESTS is a list of arguments.
run_tests() {
    tests=${TESTS:---workspace}
    if command -v cargo-nextest >/dev/null; then
        step "build tests" cargo nextest run $tests --no-run
        runner="cargo nextest run"
    else
        step "build tests" cargo test $tests --no-run
        runner="cargo test --lib --bins --tests"
    fi
    step "build what tests start" cargo build --workspace --examples
    # One PostgreSQL for the whole run: with nextest every test is a process of its own.
    step "tests" "$(target_folder)/debug/examples/test_cluster" $runner $tests
    step "examples in documentation" cargo test --quiet --doc --workspace
}

step "format" cargo fmt --all --check
# First of what compiles: all else builds from .sqlx, and would only say that a statement is missing there.
optional_step "SQL" psql scripts/sql.sh compare
step "lints" cargo clippy --workspace --all-targets --quiet -- -D warnings
if [ "$mode" = test ]; then run_tests; fi
optional_step "licences and sources" cargo-deny cargo deny --offline check licenses bans sources
optional_step "spelling" typos typos
print_summary
