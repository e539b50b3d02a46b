//! The stored contract: what was ever written can be read, and every event there is has a committed sample.
//!
//! `samples/` holds one file per event type, version and sample. A file of a version that was ever released is never
//! changed or deleted; a changed one shows that the stored contract was broken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cqrs_es::DomainEvent;
use serde_json::json;
use strum::VariantNames;

use super::*;
use crate::stories::assert_plain;

mod samples;
mod upcasting;

use samples::{Sample, samples};

/// An event as it stands in the event table.
fn stored(event: &Event) -> Value {
    fn row<A: Aggregate>(event: &A::Event) -> Value {
        json!({
            "aggregate_type": A::TYPE,
            "event_type": event.event_type(),
            "event_version": event.event_version(),
            "payload": event,
        })
    }
    match event {
        Event::Account(event) => row::<Account>(event),
        Event::StaffAccount(event) => row::<StaffAccount>(event),
        Event::LegalStatement(event) => row::<LegalStatement>(event),
        Event::ProviderApplication(event) => row::<ProviderApplication>(event),
        Event::Park(event) => row::<Park>(event),
        Event::NewsArticle(event) => row::<NewsArticle>(event),
        Event::SettlementApplication(event) => row::<SettlementApplication>(event),
        Event::ManagedEnterprise(event) => row::<ManagedEnterprise>(event),
        Event::EnterpriseImport(event) => row::<EnterpriseImport>(event),
        Event::Operation(event) => row::<Operation>(event),
        Event::WorkingCalendar(event) => row::<WorkingCalendar>(event),
        Event::AssessmentCycle(event) => row::<AssessmentCycle>(event),
        Event::AssessmentSubmission(event) => row::<AssessmentSubmission>(event),
        Event::Ranking(event) => row::<Ranking>(event),
        Event::Objection(event) => row::<Objection>(event),
        Event::StoredFile(event) => row::<StoredFile>(event),
    }
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

fn decode_row(row: &Value) -> Result<Event, DecodeError> {
    decode(
        text(row, "aggregate_type"),
        text(row, "event_type"),
        text(row, "event_version"),
        row["payload"].clone(),
    )
}

/// `ParkStaffAdded-v1-full`: the name of a sample's file.
fn file_name(sample: &Sample) -> String {
    let row = stored(&sample.event);
    format!("{}-v{}-{}", text(&row, "event_type"), text(&row, "event_version"), sample.name)
}

/// Every committed sample by its name, of this version and of all before.
fn committed() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/event/samples");
    let mut rows = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "snap") {
            let content = std::fs::read_to_string(&path).unwrap();
            let (_, body) = content.trim_start_matches("---\n").split_once("\n---\n").unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            rows.insert(name, serde_json::from_str(body).unwrap());
        }
    }
    rows
}

/// The stored names of every event there is, by aggregate; a new aggregate is missed here.
fn all_event_types() -> BTreeMap<&'static str, BTreeSet<String>> {
    let all = names();
    assert_eq!(all.keys().copied().collect::<BTreeSet<_>>(), Event::VARIANTS.iter().copied().collect());
    all
}

/// Pointers of all fields of `payload` that decoding does not need.
fn spare_fields(row: &Value) -> Vec<String> {
    fn fields(value: &Value, at: &str, found: &mut Vec<String>) {
        if let Some(object) = value.as_object() {
            for (name, inner) in object {
                let pointer = format!("{at}/{name}");
                fields(inner, &pointer, found);
                found.push(pointer);
            }
        }
    }
    let mut all = Vec::new();
    fields(&row["payload"], "/payload", &mut all);
    all.retain(|pointer| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut without = row.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        decode_row(&without).is_ok()
    });
    all
}

#[test]
fn every_sample_is_committed_as_it_is_written_today() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("samples");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for sample in samples() {
            insta::assert_json_snapshot!(file_name(&sample), stored(&sample.event));
        }
    });
}

#[test]
fn every_committed_sample_still_decodes() {
    let committed = committed();
    assert!(committed.len() >= 45, "only {} samples found", committed.len());
    for (name, row) in &committed {
        let decoded = decode_row(row).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let again = stored(&decoded);
        assert_eq!(text(&again, "event_type"), text(row, "event_type"), "{name}");
        if again["event_version"] == row["event_version"] {
            assert_eq!(&again, row, "{name} is written otherwise than it was read");
        }
        let prefix = format!("{}-v{}-", text(row, "event_type"), text(row, "event_version"));
        assert!(name.starts_with(&prefix), "{name} holds another event than its name says");
    }
}

