//! Who may do what, over HTTP: every operation of the OpenAPI document for every role, with own and foreign rows, as one
//! committed table. A new operation fails the test until it has a line in [`CASES`].
//!
//! Each cell has a target of its own, so that no caller meets what another one did.

mod world;

use std::collections::BTreeSet;
use std::fmt::Write;

use axum::http::Method;
use serde_json::{Value, json};
use tests::TestApp;
use tests::sample_files::{form, png};
use tests::stories::profile;

use crate::assessment::plan;
use crate::openapi::{document, operations};
use world::{World, roster};

/// What an operation is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Nothing that exists before.
    Nothing,
    /// A draft of `user`.
    Draft,
    /// A submitted application of `user`.
    Submitted,
    /// A park of `parkOwner` and `parkStaff`, revision 1 of its profile pending.
    Park,
    /// The same, suspended.
    SuspendedPark,
    /// An article of such a park, revision 1 pending.
    News,
    /// The same, published.
    PublishedNews,
    /// An application of `user` to settle in such a park.
    Settlement,
    /// An enterprise on the roster of such a park.
    Enterprise,
    /// A previewed import into the roster of such a park.
    Import,
    /// A file of `user` that stands nowhere.
    OwnFile,
    /// A picture on the live profile of a park of `parkOwner`.
    LivePicture,
    /// A certificate there.
    LiveCertificate,
    /// An open assessment cycle in which a park of `parkOwner` takes part.
    Cycle,
    /// What that park files in it.
    Submission,
    /// An objection that is not there.
    Objection,
    /// A staff account.
    Staff,
    /// A session of `user`.
    Session,
    /// The caller's own session, to be ended.
    OwnSession,
}

