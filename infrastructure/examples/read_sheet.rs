//! The child process that tests read workbooks with: `read_sheet read-sheet REQUEST`, as the `zsq` binary has it.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [command, request] if command == "read-sheet" => infrastructure::sheet::read_sheet(request),
        _ => ExitCode::from(2),
    }
}
