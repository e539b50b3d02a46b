//! Who may act on a submission: claims, their lapse, own submissions, staff only.

use super::*;

const DAY: i64 = 24 * 60;

/// Submitted, and claimed by reviewer 1 at minute 10.
fn held() -> Vec<Event> {
    [history(State::Submitted), vec![claimed(1, 10)]].concat()
}

/// What only a reviewer does.
fn judging() -> [Command; 5] {
    [ReviewCommand::Claim, ReviewCommand::Release, approve(), give_back(), reject()]
}

#[test]
fn a_claimed_review_is_closed_to_every_other_reviewer() {
    for command in judging() {
        let refused = outcome(&held(), &reviewer(2), &command);
        assert_eq!(refused, Err(ReviewError::ClaimedByOther), "{command:?}");
    }
}

#[test]
fn its_holder_claims_again_without_effect_releases_and_decides() {
    let told = judging().map(|command| told(outcome(&held(), &reviewer(1), &command)));
    assert_eq!(told, ["-", "Released", "Approved", "Returned", "Rejected"]);
}

#[test]
fn the_submitter_may_withdraw_what_is_claimed() {
    let withdrawn = vec![ReviewEvent::Withdrawn {}];
    assert_eq!(outcome(&held(), &person(1), &ReviewCommand::Withdraw), Ok(withdrawn));
}

#[test]
fn a_claim_lapses_after_twenty_four_hours() {
    let claim = ReviewCommand::Claim;
    let last_minute = 10 + DAY - 1;
    assert_eq!(outcome_at(&held(), &reviewer(2), &claim, last_minute), Err(ReviewError::ClaimedByOther));
    assert_eq!(outcome_at(&held(), &reviewer(1), &claim, last_minute), Ok(vec![]));
    for n in [1, 2] {
        let again = outcome_at(&held(), &reviewer(n), &claim, 10 + DAY);
        assert_eq!(again, Ok(vec![claimed(n, 10 + DAY)]), "reviewer {n}");
    }
    assert_eq!(outcome_at(&held(), &reviewer(2), &approve(), 10 + DAY), Ok(vec![approved(1, 2)]));
}

#[test]
fn a_lapsed_claim_may_be_released_by_anybody() {
    let released = Ok(vec![ReviewEvent::Released {}]);
    assert_eq!(outcome_at(&held(), &reviewer(2), &ReviewCommand::Release, 10 + DAY), released);
}

#[test]
fn a_released_review_is_free() {
    let history = [held(), vec![ReviewEvent::Released {}]].concat();
    let told = judging().map(|command| told(outcome(&history, &reviewer(2), &command)));
    assert_eq!(told, ["Claimed", "-", "Approved", "Returned", "Rejected"]);
}

#[test]
fn a_review_can_be_decided_without_a_claim() {
    assert_eq!(outcome(&history(State::Submitted), &reviewer(2), &approve()), Ok(vec![approved(1, 2)]));
}

#[test]
fn every_end_of_a_submission_ends_its_claim() {
    for end in [approved(1, 1), returned(1, 1), rejected(1, 1), ReviewEvent::Withdrawn {}] {
        let history = [held(), vec![end]].concat();
        assert_eq!(fold(&history).holder, None);
    }
    let resubmitted = [held(), vec![returned(1, 1), submitted(2, "b", 30)]].concat();
    assert_eq!(
        outcome(&resubmitted, &reviewer(2), &ReviewCommand::Claim),
        Ok(vec![claimed(2, 60)]),
        "the next revision is claimed anew"
    );
}

#[test]
fn nobody_judges_their_own_submission() {
    let own = ReviewEvent::Submitted {
        revision: 1,
        content: "a".to_owned(),
        submitted_by: reviewer(1).to_string(),
        submitted_at: at(0),
        due_at: at(0) + DUE_AFTER,
        unchanged: false,
    };
    let history = [drafted("a"), own];
    for command in judging() {
        assert_eq!(outcome(&history, &reviewer(1), &command), Err(ReviewError::OwnSubmission), "{command:?}");
        assert!(outcome(&history, &reviewer(2), &command).is_ok(), "{command:?}");
    }
}

#[test]
fn only_staff_judges() {
    for by in [person(1), person(2), Actor::Visitor, crate::stories::PROCESS] {
        for command in judging() {
            let refused = outcome(&history(State::Submitted), &by, &command);
            assert_eq!(refused, Err(ReviewError::NotReviewer), "{by} {command:?}");
        }
    }
}
