//! One event of every kind, built from the real types.
//!
//! `full` has every field, `minimal` no optional one; `sealed` is what the event table holds of personal data, `erased`
//! what is read after the subject's key was destroyed.

use super::Event;
use crate::account::{AccountEvent, IdentityProvider, SignInChannel};
use crate::actor::Role;
use crate::id::{AssessmentCycleId, CredentialId, EnterpriseId, ProviderApplicationId, SessionId};
use crate::legal_statement::{self, LegalStatementEvent};
use crate::operation::OperationEvent;
use crate::park::{ParkEvent, ParkKind};
use crate::personal::Personal;
use crate::profile::Profile;
use crate::provider_application::ProviderApplicationEvent;
use crate::review::{DUE_AFTER, FieldNote, ReviewEvent};
use crate::staff_account::{SecondFactorUsed, StaffAccountEvent};
use crate::stored_file::{Content, ContentType, Owner, StoredFileEvent};
use crate::stories::{account, at, person, profile, sealed, staff_id, uuid};

mod assessment;
mod back_office;

/// An event with the name of its sample.
pub struct Sample {
    /// `full`, `minimal`, `sealed`, `erased` or what is special about it.
    pub name: &'static str,
    /// The event.
    pub event: Event,
}

fn full(event: Event) -> Sample {
    Sample { name: "full", event }
}

/// All samples of today.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    all.extend(account_events());
    all.extend(staff_events());
    all.extend(other_events());
    all.extend(application_events());
    all.extend(park_events());
    all.extend(back_office::samples());
    all.extend(assessment::events());
    all.extend(file_events());
    all
}

fn account_events() -> Vec<Sample> {
    let subject = account(1).0;
    let channel = SignInChannel::Sms;
    let registered =
        |name, phone| Sample { name, event: Event::Account(AccountEvent::Registered { phone, channel }) };
    let consented = AccountEvent::StatementConsented {
        version: "2026-11".to_owned(),
        sha256: legal_statement::sha256("平台法律声明", "第一条"),
        channel,
    };
    let linked = |name, provider, app_id: Option<&str>| Sample {
        name,
        event: Event::Account(AccountEvent::IdentityLinked {
            provider,
            subject: Personal::of(subject, "union-example-1".to_owned()),
            app_id: app_id.map(str::to_owned),
            open_id: app_id.map(|_| Personal::of(subject, "open-example-1".to_owned())),
        }),
    };
    vec![
        registered("full", Personal::of(subject, "13800000000".to_owned())),
        registered("sealed", sealed(subject, &format!("Account/{subject}/1#/phone"))),
        registered("erased", Personal::Erased { subject }),
        full(Event::Account(consented)),
        linked("full", IdentityProvider::Wechat, Some("wx0000000000000001")),
        linked("minimal", IdentityProvider::Haiyiban, None),
        full(Event::Account(AccountEvent::IdentityUnlinked { provider: IdentityProvider::Wechat })),
        full(Event::Account(AccountEvent::SignedIn { session: SessionId(uuid(1)), channel })),
        full(Event::Account(AccountEvent::SessionEnded { session: SessionId(uuid(1)) })),
    ]
}

fn staff_events() -> Vec<Sample> {
    let credential = |n| CredentialId(uuid(n));
    let created = |one_time, second_factor, recovery_codes| StaffAccountEvent::Created {
        staff: staff_id(1),
        username: "chen.hai".to_owned(),
        password: credential(10),
        one_time,
        second_factor,
        recovery_codes,
        at: at(0),
    };
    let signed_in =
        |second_factor| StaffAccountEvent::SignedIn { session: SessionId(uuid(1)), second_factor };
    let totp = SecondFactorUsed::Totp { step: 59_789_280 };
    let events = [
        ("full", created(true, Some(credential(11)), Some(credential(12)))),
        ("minimal", created(false, None, None)),
        ("full", StaffAccountEvent::RoleGranted { role: Role::SystemAdmin }),
        ("full", StaffAccountEvent::RoleRevoked { role: Role::Reviewer }),
        (
            "full",
            StaffAccountEvent::PasswordChanged { password: credential(13), second_factor: totp, at: at(1) },
        ),
        ("full", StaffAccountEvent::PasswordReset { password: credential(16), at: at(3) }),
        (
            "full",
            StaffAccountEvent::SecondFactorReset {
                second_factor: credential(14),
                recovery_codes: credential(15),
            },
        ),
        ("full", StaffAccountEvent::SignInFailed { at: at(2), locked_until: Some(at(17)) }),
        ("minimal", StaffAccountEvent::SignInFailed { at: at(2), locked_until: None }),
        ("full", signed_in(totp)),
        ("recovery_code", signed_in(SecondFactorUsed::RecoveryCode { index: 3 })),
        ("no_second_factor", signed_in(SecondFactorUsed::None)),
        ("full", StaffAccountEvent::SessionEnded { session: SessionId(uuid(1)) }),
        ("full", StaffAccountEvent::Locked { reason: "离岗，停用账号".to_owned() }),
        ("full", StaffAccountEvent::Unlocked {}),
    ];
    events.into_iter().map(|(name, event)| Sample { name, event: Event::StaffAccount(event) }).collect()
}

