//! Parks and bases: what the public sees, revisions of the profile, people of the back office, suspension.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;
use tests::stories::{park_name, profile};

const OWNER: &str = "13800000041";
const COLLEAGUE: &str = "13800000042";

#[tokio::test]
async fn a_revision_of_the_profile_is_live_once_it_is_approved() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let mut next = profile("改名后的园区");
    next["contactPublic"] = true.into();
    let revised = park.owner.post(&park.path("profile-revisions"), json!({"profile": next})).await.created();
    let twice = profile("再改一次");
    let pending = park.owner.post(&park.path("profile-revisions"), json!({"profile": twice})).await;
    pending.problem(409, "park.revision_pending");
    app.settle().await;
    let visitor = app.as_visitor();
    assert_eq!(visitor.get(&park.path("")).await.ok()["name"], park_name(OWNER), "the live profile stays");
    let reviewer = app.as_staff(Role::Reviewer).await;
    let queue = reviewer.get("reviews?kind=parkProfile").await.ok();
    assert_eq!((&queue["total"], &queue["/items/0/id"]), (&json!(1), &json!(park.id)));
    reviewer.post(&format!("reviews/parkProfile/{}/claim", park.id), json!({})).await.is(200);
    reviewer
        .post(&park.path("profile-revisions/2/approve"), json!({}))
        .await
        .problem(404, "park.revision_not_found");
    let approved = reviewer.post(&park.path("profile-revisions/1/approve"), json!({})).await.ok();
    assert!(approved.version() > revised.version());
    app.settle().await;
    let public = visitor.get(&park.path("")).await.ok();
    assert_eq!(public["name"], "改名后的园区");
    assert_eq!(public["/profile/contactName"], "王小明", "the park made its contact public");
    assert_eq!(public["/profile/certificates"], Value::Null);
    let revisions = park.owner.get(&park.path("profile-revisions")).await.ok();
    assert_eq!(revisions["/0/decision/outcome"], "approved");
    app.close().await;
}

#[tokio::test]
async fn a_pending_revision_can_be_replaced_withdrawn_returned_and_rejected() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let revise = |name: &str, replace: bool| {
        let body = json!({"profile": profile(name), "replacePending": replace});
        park.owner.post(&park.path("profile-revisions"), body)
    };
    revise("第一次", false).await.is(201);
    revise("第二次", true).await.is(201);
    park.owner.post(&park.path("profile-revisions/2/withdraw"), json!({})).await.is(200);
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer
        .post(&park.path("profile-revisions/2/approve"), json!({}))
        .await
        .problem(409, "review.not_pending");
    revise("第三次", false).await.is(201);
    let beside = json!({"reason": "名称过于简单", "fields": [{"pointer": "/nope", "note": "请写全称"}]});
    let refused = reviewer.post(&park.path("profile-revisions/3/return"), beside).await;
    assert_eq!(
        refused.problem(422, "review.invalid").errors(),
        [("/fields/0/pointer", "review.pointer")],
        "there is no such field to stand beside"
    );
    let notes = json!({"reason": "名称过于简单", "fields": [{"pointer": "/name", "note": "请写全称"}]});
    reviewer.post(&park.path("profile-revisions/3/return"), notes).await.is(200);
    revise("第四次", false).await.is(201);
    let rejected = json!({"reason": "名称不符合要求"});
    reviewer.post(&park.path("profile-revisions/4/reject"), rejected).await.is(200);
    app.settle().await;
    let revisions = park.owner.get(&park.path("profile-revisions")).await.ok();
    let states: Vec<&Value> = revisions.items().iter().map(|revision| &revision["status"]).collect();
    assert_eq!(states, ["withdrawn", "withdrawn", "returned", "rejected"]);
    assert_eq!(app.as_visitor().get(&park.path("")).await.ok()["name"], park_name(OWNER));
    app.close().await;
}

#[tokio::test]
async fn what_is_probably_a_mistake_is_told_with_the_answer() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let mut far = profile("远方的园区");
    far["longitude"] = "116.40".into();
    let revised = park.owner.post(&park.path("profile-revisions"), json!({"profile": far})).await.created();
    assert_eq!(revised["/warnings/0/pointer"], "/profile/longitude");
    let near = json!({"profile": profile("近处的园区"), "replacePending": true});
    let revised = park.owner.post(&park.path("profile-revisions"), near).await.created();
    assert_eq!(revised["warnings"], Value::Null);
    app.close().await;
}

