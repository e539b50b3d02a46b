#!/bin/sh
# Has PostgreSQL describe every statement that the compiler checks (`query!` and the like, all in `infrastructure`).
# `refresh` keeps the answers in .sqlx, where all other builds find them; `compare` fails when .sqlx is not up to date.
#
# A PostgreSQL of its own, in a temporary folder, with the tables of the migrations. Shell, because every Rust program of
# zsq that could start it is built from the very statements in question, and would not build just when this is needed.
set -eu

cd "${0%/*}/.."
. scripts/postgres.sh

fail() {
    echo "zsq: $1" >&2
    exit 1
}

mode=$1
case $mode in
    refresh) packages="--package infrastructure" ;; # whatever state the crates above it are in
    compare) packages="--workspace" ;;              # what clippy is about to build: shares all libraries with it
    *) fail "usage: sql.sh refresh|compare" ;;
esac

bin=$(postgres_bin) || fail "PostgreSQL is missing: run 'make install'"
psql=$bin/psql
[ -x "$psql" ] || psql=$(command -v psql) || fail "psql is missing: install PostgreSQL's client"

folder=$(mktemp -d)
stop() {
    # Nothing in it is worth an orderly end.
    if [ -f "$folder/data/postmaster.pid" ]; then
        as_server "$bin/pg_ctl" -s -D "$folder/data" -m immediate stop || true # it ends with its folder
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

# PostgreSQL does not run as root.
server_user=""
if [ "$(id -u)" -eq 0 ]; then
    for user in postgres nobody; do
        if id "$user" >/dev/null 2>&1; then server_user=$user && break; fi
    done
    [ -n "$server_user" ] || fail "root may not run PostgreSQL, and there is neither a user postgres nor nobody"
    chown "$server_user" "$folder"
fi
# The words must not need quoting.
as_server() {
    if [ -n "$server_user" ]; then
        (cd / && su -s /bin/sh "$server_user" -c "$*")
    else
        "$@"
    fi
}

as_server "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$folder/initdb.log" 2>&1 ||
    fail "initdb failed: $(cat "$folder/initdb.log")"
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
fsync = off
CONF
as_server "$bin/pg_ctl" -s -w -D "$folder/data" -l "$folder/log" start ||
    fail "PostgreSQL does not start: $(cat "$folder/log")"

# The migrator's own table, as sqlx makes it before the first migration.
{
    echo "create table _sqlx_migrations (version bigint primary key, description text not null,
        installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
        execution_time bigint not null);"
    cat migrations/*.sql
} | "$psql" -X -q -v ON_ERROR_STOP=1 -h "$folder" -U postgres -d postgres >/dev/null || fail "a migration failed"

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
described=$target/sql/$mode
# shellcheck disable=SC2086 # packages is two words.
DATABASE_URL="postgres://postgres@localhost/postgres?host=$folder" \
    SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$described" \
    RUSTC_WORKSPACE_WRAPPER="$PWD/scripts/rustc_sql.sh" \
    cargo check --quiet --lib $packages

if diff -r .sqlx "$described" >/dev/null 2>&1; then
    echo ".sqlx is up to date ($(ls .sqlx | wc -l) statements)"
elif [ "$mode" = compare ]; then
    diff -rq .sqlx "$described" || true
    fail ".sqlx is not what PostgreSQL says about the SQL of infrastructure: run 'make prepare' and commit it"
else
    rm -rf .sqlx
    cp -R "$described" .sqlx
    echo ".sqlx was refreshed ($(ls .sqlx | wc -l) statements): commit it with the SQL"
fi