fn other_events() -> Vec<Sample> {
    let projection = "review_queue".to_owned();
    let key = format!("Park/{}", uuid(0x300));
    let published = LegalStatementEvent::Published {
        version: "2026-11".to_owned(),
        title: "平台法律声明".to_owned(),
        body: "第一条　本平台由综试区运营。\n第二条　使用即表示同意。".to_owned(),
        sha256: legal_statement::sha256(
            "平台法律声明",
            "第一条　本平台由综试区运营。\n第二条　使用即表示同意。",
        ),
        published_at: at(0),
    };
    let queried = OperationEvent::AuditQueried {
        operation: "auditEventList".to_owned(),
        filter: "after=7&limit=100".to_owned(),
    };
    let rebuilt = OperationEvent::ProjectionRebuildRequested { projection: projection.clone() };
    let retried = OperationEvent::ParkedRetried { projection: projection.clone(), key: key.clone() };
    let skipped = OperationEvent::ParkedSkipped { projection, key };
    let exported = |format: &str, sha256| OperationEvent::RankingExported {
        cycle: AssessmentCycleId(uuid(1)),
        version: 2,
        format: format.to_owned(),
        sha256,
    };
    let page = Sample { name: "minimal", event: Event::Operation(exported("html", None)) };
    let workbook = exported("xlsx", Some("0".repeat(64)));
    let operations =
        [queried, workbook, rebuilt, retried, skipped].map(|event| full(Event::Operation(event)));
    [full(Event::LegalStatement(published)), page].into_iter().chain(operations).collect()
}

fn application_events() -> Vec<Sample> {
    let opened = |name, enterprise, previous| {
        let kind = ParkKind::Park;
        let event = ProviderApplicationEvent::Opened { applicant: account(1), kind, enterprise, previous };
        Sample { name, event: Event::ProviderApplication(event) }
    };
    let reviewed = reviewed("ProviderApplication").into_iter().map(|(name, event)| Sample {
        name,
        event: Event::ProviderApplication(ProviderApplicationEvent::Review(event)),
    });
    [
        opened("full", Some(EnterpriseId(uuid(0x400))), Some(ProviderApplicationId(uuid(0x500)))),
        opened("minimal", None, None),
    ]
    .into_iter()
    .chain(reviewed)
    .collect()
}

fn park_events() -> Vec<Sample> {
    let established = |name, kind, profile| {
        let application = ProviderApplicationId(uuid(0x501));
        let profile = Box::new(profile);
        let event = ParkEvent::Established { application, kind, owner: account(1), profile };
        Sample { name, event: Event::Park(event) }
    };
    let [clear, empty, closed, erased] = profiles("Park", "profile");
    let own = [
        established("full", ParkKind::Base, clear),
        established("minimal", ParkKind::Park, empty),
        established("sealed", ParkKind::Park, closed),
        established("erased", ParkKind::Park, erased),
        full(Event::Park(ParkEvent::StaffAdded { account: account(2) })),
        full(Event::Park(ParkEvent::StaffRemoved { account: account(2) })),
        full(Event::Park(ParkEvent::Suspended { reason: "经营异常，暂停服务".to_owned() })),
        full(Event::Park(ParkEvent::Reinstated {})),
    ];
    let reviewed = reviewed("Park")
        .into_iter()
        .map(|(name, event)| Sample { name, event: Event::Park(ParkEvent::Profile(event)) });
    own.into_iter().chain(reviewed).collect()
}