#[test]
fn every_event_there_is_has_a_full_sample() {
    let mut sampled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in samples().iter().filter(|sample| sample.name == "full") {
        let row = stored(&sample.event);
        sampled
            .entry(text(&row, "aggregate_type").to_owned())
            .or_default()
            .insert(text(&row, "event_type").to_owned());
    }
    let all: BTreeMap<String, BTreeSet<String>> =
        all_event_types().into_iter().map(|(aggregate, names)| (aggregate.to_owned(), names)).collect();
    assert_eq!(sampled, all);
}

#[test]
fn every_event_with_optional_fields_has_a_sample_without_any() {
    let rows: BTreeMap<String, Value> =
        samples().iter().map(|sample| (file_name(sample), stored(&sample.event))).collect();
    for (name, row) in &rows {
        let Some(event) = name.strip_suffix("-full") else { continue };
        if spare_fields(row).is_empty() {
            continue;
        }
        let minimal = rows.get(&format!("{event}-minimal"));
        let minimal =
            minimal.unwrap_or_else(|| panic!("{event} needs a minimal sample: {:?}", spare_fields(row)));
        assert_eq!(spare_fields(minimal), [""; 0], "{event}");
    }
}

#[test]
fn every_committed_sample_is_of_today_or_of_a_version_that_is_lifted() {
    let today: BTreeSet<String> = samples().iter().map(file_name).collect();
    assert_eq!(today.len(), samples().len(), "two samples have one name");
    let lifted: BTreeSet<String> =
        UPCASTERS.iter().map(|step| format!("{}-v{}-", step.event_type, step.from)).collect();
    for name in committed().keys() {
        let old = lifted.iter().any(|prefix| name.starts_with(prefix));
        assert!(old || today.contains(name), "{name} is the sample of nothing");
    }
    for prefix in lifted {
        assert!(committed().keys().any(|name| name.starts_with(&prefix)), "no sample of {prefix}");
    }
}

#[test]
fn an_event_type_belongs_to_one_aggregate() {
    let all: Vec<String> = all_event_types().into_values().flatten().collect();
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "upcasters are found by event type alone");
}

#[test]
fn nothing_stored_is_null_or_a_float() {
    for (name, row) in committed() {
        assert!(std::panic::catch_unwind(|| assert_plain(&row)).is_ok(), "{name}");
    }
}

#[test]
fn fields_are_camel_case() {
    fn check(value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let plain = name.trim_start_matches('$');
                    assert!(plain.chars().all(char::is_alphanumeric), "{name}");
                    assert!(plain.starts_with(char::is_lowercase), "{name}");
                    check(inner);
                }
            }
            Value::Array(items) => items.iter().for_each(check),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for sample in samples() {
        check(&stored(&sample.event)["payload"]);
    }
}

#[test]
fn what_is_unknown_is_an_error_and_never_skipped() {
    let row = |aggregate: &str, event_type: &str, version: &str, payload: Value| json!({"aggregate_type": aggregate, "event_type": event_type, "event_version": version, "payload": payload});
    let reinstated = json!({"type": "Reinstated"});
    assert!(decode_row(&row("Park", "ParkReinstated", "1", reinstated.clone())).is_ok());
    let unknown = decode_row(&row("Garden", "ParkReinstated", "1", reinstated.clone()));
    assert!(matches!(unknown, Err(DecodeError::UnknownAggregate(name)) if name == "Garden"));
    for version in ["2", "0", "", "one"] {
        let newer = decode_row(&row("Park", "ParkReinstated", version, reinstated.clone()));
        assert!(matches!(newer, Err(DecodeError::UnknownVersion { .. })), "{version}");
    }
    for (aggregate, event_type, payload) in [
        ("Park", "ParkMoved", json!({"type": "Moved"})),
        ("Park", "ParkReinstated", json!({})),
        ("Park", "ParkReinstated", json!("Reinstated")),
        ("Park", "ParkReinstated", Value::Null),
        ("Park", "ParkStaffAdded", json!({"type": "StaffAdded"})),
        ("Park", "ParkProfileClaimed", json!({"type": "Claimed", "reviewer": "x", "since": "today"})),
        ("ProviderApplication", "ProviderApplicationOpened", json!({"type": "Opened", "kind": "park"})),
        ("Account", "AccountSignedIn", json!({"type": "SignedIn"})),
    ] {
        let wrong = decode_row(&row(aggregate, event_type, "1", payload));
        assert!(matches!(wrong, Err(DecodeError::Payload { .. })), "{event_type}: {wrong:?}");
    }
}

#[test]
fn a_payload_under_another_name_is_an_error() {
    let payload = json!({"type": "Released"});
    assert!(decode("Park", "ParkProfileReleased", "1", payload.clone()).is_ok());
    for name in ["ParkReinstated", "ParkProfileWithdrawn", "ProviderApplicationReleased", ""] {
        let refused = decode("Park", name, "1", payload.clone());
        assert!(matches!(refused, Err(DecodeError::Payload { .. })), "{name}");
    }
}
