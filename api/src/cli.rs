//! The command line: `zsq serve`, `migrate`, `config`, `staff`, `projections`, `audit`.
//!
//! Every command also works while a server runs on the same data directory: it joins the embedded PostgreSQL. The
//! PostgreSQL is started before the runtime and stopped after it: whatever the runtime still does has its database.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand, ValueEnum};
use infrastructure::config::Config;
use infrastructure::database::Access;
use infrastructure::embedded_postgres::{EmbeddedPostgres, Settings};
use infrastructure::telemetry;

use crate::serve::{self, Platform};

mod audit;
mod projections;
mod staff;

/// Connections the embedded PostgreSQL allows: several processes of ours and an operator's tools.
const EMBEDDED_CONNECTIONS_MAX: u16 = 200;

/// 跨境电子商务综合试验区线上综合服务平台 · the service platform of a cross-border e-commerce pilot zone.
#[derive(Debug, Parser)]
#[command(name = "zsq", version, about, long_about = None, after_help = "\
Configuration is by environment; `zsq config` prints what is in force, .env.example lists every variable.
Without ZSQ_DATABASE_URL a private PostgreSQL is started in ZSQ_DATA_DIR, or joined if it runs already.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply migrations and serve
    Serve {
        /// Which part of the work this process does; run as many of each as you like on one PostgreSQL
        #[arg(long, value_enum, default_value_t = Role::All)]
        role: Role,
        /// Put demo data into an empty database (sandbox mode only)
        #[arg(long)]
        demo: bool,
    },
    /// Apply migrations and exit
    Migrate,
    /// Print the effective configuration, secrets hidden
    Config,
    /// Staff accounts
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Read models: state and rebuild
    #[command(subcommand)]
    Projections(projections::ProjectionsCommand),
    /// History: verify it, export it, fold one stream
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The child process that reads one uploaded workbook: file on stdin, frames on stdout
    #[command(hide = true)]
    ReadSheet {
        /// What to read and within which limits, as JSON
        request: String,
    },
}

/// What a serving process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything
    All,
    /// Answer requests
    Api,
    /// Order the log, keep read models, run processes
    Worker,
}

/// Parses, runs, and prints what went wrong, with all causes, once.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::ReadSheet { request } = &cli.command {
        // No configuration, no runtime: it limits itself before it does anything.
        return infrastructure::sheet::read_sheet(request);
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell about when stderr is gone.
            let _ = writeln!(io::stderr(), "zsq: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    if let Command::Config = cli.command {
        return print_config(&config);
    }
    let mut logging = config.telemetry.clone();
    if !matches!(cli.command, Command::Serve { .. }) && std::env::var_os("ZSQ_LOG").is_none() {
        // A command answers on standard output; only what goes wrong belongs beside it.
        "warn".clone_into(&mut logging.log);
    }
    refuse_demo(&cli.command, &config)?;
    telemetry::start_logging(&logging)?;
    let postgres = match &config.database.url {
        Some(_) => None,
        None => Some(start_postgres(&config)?),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let outcome = runtime.block_on(async {
        let access = access(&config, postgres.as_ref()).await?;
        let data_dir = postgres.as_ref().map(|postgres| postgres.data_dir().to_owned());
        // The whole server is within: too large for a stack that is passed through.
        Box::pin(execute(cli.command, config, access, data_dir)).await
    });
    // Background tasks hold connections; they go before the server they are connected to.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    if let Some(postgres) = postgres {
        postgres.stop().context("the embedded PostgreSQL did not stop cleanly")?;
    }
    outcome
}

/// Before anything is started or migrated.
fn refuse_demo(command: &Command, config: &Config) -> anyhow::Result<()> {
    if let Command::Serve { demo: true, .. } = command
        && config.is_production()
    {
        bail!("--demo: production mode (ZSQ_MODE) has no demo accounts");
    }
    Ok(())
}

async fn execute(
    command: Command,
    config: Config,
    access: Access,
    data_dir: Option<std::path::PathBuf>,
) -> anyhow::Result<()> {
    match command {
        Command::Serve { role, demo } => serve::serve(config, &access, data_dir.as_deref(), role, demo).await,
        Command::Migrate => {
            let migrated = infrastructure::database::migrate(&access).await?;
            writeln!(
                io::stdout(),
                "migrations: {} applied now, {} in all",
                migrated.applied,
                migrated.known
            )?;
            Ok(())
        }
        Command::Config | Command::ReadSheet { .. } => Ok(()),
        Command::Staff(command) => {
            let platform = Platform::assemble(config, &access, data_dir.as_deref()).await?;
            staff::run(command, &platform).await
        }
        Command::Projections(command) => {
            let platform = Platform::assemble(config, &access, data_dir.as_deref()).await?;
            projections::run(command, &platform).await
        }
        Command::Audit(command) => {
            let platform = Platform::assemble(config, &access, data_dir.as_deref()).await?;
            audit::run(command, &platform).await
        }
    }
}

fn start_postgres(config: &Config) -> anyhow::Result<EmbeddedPostgres> {
    let settings = Settings {
        data_dir: config.database.data_dir.clone(),
        bin_dir: config.database.pg_bin.clone(),
        user: config.database.pg_user.clone(),
        durable: true,
        max_connections: EMBEDDED_CONNECTIONS_MAX,
        extra: Vec::new(),
    };
    let postgres = EmbeddedPostgres::start_or_join(&settings)?;
    if let Some(line) = postgres.moved_because() {
        writeln!(io::stderr(), "zsq: {line}")?;
    }
    Ok(postgres)
}

async fn access(config: &Config, postgres: Option<&EmbeddedPostgres>) -> anyhow::Result<Access> {
    if let Some(postgres) = postgres {
        postgres.prepare().await?;
        return Ok(Access::embedded(postgres));
    }
    let url = config.database.url.as_ref().context("ZSQ_DATABASE_URL is not set")?;
    Ok(Access::of_urls(url, config.database.migrate_url.as_ref())?)
}

fn print_config(config: &Config) -> anyhow::Result<()> {
    let lines = config.describe();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for (name, value) in lines {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_data_is_refused_in_production_before_anything_is_started() {
        let earnest = |name: &str| {
            let value = match name {
                "ZSQ_MODE" => "production",
                "ZSQ_MASTER_KEY" => "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "ZSQ_PUBLIC_URL" => "https://zsq.example",
                "ZSQ_SMS_PROVIDER" | "ZSQ_SCANNER_URL" => "off",
                "ZSQ_FILES_URL" => "file:///var/lib/zsq/files",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let config = Config::from_lookup(earnest).expect("a production configuration");
        let serve = |demo| Command::Serve { role: Role::All, demo };
        let refused = refuse_demo(&serve(true), &config).expect_err("no demo accounts in production");
        assert!(refused.to_string().contains("--demo"), "{refused}");
        assert!(refuse_demo(&serve(false), &config).is_ok());
        let sandbox = Config::from_lookup(|_| None).expect("the sandbox");
        assert!(refuse_demo(&serve(true), &sandbox).is_ok());
    }
}
