//! The park's side: drafts, 填报, 补填, what is overdue.

use rust_decimal::Decimal;

use super::*;

fn drafted(items: &[(&str, &str)]) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::Drafted {
        items: items
            .iter()
            .map(|(code, value)| DraftedItem {
                code: (*code).to_owned(),
                value: plain(value),
                attachments: if *code == "B1" { vec![file(1)] } else { vec![] },
            })
            .collect(),
        by: account(1),
    }
}

fn item(code: &str, revision: u32, value: &str) -> FiledItem {
    FiledItem {
        code: code.to_owned(),
        revision,
        value: plain(value),
        attachments: vec![],
        unchanged: false,
        swing: None,
    }
}

fn filing(minutes: i64, items: Vec<FiledItem>) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::Filed {
        kind: FilingKind::Initial,
        late: false,
        reason: None,
        items,
        by: account(1),
        at: at(minutes),
    }
}

fn supplementing(minutes: i64, late: bool, items: Vec<FiledItem>) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::Filed {
        kind: FilingKind::Supplementary,
        late,
        reason: Some(WHY.to_owned()),
        items,
        by: account(1),
        at: at(minutes),
    }
}

fn overdue(of: &[&str]) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::ItemsOverdue { codes: codes(of) }
}

#[test]
fn a_draft_begins_the_submission_and_names_only_what_changes() {
    let first = vec![begun(), drafted(&[("A1", "36")])];
    assert_eq!(outcome(&[], &person(1), FILING, save(&[("A1", json!("36"))])), Ok(first.clone()));
    assert_eq!(outcome(&first, &person(1), FILING, save(&[("A1", json!("36"))])), Ok(vec![]));
    assert_eq!(
        outcome(&first, &person(1), FILING, save(&[("A1", json!("36")), ("M1", json!("全年无事故"))])),
        Ok(vec![drafted(&[("M1", "全年无事故")])])
    );
    assert_eq!(outcome(&[], &person(1), FILING, save(&[])), Ok(vec![]), "nothing begins with nothing");
}

#[test]
fn two_members_work_at_once_and_the_last_one_to_save_an_item_has_it() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let history = then(&history, &person(2), FILING, save(&[("M1", json!("全年无事故"))]));
    let history = then(&history, &person(2), FILING, save(&[("A1", json!("37"))]));
    let state = state(&history);
    assert_eq!(state.items["A1"].draft.as_ref().unwrap().value, plain("37"));
    assert_eq!(state.items["M1"].draft.as_ref().unwrap().value, plain("全年无事故"));
}

