//! A new migration, or a new answer of PostgreSQL about our SQL, is part of the next build, also when no Rust file changed.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../.sqlx");
}
