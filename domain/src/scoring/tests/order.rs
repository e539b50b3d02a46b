//! Who stands before whom.

use super::*;

fn with_tie_break(codes: &[&str]) -> Scheme {
    let mut scheme = scheme_of(vec![
        item("X1", "number", "50", json!({"type": "linear", "target": "10"})),
        item("X2", "number", "50", json!({"type": "linear", "target": "10"})),
        item("L1", "number", "5", json!({"type": "deduct", "each": "1"})),
        item("G1", "number", "5", json!({"type": "bonus", "each": "1"})),
    ]);
    scheme.tie_break = codes.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(scheme.errors(), []);
    scheme
}

/// Park `n` with these numbers at `X1` and `X2`.
fn with(scheme: &Scheme, n: u128, first: &str, second: &str) -> Entrant {
    let items: Vec<&Item> = scheme.items().collect();
    entrant(n).filing(items[0], json!(first)).filing(items[1], json!(second))
}

#[test]
fn equals_share_a_rank_and_the_next_one_is_counted_on() {
    let scheme = with_tie_break(&[]);
    let cohort = [
        with(&scheme, 4, "1", "1"),
        with(&scheme, 3, "5", "5"),
        with(&scheme, 1, "10", "9"),
        with(&scheme, 2, "4", "6"),
    ];
    let ranks = score(&scheme, &cohort).ranks();
    assert_eq!(ranks, [(Some(1), park(1)), (Some(2), park(2)), (Some(2), park(3)), (Some(4), park(4))]);
}

#[test]
fn an_item_tells_equal_totals_apart_by_points_then_by_the_number_behind_them() {
    let scheme = with_tie_break(&["X2"]);
    let cohort = [with(&scheme, 1, "6", "4"), with(&scheme, 2, "4", "6")];
    assert_eq!(score(&scheme, &cohort).ranks(), [(Some(1), park(2)), (Some(2), park(1))]);
    let cohort = [with(&scheme, 1, "6", "30"), with(&scheme, 2, "6", "31")];
    assert_eq!(score(&scheme, &cohort).ranks(), [(Some(1), park(2)), (Some(2), park(1))]);
}

#[test]
fn of_a_deduction_less_is_better() {
    let scheme = with_tie_break(&["L1"]);
    let item = |code| scheme.item(code).unwrap();
    let cohort = [
        with(&scheme, 1, "6", "4").filing(item("L1"), json!("2")).filing(item("G1"), json!("2")),
        with(&scheme, 2, "6", "4").filing(item("L1"), json!("0")),
    ];
    let outcome = score(&scheme, &cohort);
    assert_eq!(outcome.rows[0].total, outcome.rows[1].total);
    assert_eq!(outcome.ranks(), [(Some(1), park(2)), (Some(2), park(1))]);
}

#[test]
fn whoever_filed_earlier_stands_before_and_who_never_filed_behind() {
    let scheme = with_tie_break(&["X", "lastFiledAt"]);
    let filed = |n, time: &str| Entrant { last_filed_at: Some(at(time)), ..with(&scheme, n, "5", "5") };
    let cohort = [
        with(&scheme, 1, "5", "5"),
        filed(2, "2026-03-20T09:30:00Z"),
        filed(3, "2026-03-01T00:00:00Z"),
        filed(4, "2026-03-20T09:30:00Z"),
    ];
    let ranks = score(&scheme, &cohort).ranks();
    assert_eq!(ranks, [(Some(1), park(3)), (Some(2), park(2)), (Some(2), park(4)), (Some(4), park(1))]);
}

#[test]
fn an_empty_cohort_has_no_rows() {
    assert_eq!(score(&sample::scheme(), &[]).rows, []);
}
