//! `zsq audit verify|export|replay`.

use std::io::{self, BufWriter, Write};

use anyhow::bail;
use application::replay::{AGGREGATE_TYPES, Replay, Until};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use infrastructure::event_store::{history, sequencer};
use uuid::Uuid;

use crate::personal::{Show, reveal};
use crate::serve::Platform;

/// What `zsq audit` can do.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check the whole history: leaf hashes, order, gaps; fails when anything is found
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the whole history as NDJSON to standard output, personal data sealed
    Export {
        /// Begin after this position
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
    /// Fold one stream to a version or a time and print it as JSON, personal data masked
    Replay {
        /// The aggregate's type, such as `ProviderApplication`
        aggregate_type: String,
        /// The aggregate's id
        id: Uuid,
        #[command(flatten)]
        until: UntilArgs,
    },
}

/// Up to where to fold; everything when neither is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct UntilArgs {
    /// Up to this version
    #[arg(long)]
    version: Option<i64>,
    /// Up to this moment (RFC 3339)
    #[arg(long)]
    at: Option<DateTime<Utc>>,
}

/// Runs one.
pub async fn run(command: AuditCommand, platform: &Platform) -> anyhow::Result<()> {
    match command {
        AuditCommand::Verify { json } => verify(json, platform).await,
        AuditCommand::Export { after } => export(after, platform).await,
        AuditCommand::Replay { aggregate_type, id, until } => {
            replay(&aggregate_type, id, &until, platform).await
        }
    }
}

async fn verify(json: bool, platform: &Platform) -> anyhow::Result<()> {
    let db = &platform.state.db;
    let bar = ProgressBar::new(sequencer::head(db).await?.unsigned_abs());
    if let Ok(style) = ProgressStyle::with_template("verify {bar:40} {pos}/{len} events, {per_sec}") {
        bar.set_style(style);
    }
    let verified = history::verify(db, |events| bar.set_position(events)).await?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&verified)?)?;
    } else {
        writeln!(out, "{} events, {} waiting for their position", verified.events, verified.unsequenced)?;
        for finding in &verified.findings {
            writeln!(out, "  {finding}")?;
        }
    }
    match verified.finding_count {
        0 if json => Ok(()),
        0 => Ok(writeln!(out, "history is whole: every leaf, every position, every stream")?),
        count => bail!("history is not whole: {count} findings"),
    }
}

async fn export(after: i64, platform: &Platform) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut position = after;
    loop {
        let batch = history::read(&platform.state.db, position).await?;
        let Some(last) = batch.last() else { break };
        position = last.position;
        for event in &batch {
            serde_json::to_writer(&mut out, event)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush()?)
}

async fn replay(
    aggregate_type: &str,
    id: Uuid,
    until: &UntilArgs,
    platform: &Platform,
) -> anyhow::Result<()> {
    if !AGGREGATE_TYPES.contains(&aggregate_type) {
        bail!("there is no aggregate type {aggregate_type}; there are: {}", AGGREGATE_TYPES.join(", "));
    }
    let state = &platform.state;
    let upto = match (until.version, until.at) {
        (Some(version), _) => Until::Version(version),
        (None, Some(at)) => Until::Time(at),
        (None, None) => Until::Now,
    };
    let mut replayed = match state.app.replay(aggregate_type, id, upto).await? {
        Replay::Done(replayed) => replayed,
        Replay::Nothing => bail!("{aggregate_type}/{id} has no events up to then"),
        Replay::Beyond { last } => {
            bail!("{aggregate_type}/{id} has no such version yet: its last one is {last}")
        }
    };
    if let Err(problem) = reveal(&state.vault, &mut [&mut replayed.state], Show::Masked).await {
        bail!("{}", problem.detail);
    }
    let answer = serde_json::json!({
        "aggregateType": aggregate_type,
        "id": id,
        "version": replayed.version,
        "at": replayed.at,
        "state": replayed.state,
    });
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&answer)?)?)
}
