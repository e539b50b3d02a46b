//! A thousand items: an event names each item it changes once, and no other.

use super::*;

#[test]
fn a_thousand_items_are_one_event_that_names_each_once() {
    let many: Vec<String> = (0..1_000).map(|n| format!("I{n}")).collect();
    let mut scheme = scheme();
    let template = scheme.item("A1").unwrap().clone();
    scheme.dimensions[0].items =
        many.iter().map(|code| Item { code: code.clone(), ..template.clone() }).collect();
    let facts = || CycleFacts { scheme: std::sync::Arc::new(scheme.clone()), ..facts() };
    let drafts: Vec<(&str, serde_json::Value)> =
        many.iter().map(|code| (code.as_str(), json!("36"))).collect();
    let saved = outcome_with(&[], &person(1), FILING, facts(), save(&drafts)).unwrap();
    assert_eq!(saved.len(), 2);
    let filed = outcome_with(&saved, &person(1), FILING, facts(), submit_all()).unwrap();
    assert_eq!(filed.len(), 1);
    let one_more = save(&[("I7", json!("37"))]);
    let history = [saved, filed].concat();
    let changed = outcome_with(&history, &person(1), FILING, facts(), one_more).unwrap();
    assert!(matches!(&changed[..], [AssessmentSubmissionEvent::Drafted { items, .. }] if items.len() == 1));
}
