//! The authority's side: claims, verification, marks, recusal, returns; adjustments after objections.

use super::*;

fn verified(code: &str, value: &str, reason: Option<&str>, n: u128) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::ItemVerified {
        code: code.to_owned(),
        value: plain(value),
        reason: reason.map(str::to_owned),
        by: staff_id(n),
        at: at(LATE),
    }
}

fn scored(code: &str, score: &str, expert: bool, n: u128) -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::ItemScored {
        code: code.to_owned(),
        score: score.parse().unwrap(),
        comment: None,
        expert,
        by: staff_id(n),
        at: at(LATE),
    }
}

fn judged(history: &[AssessmentSubmissionEvent], n: u128, act: SubmissionAct) -> Outcome {
    outcome(history, &assessor(n), LATE, act)
}

fn scores(history: &[AssessmentSubmissionEvent], code: &str) -> Vec<(StaffId, String)> {
    state(history).items[code].scores.iter().map(|given| (given.by, given.score.to_string())).collect()
}

#[test]
fn the_filed_value_is_adopted_or_another_one_with_a_reason() {
    assert_eq!(judged(&filed(), 1, verify("A1", json!("36"), None)), Ok(vec![verified("A1", "36", None, 1)]));
    assert_eq!(
        judged(&filed(), 1, verify("A1", json!("30"), Some(REASON))),
        Ok(vec![verified("A1", "30", Some(REASON), 1)])
    );
    for reason in [None, Some(" ")] {
        let refused = judged(&filed(), 1, verify("A1", json!("30"), reason)).unwrap_err();
        assert_eq!(wrong(&refused), ["/reason assessment_submission.reason_required"]);
    }
    let refused = judged(&filed(), 1, verify("A1", json!("30"), Some("错"))).unwrap_err();
    assert_eq!(wrong(&refused), ["/reason text.too_short"]);
    let refused = judged(&filed(), 1, verify("A1", json!({"a": {}}), None)).unwrap_err();
    assert!(wrong(&refused)[0].starts_with("/adoptedValue"), "{refused:?}");
}

#[test]
fn filed_and_adopted_value_stand_side_by_side() {
    let history = [filed(), vec![verified("A1", "30", Some(REASON), 1)]].concat();
    let item = &state(&history).items["A1"];
    assert_eq!(item.filed.as_ref().unwrap().entry.value, plain("36"));
    assert_eq!(item.adopted.as_ref().unwrap().value, plain("30"));
    assert_eq!(judged(&history, 1, verify("A1", json!("30"), Some(REASON))), Ok(vec![]), "a repeat");
    assert_eq!(
        judged(&history, 2, verify("A1", json!("36"), None)),
        Ok(vec![verified("A1", "36", None, 2)]),
        "another look is another adoption"
    );
}

#[test]
fn what_others_count_is_adopted_without_being_filed() {
    let counted = judged(&[], 1, verify("A2", json!("11"), None));
    assert_eq!(counted, Ok(vec![begun(), verified("A2", "11", None, 1)]));
    let history = counted.unwrap();
    assert_eq!(judged(&history, 1, verify("A2", json!("11"), None)), Ok(vec![]));
    assert!(judged(&history, 1, verify("V", json!(true), None)).is_ok());
    let refused = judged(&[], 1, verify("A1", json!("36"), None)).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::NotFiled("A1".to_owned()));
    let drafted = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    assert!(judged(&drafted, 1, verify("A1", json!("36"), None)).is_err(), "a draft is nobody's to judge");
}

#[test]
fn marked_items_are_marked_and_others_are_not() {
    for code in ["M1", "C4", "D3"] {
        let refused = judged(&[], 1, verify(code, json!("5"), None)).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::Marked(code.to_owned()));
    }
    for code in ["A1", "A2", "E", "V"] {
        let refused = judged(&[], 1, score(code, "5")).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::NotMarked(code.to_owned()));
    }
}

#[test]
fn a_manual_item_has_one_mark_the_last_one() {
    let first = judged(&[], 1, score("M1", "8"));
    assert_eq!(first, Ok(vec![begun(), scored("M1", "8", false, 1)]));
    let history = first.unwrap();
    assert_eq!(judged(&history, 1, score("M1", "8.00")), Ok(vec![]), "a repeat");
    let history = [history.clone(), judged(&history, 2, score("M1", "7.5")).unwrap()].concat();
    assert_eq!(scores(&history, "M1"), [(staff_id(2), "7.5".to_owned())]);
}

#[test]
fn every_expert_has_one_mark() {
    let mut history = vec![];
    for (n, mark) in [(1, "4.5"), (2, "4.2"), (3, "4.6"), (1, "4.8")] {
        history = then(&history, &assessor(n), LATE, score("C4", mark));
    }
    assert_eq!(
        scores(&history, "C4"),
        [(staff_id(2), "4.2".to_owned()), (staff_id(3), "4.6".to_owned()), (staff_id(1), "4.8".to_owned())]
    );
    assert_eq!(judged(&history, 3, score("C4", "4.60")), Ok(vec![]), "a repeat");
}

