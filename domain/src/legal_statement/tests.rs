//! Given, when, then: publishing the first, the next, the same and a changed version.

use super::*;
use crate::actor::{Actor, Role};
use crate::stories::{assert_round_trip, at, claims_of, fold, issued, staff_id, when, wrong};

const TITLE: &str = "平台法律声明";
const BODY: &str = "第一条　本平台由综试区运营。\n第二条　使用即表示同意。";

fn published(version: &str, body: &str) -> LegalStatementEvent {
    LegalStatementEvent::Published {
        version: version.to_owned(),
        title: TITLE.to_owned(),
        body: body.to_owned(),
        sha256: sha256(TITLE, body),
        published_at: at(0),
    }
}

fn publish(version: &str, title: &str, body: &str) -> Issued<LegalStatementCommand> {
    let editor = Actor::Staff { staff: staff_id(1), roles: [Role::Editor].into() };
    let command = LegalStatementCommand::Publish {
        version: version.to_owned(),
        title: title.to_owned(),
        body: body.to_owned(),
    };
    issued(&editor, 0, command)
}

#[test]
fn the_first_version_is_published() {
    let events = when::<LegalStatement>(&[], publish("2026-11", TITLE, BODY));
    assert_eq!(events, Ok(vec![published("2026-11", BODY)]));
}

#[test]
fn the_version_published_last_is_current() {
    let second = "第一条　换了内容的声明。";
    let history = [published("2026-11", BODY), published("2026-12", second)];
    let state: LegalStatement = fold(&history);
    assert_eq!(state.versions.last().map(|v| v.version.as_str()), Some("2026-12"));
    assert_eq!(state.versions.last().map(|v| v.sha256.clone()), Some(sha256(TITLE, second)));
}

#[test]
fn a_version_published_again_with_the_same_text_changes_nothing() {
    let history = [published("2026-11", BODY)];
    assert_eq!(when::<LegalStatement>(&history, publish("2026-11", TITLE, BODY)), Ok(vec![]));
    let pasted = format!(" \u{3000}{}\r\n", BODY.replace('\n', "\r\n"));
    assert_eq!(when::<LegalStatement>(&history, publish(" 2026-11 ", TITLE, &pasted)), Ok(vec![]));
}

#[test]
fn an_older_version_published_again_does_not_become_current() {
    let history = [published("2026-11", BODY), published("2026-12", "第一条　换了内容的声明。")];
    assert_eq!(when::<LegalStatement>(&history, publish("2026-11", TITLE, BODY)), Ok(vec![]));
}

#[test]
fn a_published_version_never_changes() {
    let history = [published("2026-11", BODY)];
    for (title, body) in [(TITLE, "第一条　悄悄改过的声明。"), ("另一个标题", BODY)] {
        let refused = when::<LegalStatement>(&history, publish("2026-11", title, body));
        assert_eq!(refused, Err(LegalStatementError::VersionExists));
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let refused = when::<LegalStatement>(&[], publish("", "题", "短")).unwrap_err();
    assert_eq!(wrong(&refused), ["/version text.empty", "/title text.too_short", "/body text.too_short"]);
    let refused =
        when::<LegalStatement>(&[], publish(&"9".repeat(33), TITLE, &"长".repeat(50_001))).unwrap_err();
    assert_eq!(wrong(&refused), ["/version text.too_long", "/body text.too_long"]);
}

#[test]
fn the_hash_covers_title_and_text() {
    // printf '平台法律声明\n甲' | sha256sum
    let known = "338c2a231a66e049e03f3b4c4b88ce706ab6943ba079e12a99abdc4076e088e8";
    assert_eq!(sha256(TITLE, "甲"), known);
    assert_ne!(sha256("a", "b"), sha256("ab", ""));
}

#[test]
fn it_claims_nothing_and_survives_json() {
    assert_eq!(claims_of::<LegalStatement>(&[], &published("2026-11", BODY)), []);
    assert_round_trip(&LegalStatement::default());
    assert_round_trip(&fold::<LegalStatement>(&[published("2026-11", BODY)]));
}
