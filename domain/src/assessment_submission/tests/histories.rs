//! Properties of random histories: what must hold whatever happened before.

use proptest::prelude::*;

use super::*;

fn any_code() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A1", "A2", "M1", "C4", "D3"])
}

fn any_act() -> impl Strategy<Value = SubmissionAct> {
    prop_oneof![
        6 => (any_code(), 0..5_u32).prop_map(|(code, n)| match code {
            "D3" => save(&[(code, json!([file(3).to_string()]))]),
            _ => save(&[(code, json!(n.to_string()))]),
        }),
        4 => any_code().prop_map(|code| submit(&[code])),
        2 => Just(submit_all()),
        4 => any_code().prop_map(|code| supplement(&[code])),
        2 => any_code().prop_map(claim),
        1 => any_code().prop_map(release),
        3 => (any_code(), 0..5_u32).prop_map(|(code, n)| verify(code, json!(n.to_string()), Some(REASON))),
        3 => (any_code(), 0..5_u32).prop_map(|(code, n)| score(code, &n.to_string())),
        1 => any_code().prop_map(recuse),
        4 => any_code().prop_map(give_back),
        1 => Just(SubmissionAct::MarkOverdue),
        1 => (any_code(), 1..4_u128).prop_map(|(code, n)| match code {
            "A1" | "A2" => adjust(n, &[(code, Adjusted::Value(plain("3")))]),
            _ => adjust(n, &[(code, Adjusted::Score(3.into()))]),
        }),
    ]
}

proptest! {
    #[test]
    fn the_invariants_hold_and_a_replay_gives_the_same_state(
        acts in prop::collection::vec((0..2 * DAY, 1..4_u128, any_act()), 0..60),
    ) {
        let mut history = Vec::new();
        let mut state = AssessmentSubmission::default();
        let mut minute = OPENS;
        for (pause, who, act) in acts {
            minute += pause;
            let by = if is_of_the_park(&act) { person(who) } else { assessor(who) };
            let issued = issued(&by, minute, AssessmentSubmissionCommand { cycle: facts(), act });
            let before = state.clone();
            let decided = state.decide(&issued).unwrap_or_default();
            prop_assert_eq!(&state, &before, "deciding changed the state");
            for event in decided {
                state.apply(event.clone());
                history.push(event);
            }
            let again = state.decide(&issued).unwrap_or_default();
            prop_assert_eq!(again, vec![], "done twice");
            prop_assert!(state.supplements() >= before.supplements());
            for (code, item) in &state.items {
                let known = before.items.get(code);
                let revision = |item: &ItemState| item.filed.as_ref().map_or(0, |filed| filed.revision);
                let step = revision(item) - known.map_or(0, revision);
                prop_assert!(step <= 1, "a revision was skipped or lost");
                prop_assert!(known.is_none_or(|known| known.judges.is_subset(&item.judges)));
                prop_assert!(item.returned.is_none() || item.filed.is_some());
                prop_assert!(item.returned.is_none() || item.counting_value().is_none());
                prop_assert!(!item.overdue || item.filed.is_none());
                let markers: BTreeSet<StaffId> = item.scores.iter().map(|given| given.by).collect();
                prop_assert_eq!(markers.len(), item.scores.len(), "two marks of one person");
                prop_assert!(markers.is_disjoint(&item.recused));
            }
        }
        let stored: Events = serde_json::from_value(serde_json::to_value(&history).unwrap()).unwrap();
        prop_assert_eq!(fold::<AssessmentSubmission>(&stored), state);
    }
}
