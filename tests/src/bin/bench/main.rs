//! `make bench`: how many commands a second, beside what else could have been used.
//!
//! Three contenders on one private PostgreSQL, in one run: the bare insert of the same row ([`insert`], by pgbench), the
//! stock framework ([`stock`]), and zsq ([`zsq`]). [`load`] has what is asked of them, [`measure`] how it is timed,
//! [`contest`] the order, [`report`] what is printed. Beside them [`assessment`]: what one ranking costs.
//!
//! Always: fsync on and the settings of `zsq serve`; both frameworks execute the same commands on the same aggregates
//! and store the same payload and metadata; zsq's sequencer runs while zsq is measured.
//! Deliberately not here: HTTP, and the accuracy of a quiet machine. The figures are ratios of one run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Parser;
use infrastructure::embedded_postgres::{EmbeddedPostgres, Settings};

mod assessment;
mod contest;
mod databases;
mod insert;
mod load;
mod measure;
mod report;
mod stock;
mod zsq;

/// Connections of the server: those of all contenders, and some for psql.
const CONNECTIONS_MAX: u16 = 250;

/// Measures commands a second on a private PostgreSQL with fsync on, beside pgbench and the stock framework.
///
/// Contenders:
///
///   insert   pgbench, prepared: one row of zsq's event table and its indexes in one statement. No load, no decision,
///            no version gate. What the disk and PostgreSQL can do at most, one event at a time.
///   stock    `CqrsFramework` of cqrs-es 0.5 with postgres-es 0.5 on its own tables: load, decide, begin, insert, commit.
///   zsq      `App::execute` on the event store of zsq: permission, load with personal-data keys, decide, leaf hash, append
///            with version gate and queue. The sequencer runs all the while. As in the server, an order that names its
///            stream itself does not load it, and a stream that was folded within the last minute is loaded from there.
///
/// Workloads:
///
///   new streams      each command makes a stream of one event (Operation)
///   growing streams  each command adds an event to one of 1,000 streams, which have 20 events at first (Park).
///                    Each caller has streams of its own, so nobody loses a race. Every cell has fresh streams.
///                    The bare insert knows no streams: its figures are those of the same row in both workloads.
///
/// Callers wait for one answer before they ask the next question. Each cell is measured in several rounds, the contenders
/// in another order each time; printed is the median of the rounds, of each figure by itself.
#[derive(Debug, Parser)]
#[command(name = "bench", verbatim_doc_comment)]
struct Options {
    /// Seconds measured per cell and round, after a warm-up; 45 cells in three rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    rounds: u32,
    /// Callers at a time, several with commas. The goals speak of 1 and 32.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32], value_parser = clap::value_parser!(u16).range(1..=64))]
    callers: Vec<u16>,
    /// Connections of the stock framework and of zsq. Without it each has its own default: 10 and 32.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=64))]
    pool: Option<u32>,
    /// One line of JSON for each figure instead of the table.
    #[arg(long)]
    json: bool,
    /// Where the data lies while the benchmark runs: on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    data_dir: PathBuf,
    /// Keep the databases for a look with psql.
    #[arg(long)]
    keep: bool,
}

fn main() -> anyhow::Result<()> {
    let mut options = Options::parse();
    options.callers.sort_unstable();
    options.callers.dedup();
    // Before the runtime: the server ends with the thread that started it.
    let settings = Settings {
        data_dir: Some(options.data_dir.clone()),
        max_connections: CONNECTIONS_MAX,
        ..Settings::default()
    };
    let postgres = EmbeddedPostgres::start_or_join(&settings)?;
    if !postgres.is_owner() {
        bail!("another benchmark is running on {}", options.data_dir.display());
    }
    let outcome = measured(&options, &postgres);
    let data_dir = postgres.data_dir().to_path_buf();
    postgres.stop()?;
    if !options.keep {
        remove(&data_dir)?;
    }
    let outcome = outcome?;
    let mut out = io::stdout().lock();
    if options.json {
        report::json(&mut out, &outcome)?;
    } else {
        report::table(&mut out, &outcome)?;
    }
    Ok(out.flush()?)
}

fn measured(options: &Options, postgres: &EmbeddedPostgres) -> anyhow::Result<contest::Outcome> {
    tokio::runtime::Runtime::new()?.block_on(contest::run(options, postgres))
}

/// What is left is only a waste of disk; the folder itself may be somebody's.
fn remove(data_dir: &Path) -> anyhow::Result<()> {
    for entry in ["postgres", "passwords", "run", insert::LOGS] {
        let path = data_dir.join(entry);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
