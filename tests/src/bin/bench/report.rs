//! What is printed: a table for people, or one JSON object on each line for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::assessment::Computed;
use crate::contest::{Contender, Outcome, Workload};
use crate::load;
use crate::measure::Figures;
use crate::zsq;

/// Where the goals for many callers are looked at.
const MANY: u16 = 32;

/// A goal and how it went.
#[derive(Debug)]
struct Goal {
    workload: Workload,
    what: &'static str,
    /// Of the ratio that counts.
    found: f64,
    reached: bool,
    /// Less than reaching it is no failure.
    is_aim: bool,
}

/// The goals of the event store, as far as the callers they speak of were measured.
fn goals(outcome: &Outcome) -> Vec<Goal> {
    let mut goals = Vec::new();
    for workload in Workload::ALL {
        let cell = |callers, contender| outcome.cell(workload, callers, contender);
        let many = Contender::ALL.map(|contender| cell(MANY, contender));
        if let [Some(insert), Some(stock), Some(zsq)] = many {
            let to_stock = zsq.per_second / stock.per_second;
            let what = "32 callers: commands/s at least 2 x stock";
            goals.push(Goal { workload, what, found: to_stock, reached: to_stock >= 2.0, is_aim: false });
            let to_insert = zsq.per_second / insert.per_second;
            let what = "32 callers: commands/s aim at 0.5 x insert";
            goals.push(Goal { workload, what, found: to_insert, reached: to_insert >= 0.5, is_aim: true });
        }
        if let (Some(stock), Some(zsq)) = (cell(1, Contender::Stock), cell(1, Contender::Zsq)) {
            let found = zsq.p50_ms / stock.p50_ms;
            let what = "1 caller: p50 at most 1 x stock";
            goals.push(Goal { workload, what, found, reached: found <= 1.0, is_aim: false });
        }
    }
    goals
}

/// The table.
pub fn table(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    head(out, outcome)?;
    for workload in Workload::ALL {
        writeln!(out)?;
        writeln!(
            out,
            "{:<16} {:<9} {:>10} {:>9} {:>9} {:>9} {:>9}",
            workload.name(),
            "",
            "commands/s",
            "p50 ms",
            "p99 ms",
            "x stock",
            "x insert"
        )?;
        for callers in &outcome.callers {
            for contender in Contender::ALL {
                row(out, outcome, (workload, *callers, contender))?;
            }
        }
    }
    writeln!(out)?;
    for goal in goals(outcome) {
        let verdict = match (goal.reached, goal.is_aim) {
            (true, _) => "reached",
            (false, true) => "not yet (an aim)",
            (false, false) => "MISSED",
        };
        let Goal { workload, what, found, .. } = goal;
        writeln!(out, "goal   {:<15} {what:<44} {found:>5.2} x  {verdict}", workload.name())?;
    }
    foot(out, outcome)
}

fn head(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (seconds, rounds) = outcome.measured;
    let (stock, zsq) = outcome.pools;
    writeln!(out, "{}, {cores} cores shared by server and callers", outcome.postgres)?;
    writeln!(
        out,
        "{seconds} s a cell, median of {rounds} rounds; pools: stock {stock}, zsq {zsq} connections"
    )?;
    writeln!(
        out,
        "growing: {} streams of {} events when a cell begins; the insert is the same row in both workloads",
        load::PARKS,
        load::EVENTS
    )?;
    for (contender, workload, sizes) in &outcome.sizes {
        writeln!(
            out,
            "event  {:<6} {:<15} payload {:>4} B, metadata {:>4} B as text; row {:>4} B",
            contender.name(),
            workload.name(),
            sizes.payload,
            sizes.metadata,
            sizes.row
        )?;
    }
    Ok(())
}

fn row(out: &mut impl Write, outcome: &Outcome, cell: (Workload, u16, Contender)) -> io::Result<()> {
    let (workload, callers, contender) = cell;
    let Some(figures) = outcome.cell(workload, callers, contender) else { return Ok(()) };
    let to = |other| ratio(outcome, workload, callers, figures, other);
    let text = |ratio: Option<f64>| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let callers = match (contender, callers) {
        (Contender::Insert, 1) => "1 caller".to_owned(),
        (Contender::Insert, _) => format!("{callers} callers"),
        (Contender::Stock | Contender::Zsq, _) => String::new(),
    };
    writeln!(
        out,
        "{callers:>16} {:<9} {:>10.0} {:>9.3} {:>9.3} {:>9} {:>9}",
        contender.name(),
        figures.per_second,
        figures.p50_ms,
        figures.p99_ms,
        text(to(Contender::Stock)),
        text(to(Contender::Insert)),
    )
}

