//! The `zsq` binary. What it can do is in [`api::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    api::cli::main()
}
