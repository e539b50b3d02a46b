//! Given, when, then: an operation is recorded once.

use super::*;
use crate::stories::{assert_round_trip, claims_of, fold, issued, reviewer, when};

fn events() -> [OperationEvent; 4] {
    let projection = "review_queue".to_owned();
    let key = "Park/0193".to_owned();
    [
        OperationEvent::AuditQueried { operation: "auditEventList".to_owned(), filter: "after=7".to_owned() },
        OperationEvent::ProjectionRebuildRequested { projection: projection.clone() },
        OperationEvent::ParkedRetried { projection: projection.clone(), key: key.clone() },
        OperationEvent::ParkedSkipped { projection, key },
    ]
}

fn record(event: &OperationEvent) -> Issued<OperationCommand> {
    issued(&reviewer(1), 0, OperationCommand::Record(event.clone()))
}

#[test]
fn every_operation_is_recorded_as_it_was_asked_for() {
    for event in events() {
        assert_eq!(when::<Operation>(&[], record(&event)), Ok(vec![event]));
    }
}

#[test]
fn an_operation_recorded_again_changes_nothing() {
    for event in events() {
        assert_eq!(when::<Operation>(std::slice::from_ref(&event), record(&event)), Ok(vec![]));
    }
}

#[test]
fn one_stream_holds_one_operation() {
    for done in events() {
        for event in events().into_iter().filter(|event| *event != done) {
            let refused = when::<Operation>(std::slice::from_ref(&done), record(&event));
            assert_eq!(refused, Err(OperationError::AlreadyRecorded));
        }
    }
}

#[test]
fn it_claims_nothing_and_survives_json() {
    assert_round_trip(&Operation::default());
    for event in events() {
        assert_eq!(claims_of::<Operation>(&[], &event), []);
        assert_round_trip(&fold::<Operation>(&[event]));
    }
}