/// Stands for a form with a picture.
const FORM: &str = "form";
/// Stands for a form with a roster.
const ROSTER_FORM: &str = "roster form";
/// Operation, target, and the body of a command; `#` in it is a number that no other cell has.
const CASES: &[(&str, Target, &str)] = &[
    ("authOptionsRead", Target::Nothing, ""),
    ("smsCodeRequest", Target::Nothing, r#"{"phone": "1390000#"}"#),
    (
        "smsLogin",
        Target::Nothing,
        r#"{"phone": "1370000#", "code": "code", "consent": {"statementVersion": "2026-11"}}"#,
    ),
    ("wechatLoginStart", Target::Nothing, "{}"),
    ("wechatLoginReturn", Target::Nothing, ""),
    ("haiyibanLoginStart", Target::Nothing, r#"{"subjectType": "person", "purpose": "login"}"#),
    ("haiyibanLoginReturn", Target::Nothing, ""),
    ("loginRead", Target::Nothing, ""),
    (
        "loginBind",
        Target::Nothing,
        r#"{"loginId": "01930000-0000-7000-8000-000000000001", "phone": "1370000#", "code": "000000"}"#,
    ),
    ("staffLogin", Target::Nothing, r#"{"username": "door", "password": "Sanya-tests-2026"}"#),
    (
        "staffPasswordChange",
        Target::Nothing,
        r#"{"username": "door", "password": "Sanya-tests-2026", "newPassword": "weak"}"#,
    ),
    ("sessionEnd", Target::OwnSession, "{}"),
    ("sessionRead", Target::Nothing, ""),
    ("meRead", Target::Nothing, ""),
    ("meMenuRead", Target::Nothing, ""),
    ("dictionaryList", Target::Nothing, ""),
    ("identityUnlink", Target::Nothing, r#"{"code": "000000"}"#),
    ("meSessionList", Target::Nothing, ""),
    ("meSessionEnd", Target::Session, "{}"),
    ("meApplicationList", Target::Nothing, ""),
    ("legalStatementRead", Target::Nothing, ""),
    (
        "legalStatementPublish",
        Target::Nothing,
        r#"{"version": "v#", "title": "法律声明", "body": "使用本平台即表示同意。"}"#,
    ),
    ("providerApplicationOpen", Target::Nothing, r#"{"kind": "base", "profile": {}}"#),
    ("providerApplicationSave", Target::Draft, r#"{"profile": {"name": "改名"}}"#),
    ("providerApplicationSubmit", Target::Draft, "{}"),
    ("providerApplicationWithdraw", Target::Submitted, "{}"),
    ("providerApplicationApprove", Target::Submitted, "{}"),
    ("providerApplicationReturn", Target::Submitted, r#"{"reason": "资料不够齐全"}"#),
    ("providerApplicationReject", Target::Submitted, r#"{"reason": "资料不够齐全"}"#),
    ("providerApplicationList", Target::Nothing, ""),
    ("providerApplicationRead", Target::Draft, ""),
    ("providerApplicationRead", Target::Submitted, ""),
    ("reviewList", Target::Nothing, ""),
    ("reviewClaim", Target::Submitted, "{}"),
    ("reviewClaim", Target::Park, "{}"),
    ("reviewClaim", Target::Submission, "{}"),
    ("reviewClaim", Target::Objection, "{}"),
    ("reviewRelease", Target::Submitted, "{}"),
    ("reviewRelease", Target::Park, "{}"),
    ("reviewRelease", Target::Submission, "{}"),
    ("reviewRelease", Target::Objection, "{}"),
    ("reviewClaim", Target::News, "{}"),
    ("reviewRelease", Target::News, "{}"),
    ("parkList", Target::Nothing, ""),
    ("parkListMine", Target::Nothing, ""),
    ("parkRead", Target::Park, ""),
    ("parkRead", Target::SuspendedPark, ""),
    ("parkProfileRevise", Target::Park, r#"{"profile": "whole", "replacePending": true}"#),
    ("parkProfileRevise", Target::SuspendedPark, r#"{"profile": "whole", "replacePending": true}"#),
    ("parkProfileRevisionList", Target::Park, ""),
    ("parkProfileRevisionList", Target::SuspendedPark, ""),
    ("parkProfileApprove", Target::Park, "{}"),
    ("parkProfileReturn", Target::Park, r#"{"reason": "资料不够齐全"}"#),
    ("parkProfileReject", Target::Park, r#"{"reason": "资料不够齐全"}"#),
    ("parkProfileWithdraw", Target::Park, "{}"),
    ("parkSuspend", Target::Park, r#"{"reason": "资质已经过期"}"#),
    ("parkReinstate", Target::SuspendedPark, "{}"),
    ("parkStaffList", Target::Park, ""),
    ("parkStaffAdd", Target::Park, r#"{"phone": "13800000112"}"#),
    ("parkStaffAdd", Target::SuspendedPark, r#"{"phone": "13800000112"}"#),
    ("parkStaffRemove", Target::Park, "{}"),
    ("newsList", Target::Nothing, ""),
    ("newsRead", Target::News, ""),
    ("newsRead", Target::PublishedNews, ""),
    ("parkNewsList", Target::Park, ""),
    ("newsOpen", Target::Park, "{}"),
    ("newsOpen", Target::SuspendedPark, "{}"),
    ("newsSave", Target::News, "{}"),
    ("newsSubmit", Target::News, "{}"),
    ("newsWithdraw", Target::News, "{}"),
    ("newsApprove", Target::News, "{}"),
    ("newsReturn", Target::News, r#"{"reason": "资料不够齐全"}"#),
    ("newsReject", Target::News, r#"{"reason": "资料不够齐全"}"#),
    ("newsTakeDown", Target::PublishedNews, r#"{"reason": "内容与事实不符"}"#),
    ("newsRestore", Target::PublishedNews, "{}"),
    ("newsDelete", Target::News, r#"{"confirm": "园区举办跨境电商培训"}"#),
    ("settlementApplicationSubmit", Target::Park, SETTLEMENT),
    ("settlementApplicationSubmit", Target::SuspendedPark, SETTLEMENT),
    ("parkSettlementApplicationList", Target::Park, ""),
    ("meSettlementApplicationList", Target::Nothing, ""),
    ("settlementApplicationRead", Target::Settlement, ""),
    ("settlementApplicationRevealContact", Target::Settlement, "{}"),
    ("settlementApplicationNoteAdd", Target::Settlement, r#"{"text": "已电话联系"}"#),
    ("settlementApplicationLand", Target::Settlement, r#"{"confirm": "王小明"}"#),
    ("settlementApplicationNotLand", Target::Settlement, r#"{"reason": "场地面积不足"}"#),
    (
        "settlementApplicationCorrect",
        Target::Settlement,
        r#"{"outcome": "landed", "reason": "登记有误更正"}"#,
    ),
    ("settlementApplicationWithdraw", Target::Settlement, "{}"),
    ("enterpriseList", Target::Nothing, ""),
    ("parkEnterpriseList", Target::Park, ""),
    ("parkEnterpriseSummaryRead", Target::Park, ""),
    ("enterpriseAdd", Target::Park, ENTERPRISE),
    ("enterpriseAdd", Target::SuspendedPark, ENTERPRISE),
    ("enterpriseRead", Target::Enterprise, ""),
    ("enterpriseEdit", Target::Enterprise, ENTERPRISE),
    ("enterpriseTemplateRead", Target::Park, ""),
    ("enterpriseExport", Target::Park, ""),
    ("enterpriseImportPreview", Target::Park, ROSTER_FORM),
    ("enterpriseImportPreview", Target::SuspendedPark, ROSTER_FORM),
    ("enterpriseImportRead", Target::Import, ""),
    ("enterpriseImportCommit", Target::Import, "{}"),
    ("enterpriseImportProgress", Target::Import, ""),
    ("enterpriseImportReportRead", Target::Import, ""),
    ("enterpriseDelete", Target::Enterprise, r#"{"confirm": "91460200MA5TPK038X"}"#),
    ("workingCalendarList", Target::Nothing, ""),
    ("workingCalendarRead", Target::Nothing, ""),
    ("workingCalendarSet", Target::Nothing, r#"{"daysOff": ["2026-10-01"], "workingDays": []}"#),
    ("assessmentCycleList", Target::Nothing, ""),
    ("assessmentCycleRead", Target::Cycle, ""),
    ("assessmentCycleDraft", Target::Nothing, r#"{"plan": "sample"}"#),
    ("assessmentCycleRevise", Target::Cycle, r#"{"plan": "sample"}"#),
    ("assessmentCycleOpen", Target::Cycle, "{}"),
    ("assessmentCycleAddPark", Target::Cycle, r#"{"parkId": "00000000-0000-0000-0000-000000000000"}"#),
    (
        "assessmentCycleExtend",
        Target::Cycle,
        r#"{"parks": [], "until": "2027-01-01T00:00:00Z", "reason": "台风停工延期"}"#,
    ),
    ("assessmentCycleCancel", Target::Cycle, r#"{"reason": "短"}"#),
    ("filingRead", Target::Cycle, ""),
    ("filingSaveItem", Target::Cycle, r##"{"value": "#"}"##),
    ("filingSubmit", Target::Cycle, r#"{"items": ["A1"]}"#),
    ("filingSupplement", Target::Cycle, r#"{"items": ["A1"], "reason": "与企业名录核对后补报"}"#),
    ("filingTemplateRead", Target::Cycle, ""),
    ("filingImport", Target::Cycle, FORM),
    ("assessmentSubmissionList", Target::Nothing, ""),
    ("assessmentSubmissionRead", Target::Submission, ""),
    ("submissionItemClaim", Target::Submission, "{}"),
    ("submissionItemRelease", Target::Submission, "{}"),
    ("submissionItemVerify", Target::Submission, r##"{"adoptedValue": "#", "reason": "与企业名录核对"}"##),
    ("submissionItemScore", Target::Submission, r#"{"score": "1"}"#),
    ("submissionItemRecuse", Target::Submission, r#"{"reason": "与该园区有利害关系"}"#),
    ("submissionItemReturn", Target::Submission, r#"{"reason": "资料不够齐全"}"#),
    ("rankingCompute", Target::Cycle, "{}"),
    ("rankingPublicize", Target::Cycle, "{}"),
    ("rankingFinalize", Target::Cycle, "{}"),
    ("rankingRead", Target::Cycle, ""),
    ("rankingPrint", Target::Cycle, ""),
    ("rankingExport", Target::Cycle, ""),
    ("rankingTraceRead", Target::Cycle, ""),
    ("objectionList", Target::Nothing, ""),
    (
        "objectionRaise",
        Target::Nothing,
        r#"{"cycleId": "cycle", "target": {"type": "total"}, "category": "other", "reason": "对总分有异议，请复核"}"#,
    ),
    ("objectionRead", Target::Nothing, ""),
    ("objectionWithdraw", Target::Nothing, "{}"),
    ("objectionPreview", Target::Nothing, r#"{"adjustments": []}"#),
    ("objectionAccept", Target::Nothing, r#"{"answer": "核对后予以更正", "adjustments": []}"#),
    ("objectionReject", Target::Nothing, r#"{"answer": "核对无误，不予采纳"}"#),
    ("fileUpload", Target::Nothing, FORM),
    ("fileRead", Target::OwnFile, ""),
    ("fileRead", Target::LivePicture, ""),
    ("fileRead", Target::LiveCertificate, ""),
    ("staffList", Target::Nothing, ""),
    ("staffCreate", Target::Nothing, r#"{"username": "staff.#"}"#),
    ("staffGrant", Target::Staff, r#"{"role": "editor"}"#),
    ("staffRevoke", Target::Staff, r#"{"role": "reviewer"}"#),
    ("staffLock", Target::Staff, r#"{"reason": "岗位已经调整"}"#),
    ("staffUnlock", Target::Staff, "{}"),
    ("staffPasswordReset", Target::Staff, "{}"),
    ("staffSecondFactorReset", Target::Staff, "{}"),
    ("projectionList", Target::Nothing, ""),
    ("projectionRebuild", Target::Nothing, "{}"),
    ("projectionParkedList", Target::Nothing, ""),
    ("projectionParkedRetry", Target::Nothing, "{}"),
    ("projectionParkedSkip", Target::Nothing, "{}"),
    ("auditEventList", Target::Nothing, ""),
    ("auditStreamRead", Target::Park, ""),
    ("auditStreamStateRead", Target::Park, ""),
];

const SETTLEMENT: &str = r#"{"applicantType": "person", "contactName": "王小明", "contactPhone": "13900139000",
    "consentToShareContact": true}"#;

/// `tests/it/access/world.rs` reads it too.
pub const ENTERPRISE: &str = r#"{"name": "三亚示例有限公司", "creditCode": "91460200MA5TPK038X",
    "settledOn": "2024-06-01", "status": "left", "category": "seller"}"#;
/// What is said to callers who may not do it at all, whatever they send.
const REFUSED: [&str; 2] = ["session.required", "access.forbidden"];

/// What the columns mean, above the table.
const LEGEND: &str = "\
Drafts and applications are those of `user`, sessions too. Parks are those of `parkOwner` and `parkStaff`; `otherPark`
runs another one. A parked stream to retry or skip is not there, nor is an objection: 404 is for whoever may. All cells
of the assessment share one cycle: 409 and 422 are for whoever may, where an earlier cell did it already.
";

#[tokio::test]
async fn every_operation_for_every_role() {
    let app = TestApp::new().await;
    let operations = operations(&document());
    let known: BTreeSet<&str> = CASES.iter().map(|(id, ..)| *id).collect();
    let documented: BTreeSet<&str> =
        operations.values().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(documented, known, "every operation of the document has its line in CASES, and no other has");
    let world = World::new(&app).await;
    let mut table = String::from(LEGEND);
    let names: Vec<String> = world.callers().iter().map(|(name, _)| format!("{name:>14}")).collect();
    writeln!(table, "\n{:<82}{}", "", names.concat()).unwrap();
    let mut number = 1000;
    for (id, target, body) in CASES {
        let (name, _) = operations.iter().find(|(_, operation)| operation["operationId"] == *id).unwrap();
        let (method, path) = name.split_once(' ').unwrap();
        let label = format!("{method:<6} {} {}", path.trim_start_matches("/api/v1/"), described(*target));
        write!(table, "{label:<82}").unwrap();
        for at in 0..world.callers().len() {
            number += 1;
            let (caller, path) = world.prepare(at, *target, path, method == "get").await;
            let form_fields = form_fields(body);
            let body = fill(&world, body, number).await;
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request =
                caller.send(method.clone(), &path).from([10, 0, 0, u8::try_from(number % 250).unwrap()]);
            let answer = if method == Method::GET {
                request.await
            } else if let Some(fields) = &form_fields {
                let fields: Vec<(&str, &str, &[u8])> =
                    fields.iter().map(|(name, file, bytes)| (*name, *file, bytes.as_slice())).collect();
                let (content_type, form) = form(&fields);
                request.raw(&content_type, form).await
            } else {
                request.json(&body).await
            };
            if method != Method::GET
                && form_fields.is_none()
                && REFUSED.iter().any(|code| answer["code"] == *code)
            {
                // Whoever may not do it does not learn how it would be done.
                let nonsense = caller.send(method, &path).json(&json!({"noSuchField": 1})).await;
                nonsense.problem(answer.status.as_u16(), answer["code"].as_str().unwrap());
            }
            write!(table, "{:>14}", answer.status.as_u16()).unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!("access", table);
    app.close().await;
}

fn described(target: Target) -> &'static str {
    match target {
        Target::Nothing => "",
        Target::Draft => "(draft)",
        Target::Submitted => "(submitted)",
        Target::Park => "(park)",
        Target::SuspendedPark => "(suspended park)",
        Target::News => "(news)",
        Target::PublishedNews => "(published news)",
        Target::Settlement => "(settlement)",
        Target::Enterprise => "(enterprise)",
        Target::Import => "(import)",
        Target::OwnFile => "(own file)",
        Target::LivePicture => "(live picture)",
        Target::LiveCertificate => "(live certificate)",
        Target::Cycle => "(open cycle)",
        Target::Submission => "(own submission)",
        Target::Objection => "(objection)",
        Target::Staff => "(staff)",
        Target::Session | Target::OwnSession => "(session)",
    }
}

/// Name, file name and bytes of the fields of a form.
fn form_fields(body: &str) -> Option<Vec<(&'static str, &'static str, Vec<u8>)>> {
    match body {
        FORM => Some(vec![("file", "a.png", png())]),
        ROSTER_FORM => Some(vec![("mode", "", b"add".to_vec()), ("file", "a.csv", roster())]),
        _ => None,
    }
}

/// The body of one cell.
async fn fill(world: &World<'_>, body: &str, number: u32) -> Value {
    if body.is_empty() || form_fields(body).is_some() {
        return Value::Null;
    }
    let mut body: Value = serde_json::from_str(&body.replace('#', &number.to_string())).unwrap();
    if body["plan"] == "sample" {
        return plan(world.now());
    }
    if body["cycleId"] == "cycle" {
        body["cycleId"] = json!(world.cycle());
    }
    if body["profile"] == "whole" {
        body["profile"] = profile("改名后的园区");
    }
    if body["code"] == "code" {
        body["code"] = json!(world.code(body["phone"].as_str().unwrap()).await);
    }
    body
}
