//! Events of what a park does in its back office: news, applications to settle, the roster.

use super::{Sample, full, review_events};
use crate::enterprise_import::{EnterpriseImportEvent, FailedRow, ImportMode, Plan, SourceFile};
use crate::event::Event;
use crate::id::{EnterpriseImportId, ParkId, SettlementApplicationId};
use crate::managed_enterprise::{ManagedEnterpriseEvent, ManagedEnterpriseProfile};
use crate::news_article::{Hit, HitKind, News, NewsArticleEvent};
use crate::operation::OperationEvent;
use crate::personal::Personal;
use crate::settlement_application::{ApplicantType, Outcome, Settlement, SettlementApplicationEvent};
use crate::stories::{account, at, enterprise, enterprise_with, news, person, sealed, settlement, uuid};

/// All of them.
pub fn samples() -> Vec<Sample> {
    let mut all = news_events();
    all.extend(settlement_events());
    all.extend(enterprise_events());
    all.extend(import_events());
    all
}

fn import_events() -> Vec<Sample> {
    let event = |name, event| Sample { name, event: Event::EnterpriseImport(event) };
    let exported = |name, reason: Option<&str>| {
        let (park, filter) = (ParkId(uuid(0x300)), "入驻状态：在园".to_owned());
        let event = OperationEvent::EnterprisesExported { park, filter, reason: reason.map(str::to_owned) };
        Sample { name, event: Event::Operation(event) }
    };
    let failed = FailedRow {
        row: 3,
        code: "managed_enterprise.code_taken".to_owned(),
        detail: "本园区/基地的企业名录中已有该统一社会信用代码".to_owned(),
    };
    vec![
        exported("full", Some("年度走访需要联系")),
        exported("minimal", None),
        event(
            "full",
            EnterpriseImportEvent::Previewed {
                park: ParkId(uuid(0x300)),
                by: account(2),
                file: SourceFile { sha256: "a1".repeat(32), size: 4_096 },
                mode: ImportMode::Upsert,
                plan: Plan { outcomes: "auke".to_owned(), basis: "b0".repeat(32) },
                at: at(0),
                valid_until: at(30),
            },
        ),
        event("full", EnterpriseImportEvent::Committed { by: account(2), skip_invalid: true }),
        event("full", EnterpriseImportEvent::Advanced { done: 4, failed: vec![failed], is_last: true }),
        event("minimal", EnterpriseImportEvent::Advanced { done: 2, failed: vec![], is_last: false }),
    ]
}

fn enterprise_events() -> Vec<Sample> {
    let event = |name, event| Sample { name, event: Event::ManagedEnterprise(event) };
    let added = |name, enterprise, sources: Option<u128>| {
        let (park, enterprise) = (ParkId(uuid(0x300)), Box::new(enterprise));
        let settlement_application = sources.map(|n| SettlementApplicationId(uuid(n)));
        let import = sources.map(|n| EnterpriseImportId(uuid(n + 0x200)));
        event(name, ManagedEnterpriseEvent::Added { park, enterprise, settlement_application, import })
    };
    let edited = |name, enterprise: ManagedEnterpriseProfile, before: &ManagedEnterpriseProfile, reason| {
        let changes = enterprise.changes_from(before);
        let (enterprise, import) = (Box::new(enterprise), None);
        event(name, ManagedEnterpriseEvent::Edited { enterprise, changes, reason, import })
    };
    let subject = uuid(0x700);
    let bare = ManagedEnterpriseProfile {
        products: None,
        regimes: vec![],
        legal_representative: None,
        contact_name: None,
        contact_phone: None,
        office_area_sqm: None,
        employees: None,
        last_year_turnover_wan: None,
        above_scale: None,
        remark: None,
        ..enterprise()
    };
    let person = |person: Personal<String>| ManagedEnterpriseProfile {
        legal_representative: Some(person.clone()),
        contact_name: Some(person.clone()),
        contact_phone: Some(person),
        ..enterprise()
    };
    let closed = person(sealed(subject, &format!("ManagedEnterprise/{subject}/1#/enterprise/contactName")));
    let erased = person(Personal::Erased { subject });
    let left = enterprise_with("status", "left");
    let reason = Some("已迁往其他园区".to_owned());
    let import = Some(EnterpriseImportId(uuid(0x800)));
    let by_import = ManagedEnterpriseEvent::Edited {
        changes: left.changes_from(&enterprise()),
        enterprise: Box::new(left.clone()),
        reason: reason.clone(),
        import,
    };
    let same = ManagedEnterpriseEvent::Edited {
        enterprise: Box::new(bare.clone()),
        changes: vec![],
        reason: None,
        import: None,
    };
    vec![
        added("full", enterprise(), Some(0x600)),
        added("minimal", bare, None),
        added("sealed", closed.clone(), None),
        added("erased", erased, None),
        event("full", by_import),
        event("minimal", same),
        edited("sealed", closed, &enterprise(), None),
        event("full", ManagedEnterpriseEvent::Deleted { reason }),
        event("minimal", ManagedEnterpriseEvent::Deleted { reason: None }),
    ]
}

