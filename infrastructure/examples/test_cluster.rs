//! Runs a command with a throw-away PostgreSQL: `test_cluster cargo nextest run`.
//!
//! The cluster is named to the command in `ZSQ_TEST_POSTGRES` and removed when the command ends, however it ends;
//! the command's exit code becomes ours. Not here: what `make test` runs and in which order.

use std::env;
use std::process::{Command, ExitCode};

use infrastructure::test_postgres::{TestCluster, VARIABLE};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: test_cluster COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let cluster = TestCluster::start();
    let outcome = Command::new(&program).args(arguments).env(VARIABLE, cluster.data_dir()).status();
    cluster.remove();
    match outcome {
        // A command that was ended by a signal has no code.
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("{} does not run: {error}", program.display());
            ExitCode::from(127)
        }
    }
}
