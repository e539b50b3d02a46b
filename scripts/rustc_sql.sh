#!/bin/sh
# Cargo calls this instead of rustc for the crates of the workspace (RUSTC_WORKSPACE_WRAPPER) when scripts/sql.sh asks.
#
# Compiling `infrastructure` then describes all its SQL anew in SQLX_OFFLINE_DIR, and nothing older remains there. What
# is compiled this way Cargo keeps apart from all other builds, which therefore are not made again.
set -eu

case " $* " in
    *" --crate-name infrastructure "*)
        rm -rf "$SQLX_OFFLINE_DIR"
        mkdir -p "$SQLX_OFFLINE_DIR"
        ;;
esac
exec "$@"