#[test]
fn a_mark_lies_between_nothing_and_the_most_with_two_places() {
    for (raw, code) in [
        ("10.01", "decimal.out_of_range"),
        ("-1", "decimal.out_of_range"),
        ("4.555", "decimal.too_precise"),
        ("四", "decimal.malformed"),
        ("", "decimal.malformed"),
    ] {
        let refused = judged(&[], 1, score("C4", raw)).unwrap_err();
        assert_eq!(wrong(&refused), [format!("/score {code}")], "{raw}");
    }
    for raw in ["0", "10", "10.00", "４.５"] {
        assert!(judged(&[], 1, score("C4", raw)).is_ok(), "{raw}");
    }
    let act = |comment: &str| SubmissionAct::Score {
        code: "C4".to_owned(),
        score: "4".to_owned(),
        comment: Some(comment.to_owned()),
    };
    let refused = judged(&[], 1, act(&"好".repeat(501))).unwrap_err();
    assert_eq!(wrong(&refused), ["/comment text.too_long"]);
    assert!(judged(&[], 1, act("材料完整")).is_ok());
}

#[test]
fn two_experts_far_apart_need_a_third() {
    let apart = |first: &str, second: &str| {
        let history = then(&[], &assessor(1), LATE, score("C4", first));
        let history = then(&history, &assessor(2), LATE, score("C4", second));
        (state(&history).items["C4"].needs_third_expert(10.into()), history)
    };
    assert!(!apart("4", "7").0, "thirty percent of ten is three");
    let (needed, history) = apart("7.01", "4");
    assert!(needed);
    let history = then(&history, &assessor(3), LATE, score("C4", "5"));
    assert!(!state(&history).items["C4"].needs_third_expert(10.into()), "there is one");
}

#[test]
fn a_recused_expert_does_not_judge_and_their_mark_is_void() {
    let event = AssessmentSubmissionEvent::ItemRecused {
        code: "C4".to_owned(),
        reason: REASON.to_owned(),
        by: staff_id(1),
    };
    assert_eq!(judged(&[], 1, recuse("C4")), Ok(vec![begun(), event.clone()]));
    let history = then(&[], &assessor(1), LATE, score("C4", "4"));
    let history = then(&history, &assessor(2), LATE, score("C4", "5"));
    let history = [history, vec![event]].concat();
    assert_eq!(scores(&history, "C4"), [(staff_id(2), "5".to_owned())]);
    assert_eq!(judged(&history, 1, recuse("C4")), Ok(vec![]));
    let refused = judged(&history, 1, score("C4", "4")).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::Recused("C4".to_owned()));
    assert!(judged(&history, 1, score("D3", "4")).is_ok(), "another item is another matter");
    for code in ["A1", "M1"] {
        let refused = judged(&history, 1, recuse(code)).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::NotMarked(code.to_owned()));
    }
    let silent = SubmissionAct::Recuse { code: "C4".to_owned(), reason: String::new() };
    assert_eq!(wrong(&judged(&[], 1, silent).unwrap_err()), ["/reason text.empty"]);
}

#[test]
fn a_filed_item_is_returned_once_with_a_reason() {
    let event = AssessmentSubmissionEvent::ItemReturned {
        code: "A1".to_owned(),
        revision: 1,
        reason: REASON.to_owned(),
        by: staff_id(1),
        at: at(LATE),
    };
    assert_eq!(judged(&filed(), 1, give_back("A1")), Ok(vec![event.clone()]));
    let history = [filed(), vec![event]].concat();
    assert_eq!(judged(&history, 2, give_back("A1")), Ok(vec![]));
    let other = SubmissionAct::Return { code: "A1".to_owned(), reason: "还有别的问题".to_owned() };
    let refused = judged(&history, 2, other).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::AlreadyReturned("A1".to_owned()));
    let silent = SubmissionAct::Return { code: "A1".to_owned(), reason: "退回".to_owned() };
    assert_eq!(wrong(&judged(&filed(), 1, silent).unwrap_err()), ["/reason text.too_short"]);
    for code in ["M1", "A2"] {
        let refused = judged(&filed(), 1, give_back(code)).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::NotFiled(code.to_owned()));
    }
    let history = then(&supplemented(), &assessor(1), OVER, give_back("A1"));
    assert_eq!(state(&history).items["A1"].returned.as_ref().unwrap().revision, 2);
}

#[test]
fn a_return_voids_what_was_judged() {
    let material = json!([file(3).to_string()]);
    let history = then(&[], &person(1), FILING, save(&[("D3", material)]));
    let history = then(&history, &person(1), FILING, submit_all());
    let history = then(&history, &assessor(1), LATE, score("D3", "10"));
    let history = then(&history, &assessor(2), LATE, give_back("D3"));
    assert_eq!(scores(&history, "D3"), []);
    let refused = judged(&history, 1, score("D3", "10")).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::AlreadyReturned("D3".to_owned()));
    let verified = then(&filed(), &assessor(1), LATE, verify("A1", json!("36"), None));
    let back = then(&verified, &assessor(2), LATE, give_back("A1"));
    assert_eq!(state(&back).items["A1"].adopted, None);
}

