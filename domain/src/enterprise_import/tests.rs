//! Given, when, then: an import from its preview to its last row.

use strum::IntoEnumIterator;

use super::*;
use crate::actor::Actor;
use crate::refusal::Refusal;
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, person, reviewer, uuid, when,
};

type Event = EnterpriseImportEvent;
type Error = EnterpriseImportError;
type Command = EnterpriseImportCommand;

fn park() -> ParkId {
    ParkId(uuid(0x300))
}

fn plan(outcomes: &str) -> Plan {
    Plan { outcomes: outcomes.to_owned(), basis: "b0".repeat(32) }
}

fn file() -> SourceFile {
    SourceFile { sha256: "a1".repeat(32), size: 4_096 }
}

fn previewed(outcomes: &str) -> Event {
    Event::Previewed {
        park: park(),
        by: account(2),
        file: file(),
        mode: ImportMode::Upsert,
        plan: plan(outcomes),
        at: at(0),
        valid_until: at(30),
    }
}

fn committed() -> Event {
    Event::Committed { by: account(2), skip_invalid: false }
}

fn advanced(done: u32, is_last: bool) -> Event {
    Event::Advanced { done, failed: vec![], is_last }
}

fn preview(standing: Standing) -> Command {
    Command::Preview { park: park(), standing, file: file(), mode: ImportMode::Upsert, plan: plan("auk") }
}

fn commit(outcomes: &str, skip_invalid: bool) -> Command {
    Command::Commit { standing: Standing::Member, plan: plan(outcomes), skip_invalid }
}

fn advance(done: u32) -> Command {
    Command::Advance { done, failed: vec![] }
}

fn outcome(history: &[Event], by: &Actor, minute: i64, command: Command) -> Result<Vec<Event>, Error> {
    when::<EnterpriseImport>(history, issued(by, minute, command))
}

fn refused(history: &[Event], minute: i64, command: Command) -> &'static str {
    outcome(history, &person(2), minute, command).unwrap_err().code()
}

#[test]
fn a_preview_is_kept_for_half_an_hour() {
    assert_eq!(outcome(&[], &person(2), 0, preview(Standing::Member)), Ok(vec![previewed("auk")]));
    assert_eq!(refused(&[], 0, preview(Standing::Outsider)), "park.not_found");
    assert_eq!(refused(&[], 0, preview(Standing::Suspended)), "park.suspended");
    assert_eq!(outcome(&[], &reviewer(1), 0, preview(Standing::Member)), Err(Error::ParkNotFound));
    let twice = refused(&[previewed("auk")], 1, preview(Standing::Member));
    assert_eq!(twice, "enterprise_import.already_previewed");
    let history = [previewed("auk")];
    assert_eq!(outcome(&history, &person(2), 29, commit("auk", false)), Ok(vec![committed()]));
    assert_eq!(refused(&history, 30, commit("auk", false)), "enterprise_import.expired");
}

#[test]
fn what_is_carried_out_is_what_was_previewed() {
    let history = [previewed("auk")];
    assert_eq!(refused(&history, 1, commit("auu", false)), "enterprise_import.roster_changed");
    let moved = Plan { basis: "b1".repeat(32), ..plan("auk") };
    let commit_moved = Command::Commit { standing: Standing::Member, plan: moved, skip_invalid: false };
    assert_eq!(refused(&history, 1, commit_moved), "enterprise_import.roster_changed");
    let outsider = Command::Commit { standing: Standing::Outsider, plan: plan("auk"), skip_invalid: false };
    assert_eq!(refused(&history, 1, outsider), "enterprise_import.not_found");
    let suspended = Command::Commit { standing: Standing::Suspended, plan: plan("auk"), skip_invalid: false };
    assert_eq!(refused(&history, 1, suspended), "park.suspended");
    assert_eq!(refused(&[], 1, commit("auk", false)), "enterprise_import.not_found");
}

