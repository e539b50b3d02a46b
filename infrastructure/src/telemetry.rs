//! Logs and metrics.
//!
//! Always: logs go to the standard error, as JSON lines, or readable where that is a terminal. They hold no personal
//! data: types that hold some do not print it, and nothing here looks into requests.
//!
//! Not here: what is measured; each part records its own with the macros of `metrics`.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
pub use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::TelemetryConfig;

/// Seconds: from a query by its key to the longest a request may take.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Why logs or metrics could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("ZSQ_LOG is not a filter")]
    Filter(#[from] ParseError),
    /// Logs began already.
    #[error("logging has already begun")]
    Begun(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins logging; once in a process.
pub fn start_logging(config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.log)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        builder.finish().try_init()?;
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?;
    }
    Ok(())
}

/// Recorded durations wait in memory until they are counted; nobody may come to read the metrics for long.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The metrics of this process, begun on first use. A process that serves spawns [`keep_metrics`] beside it.
///
/// Another recorder that was installed before keeps what is recorded; what is shown here is empty then.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(begin_metrics).clone()
}

/// Counts what was recorded, until cancelled, so that it does not pile up where nobody reads the metrics.
pub async fn keep_metrics(cancel: CancellationToken) {
    while cancel.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_some() {
        metrics().run_upkeep();
    }
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new().set_buckets(&DURATION_BUCKETS).expect("there are buckets")
}

fn begin_metrics() -> PrometheusHandle {
    builder().install_recorder().unwrap_or_else(|error| {
        tracing::error!(%error, "metrics are recorded elsewhere and not shown here");
        builder().build_recorder().handle()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_shown() {
        let handle = metrics();
        metrics::counter!("zsq_test_total").increment(3);
        metrics::histogram!("zsq_test_seconds").record(0.003);
        let shown = handle.render();
        assert!(shown.contains("zsq_test_total 3"), "{shown}");
        assert!(shown.contains(r#"zsq_test_seconds_bucket{le="0.005"} 1"#), "{shown}");
    }
}