#[test]
fn everything_wrong_with_drafts_is_said_at_once() {
    let draft = |pointer: &str, code: &str, value, attachments: &[u128]| DraftInput {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        value,
        attachments: attachments.iter().map(|n| file(*n)).collect(),
    };
    let act = SubmissionAct::SaveDrafts {
        park: member(),
        drafts: vec![
            draft("/items/0", "A1", json!({"wrong": "kind"}), &[]),
            draft("/items/1", "B1", json!("10.00"), &[1, 99]),
            draft("/items/2", "M1", json!("全年无事故"), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            draft("/items/3", "D3", json!([file(1).to_string(), file(99).to_string(), "x"]), &[]),
        ],
    };
    let wrong = wrong(&outcome(&[], &person(1), FILING, act).unwrap_err());
    for expected in ["/items/1/attachments/1 file.not_found", "/items/2/attachments evidence.unwanted"] {
        assert!(wrong.iter().any(|found| found == expected), "{wrong:?}");
    }
    for pointer in ["/items/0/value", "/items/3/value"] {
        assert!(wrong.iter().any(|found| found.starts_with(pointer)), "{wrong:?}");
    }
}

#[test]
fn files_are_kept_once_and_only_those_of_the_park() {
    let act = |files: &[u128]| SubmissionAct::SaveDrafts {
        park: member(),
        drafts: vec![DraftInput {
            pointer: String::new(),
            code: "B1".to_owned(),
            value: json!("10.00"),
            attachments: files.iter().map(|n| file(*n)).collect(),
        }],
    };
    let kept = outcome(&[], &person(1), FILING, act(&[2, 1, 2])).unwrap();
    let state: AssessmentSubmission = fold(&kept);
    assert_eq!(state.items["B1"].draft.as_ref().unwrap().attachments, [file(2), file(1)]);
    let refused = outcome(&[], &person(1), FILING, act(&[99])).unwrap_err();
    assert_eq!(wrong(&refused), ["/attachments/0 file.not_found"]);
    let material = json!([file(3).to_string()]);
    assert!(outcome(&[], &person(1), FILING, save(&[("D3", material)])).is_ok());
    let strange = json!([file(99).to_string()]);
    let refused = outcome(&[], &person(1), FILING, save(&[("D3", strange)])).unwrap_err();
    assert_eq!(wrong(&refused), ["/value/0 file.not_found"]);
}

#[test]
fn parks_do_not_say_what_others_count() {
    for code in ["A2", "C4", "F", "V"] {
        for act in [save(&[(code, json!("1"))]), submit(&[code]), supplement(&[code])] {
            let refused = outcome(&[], &person(1), LATE, act).unwrap_err();
            assert_eq!(refused, AssessmentSubmissionError::NotFiledByPark(code.to_owned()));
        }
    }
}

#[test]
fn what_is_drafted_is_filed_together_and_once() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36")), ("M1", json!("全年无事故"))]));
    let both = filing(FILING + 1, vec![item("A1", 1, "36"), item("M1", 1, "全年无事故")]);
    assert_eq!(outcome(&history, &person(1), FILING + 1, submit_all()), Ok(vec![both.clone()]));
    assert_eq!(
        outcome(&history, &person(1), FILING + 1, submit(&["A1", "M1", "A1"])),
        Ok(vec![both.clone()])
    );
    let history = [history, vec![both]].concat();
    assert_eq!(outcome(&history, &person(1), FILING + 2, submit_all()), Ok(vec![]));
    assert_eq!(outcome(&history, &person(1), FILING + 2, submit(&["A1"])), Ok(vec![]));
    assert_eq!(outcome(&history, &person(1), LATE, submit(&["A1"])), Ok(vec![]), "a late repeat");
    assert!(state(&history).items.values().all(|item| item.draft.is_none()));
    assert_eq!(state(&history).last_filed_at, Some(at(FILING + 1)));
}

#[test]
fn a_filing_is_all_or_nothing() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let refused = outcome(&history, &person(1), FILING, submit(&["A1", "M1", "C1"])).unwrap_err();
    assert_eq!(
        wrong(&refused),
        ["/items/1 assessment_submission.nothing_drafted", "/items/2 assessment_submission.nothing_drafted"]
    );
    assert_eq!(
        outcome(&[], &person(1), FILING, submit_all()),
        Err(AssessmentSubmissionError::NothingDrafted)
    );
}

#[test]
fn evidence_that_is_required_is_attached_before_filing() {
    let bare = SubmissionAct::SaveDrafts {
        park: member(),
        drafts: vec![DraftInput {
            pointer: String::new(),
            code: "B1".to_owned(),
            value: json!("86250.40"),
            attachments: vec![],
        }],
    };
    let history = then(&[], &person(1), FILING, bare);
    let refused = outcome(&history, &person(1), FILING, submit(&["B1"])).unwrap_err();
    assert_eq!(wrong(&refused), ["/items/0 evidence.missing"]);
    let refused = outcome(&history, &person(1), FILING, submit_all()).unwrap_err();
    assert_eq!(wrong(&refused), ["/items/B1 evidence.missing"]);
    let history = then(&history, &person(1), FILING, save(&[("B1", json!("86250.40"))]));
    assert!(outcome(&history, &person(1), FILING, submit(&["B1"])).is_ok());
}