/// A full profile, an empty one, and the full one with its contact sealed and erased.
fn profiles(aggregate: &str, field: &str) -> [Profile; 4] {
    let subject = account(1).0;
    let place = |name: &str| format!("{aggregate}/{}/2#/{field}/{name}", uuid(0x501));
    let closed = Profile {
        contact_name: Some(sealed(subject, &place("contactName"))),
        contact_phone: Some(sealed(subject, &place("contactPhone"))),
        ..profile()
    };
    let erased = Profile {
        contact_name: Some(Personal::Erased { subject }),
        contact_phone: Some(Personal::Erased { subject }),
        ..profile()
    };
    [profile(), Profile::default(), closed, erased]
}

/// Every event of a review of an aggregate whose content is a profile.
fn reviewed(aggregate: &str) -> Vec<(&'static str, ReviewEvent<Profile>)> {
    let [clear, empty, closed, erased] = profiles(aggregate, "content");
    review_events(&[("full", clear), ("minimal", empty), ("sealed", closed), ("erased", erased)])
}

/// Every event of a review with these contents.
fn review_events<C: Clone>(contents: &[(&'static str, C)]) -> Vec<(&'static str, ReviewEvent<C>)> {
    let submitted = |content| ReviewEvent::Submitted {
        revision: 2,
        content,
        submitted_by: person(1).to_string(),
        submitted_at: at(0),
        due_at: at(0) + DUE_AFTER,
        unchanged: false,
    };
    let reviewer = staff_id(1);
    let reason = "面积与产证不一致".to_owned();
    let note = FieldNote { pointer: "/address".to_owned(), note: "请写到门牌号".to_owned() };
    let drafted = |content| ReviewEvent::Drafted { content };
    let drafted = contents.iter().map(|(name, content)| (*name, drafted(content.clone())));
    let submitted = contents.iter().map(|(name, content)| (*name, submitted(content.clone())));
    let rest = [
        ("full", ReviewEvent::Withdrawn {}),
        ("full", ReviewEvent::Claimed { reviewer, since: at(1) }),
        ("full", ReviewEvent::Released {}),
        ("full", ReviewEvent::Approved { revision: 2, reviewer, comment: Some("符合条件".to_owned()) }),
        ("minimal", ReviewEvent::Approved { revision: 2, reviewer, comment: None }),
        ("full", ReviewEvent::Returned { revision: 2, reviewer, reason: reason.clone(), fields: vec![note] }),
        ("no_notes", ReviewEvent::Returned { revision: 2, reviewer, reason: reason.clone(), fields: vec![] }),
        ("full", ReviewEvent::Rejected { revision: 2, reviewer, reason }),
    ];
    drafted.chain(submitted).chain(rest).collect()
}

fn file_events() -> Vec<Sample> {
    let subject = account(1).0;
    let uploaded = |owner, content_type, name| StoredFileEvent::Uploaded {
        owner,
        content: Content { sha256: "ab".repeat(32), size: 48_213, content_type },
        name,
    };
    let owned = |name| uploaded(Owner::Account(account(1)), ContentType::Pdf, name);
    let place = format!("StoredFile/{}/1#/name", uuid(0x600));
    let scanner = "clamav".to_owned();
    let events = [
        ("full", owned(Some(Personal::of(subject, "营业执照.pdf".to_owned())))),
        ("minimal", owned(None)),
        ("sealed", owned(Some(sealed(subject, &place)))),
        ("erased", owned(Some(Personal::Erased { subject }))),
        ("staff", uploaded(Owner::Staff(staff_id(1)), ContentType::Webp, None)),
        ("full", StoredFileEvent::Accepted { scanner: Some(scanner.clone()) }),
        ("minimal", StoredFileEvent::Accepted { scanner: None }),
        ("full", StoredFileEvent::Refused { scanner, finding: "Eicar-Test-Signature".to_owned() }),
    ];
    events.into_iter().map(|(name, event)| Sample { name, event: Event::StoredFile(event) }).collect()
}
