//! The four parks of the sample scheme, filed, supplemented, verified and marked: their submissions give the ranking of
//! domain.md §5.

use super::*;
use crate::assessment_scheme::Evidence;
use crate::assessment_scheme::sample::{self, SamplePark};

/// What one park files and the authority makes of it.
fn submission(of: &SamplePark, n: u128) -> AssessmentSubmission {
    let scheme = std::sync::Arc::new(sample::scheme());
    let facts = || CycleFacts { park: park(n), scheme: scheme.clone(), ..facts() };
    let mut history: Events = Vec::new();
    let mut go = |by: &Actor, minutes: i64, act: SubmissionAct| {
        let decided = outcome_with(&history, by, minutes, facts(), act).unwrap();
        history.extend(decided);
    };
    let material: Vec<FileId> = of
        .values
        .values()
        .filter_map(|v| v.as_array())
        .flatten()
        .filter_map(|id| id.as_str()?.parse().ok())
        .collect();
    let member = || ParkFacts { files: material.iter().copied().chain([file(1)]).collect(), ..member() };
    let filed = |code: &str| is_filed_by_park(scheme.item(code).unwrap());
    let draft = |code: &str| DraftInput {
        pointer: String::new(),
        code: code.to_owned(),
        value: of.values[code].clone(),
        attachments: match scheme.item(code).unwrap().evidence {
            Evidence::Required => vec![file(1)],
            Evidence::None | Evidence::Optional => vec![],
        },
    };
    let drafts = of.values.keys().filter(|code| filed(code)).map(|code| draft(code)).collect();
    go(&person(1), FILING, SubmissionAct::SaveDrafts { park: member(), drafts });
    let in_time =
        of.values.keys().filter(|code| filed(code) && !of.supplements.contains(code)).cloned().collect();
    go(
        &person(1),
        FILING + i64::try_from(n).unwrap(),
        SubmissionAct::Submit { park: member(), codes: Some(in_time) },
    );
    go(&PROCESS, CLOSES, SubmissionAct::MarkOverdue);
    if !of.supplements.is_empty() {
        let act = SubmissionAct::Supplement {
            park: member(),
            codes: of.supplements.clone(),
            reason: WHY.to_owned(),
        };
        go(&person(1), LATE, act);
    }
    for (code, value) in of.values.iter().filter(|(code, _)| !scheme.item(code).unwrap().rule.is_marked()) {
        go(&assessor(1), OVER, verify(code, value.clone(), None));
    }
    for (code, marks) in &of.marks {
        for (expert, mark) in (11..).zip(marks) {
            go(&assessor(expert), OVER, score(code, &mark.to_string()));
        }
    }
    fold(&history)
}

#[test]
fn four_submissions_give_the_ranking_of_the_sample() {
    let scheme = sample::scheme();
    let cohort: Vec<Entrant> =
        sample::parks().iter().zip(1..).map(|(of, n)| submission(of, n).entrant(park(n), &scheme)).collect();
    let outcome = scoring::score(&scheme, &cohort);
    let table: Vec<String> = outcome
        .rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.rank.unwrap(), row.total, row.grade, row.supplements))
        .collect();
    assert_eq!(
        table,
        ["1 90.84 成效明显 0", "2 84.03 成效较好 1", "3 62.48 成效初显 1", "4 52.56 尚在起步 0"]
    );
}