#[test]
fn a_filed_value_is_amended_until_the_window_closes() {
    let history = then(&filed(), &person(2), FILING + 5, save(&[("A1", json!("37"))]));
    assert_eq!(status(&history, "A1"), ItemStatus::Submitted, "the filed value stands meanwhile");
    let amended = outcome(&history, &person(1), CLOSES - 1, submit_all()).unwrap();
    assert_eq!(amended, [filing(CLOSES - 1, vec![item("A1", 2, "37")])]);
    let refused = outcome(&history, &person(1), CLOSES, submit_all()).unwrap_err();
    assert_eq!(refused.code(), "assessment_submission.window_closed");
    assert_eq!(refused.to_string(), "填报已于 2026-12-13 17:30 截止，可在 2026-12-20 17:30 前补填");
    let refused = outcome(&history, &person(1), CLOSES, submit(&["A1"])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "填报已于 2026-12-13 17:30 截止",
        "an item that is filed is not supplemented"
    );
}

#[test]
fn saving_what_is_filed_already_changes_nothing() {
    assert_eq!(outcome(&filed(), &person(1), FILING, save(&[("A1", json!("36"))])), Ok(vec![]));
    let history = then(&filed(), &person(1), FILING, save(&[("A1", json!("37"))]));
    let history = then(&history, &person(1), FILING, save(&[("A1", json!("36"))]));
    assert!(!state(&history).items["A1"].has_changes(), "changed, and changed back");
    assert_eq!(outcome(&history, &person(1), FILING, submit_all()), Ok(vec![]));
}

#[test]
fn filing_begins_with_its_window() {
    for act in acts_of_the_park() {
        let refused = outcome(&[], &person(1), OPENS - 1, act).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::NotOpenYet(at(OPENS)));
        assert_eq!(refused.to_string(), "填报将于 2026-11-24 09:00 开始");
    }
}

#[test]
fn what_was_never_filed_is_supplemented_in_the_late_window() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let refused = outcome(&history, &person(1), FILING, supplement(&["A1"])).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::NotToSupplement("A1".to_owned()));
    let refused = outcome(&history, &person(1), LATE, submit(&["A1"])).unwrap_err();
    assert_eq!(refused.code(), "assessment_submission.window_closed");
    let late = supplementing(LATE, true, vec![item("A1", 1, "36")]);
    assert_eq!(outcome(&history, &person(1), LATE, supplement(&["A1"])), Ok(vec![late.clone()]));
    let history = [history, vec![late]].concat();
    assert_eq!(outcome(&history, &person(1), OVER, supplement(&["A1"])), Ok(vec![]), "a repeat");
    assert_eq!(state(&history).supplements(), 1);
    let refused = outcome(&history, &person(1), LATE, save(&[("A1", json!("40"))])).unwrap_err();
    assert_eq!(refused.code(), "assessment_submission.window_closed", "late filings are not amended");
}

#[test]
fn after_the_late_window_nothing_is_filed_that_was_not_returned() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    for act in acts_of_the_park() {
        let refused = outcome(&history, &person(1), ENDS, act).unwrap_err();
        assert_eq!(refused.to_string(), "填报已于 2026-12-13 17:30 截止");
    }
}

#[test]
fn a_supplement_says_why() {
    let history = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let act = |codes: Vec<String>, reason: &str| SubmissionAct::Supplement {
        park: member(),
        codes,
        reason: reason.to_owned(),
    };
    let refused = outcome(&history, &person(1), LATE, act(vec![], "忘了")).unwrap_err();
    assert_eq!(wrong(&refused), ["/items assessment_submission.nothing_chosen", "/reason text.too_short"]);
    for (reason, code) in [("九个字的补填原因呀", "text.too_short"), (&*"因".repeat(501), "text.too_long")]
    {
        let refused = outcome(&history, &person(1), LATE, act(codes(&["A1"]), reason)).unwrap_err();
        assert_eq!(wrong(&refused), [format!("/reason {code}")]);
    }
    assert!(outcome(&history, &person(1), LATE, act(codes(&["A1"]), "十个字的补填原因在此")).is_ok());
}

