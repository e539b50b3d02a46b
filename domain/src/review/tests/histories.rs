//! Properties of random histories: replay, purity, and what must hold whatever happened before.

use proptest::prelude::*;

use super::*;

fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        (1..3_u128).prop_map(person),
        (1..4_u128).prop_map(reviewer),
        Just(Actor::Visitor),
        Just(crate::stories::PROCESS),
    ]
}

fn any_note() -> impl Strategy<Value = FieldNote> {
    ("/?[a-c]{0,1}", "[字\u{200B} ]{0,3}").prop_map(|(pointer, note)| FieldNote { pointer, note })
}

fn any_command() -> impl Strategy<Value = Command> {
    let reason =
        || prop_oneof![Just(REASON.to_owned()), Just("另一个理由呢".to_owned()), Just("短".to_owned())];
    prop_oneof![
        3 => "[ab]".prop_map(ReviewCommand::Draft),
        3 => Just(ReviewCommand::Submit),
        1 => Just(ReviewCommand::Withdraw),
        2 => Just(ReviewCommand::Claim),
        1 => Just(ReviewCommand::Release),
        1 => prop::option::of("[好 ]{0,2}").prop_map(|comment| ReviewCommand::Approve { comment }),
        2 => (reason(), prop::collection::vec(any_note(), 0..3))
            .prop_map(|(reason, fields)| ReviewCommand::Return { reason, fields }),
        1 => reason().prop_map(|reason| ReviewCommand::Reject { reason }),
    ]
}

fn any_steps() -> impl Strategy<Value = Vec<(i64, Actor, Command)>> {
    prop::collection::vec((0..600_i64, any_actor(), any_command()), 0..80)
}

/// Whatever happened: revisions are numbered without gaps, only the last may be pending, decided ones are not judged by
/// their submitter, and only what is pending is held.
fn assert_invariants(review: &Review<String>) {
    for (index, revision) in review.revisions.iter().enumerate() {
        assert_eq!(usize::try_from(revision.number).unwrap(), index + 1);
        let judge = revision.decision.as_ref().map(|decision| match decision {
            Decision::Approved { reviewer, .. }
            | Decision::Returned { reviewer, .. }
            | Decision::Rejected { reviewer, .. } => reviewer,
        });
        assert_ne!(judge.map(|judge| format!("staff:{judge}")), Some(revision.submitted_by.clone()));
    }
    if review.state == State::Submitted {
        let last = review.revisions.last().unwrap();
        assert_eq!(last.decision, None);
        assert_eq!(review.draft.as_ref(), Some(&last.content));
    } else {
        assert_eq!(review.holder, None);
    }
    assert_eq!(review.state == State::None, review.draft.is_none());
}

proptest! {
    #[test]
    fn a_replay_gives_the_same_state_and_deciding_changes_nothing(steps in any_steps(), repeating in any::<bool>()) {
        let lifecycle = if repeating { Lifecycle::Repeating } else { Lifecycle::Once };
        let mut review = Review::<String>::default();
        let mut history: Vec<Event> = Vec::new();
        let mut minute = 0;
        for (pause, by, command) in steps {
            minute += pause;
            let before = review.clone();
            let decided = review.decide(&command, &by, at(minute), lifecycle);
            prop_assert_eq!(&review, &before, "deciding changed the state");
            let Ok(events) = decided else { continue };
            for event in events {
                review.apply(event.clone());
                history.push(event);
            }
            assert_invariants(&review);
            for (old, now) in before.revisions.iter().zip(&review.revisions) {
                prop_assert_eq!(&old.content, &now.content);
                prop_assert!(old.decision.is_none() || old.decision == now.decision);
            }
        }
        let stored: Vec<Event> = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
        prop_assert_eq!(&stored, &history);
        prop_assert_eq!(fold(&stored), review);
    }

    #[test]
    fn a_command_repeated_at_once_changes_nothing_more(steps in any_steps(), repeating in any::<bool>()) {
        let lifecycle = if repeating { Lifecycle::Repeating } else { Lifecycle::Once };
        let mut review = Review::<String>::default();
        let mut minute = 0;
        for (pause, by, command) in steps {
            minute += pause;
            let Ok(events) = review.decide(&command, &by, at(minute), lifecycle) else { continue };
            for event in events {
                review.apply(event);
            }
            let again = review.decide(&command, &by, at(minute), lifecycle);
            prop_assert_eq!(again, Ok(vec![]), "{:?}", command);
        }
    }
}
