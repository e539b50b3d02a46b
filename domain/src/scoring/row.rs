//! From leaves to a total, a grade and a rank.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::leaf::Plan;
use super::{Basis, Entrant, Leaf, Row, rounded};
use crate::assessment_scheme::{Item, LAST_FILED_AT, Part, Scheme};

/// One park, scored but not ranked.
pub fn row(scheme: &Scheme, plans: &[Plan<'_>], entrant: &Entrant, vetoed: bool) -> Row {
    let leaves: Vec<Leaf> = plans.iter().map(|plan| plan.leaf(entrant)).collect();
    let sum_of = |part: Part| -> Decimal {
        let pairs = scheme.items().zip(&leaves).filter(|(item, _)| item.rule.part() == part);
        pairs.map(|(_, leaf)| leaf.points).sum()
    };
    let late = scheme.supplement_deduction;
    let supplement_deduction = (late.each * Decimal::from(entrant.supplements)).min(late.cap);
    let base = base(scheme, &leaves);
    let bonus = rounded(sum_of(Part::Bonus).min(scheme.bonus_cap));
    let deduction = rounded((sum_of(Part::Deduction) + supplement_deduction).min(scheme.deduction_cap));
    let total = base + bonus - deduction;
    let excluded = leaves.iter().filter(|leaf| leaf.trace.basis == Basis::Excluded);
    Row {
        park: entrant.park,
        rank: None,
        total,
        base,
        bonus,
        deduction,
        supplement_deduction: rounded(supplement_deduction),
        supplements: entrant.supplements,
        vetoed,
        grade: grade(scheme, total, vetoed),
        dimensions: dimensions(scheme, &leaves),
        excluded: excluded.map(|leaf| leaf.code.clone()).collect(),
        leaves,
    }
}

/// The sum of the base leaves; with items left out, scaled to what the whole base is worth.
fn base(scheme: &Scheme, leaves: &[Leaf]) -> Decimal {
    let (mut sum, mut whole, mut remaining) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    for (item, leaf) in scheme.items().zip(leaves).filter(|(item, _)| item.rule.part() == Part::Base) {
        sum += leaf.points;
        whole += item.max_score;
        if leaf.trace.basis != Basis::Excluded {
            remaining += item.max_score;
        }
    }
    if remaining == whole {
        return rounded(sum);
    }
    rounded((sum * whole).checked_div(remaining).unwrap_or_default())
}

fn dimensions(scheme: &Scheme, leaves: &[Leaf]) -> BTreeMap<String, Decimal> {
    let mut leaves = leaves.iter();
    let mut dimensions = BTreeMap::new();
    for dimension in &scheme.dimensions {
        let own = dimension.items.iter().zip(leaves.by_ref());
        let base: Vec<Decimal> =
            own.filter(|(item, _)| item.rule.part() == Part::Base).map(|(_, leaf)| leaf.points).collect();
        if !base.is_empty() {
            dimensions.insert(dimension.code.clone(), rounded(base.into_iter().sum()));
        }
    }
    dimensions
}

/// The best grade whose minimum is reached; below all of them (a total may be negative) the lowest one.
fn grade(scheme: &Scheme, total: Decimal, vetoed: bool) -> String {
    if vetoed {
        return scheme.veto_grade.clone();
    }
    let reached = scheme.grades.iter().find(|grade| total >= grade.min).or(scheme.grades.last());
    reached.map(|grade| grade.name.clone()).unwrap_or_default()
}

/// What tells equal totals apart, better ones greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Points, then the number behind them.
    High(Decimal, Option<Decimal>),
    /// Earlier is better, never is worst.
    Early(Option<Reverse<DateTime<Utc>>>),
}

/// The rows in order, with their ranks.
pub fn rank(scheme: &Scheme, cohort: &[Entrant], rows: Vec<Row>) -> Vec<Row> {
    let items: BTreeMap<&str, (usize, &Item)> =
        scheme.items().enumerate().map(|(index, item)| (item.code.as_str(), (index, item))).collect();
    let mut keyed: Vec<(Vec<Key>, Row)> = rows
        .into_iter()
        .zip(cohort)
        .map(|(row, entrant)| {
            let by = |code: &String| key(&items, code, &row, entrant);
            let mut keys = vec![Key::High(row.total, None)];
            keys.extend(scheme.tie_break.iter().map(by));
            (keys, row)
        })
        .collect();
    keyed.sort_by(|(keys, row), (other_keys, other)| {
        let by_merit = if row.vetoed || other.vetoed { Ordering::Equal } else { other_keys.cmp(keys) };
        row.vetoed.cmp(&other.vetoed).then(by_merit).then(row.park.cmp(&other.park))
    });
    let mut ranked = Vec::with_capacity(keyed.len());
    let mut before: Option<(Vec<Key>, u32)> = None;
    for (place, (keys, mut row)) in (1..).zip(keyed) {
        if !row.vetoed {
            let rank = before.take().filter(|(equal, _)| *equal == keys).map_or(place, |(_, rank)| rank);
            row.rank = Some(rank);
            before = Some((keys, rank));
        }
        ranked.push(row);
    }
    ranked
}

fn key(items: &BTreeMap<&str, (usize, &Item)>, code: &str, row: &Row, entrant: &Entrant) -> Key {
    if code == LAST_FILED_AT {
        return Key::Early(entrant.last_filed_at.map(Reverse));
    }
    let Some((index, item)) = items.get(code) else {
        return Key::High(row.dimensions.get(code).copied().unwrap_or_default(), None);
    };
    let leaf = &row.leaves[*index];
    match item.rule.part() {
        Part::Base | Part::Bonus => Key::High(leaf.points, leaf.trace.measured),
        // Whoever lost less stands before.
        Part::Deduction => Key::High(-leaf.points, leaf.trace.measured.map(|measured| -measured)),
        Part::Veto => Key::High(Decimal::ZERO, None),
    }
}