#[test]
fn a_value_can_be_adopted_for_a_returned_item_instead_of_waiting() {
    let history = then(&returned(), &assessor(2), OVER, verify("A1", json!("30"), Some(REASON)));
    assert_eq!(status(&history, "A1"), ItemStatus::Verified);
    assert_eq!(
        outcome(&history, &person(1), OVER, supplement(&["A1"])).unwrap_err().code(),
        "assessment_submission.item_closed"
    );
}

#[test]
fn a_claimed_item_is_checked_by_nobody_else_for_a_day() {
    let event =
        AssessmentSubmissionEvent::ItemClaimed { code: "A1".to_owned(), by: staff_id(1), since: at(LATE) };
    assert_eq!(judged(&filed(), 1, claim("A1")), Ok(vec![event.clone()]));
    let history = [filed(), vec![event]].concat();
    assert_eq!(judged(&history, 1, claim("A1")), Ok(vec![]));
    for act in [claim("A1"), release("A1"), verify("A1", json!("36"), None), give_back("A1")] {
        let refused = judged(&history, 2, act.clone()).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::ClaimedByOther("A1".to_owned()), "{act:?}");
        assert!(outcome(&history, &assessor(2), LATE + DAY, act).is_ok(), "a claim lapses");
    }
    assert!(judged(&history, 1, verify("A1", json!("36"), None)).is_ok());
    let released = AssessmentSubmissionEvent::ItemReleased { code: "A1".to_owned() };
    assert_eq!(judged(&history, 1, release("A1")), Ok(vec![released.clone()]));
    assert_eq!(judged(&[history, vec![released]].concat(), 1, release("A1")), Ok(vec![]));
    let refused = judged(&filed(), 1, claim("M1")).unwrap_err();
    assert_eq!(refused, AssessmentSubmissionError::NotFiled("M1".to_owned()));
}

#[test]
fn whoever_judged_an_item_is_remembered() {
    let mut history = then(&filed(), &assessor(1), LATE, verify("A1", json!("36"), None));
    history = then(&history, &assessor(2), LATE, give_back("A1"));
    history = then(&history, &person(1), LATE, supplement(&["A1"]));
    assert_eq!(state(&history).items["A1"].judges, BTreeSet::from([staff_id(1), staff_id(2)]));
    history = then(&history, &assessor(3), LATE, score("C4", "4"));
    history = then(&history, &assessor(3), LATE, recuse("C4"));
    assert_eq!(state(&history).items["C4"].judges, BTreeSet::from([staff_id(3)]), "also after the recusal");
}

#[test]
fn an_accepted_objection_adjusts_published_items_once() {
    let to = [("A1", Adjusted::Value(plain("39"))), ("C4", Adjusted::Score("4.5".parse().unwrap()))];
    let act = || adjust(1, &to);
    let decided = outcome_with(&filed(), &PROCESS, OVER, published(), act()).unwrap();
    let expected = AssessmentSubmissionEvent::ItemsAdjusted {
        objection: ObjectionId(uuid(0x901)),
        items: to
            .iter()
            .map(|(code, to)| AdjustedItem { code: (*code).to_owned(), to: to.clone() })
            .collect(),
        by: staff_id(9),
        at: at(OVER),
    };
    assert_eq!(decided, [expected]);
    let history = [filed(), decided].concat();
    assert_eq!(outcome_with(&history, &PROCESS, OVER, published(), act()), Ok(vec![]));
    let second = outcome_with(&history, &PROCESS, OVER, published(), adjust(2, &to[..1])).unwrap();
    assert_eq!(second.len(), 1, "another objection is another adjustment");
    let item = &state(&history).items["A1"];
    assert_eq!(item.adopted.as_ref().unwrap().objection, Some(ObjectionId(uuid(0x901))));
    assert_eq!(item.filed.as_ref().unwrap().entry.value, plain("36"));
    assert_eq!(outcome(&locked(), &PROCESS, OVER, act()), Err(AssessmentSubmissionError::Locked));
    let late = then(&history, &PROCESS, OVER, SubmissionAct::Lock);
    assert_eq!(outcome(&late, &PROCESS, OVER, act()), Ok(vec![]), "what is in stays a repeat");
}

#[test]
fn an_adjustment_is_a_value_or_a_mark_as_the_item_wants_it() {
    let scheme = scheme();
    let item = |code: &str| scheme.item(code).unwrap();
    assert_eq!(Adjusted::parse(item("A1"), &json!("39")), Ok(Adjusted::Value(plain("39"))));
    assert_eq!(Adjusted::parse(item("C4"), &json!("4.50")), Ok(Adjusted::Score("4.5".parse().unwrap())));
    for raw in [json!("10.5"), json!(4.5), json!({"score": "4"})] {
        assert!(Adjusted::parse(item("C4"), &raw).is_err(), "{raw}");
    }
}
