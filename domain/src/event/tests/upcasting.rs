//! Lifting old versions, by a made-up chain; the real one has no step yet.

use super::super::upcast::lift;
use super::*;

/// 1 → 2 gives the count a unit, 2 → 3 puts it into an object.
const CHAIN: &[Upcaster] = &[
    Upcaster { event_type: "BasketFilled", from: 2, up: into_object },
    Upcaster { event_type: "BasketFilled", from: 1, up: with_unit },
    Upcaster { event_type: "BasketEmptied", from: 1, up: |_| json!("never for BasketFilled") },
];

fn with_unit(mut payload: Value) -> Value {
    payload["unit"] = "piece".into();
    payload
}

fn into_object(payload: Value) -> Value {
    Value::from_iter([("amount", payload)])
}

/// The payload as version 1 stored it.
fn first() -> Value {
    json!({"count": 3})
}

fn refused(upcasters: &[Upcaster], version: &str) -> bool {
    let lifted = lift(upcasters, "BasketFilled", version, first());
    match lifted {
        Ok(_) => false,
        Err(DecodeError::UnknownVersion { event_type, version: told }) => {
            assert_eq!((event_type.as_str(), told.as_str()), ("BasketFilled", version));
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn an_old_event_takes_every_step_in_order() {
    let lifted = lift(CHAIN, "BasketFilled", "1", first()).unwrap();
    assert_eq!(lifted, json!({"amount": {"count": 3, "unit": "piece"}}));
}

#[test]
fn a_younger_event_takes_only_the_steps_after_it() {
    let second = json!({"count": 3, "unit": "box"});
    let lifted = lift(CHAIN, "BasketFilled", "2", second.clone()).unwrap();
    assert_eq!(lifted, json!({"amount": second}));
}

#[test]
fn an_event_of_today_is_left_as_it_is() {
    let third = json!({"amount": {"count": 3, "unit": "box"}});
    assert_eq!(lift(CHAIN, "BasketFilled", "3", third.clone()).unwrap(), third);
    assert_eq!(lift(CHAIN, "BasketWeighed", "1", first()).unwrap(), first());
    assert_eq!(lift(&[], "BasketFilled", "1", first()).unwrap(), first());
}

#[test]
fn a_newer_event_than_any_known_is_refused() {
    assert!(refused(CHAIN, "4"));
    assert!(refused(&[], "2"));
}

#[test]
fn a_missing_step_is_refused_and_not_jumped_over() {
    let gap = [
        Upcaster { event_type: "BasketFilled", from: 1, up: with_unit },
        Upcaster { event_type: "BasketFilled", from: 3, up: into_object },
    ];
    assert!(refused(&gap, "1"));
    assert!(refused(&gap, "2"));
    assert!(!refused(&gap, "3"));
    assert!(!refused(&gap, "4"));
}

#[test]
fn a_version_that_nobody_ever_wrote_is_refused() {
    for version in
        ["", "0", "00", "01", "+1", "-1", "1.0", "1.0.0", "v1", " 1", "1 ", "一", "4294967296", "NaN"]
    {
        assert!(refused(CHAIN, version), "{version}");
        assert!(refused(&[], version), "{version}");
    }
}

#[test]
fn the_real_chain_has_every_step_once() {
    let mut steps: Vec<(&str, u32)> = UPCASTERS.iter().map(|step| (step.event_type, step.from)).collect();
    steps.sort_unstable();
    for (index, (event_type, from)) in steps.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| steps[index]).filter(|(name, _)| name == event_type);
        assert_eq!(*from, before.map_or(1, |(_, before)| before + 1), "{event_type}");
    }
    let known: BTreeSet<String> = all_event_types().into_values().flatten().collect();
    assert!(steps.iter().all(|(event_type, _)| known.contains(*event_type)));
}

#[test]
fn every_event_is_written_in_the_version_its_upcasters_lead_to() {
    for sample in samples() {
        let row = stored(&sample.event);
        let steps = UPCASTERS.iter().filter(|step| step.event_type == text(&row, "event_type")).count();
        assert_eq!(text(&row, "event_version"), (steps + 1).to_string());
    }
}