#[test]
fn a_returned_item_is_supplemented_in_any_window() {
    for (minutes, late) in [(FILING + 30, false), (LATE, true), (OVER, true)] {
        let history = then(&filed(), &assessor(1), minutes, give_back("A1"));
        assert_eq!(status(&history, "A1"), ItemStatus::Returned);
        let history = then(&history, &person(1), minutes, save(&[("A1", json!("37"))]));
        let decided = outcome(&history, &person(1), minutes, supplement(&["A1"])).unwrap();
        assert_eq!(decided, [supplementing(minutes, late, vec![item("A1", 2, "37")])]);
        let history = [history, decided].concat();
        assert_eq!(status(&history, "A1"), ItemStatus::Supplemented);
    }
}

#[test]
fn a_returned_item_is_not_simply_filed_again() {
    let history = then(&filed(), &assessor(1), FILING, give_back("A1"));
    let refused = outcome(&history, &person(1), FILING, submit(&["A1"])).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::NeedsSupplement("A1".to_owned()));
    let history =
        then(&history, &person(1), FILING, save(&[("A1", json!("37")), ("M1", json!("全年无事故"))]));
    let decided = outcome(&history, &person(1), FILING, submit_all()).unwrap();
    assert_eq!(decided, [filing(FILING, vec![item("M1", 1, "全年无事故")])], "only what is not returned");
}

#[test]
fn an_item_filed_again_as_it_was_is_flagged() {
    let unchanged = FiledItem { unchanged: true, ..item("A1", 2, "36") };
    let expected = Ok(vec![supplementing(LATE + 5, true, vec![unchanged])]);
    assert_eq!(outcome(&returned(), &person(1), LATE + 5, supplement(&["A1"])), expected);
    let saved = then(&returned(), &person(1), LATE + 5, save(&[("A1", json!("36"))]));
    assert_eq!(outcome(&saved, &person(1), LATE + 5, supplement(&["A1"])), expected);
}

#[test]
fn a_supplement_is_counted_for_ever_and_once_per_item() {
    let again = then(&supplemented(), &assessor(1), OVER, give_back("A1"));
    let again = then(&again, &person(1), OVER + 1, supplement(&["A1"]));
    assert_eq!(state(&again).supplements(), 1);
    // Returned and supplemented while the window is open, then amended: the mark stays.
    let history = then(&filed(), &assessor(1), FILING, give_back("A1"));
    let history = then(&history, &person(1), FILING, supplement(&["A1"]));
    let history = then(&history, &person(1), FILING, save(&[("A1", json!("38"))]));
    let history = then(&history, &person(1), FILING, submit(&["A1"]));
    assert_eq!(status(&history, "A1"), ItemStatus::Submitted);
    assert_eq!(state(&history).supplements(), 1);
}

#[test]
fn what_is_judged_is_not_amended_unless_it_is_returned() {
    let verified = then(&filed(), &assessor(1), FILING, verify("A1", json!("36"), None));
    let text = then(&filed(), &person(1), FILING, save(&[("M1", json!("全年无事故"))]));
    let text = then(&text, &person(1), FILING, submit_all());
    let scored = then(&text, &assessor(1), FILING, score("M1", "8"));
    for (history, code) in [(verified, "A1"), (scored, "M1")] {
        let change = || save(&[(code, json!("37"))]);
        let refused = outcome(&history, &person(1), FILING, change()).unwrap_err();
        let closed =
            AssessmentSubmissionError::ItemClosed { code: code.to_owned(), status: ItemStatus::Verified };
        assert_eq!(refused, closed);
        let back = then(&history, &assessor(1), FILING, give_back(code));
        assert!(outcome(&back, &person(1), FILING, change()).is_ok());
    }
}