/// Commands a second beside another contender's.
fn ratio(outcome: &Outcome, workload: Workload, callers: u16, own: Figures, other: Contender) -> Option<f64> {
    outcome.cell(workload, callers, other).map(|other| own.per_second / other.per_second)
}

fn foot(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    writeln!(out)?;
    for ((workload, callers), lag) in &outcome.lags {
        writeln!(
            out,
            "log    {:<15} {callers:>2} callers: oldest event without a position {} ms old at the end, all placed after {:.0} ms",
            workload.name(),
            lag.oldest_ms,
            lag.settled_ms
        )?;
    }
    let rebuild = outcome.rebuild;
    writeln!(
        out,
        "read   {} rebuilt at {:.0} events/s ({:.0} events in {:.1} s)",
        zsq::REBUILT,
        rebuild.events / rebuild.seconds,
        rebuild.events,
        rebuild.seconds
    )?;
    let Some(fewest) = outcome.computed.first() else { return Ok(()) };
    for computed in &outcome.computed {
        let Computed { parks, items, events, took, grown_bytes } = computed;
        let memory = grown_bytes
            .map_or_else(String::new, |bytes| format!(", {:.1} MB at its highest", megabytes(bytes)));
        writeln!(
            out,
            "rank   {parks} parks x {items} items computed in {:.1} ms ({:.1} x that of {}), {events} events read{memory}",
            took.as_secs_f64() * 1_000.0,
            took.as_secs_f64() / fewest.took.as_secs_f64(),
            fewest.parks,
        )?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The same as lines of JSON.
pub fn json(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    for line in lines(outcome) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    let (seconds, rounds) = outcome.measured;
    let (stock, zsq) = outcome.pools;
    let mut lines = vec![json!({
        "kind": "setup", "postgres": outcome.postgres, "seconds": seconds, "rounds": rounds,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "stockConnections": stock, "zsqConnections": zsq,
    })];
    for (contender, workload, sizes) in &outcome.sizes {
        lines.push(json!({
            "kind": "event", "contender": contender.name(), "workload": workload.name(),
            "payloadBytes": sizes.payload, "metadataBytes": sizes.metadata, "rowBytes": sizes.row,
        }));
    }
    for workload in Workload::ALL {
        for callers in &outcome.callers {
            for contender in Contender::ALL {
                let Some(figures) = outcome.cell(workload, *callers, contender) else { continue };
                let to = |other| ratio(outcome, workload, *callers, figures, other);
                lines.push(json!({
                    "kind": "cell", "workload": workload.name(), "callers": callers, "contender": contender.name(),
                    "perSecond": figures.per_second, "p50Ms": figures.p50_ms, "p99Ms": figures.p99_ms,
                    "toStock": to(Contender::Stock), "toInsert": to(Contender::Insert),
                }));
            }
        }
    }
    for goal in goals(outcome) {
        lines.push(json!({
            "kind": "goal", "workload": goal.workload.name(), "goal": goal.what, "found": goal.found,
            "reached": goal.reached, "isAim": goal.is_aim,
        }));
    }
    for ((workload, callers), lag) in &outcome.lags {
        lines.push(json!({
            "kind": "log", "workload": workload.name(), "callers": callers, "oldestMs": lag.oldest_ms,
            "settledMs": lag.settled_ms,
        }));
    }
    lines.push(json!({
        "kind": "rebuild", "readModel": zsq::REBUILT, "events": outcome.rebuild.events,
        "seconds": outcome.rebuild.seconds,
    }));
    for computed in &outcome.computed {
        lines.push(json!({
            "kind": "ranking", "parks": computed.parks, "items": computed.items, "events": computed.events,
            "seconds": computed.took.as_secs_f64(), "grownBytes": computed.grown_bytes,
        }));
    }
    lines
}