#[tokio::test]
async fn an_incomplete_revision_is_refused_with_every_missing_field() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let body = json!({"profile": {"name": "只有名称"}});
    let refused = park.owner.post(&park.path("profile-revisions"), body).await.problem(422, "park.invalid");
    assert_eq!(refused.errors().len(), 9);
    assert!(refused.errors().iter().all(|(pointer, _)| pointer.starts_with("/profile/")));
    app.close().await;
}

#[tokio::test]
async fn the_owner_lets_registered_people_in_and_out() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let add = |phone: &str| park.owner.post(&park.path("staff"), json!({"phone": phone}));
    let unknown = add(COLLEAGUE).await.problem(422, "park.staff_not_registered");
    assert_eq!(unknown.errors(), [("/phone", "park.staff_not_registered")]);
    let colleague = app.registered(COLLEAGUE).await;
    add("１３８ ００００ ００４２").await.is(201);
    add(OWNER).await.problem(422, "park.owner_is_member");
    app.settle().await;
    assert_eq!(colleague.get("parks/mine").await.ok()["/items/0/role"], "staff");
    let people = park.owner.get(&park.path("staff")).await.ok();
    let roles: Vec<&Value> = people.items().iter().map(|member| &member["role"]).collect();
    assert_eq!(roles, ["owner", "staff"]);
    assert_eq!(people["/1/phone"], "138****0042");
    colleague.post(&park.path("staff"), json!({"phone": OWNER})).await.problem(403, "park.not_owner");
    let body = json!({"profile": profile("同事改的名")});
    colleague.post(&park.path("profile-revisions"), body).await.is(201);
    park.owner.delete(&park.path(&format!("staff/{}", colleague.account()))).await.is(200);
    let body = json!({"profile": profile("同事又改的名"), "replacePending": true});
    colleague.post(&park.path("profile-revisions"), body).await.problem(404, "park.not_found");
    app.settle().await;
    assert_eq!(colleague.get("parks/mine").await.ok()["total"], 0);
    app.close().await;
}

#[tokio::test]
async fn a_suspended_park_is_hidden_and_can_only_be_read_by_its_members() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    app.settle().await;
    let visitor = app.as_visitor();
    visitor.get(&park.path("")).await.problem(404, "resource.not_found");
    assert_eq!(visitor.get("parks").await.ok()["total"], 0);
    let own = park.owner.get(&park.path("")).await.ok();
    assert_eq!((&own["suspended"], &own["suspendedReason"]), (&json!(true), &json!("运营资质已经过期")));
    let body = json!({"profile": profile("暂停期间")});
    park.owner.post(&park.path("profile-revisions"), body.clone()).await.problem(409, "park.suspended");
    park.owner.post(&park.path("staff"), json!({"phone": OWNER})).await.problem(409, "park.suspended");
    reviewer.post(&park.path("reinstate"), json!({})).await.is(200);
    park.owner.post(&park.path("profile-revisions"), body).await.is(201);
    app.settle().await;
    visitor.get(&park.path("")).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn parks_are_filtered_and_sorted_by_whitelisted_names() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    app.established("13800000043").await;
    let visitor = app.as_visitor();
    let names = async |query: &str| -> Vec<String> {
        let page = visitor.get(&format!("parks{query}")).await.ok();
        page.items().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (park_name(OWNER), park_name("13800000043"));
    assert_eq!(names("?sort=name").await, [first.clone(), second.clone()]);
    assert_eq!(names("?sort=-name").await, [second, first.clone()]);
    assert_eq!(names("?q=0041&kind=park&district=460205&level=provincial").await, [first]);
    assert_eq!(names("?kind=base").await, Vec::<String>::new());
    assert_eq!(names("?q=保税展示").await.len(), 2, "the text is searched, not only the name");
    assert_eq!(names("?q=王小明").await.len(), 0, "but not the contact");
    let sorted = visitor.get("parks?sort=password").await.problem(422, "request.invalid");
    assert_eq!(sorted.errors().len(), 1);
    visitor.get("parks?kind=castle").await.problem(422, "request.invalid");
    let detail = park.owner.get(&park.path("")).await.ok();
    assert_eq!(detail["/profile/contactName"], "王小明", "members see their own contact");
    app.close().await;
}