#[test]
fn rows_with_errors_are_left_out_only_when_asked() {
    let history = [previewed("ae")];
    assert_eq!(outcome(&history, &person(2), 1, commit("ae", false)), Err(Error::HasErrors { rows: 1 }));
    let skipping = Event::Committed { by: account(2), skip_invalid: true };
    assert_eq!(outcome(&history, &person(2), 1, commit("ae", true)), Ok(vec![skipping]));
    for nothing in ["k", "ke", "e"] {
        let refused = refused(&[previewed(nothing)], 1, commit(nothing, true));
        assert_eq!(refused, "enterprise_import.nothing_to_do", "{nothing}");
    }
}

#[test]
fn an_import_is_committed_once() {
    let history = [previewed("au"), committed()];
    assert_eq!(outcome(&history, &person(2), 90, commit("au", false)), Ok(vec![]), "whenever it comes again");
    assert_eq!(refused(&history, 1, commit("au", true)), "enterprise_import.committed");
}

#[test]
fn rows_are_done_in_order_and_the_last_one_ends_it() {
    let running = [previewed("auk"), committed()];
    assert_eq!(outcome(&running, &PROCESS, 2, advance(2)), Ok(vec![advanced(2, false)]));
    let further = [previewed("auk"), committed(), advanced(2, false)];
    for repeated in [1, 2] {
        assert_eq!(outcome(&further, &PROCESS, 3, advance(repeated)), Ok(vec![]), "a second runner");
    }
    assert_eq!(outcome(&further, &PROCESS, 3, advance(9)), Ok(vec![advanced(3, true)]));
    let over = [previewed("auk"), committed(), advanced(3, true)];
    assert_eq!(outcome(&over, &PROCESS, 4, advance(3)), Ok(vec![]));
    assert_eq!(outcome(&[previewed("auk")], &PROCESS, 4, advance(3)), Ok(vec![]), "nobody committed it");
    assert_eq!(outcome(&[], &PROCESS, 4, advance(3)), Err(Error::NotFound));
    let states = [&running[..], &further, &over].map(fold::<EnterpriseImport>);
    assert_eq!(states.map(|state| state.is_running()), [true, true, false]);
}

#[test]
fn one_import_of_a_park_runs_at_a_time() {
    let claim = || Claim { scope: "enterprise_import.running", key: ClaimKey::Plain(park().to_string()) };
    let history = [previewed("auk")];
    assert_eq!(claims_of::<EnterpriseImport>(&[], &history[0]), []);
    assert_eq!(claims_of::<EnterpriseImport>(&history, &committed()), [ClaimChange::Take(claim())]);
    assert_eq!(claims_of::<EnterpriseImport>(&history, &advanced(1, false)), []);
    assert_eq!(claims_of::<EnterpriseImport>(&history, &advanced(3, true)), [ClaimChange::Release(claim())]);
    assert_eq!(EnterpriseImport::taken(RUNNING_SCOPE), Error::OtherRunning);
}

#[test]
fn outcomes_are_letters_and_counted() {
    for outcome in Outcome::iter() {
        assert_eq!(Outcome::of_letter(outcome.letter()), outcome);
    }
    assert_eq!(Outcome::of_letter('?'), Outcome::Error);
    let summary = ImportSummary { rows: 6, add: 2, update: 1, unchanged: 1, error: 2 };
    assert_eq!(plan("aukeae").summary(), summary);
}

#[test]
fn the_id_of_an_imported_enterprise_follows_from_its_row() {
    let import = |n| EnterpriseImportId(uuid(n));
    assert_eq!(enterprise_of(import(1), 2), enterprise_of(import(1), 2));
    assert_ne!(enterprise_of(import(1), 2), enterprise_of(import(1), 3));
    assert_ne!(enterprise_of(import(1), 2), enterprise_of(import(2), 2));
}

#[test]
fn the_state_survives_json() {
    let failed = vec![FailedRow { row: 3, code: "x.y".to_owned(), detail: "。".to_owned() }];
    let all = [previewed("au"), committed(), Event::Advanced { done: 2, failed, is_last: true }];
    for end in 0..=all.len() {
        assert_round_trip(&fold::<EnterpriseImport>(&all[..end]));
    }
}
