//! Given, when, then: identities of an account that is not there, registered, linked.

use super::*;

fn wechat(subject: &str) -> ProvedIdentity {
    let address =
        IdentityAddress { app_id: "wx0000000000000001".to_owned(), open_id: format!("open of {subject}") };
    ProvedIdentity { provider: IdentityProvider::Wechat, subject: subject.to_owned(), address: Some(address) }
}

fn linked(subject: &str) -> AccountEvent {
    AccountEvent::IdentityLinked {
        provider: IdentityProvider::Wechat,
        subject: Personal::of(account(1).0, subject.to_owned()),
        app_id: Some("wx0000000000000001".to_owned()),
        open_id: Some(Personal::of(account(1).0, format!("open of {subject}"))),
    }
}

fn unlinked() -> AccountEvent {
    AccountEvent::IdentityUnlinked { provider: IdentityProvider::Wechat }
}

/// `event` as it is when the person came in by WeChat.
fn by_wechat(event: AccountEvent) -> AccountEvent {
    let channel = SignInChannel::Wechat;
    match event {
        AccountEvent::Registered { phone, .. } => AccountEvent::Registered { phone, channel },
        AccountEvent::StatementConsented { version, sha256, .. } => {
            AccountEvent::StatementConsented { version, sha256, channel }
        }
        AccountEvent::SignedIn { session, .. } => AccountEvent::SignedIn { session, channel },
        other @ (AccountEvent::IdentityLinked { .. }
        | AccountEvent::IdentityUnlinked { .. }
        | AccountEvent::SessionEnded { .. }) => other,
    }
}

fn member_with(subject: &str) -> Vec<AccountEvent> {
    let mut history = member();
    history.push(linked(subject));
    history
}

fn bind(subject: &str, ticked: Option<&str>) -> Issued<AccountCommand> {
    let command = AccountCommand::BindIdentity {
        account: account(1),
        phone: Phone::parse("13800000000").unwrap(),
        identity: wechat(subject),
        session: session(2),
        consented: ticked.map(str::to_owned),
        current: statement("2026-11"),
    };
    issued(&person(1), 0, command)
}

fn come_in(subject: &str, ticked: Option<&str>, current: &str) -> Issued<AccountCommand> {
    let command = AccountCommand::SignInByIdentity {
        identity: wechat(subject),
        session: session(2),
        consented: ticked.map(str::to_owned),
        current: statement(current),
    };
    issued(&person(1), 0, command)
}

fn link(subject: &str) -> Issued<AccountCommand> {
    let command = AccountCommand::LinkIdentity { account: account(1), identity: wechat(subject) };
    issued(&person(1), 0, command)
}

fn unlink() -> Issued<AccountCommand> {
    issued(&person(1), 0, AccountCommand::UnlinkIdentity { provider: IdentityProvider::Wechat })
}

#[test]
fn binding_registers_links_and_signs_in_at_once() {
    let events = when::<Account>(&[], bind("U", Some("2026-11")));
    let expected = vec![registered(), consented("2026-11"), linked("U"), signed_in(2)];
    assert_eq!(events, Ok(expected.into_iter().map(by_wechat).collect()));
}

#[test]
fn binding_links_to_the_account_that_the_number_has() {
    let expected = Ok(vec![linked("U"), by_wechat(signed_in(2))]);
    assert_eq!(when::<Account>(&member(), bind("U", None)), expected);
    let again = when::<Account>(&member_with("U"), bind("U", None));
    assert_eq!(again, Ok(vec![by_wechat(signed_in(2))]));
}

#[test]
fn binding_without_consent_changes_nothing() {
    assert_eq!(when::<Account>(&[], bind("U", None)), Err(AccountError::ConsentRequired));
}

#[test]
fn a_number_has_one_wechat_at_a_time() {
    let occupied = Err(AccountError::IdentityOccupied(IdentityProvider::Wechat));
    assert_eq!(when::<Account>(&member_with("U"), bind("V", None)), occupied);
    assert_eq!(when::<Account>(&member_with("U"), link("V")), occupied);
    let mut parted = member_with("U");
    parted.push(unlinked());
    assert_eq!(when::<Account>(&parted, link("V")), Ok(vec![linked("V")]));
}

#[test]
fn who_is_linked_comes_in_without_a_phone() {
    let events = when::<Account>(&member_with("U"), come_in("U", None, "2026-11"));
    assert_eq!(events, Ok(vec![by_wechat(signed_in(2))]));
    let required = when::<Account>(&member_with("U"), come_in("U", None, "2026-12"));
    assert_eq!(required, Err(AccountError::ConsentRequired));
    let events = when::<Account>(&member_with("U"), come_in("U", Some("2026-12"), "2026-12"));
    assert_eq!(events, Ok(vec![by_wechat(consented("2026-12")), by_wechat(signed_in(2))]));
}

#[test]
fn who_is_not_linked_does_not_come_in() {
    let mut parted = member_with("U");
    parted.push(unlinked());
    for history in [vec![], member(), member_with("V"), parted] {
        let refused = when::<Account>(&history, come_in("U", Some("2026-11"), "2026-11"));
        assert_eq!(refused, Err(AccountError::NotFound));
    }
}

#[test]
fn an_identity_whose_person_is_erased_lets_nobody_in() {
    let erased = AccountEvent::IdentityLinked {
        provider: IdentityProvider::Wechat,
        subject: Personal::Erased { subject: account(1).0 },
        app_id: None,
        open_id: None,
    };
    let mut history = member();
    history.push(erased);
    assert_eq!(when::<Account>(&history, come_in("U", None, "2026-11")), Err(AccountError::NotFound));
    assert_eq!(claims_of::<Account>(&history, &unlinked()), [], "its claim cannot be named any more");
}

#[test]
fn linking_and_unlinking_twice_happen_once() {
    assert_eq!(when::<Account>(&member(), link("U")), Ok(vec![linked("U")]));
    assert_eq!(when::<Account>(&member_with("U"), link("U")), Ok(vec![]));
    assert_eq!(when::<Account>(&member_with("U"), unlink()), Ok(vec![unlinked()]));
    assert_eq!(when::<Account>(&member(), unlink()), Ok(vec![]));
    assert_eq!(when::<Account>(&[], link("U")), Err(AccountError::NotFound));
    assert_eq!(when::<Account>(&[], unlink()), Err(AccountError::NotFound));
}

#[test]
fn an_identity_is_claimed_while_it_is_linked() {
    let claim = IdentityProvider::Wechat.claim("U");
    assert_eq!(claim.scope, "account.wechat");
    assert_eq!(claim.key, ClaimKey::Personal("U".to_owned()));
    assert_eq!(claims_of::<Account>(&member(), &linked("U")), [ClaimChange::Take(claim.clone())]);
    assert_eq!(claims_of::<Account>(&member_with("U"), &unlinked()), [ClaimChange::Release(claim)]);
    for provider in IdentityProvider::ALL {
        assert_eq!(Account::taken(provider.scope()), AccountError::IdentityTaken(provider));
    }
}

#[test]
fn identities_survive_json_and_are_never_printed() {
    let state: Account = fold(&member_with("union-example-1"));
    assert_round_trip(&state);
    let printed = format!("{state:?} {:?} {:?}", linked("union-example-1"), link("union-example-1").command);
    assert!(!printed.contains("example"), "{printed}");
}
