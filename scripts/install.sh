#!/bin/sh
# Installs what zsq needs to be built and run, and is missing: a C compiler (one library compiles C) and the server
# programs of PostgreSQL 15 or newer. Says nothing and touches nothing when all of it is there.
# Not installed: Rust, because how it is installed is the user's own choice.
set -eu

RUST_MIN=1.95

. "${0%/*}/postgres.sh"

fail() {
    echo "zsq: $1" >&2
    exit 1
}

has_postgres() {
    postgres_bin >/dev/null && return 0
    [ -z "${ZSQ_PG_BIN:-}" ] || fail "ZSQ_PG_BIN is $ZSQ_PG_BIN, which has no postgres and initdb"
    return 1
}

has_compiler() {
    command -v cc >/dev/null
}

# Package managers change the system: as root, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root to run: $*"
    fi
}

# Each command's failure is passed on by hand: `set -e` does not hold in a function whose result is tested.
install_with_apt() {
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -q || echo "zsq: the lists of packages could not be refreshed; trying with those at hand"
    case $1 in
        postgres) install_postgres_with_apt ;;
        compiler) as_root apt-get install -qy --no-install-recommends gcc libc6-dev ;;
    esac
}

# Debian would make and start a server of its own; zsq starts a private one.
install_postgres_with_apt() {
    no_cluster=/etc/postgresql-common/createcluster.d/zsq.conf
    as_root apt-get install -qy --no-install-recommends postgresql-common || return
    as_root mkdir -p "${no_cluster%/*}" || return
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null || return
    installed=0
    as_root apt-get install -qy --no-install-recommends postgresql || installed=$?
    as_root rm "$no_cluster" || return
    return "$installed"
}

install_with_dnf() {
    case $1 in
        postgres) as_root dnf install -qy postgresql-server postgresql-contrib ;;
        compiler) as_root dnf install -qy gcc ;;
    esac
}

install_with_apk() {
    case $1 in
        postgres) as_root apk add --quiet postgresql postgresql-contrib ;;
        compiler) as_root apk add --quiet gcc musl-dev ;;
    esac
}

install_with_brew() {
    case $1 in
        postgres) brew install --quiet postgresql@17 ;;
        compiler) fail "no C compiler: run 'xcode-select --install'" ;;
    esac
}

# $1: postgres or compiler; $2: what to call it.
install() {
    for manager in apt-get dnf apk brew; do
        if command -v "$manager" >/dev/null; then
            echo "zsq: installing $2 with $manager (once)"
            "install_with_${manager%-get}" "$1" || fail "$manager could not install $2; install it yourself and run this again"
            return 0
        fi
    done
    fail "$2 is missing and there is none of apt-get, dnf, apk, brew to install it with; install it yourself and run this again"
}

command -v cargo >/dev/null || fail "Rust is missing: install $RUST_MIN or newer, see https://rustup.rs"
version=$(rustc --version | cut -d ' ' -f 2)
oldest=$(printf '%s\n%s\n' "$RUST_MIN" "${version%%-*}" | sort -t . -k 1,1n -k 2,2n | head -n 1)
[ "$oldest" = "$RUST_MIN" ] || fail "Rust $version is too old: zsq needs $RUST_MIN or newer (rustup update)"

has_compiler || install compiler "a C compiler"
has_postgres || install postgres "PostgreSQL"
has_compiler || fail "there is still no 'cc' on the PATH"
has_postgres || fail "PostgreSQL was installed, but its programs are in none of the usual places: name their folder in ZSQ_PG_BIN"
