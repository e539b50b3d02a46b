//! Closed-loop callers, and what is told of them.
//!
//! Always: a command counts when its answer falls into the window after the warm-up, whoever measures; percentiles are
//! of all commands of a cell, not of a sample. Memory is four bytes for each command of one cell.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// Somebody who gives one command after the other.
pub trait Caller: Send + 'static {
    /// Gives the next one and waits for its answer.
    fn call(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// When to count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Before it nothing counts.
    pub warm_up: Duration,
    /// How long it lasts.
    pub length: Duration,
}

/// What one cell gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Commands answered a second.
    pub per_second: f64,
    /// The median time to an answer.
    pub p50_ms: f64,
    /// 99 of 100 answers took no longer.
    pub p99_ms: f64,
}

/// Lets all of them call until the window is over.
pub async fn drive<C: Caller>(callers: Vec<C>, window: Window) -> anyhow::Result<Figures> {
    let opens = Instant::now() + window.warm_up;
    let mut running = JoinSet::new();
    for caller in callers {
        running.spawn(calls(caller, opens, opens + window.length));
    }
    let mut micros = Vec::new();
    while let Some(ended) = running.join_next().await {
        micros.append(&mut ended??);
    }
    Figures::of(micros, window.length)
}

async fn calls<C: Caller>(mut caller: C, opens: Instant, closes: Instant) -> anyhow::Result<Vec<u32>> {
    let mut micros = Vec::new();
    loop {
        let asked = Instant::now();
        caller.call().await?;
        let answered = Instant::now();
        if answered >= closes {
            return Ok(micros);
        }
        if answered >= opens {
            micros.push(u32::try_from((answered - asked).as_micros())?);
        }
    }
}

impl Figures {
    /// Of the latencies, in microseconds, of all commands answered within `length`.
    pub fn of(mut micros: Vec<u32>, length: Duration) -> anyhow::Result<Self> {
        anyhow::ensure!(!micros.is_empty(), "not one command was answered within the window");
        micros.sort_unstable();
        let at = |percent: usize| f64::from(micros[(micros.len() - 1) * percent / 100]) / 1_000.0;
        Ok(Self {
            per_second: f64::from(u32::try_from(micros.len())?) / length.as_secs_f64(),
            p50_ms: at(50),
            p99_ms: at(99),
        })
    }

    /// The median of several rounds, of each figure by itself.
    pub fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self {
            per_second: of(|round| round.per_second),
            p50_ms: of(|round| round.p50_ms),
            p99_ms: of(|round| round.p99_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_commands() {
        let figures =
            Figures::of((1..=200).rev().map(|n| n * 1_000).collect(), Duration::from_secs(2)).unwrap();
        assert_eq!(figures, Figures { per_second: 100.0, p50_ms: 100.0, p99_ms: 198.0 });
        assert!(Figures::of(vec![], Duration::from_secs(2)).is_err());
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let round = |per_second, p50_ms, p99_ms| Figures { per_second, p50_ms, p99_ms };
        let rounds = [round(1.0, 9.0, 5.0), round(3.0, 7.0, 6.0), round(2.0, 8.0, 4.0)];
        assert_eq!(Figures::median(&rounds), round(2.0, 8.0, 5.0));
    }
}