fn settlement_events() -> Vec<Sample> {
    let event = |name, event| Sample { name, event: Event::SettlementApplication(event) };
    let submitted = |name, application, previous: Option<u128>| {
        let (applicant, park) = (account(1), ParkId(uuid(0x300)));
        let (application, previous) =
            (Box::new(application), previous.map(|n| SettlementApplicationId(uuid(n))));
        let due_at = at(7_200);
        event(name, SettlementApplicationEvent::Submitted { applicant, park, application, due_at, previous })
    };
    let subject = account(1).0;
    let bare = Settlement {
        applicant_type: ApplicantType::Person,
        enterprise_name: None,
        credit_code: None,
        industry: None,
        business_model: None,
        area_sqm: None,
        expected_on: None,
        expected_turnover_wan: None,
        needs: None,
        attachments: vec![],
        ..settlement()
    };
    let place = |field: &str| format!("SettlementApplication/{}/1#/application/{field}", uuid(0x601));
    let closed = Settlement {
        contact_name: sealed(subject, &place("contactName")),
        contact_phone: sealed(subject, &place("contactPhone")),
        ..settlement()
    };
    let gone = || Personal::Erased { subject };
    let erased = Settlement { contact_name: gone(), contact_phone: gone(), ..settlement() };
    let by = || person(2).to_string();
    let reason = || "场地面积不足".to_owned();
    vec![
        submitted("full", settlement(), Some(0x600)),
        submitted("minimal", bare, None),
        submitted("sealed", closed, None),
        submitted("erased", erased, None),
        event("full", SettlementApplicationEvent::ContactViewed { by: by(), at: at(5) }),
        event("full", SettlementApplicationEvent::NoteAdded { by: by(), text: "已电话联系".to_owned() }),
        event("full", SettlementApplicationEvent::Landed { by: by() }),
        event("full", SettlementApplicationEvent::NotLanded { by: by(), reason: reason() }),
        event(
            "full",
            SettlementApplicationEvent::OutcomeCorrected {
                by: by(),
                outcome: Outcome::NotLanded,
                reason: reason(),
            },
        ),
        event("full", SettlementApplicationEvent::Withdrawn {}),
        event("full", SettlementApplicationEvent::Overdue {}),
    ]
}

fn news_events() -> Vec<Sample> {
    let news_event = |name, event| Sample { name, event: Event::NewsArticle(event) };
    let hit = |pointer: &str, kind, term: Option<&str>| Hit {
        pointer: pointer.to_owned(),
        kind,
        start: 4,
        end: 15,
        term: term.map(str::to_owned),
    };
    let hits = vec![
        hit("/body", HitKind::MobileNumber, None),
        hit("/body", HitKind::IdentityNumber, None),
        hit("/title", HitKind::SensitiveTerm, Some("最佳")),
    ];
    let unnamed = vec![hit("/body", HitKind::MobileNumber, None)];
    let reason = "内容与事实不符".to_owned();
    let own = [
        full(Event::NewsArticle(NewsArticleEvent::Opened { park: ParkId(uuid(0x300)), author: account(1) })),
        news_event("full", NewsArticleEvent::HitsConfirmed { revision: 2, hits }),
        news_event("minimal", NewsArticleEvent::HitsConfirmed { revision: 2, hits: unnamed }),
        news_event("full", NewsArticleEvent::TakenDown { reason: reason.clone() }),
        news_event("full", NewsArticleEvent::PutBack {}),
        news_event("full", NewsArticleEvent::Deleted { reason: Some(reason), at: at(9) }),
        news_event("minimal", NewsArticleEvent::Deleted { reason: None, at: at(9) }),
        news_event("full", NewsArticleEvent::Restored {}),
    ];
    let reviewed = review_events(&[("full", news()), ("minimal", News::default())]);
    let reviewed =
        reviewed.into_iter().map(|(name, event)| news_event(name, NewsArticleEvent::Review(event)));
    own.into_iter().chain(reviewed).collect()
}
