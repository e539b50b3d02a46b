//! The platform's story over HTTP, as the manual walks it: a person registers (1.1.1), applies to become a park and is
//! returned once (1.2), is approved and stands in the park back office (1.3); an auditor replays all of it; every
//! read model built anew gives the same screens.

use application::processes::park_established::park_of;
use chrono::TimeDelta;
use domain::actor::Role;
use domain::id::ProviderApplicationId;
use serde_json::{Value, json};
use tests::stories::profile;
use tests::{Answer, Caller, STATEMENT, TestApp};
use uuid::Uuid;

const PHONE: &str = "13800000021";
const NAME: &str = "崖州湾跨境电商园区";

#[tokio::test]
async fn a_person_becomes_a_park() {
    let app = TestApp::new().await;
    let applicant = registers(&app).await;
    let application = applies(&app, &applicant).await;
    is_returned_with_notes(&app, &applicant, application).await;
    corrects_and_resubmits(&app, &applicant, application).await;
    let park = is_approved(&app, &applicant, application).await;
    stands_in_the_back_office(&app, &applicant, park).await;
    auditor_reads_and_replays(&app, &applicant, application, park).await;
    every_rebuilt_read_model_shows_the_same(&app, &applicant, application, park).await;
    app.close().await;
}

/// 1.1.1: code, message, sign-in with consent; typed with full-width digits.
async fn registers(app: &TestApp) -> Caller<'_> {
    let visitor = app.as_visitor();
    let options = visitor.get("auth/options").await.ok();
    assert_eq!(options["/legalStatement/version"], STATEMENT);
    let statement = visitor.get(options["/legalStatement/url"].as_str().unwrap()).await.ok();
    assert_eq!(statement["sha256"], options["/legalStatement/sha256"]);
    let sent =
        visitor.post("auth/sms/codes", json!({"phone": "１３８　００００　００２１"})).await.expecting(202);
    assert_eq!((&sent["retryAfterSeconds"], &sent["expiresInSeconds"]), (&json!(60), &json!(300)));
    let messages = visitor.get(&format!("/sandbox/messages?to={PHONE}")).await.ok();
    assert_eq!(messages.items().len(), 1);
    let code = messages["/0/params/code"].as_str().unwrap();
    assert!(messages["/0/text"].as_str().unwrap().contains(code));
    let body =
        json!({"phone": "+86 138-0000-0021", "code": code, "consent": {"statementVersion": STATEMENT}});
    let login = visitor.post("auth/sms/login", body).await.ok();
    assert_eq!(login["registered"], true);
    assert_eq!(login["/account/phone"], "138****0021");
    app.settle().await;
    let applicant = app.as_visitor().bearer(login["token"].as_str().unwrap());
    let me = applicant.get("me").consistency(&login.token()).await.ok();
    assert_eq!(me["id"], login["/account/id"]);
    assert_eq!(me["phone"], "138****0021");
    assert_eq!(me["consentedVersion"], STATEMENT);
    assert_eq!(me["roles"], json!(["user"]));
    applicant
}

/// 1.2: a draft is saved in pieces, refused while it is incomplete, then handed in.
async fn applies(app: &TestApp, applicant: &Caller<'_>) -> Uuid {
    let little = json!({"kind": "park", "profile": {"name": NAME}});
    let opened = applicant.post("provider-applications", little).await.created();
    let at = format!("provider-applications/{}", opened.id());
    let refused = applicant.post(&format!("{at}/submit"), json!({})).await;
    let refused = refused.problem(422, "provider_application.incomplete");
    assert_eq!(refused.errors().len(), 9);
    assert_eq!(refused.errors()[0], ("/profile/address", "field.required"));
    let mut whole = profile(NAME);
    whole["operatorCreditCode"] = "９１４６０２００ＭＡ５ＴＰＫ０１１６".into();
    whole["contactPhone"] = "１３９００１３９０００".into();
    let saved = applicant.put(&at, json!({"profile": whole})).if_match(opened.version()).await.ok();
    let submitted = applicant.post(&format!("{at}/submit"), json!({})).if_match(saved.version()).await.ok();
    app.settle().await;
    let shown = applicant.get(&at).consistency(&submitted.token()).await.ok();
    assert_eq!(shown.version(), submitted.version());
    assert_eq!((&shown["status"], &shown["revision"]), (&json!("submitted"), &json!(1)));
    assert_eq!(shown["/draft/operatorCreditCode"], "91460200MA5TPK0116");
    assert_eq!(shown["/draft/contactPhone"], "13900139000", "the applicant sees the contact in full");
    assert_eq!(applicant.get("me/applications").await.ok()["total"], 1);
    opened.id()
}

