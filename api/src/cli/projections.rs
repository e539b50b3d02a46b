//! `zsq projections list|rebuild`.

use std::io::{self, Write};

use anyhow::bail;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use projections::{rebuild, status};

use crate::serve::Platform;

/// What `zsq projections` can do.
#[derive(Debug, Subcommand)]
pub enum ProjectionsCommand {
    /// Print state and lag of every read model and process
    List,
    /// Build one read model anew beside the live one, which it then replaces
    Rebuild {
        /// Its name, as `list` prints it
        name: String,
    },
}

/// Runs one.
pub async fn run(command: ProjectionsCommand, platform: &Platform) -> anyhow::Result<()> {
    match command {
        ProjectionsCommand::List => list(platform).await,
        ProjectionsCommand::Rebuild { name } => rebuild_one(&name, platform).await,
    }
}

async fn list(platform: &Platform) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<24} {:<10} {:>4} {:<9} {:>10} {:>10} {:>8} {:>9} {:>7}",
        "NAME", "KIND", "GEN", "STATUS", "POSITION", "HEAD", "LAG", "LAG MS", "PARKED"
    )?;
    for reader in status::status(&platform.state.db).await? {
        writeln!(
            out,
            "{:<24} {:<10} {:>4} {:<9} {:>10} {:>10} {:>8} {:>9} {:>7}",
            reader.name,
            reader.kind,
            reader.generation,
            reader.status,
            reader.position,
            reader.head,
            reader.lag_events,
            reader.lag_ms,
            reader.parked
        )?;
    }
    Ok(())
}

async fn rebuild_one(name: &str, platform: &Platform) -> anyhow::Result<()> {
    let Some(projection) = projections::all().into_iter().find(|projection| projection.name() == name) else {
        let known: Vec<&str> = projections::all().iter().map(|projection| projection.name()).collect();
        bail!("there is no read model {name}; there are: {}", known.join(", "));
    };
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} events, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    let worker = format!("rebuild-{}", platform.state.app.clock.new_id());
    let rebuilt = rebuild::run(&platform.state.db, projection, &worker, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })
    .await?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    writeln!(out, "{name}: generation {} is live", rebuilt.generation)?;
    for comparison in &rebuilt.comparisons {
        let equal = match comparison.equal {
            Some(true) => "the same rows",
            Some(false) => "other rows",
            None => "not compared row by row",
        };
        writeln!(
            out,
            "  {}: {} rows before, {} after, {equal}",
            comparison.table, comparison.rows_before, comparison.rows_after
        )?;
    }
    Ok(())
}
