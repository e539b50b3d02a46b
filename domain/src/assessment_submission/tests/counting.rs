//! What of a submission is scored.

use super::*;

fn entrant(history: &[AssessmentSubmissionEvent]) -> Entrant {
    state(history).entrant(park(1), &scheme())
}

fn adopted(history: &[AssessmentSubmissionEvent], code: &str) -> Option<(Value, bool)> {
    let adopted = entrant(history).adopted.remove(code)?;
    Some((adopted.value, adopted.verified))
}

fn marks(history: &[AssessmentSubmissionEvent], code: &str) -> Vec<String> {
    entrant(history).marks.get(code).into_iter().flatten().map(ToString::to_string).collect()
}

#[test]
fn a_filed_value_counts_until_another_is_adopted() {
    assert_eq!(adopted(&[], "A1"), None);
    let drafted = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    assert_eq!(adopted(&drafted, "A1"), None, "a draft does not count");
    assert_eq!(adopted(&filed(), "A1"), Some((plain("36"), false)));
    let amending = then(&filed(), &person(1), FILING, save(&[("A1", json!("40"))]));
    assert_eq!(adopted(&amending, "A1"), Some((plain("36"), false)));
    let verified = then(&filed(), &assessor(1), LATE, verify("A1", json!("30"), Some(REASON)));
    assert_eq!(adopted(&verified, "A1"), Some((plain("30"), true)));
}

#[test]
fn a_returned_value_does_not_count_until_it_is_filed_again() {
    assert_eq!(adopted(&returned(), "A1"), None);
    assert_eq!(adopted(&supplemented(), "A1"), Some((plain("37"), false)));
    assert_eq!(entrant(&supplemented()).supplements, 1);
    assert_eq!(entrant(&supplemented()).last_filed_at, Some(at(LATE + 2)));
}

#[test]
fn marks_count_for_marked_items_only() {
    let mut history = vec![];
    for (n, mark) in [(1, "4.5"), (2, "4.2"), (3, "4.6")] {
        history = then(&history, &assessor(n), LATE, score("C4", mark));
    }
    history = then(&history, &assessor(1), LATE, score("M1", "8"));
    assert_eq!(marks(&history, "C4"), ["4.5", "4.2", "4.6"]);
    assert_eq!(marks(&history, "M1"), ["8"]);
    assert_eq!(marks(&history, "A1"), [""; 0]);
}

#[test]
fn an_adjusted_mark_counts_instead_of_all_others() {
    let four = || Adjusted::Score(4.into());
    let history = then(&[], &assessor(1), LATE, score("C4", "2"));
    let history = then(&history, &assessor(1), LATE, score("M1", "2"));
    let history = then(&history, &PROCESS, OVER, adjust(1, &[("C4", four()), ("M1", four())]));
    assert_eq!(marks(&history, "C4"), ["4", "4", "4"], "as many as the rule asks for");
    assert_eq!(marks(&history, "M1"), ["4"]);
}

#[test]
fn an_adjusted_value_counts_as_verified() {
    let history = then(&returned(), &PROCESS, OVER, adjust(1, &[("A1", Adjusted::Value(plain("33")))]));
    assert_eq!(adopted(&history, "A1"), Some((plain("33"), true)));
}

#[test]
fn an_adjusted_mark_is_the_mean_it_is_scored_with() {
    let four = || Adjusted::Score("4.25".parse().unwrap());
    let history = then(&filed(), &assessor(1), LATE, score("C4", "2"));
    let history = then(&history, &PROCESS, OVER, adjust(1, &[("C4", four())]));
    let outcome = scoring::score(&scheme(), &[entrant(&history)]);
    let points = |code: &str| {
        let leaf = outcome.rows[0].leaves.iter().find(|leaf| leaf.code == code).unwrap();
        leaf.points.to_string()
    };
    assert_eq!((points("C4"), points("A1"), points("B1")), ("4.25".into(), "27.00".into(), "0.00".into()));
}