#[test]
fn an_extended_park_files_while_others_supplement() {
    let extension = AssessmentCycleEvent::Extended {
        parks: vec![park(1)],
        until: at(ENDS + DAY),
        reason: REASON.to_owned(),
        at: at(LATE),
    };
    let extended: AssessmentCycle = fold(&[open_cycle(), vec![extension]].concat());
    let facts = || CycleFacts::of(&extended, park(1), false).unwrap();
    let history = then(&[], &PROCESS, LATE, SubmissionAct::MarkOverdue);
    let draft = outcome_with(&history, &person(1), OVER, facts(), save(&[("A1", json!("36"))])).unwrap();
    let history = [history, draft].concat();
    let decided = outcome_with(&history, &person(1), OVER, facts(), submit_all()).unwrap();
    assert_eq!(decided, [filing(OVER, vec![item("A1", 1, "36")])], "neither late nor a supplement");
    assert_eq!(state(&[history, decided].concat()).supplements(), 0);
}

#[test]
fn what_is_expected_and_not_filed_is_overdue_once() {
    let mark = || SubmissionAct::MarkOverdue;
    let all = overdue(&["A1", "B1", "C1", "M1", "D3"]);
    assert_eq!(outcome(&[], &PROCESS, CLOSES, mark()), Ok(vec![begun(), all.clone()]));
    assert_eq!(outcome(&[begun(), all], &PROCESS, OVER, mark()), Ok(vec![]));
    let rest = overdue(&["B1", "C1", "M1", "D3"]);
    assert_eq!(outcome(&filed(), &PROCESS, CLOSES, mark()), Ok(vec![rest.clone()]));
    assert_eq!(outcome(&[filed(), vec![rest]].concat(), &PROCESS, CLOSES, mark()), Ok(vec![]));
    for minutes in [0, FILING, CLOSES - 1] {
        assert_eq!(outcome(&[], &PROCESS, minutes, mark()), Err(AssessmentSubmissionError::NotDue));
    }
    assert_eq!(outcome(&locked(), &PROCESS, OVER, mark()), Ok(vec![]), "nothing is overdue when all is over");
    assert_eq!(status(&returned(), "A1"), ItemStatus::Returned, "a returned item is not overdue");
}

#[test]
fn a_supplement_ends_the_overdue() {
    let history = then(&[], &PROCESS, LATE, SubmissionAct::MarkOverdue);
    assert_eq!(status(&history, "A1"), ItemStatus::Overdue);
    let history = then(&history, &person(1), LATE, save(&[("A1", json!("36"))]));
    assert_eq!(status(&history, "A1"), ItemStatus::Overdue, "a draft is not a filing");
    let history = then(&history, &person(1), LATE, supplement(&["A1"]));
    assert_eq!(status(&history, "A1"), ItemStatus::Supplemented);
    assert_eq!(outcome(&history, &PROCESS, OVER, SubmissionAct::MarkOverdue), Ok(vec![]));
}

#[test]
fn a_swing_of_more_than_half_is_noted() {
    let swing_of = |previous: &str, value: &str| {
        let park = ParkFacts { previous: [("A1".to_owned(), plain(previous))].into(), ..member() };
        let history = then(&[], &person(1), FILING, save(&[("A1", json!(value))]));
        let act = SubmissionAct::Submit { park, codes: None };
        match &outcome(&history, &person(1), FILING, act).unwrap()[..] {
            [AssessmentSubmissionEvent::Filed { items, .. }] => items[0].swing,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(swing_of("24", "36"), None, "exactly half is not more than half");
    let up = swing_of("23", "36").unwrap();
    assert_eq!((up.previous, up.percent.to_string()), (Decimal::from(23), "56.52".to_owned()));
    assert_eq!(swing_of("90", "36").unwrap().percent.to_string(), "-60.00");
    assert_eq!(swing_of("0", "36"), None, "from nothing there is no percentage");
    assert_eq!(swing_of("nonsense", "36"), None);
}