/// A reviewer finds it in the queue, claims it and returns it.
async fn is_returned_with_notes(app: &TestApp, applicant: &Caller<'_>, application: Uuid) {
    let reviewer = app.as_staff(Role::Reviewer).await;
    let queue = reviewer.get("reviews").await.ok();
    assert_eq!((&queue["total"], &queue["/items/0/title"]), (&json!(1), &json!(NAME)));
    assert_eq!(queue["/items/0/submitter"], format!("account:{}", me(applicant).await));
    assert_eq!(menu_count(&reviewer.get("me/menu").await.ok(), "reviews"), Some(1));
    reviewer.post(&format!("reviews/providerApplication/{application}/claim"), json!({})).await.is(200);
    let at = format!("provider-applications/{application}");
    let seen = reviewer.get(&at).await.ok();
    assert_eq!(seen["draft"], Value::Null, "a reviewer sees what was submitted");
    assert_eq!(seen["/revisions/0/content/contactName"], "王**");
    assert_eq!(seen["/revisions/0/content/contactPhone"], "139****9000");
    let body = json!({
        "reason": "地址与营业执照不一致，请核对",
        "fields": [{"pointer": "/address", "note": "请填写营业执照上的地址"}],
    });
    let returned = reviewer.post(&format!("{at}/return"), body).await.ok();
    app.settle().await;
    let shown = applicant.get(&at).consistency(&returned.token()).await.ok();
    assert_eq!(shown["status"], "returned");
    assert_eq!(shown["/revisions/0/decision/outcome"], "returned");
    assert_eq!(shown["/revisions/0/decision/reason"], "地址与营业执照不一致，请核对");
    let notes = &shown["/revisions/0/decision/fields"];
    assert_eq!(notes, &json!([{"pointer": "/address", "note": "请填写营业执照上的地址"}]));
    assert_eq!(reviewer.get("reviews").await.ok()["total"], 0);
}

/// Resubmission is revision 2, and its difference is what was corrected.
async fn corrects_and_resubmits(app: &TestApp, applicant: &Caller<'_>, application: Uuid) {
    app.wait(TimeDelta::minutes(5));
    let at = format!("provider-applications/{application}");
    let mut corrected = profile(NAME);
    corrected["address"] = "三亚市崖州区示例路 2 号".into();
    corrected["contactName"] = "李小红".into();
    applicant.put(&at, json!({"profile": corrected})).await.is(200);
    applicant.post(&format!("{at}/submit"), json!({})).await.is(200);
    app.settle().await;
    let shown = applicant.get(&at).await.ok();
    assert_eq!(shown["revision"], 2);
    assert_eq!(shown["/revisions/1/unchanged"], false);
    let address = json!({"pointer": "/address", "before": "三亚市崖州区示例路 1 号", "after": "三亚市崖州区示例路 2 号"});
    let contact = json!({"pointer": "/contactName", "before": "王小明", "after": "李小红"});
    let mut diff = shown["/revisions/1/diff"].as_array().unwrap().clone();
    diff.sort_by_key(|change| change["pointer"].to_string());
    assert_eq!(diff, [address, contact]);
    let reviewer = app.as_staff(Role::Reviewer).await;
    let seen = reviewer.get(&at).await.ok();
    assert_eq!(seen["/revisions/0/content/address"], "三亚市崖州区示例路 1 号", "revision 1 is what it was");
    assert_eq!(seen["/revisions/1/status"], "submitted");
}

async fn is_approved(app: &TestApp, applicant: &Caller<'_>, application: Uuid) -> Uuid {
    let reviewer = app.as_staff(Role::Reviewer).await;
    let at = format!("provider-applications/{application}");
    let approved = reviewer.post(&format!("{at}/approve"), json!({"comment": "材料齐全，同意。"})).await.ok();
    app.settle().await;
    let shown = applicant.get(&at).consistency(&approved.token()).await.ok();
    assert_eq!(shown["status"], "approved");
    assert_eq!(shown["/revisions/1/decision/comment"], "材料齐全，同意。");
    park_of(ProviderApplicationId(application)).0
}

/// 1.3: the applicant enters the back office; everybody sees the park.
async fn stands_in_the_back_office(app: &TestApp, applicant: &Caller<'_>, park: Uuid) {
    let mine = applicant.get("parks/mine").await.ok();
    assert_eq!((&mine["total"], &mine["/items/0/id"]), (&json!(1), &json!(park)));
    assert_eq!(mine["/items/0/role"], "owner");
    let me = applicant.get("me").await.ok();
    assert_eq!(me["roles"], json!(["user", "park"]));
    assert_eq!(me["/parks/0/name"], NAME);
    let menu = applicant.get("me/menu").await.ok();
    let groups: Vec<&Value> = menu["groups"].as_array().unwrap().iter().map(|group| &group["code"]).collect();
    assert_eq!(groups, ["userCentre", "parkBackOffice"]);
    let public = app.as_visitor().get(&format!("parks/{park}")).await.ok();
    assert_eq!(public["/profile/address"], "三亚市崖州区示例路 2 号", "the approved revision");
    assert_eq!(public["/profile/contactName"], Value::Null, "the contact is not public");
    assert_eq!(app.as_visitor().get("parks").await.ok()["/items/0/name"], NAME);
}

