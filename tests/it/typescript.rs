//! The document is made for client generators: `openapi-typescript` makes types of it, and a program that tells the
//! story with them (`typescript/story.ts`) compiles.
//!
//! Where node or the npm registry is not there, the test says so and passes. The packages are installed once, under
//! cargo's own folder for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::openapi::document;

/// What belongs beside the generated types.
const FILES: [&str; 3] = ["package.json", "tsconfig.json", "story.ts"];

/// The folder with the packages, or why there is none.
fn workspace() -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/typescript");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript");
    let manifest = fs::read(sources.join("package.json")).expect("the committed manifest");
    let is_installed = folder.join("node_modules/.bin/tsc").exists()
        && fs::read(folder.join("package.json")).is_ok_and(|installed| installed == manifest);
    fs::create_dir_all(&folder).expect("a folder for the packages");
    for file in FILES {
        fs::copy(sources.join(file), folder.join(file)).expect("a copy beside the packages");
    }
    if !is_installed {
        let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        let output = Command::new("npm").args(install).current_dir(&folder).output();
        let output = output.map_err(|error| format!("npm does not start: {error}"))?;
        if !output.status.success() {
            // Or the next run would take what is half there for the whole.
            if let Err(error) = fs::remove_file(folder.join("package.json")) {
                return Err(format!("npm failed, and its manifest stays: {error}"));
            }
            return Err(format!("npm cannot install: {}", said(&output)));
        }
    }
    Ok(folder)
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let program = folder.join("node_modules/.bin").join(program);
    let output =
        Command::new(&program).args(arguments).current_dir(folder).output().expect("an installed program");
    assert!(output.status.success(), "{} {arguments:?}\n{}", program.display(), said(&output));
}

#[test]
fn a_generated_client_type_checks() {
    let folder = match workspace() {
        Ok(folder) => folder,
        Err(reason) => {
            eprintln!("skipped: the TypeScript client is not checked here: {reason}");
            return;
        }
    };
    let document = serde_json::to_vec_pretty(&document()).expect("the document is JSON");
    fs::write(folder.join("openapi.json"), document).expect("the document beside the packages");
    run(&folder, "openapi-typescript", &["openapi.json", "--output", "schema.d.ts"]);
    run(&folder, "tsc", &["--project", "."]);
}