/// The trail tells the story in order; what it folds to is what the screens show.
async fn auditor_reads_and_replays(app: &TestApp, applicant: &Caller<'_>, application: Uuid, park: Uuid) {
    let auditor = app.as_staff(Role::Auditor).await;
    app.settle().await;
    let stream =
        auditor.get(&format!("audit/streams/ProviderApplication/{application}?limit=100")).await.ok();
    let told: Vec<&str> = stream.items().iter().map(|row| row["eventType"].as_str().unwrap()).collect();
    let happened = [
        "Opened",
        "Drafted",
        "Drafted",
        "Submitted",
        "Claimed",
        "Returned",
        "Drafted",
        "Submitted",
        "Approved",
    ];
    assert_eq!(told, happened.map(|event| format!("ProviderApplication{event}")));
    let sealed = &stream.items()[2]["payload"]["content"]["contactPhone"];
    assert!(sealed["$sealed"].is_object(), "auditors see personal data sealed: {sealed}");
    let by_applicant = format!("audit/events?actor=account:{}&limit=100", me(applicant).await);
    assert!(auditor.get(&by_applicant).await.ok().items().len() >= 6);
    let folded = auditor.get(&format!("audit/streams/ProviderApplication/{application}/state")).await.ok();
    let shown = applicant.get(&format!("provider-applications/{application}")).await.ok();
    assert_eq!(folded["version"], shown["version"]);
    assert_eq!(folded["/state/review/state"], shown["status"]);
    assert_eq!(folded["/state/review/draft"], masked(&shown["draft"]));
    assert_eq!(folded["/state/review/revisions/1/number"], shown["/revisions/1/number"]);
    let before =
        auditor.get(&format!("audit/streams/ProviderApplication/{application}/state?version=6")).await.ok();
    assert_eq!(before["/state/review/state"], "returned");
    assert_eq!(before["/state/review/draft/address"], "三亚市崖州区示例路 1 号");
    let folded = auditor.get(&format!("audit/streams/Park/{park}/state")).await.ok();
    let shown = applicant.get(&format!("parks/{park}")).await.ok();
    assert_eq!(folded["version"], shown["version"]);
    assert_eq!(folded["/state/live"], masked(&shown["profile"]));
    assert_eq!(folded["/state/established/application"], application.to_string());
}

async fn every_rebuilt_read_model_shows_the_same(
    app: &TestApp,
    applicant: &Caller<'_>,
    application: Uuid,
    park: Uuid,
) {
    app.settle().await;
    let before = screens(app, applicant, application, park).await;
    for projection in projections::all() {
        let name = projection.name();
        let rebuilt = projections::rebuild::run(&app.state.db, projection, "rebuild", |_| {}).await;
        let rebuilt = rebuilt.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rebuilt.generation, 2, "{name}");
    }
    assert_eq!(screens(app, applicant, application, park).await, before);
}

/// What people see, but for what a look itself changes.
async fn screens(app: &TestApp, applicant: &Caller<'_>, application: Uuid, park: Uuid) -> Vec<Value> {
    let (visitor, reviewer) = (app.as_visitor(), app.as_staff(Role::Reviewer).await);
    let admin = app.as_staff(Role::SecurityAdmin).await;
    app.settle().await;
    let mut screens = Vec::new();
    for (caller, path) in [
        (&visitor, "auth/options".to_owned()),
        (&visitor, "legal-statements/current".to_owned()),
        (&visitor, "parks".to_owned()),
        (&visitor, format!("parks/{park}")),
        (applicant, "me".to_owned()),
        (applicant, "me/menu".to_owned()),
        (applicant, "parks/mine".to_owned()),
        (applicant, format!("parks/{park}/staff")),
        (applicant, format!("provider-applications/{application}")),
        (&reviewer, "reviews?status=all".to_owned()),
        (&reviewer, "provider-applications".to_owned()),
        (&admin, "staff".to_owned()),
    ] {
        screens.push(caller.get(&path).await.ok().json);
    }
    screens
}

/// The contact as those see it who need not call it.
fn masked(profile: &Value) -> Value {
    let mut masked = profile.clone();
    masked["contactName"] = "李**".into();
    masked["contactPhone"] = "139****9000".into();
    masked
}

async fn me(caller: &Caller<'_>) -> String {
    caller.get("me").await.ok()["id"].as_str().unwrap().to_owned()
}

fn menu_count(menu: &Answer, code: &str) -> Option<u64> {
    let groups = menu["groups"].as_array()?;
    let mut items = groups.iter().filter_map(|group| group["items"].as_array()).flatten();
    items.find(|item| item["code"] == code)?["count"].as_u64()
}
