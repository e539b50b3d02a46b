//! The manual's walks through a park's back office, 1.3.3 to 1.3.6, each from its first screen to what others see of it.

use axum::http::Method;
use domain::actor::Role;
use serde_json::json;
use tests::TestApp;
use tests::sample_files::form;
use tests::stories::{park_name, profile};

const OWNER: &str = "13800000141";
const APPLICANT: &str = "13800000142";

#[tokio::test]
async fn manual_1_3_3_information_is_maintained_reviewed_and_live() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let (visitor, reviewer) = (app.as_visitor(), app.as_staff(Role::Reviewer).await);
    let revised = json!({"profile": profile("三亚崖州湾新园区")});
    park.owner.post(&park.path("profile-revisions"), revised).await.is(201);
    app.settle().await;
    assert_eq!(
        visitor.get(&park.path("")).await.ok()["name"],
        park_name(OWNER),
        "the live page is unchanged"
    );
    let mine = park.owner.get("parks/mine").await.ok();
    assert_eq!(mine["/items/0/profileStatus"], "submitted");
    let queue = reviewer.get("reviews?kind=parkProfile").await.ok();
    assert_eq!((&queue["total"], &queue["/items/0/id"]), (&json!(1), &json!(park.id)));
    reviewer.post(&park.path("profile-revisions/1/approve"), json!({})).await.is(200);
    app.settle().await;
    let live = visitor.get(&park.path("")).await.ok();
    assert_eq!(live["name"], "三亚崖州湾新园区");
    let again = visitor.get(&park.path("")).header("if-none-match", live.header("etag")).await;
    again.is(304);
    app.close().await;
}

#[tokio::test]
async fn manual_1_3_4_news_is_written_approved_edited_and_deleted() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let (visitor, editor) = (app.as_visitor(), app.as_staff(Role::Editor).await);
    let news = json!({"title": "园区举办跨境电商培训", "column": "updates", "source": "园区", "body": "<p>正文</p>"});
    let opened = park.owner.post(&park.path("news"), news).await.created();
    let path = format!("news/{}", opened.id());
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    visitor.get(&path).await.problem(404, "resource.not_found");
    let queue = editor.get("reviews?kind=newsArticle").await.ok();
    assert_eq!(queue["/items/0/title"], "园区举办跨境电商培训");
    editor.post(&format!("{path}/approve"), json!({})).await.is(200);
    app.settle().await;
    let list = visitor.get("news").await.ok();
    assert_eq!(list["total"], 1);
    visitor.get("news").header("if-none-match", list.header("etag")).await.is(304);
    let next = json!({"title": "园区再办跨境电商培训", "column": "updates", "source": "园区", "body": "<p>新正文</p>"});
    park.owner.put(&path, next).await.is(200);
    park.owner.post(&format!("{path}/submit"), json!({})).await.is(200);
    app.settle().await;
    assert_eq!(visitor.get(&path).await.ok()["/news/title"], "园区举办跨境电商培训");
    editor.post(&format!("{path}/approve"), json!({})).await.is(200);
    app.settle().await;
    assert_eq!(visitor.get(&path).await.ok()["/news/title"], "园区再办跨境电商培训");
    let delete = |confirm: &str| park.owner.delete(&path).json(&json!({ "confirm": confirm }));
    assert_eq!(delete("别的新闻").await.status.as_u16(), 422, "second confirmation");
    delete("园区再办跨境电商培训").await.is(200);
    app.settle().await;
    assert_eq!(visitor.get(&path).await.status.as_u16(), 410);
    assert_eq!(visitor.get("news").await.ok()["total"], 0);
    app.close().await;
}

#[tokio::test]
async fn manual_1_3_5_applications_to_settle_are_handled() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let applicant = app.registered(APPLICANT).await;
    let application = json!({"applicantType": "enterprise", "enterpriseName": "三亚示例贸易有限公司",
        "creditCode": "91460200MA5TPK02XX", "contactName": "王小明", "contactPhone": "13900139000",
        "consentToShareContact": true});
    let submitted = applicant.post(&park.path("settlement-applications"), application).await.created();
    app.settle().await;
    let list = park.owner.get(&park.path("settlement-applications?status=submitted")).await.ok();
    assert_eq!(list["/items/0/application/contactName"], "王**");
    let path = format!("settlement-applications/{}", submitted.id());
    let shown = park.owner.post(&format!("{path}/reveal-contact"), json!({})).await.ok();
    assert_eq!(shown["contactPhone"], "13900139000");
    park.owner
        .post(&format!("{path}/land"), json!({"confirm": "别人"}))
        .await
        .problem(422, "settlement_application.not_confirmed");
    let landed =
        park.owner.post(&format!("{path}/land"), json!({"confirm": "三亚示例贸易有限公司"})).await.ok();
    let mut enterprise = landed["enterpriseDraft"].clone();
    enterprise["category"] = "seller".into();
    enterprise["settlementApplicationId"] = json!(submitted.id());
    park.owner.post(&park.path("enterprises"), enterprise).await.is(201);
    app.settle().await;
    assert_eq!(applicant.get(&path).await.ok()["status"], "landed");
    assert_eq!(park.owner.get(&park.path("enterprises")).await.ok()["total"], 1);
    let auditor = app.as_staff(Role::Auditor).await;
    assert_eq!(auditor.get("audit/events?eventType=SettlementContactViewed").await.ok()["total"], 1);
    app.close().await;
}

#[tokio::test]
async fn manual_1_3_6_enterprises_are_imported_edited_exported_and_deleted() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    park.owner.get(&park.path("enterprises/template.xlsx")).await.is(200);
    let roster = "企业名称,统一社会信用代码,入驻日期,入驻状态,企业类型,主营品类,监管方式,法定代表人,联系人,联系电话,\
        办公面积(㎡),从业人数,上年交易额(万元),是否规上,备注\n\
        三亚甲贸易有限公司,91460200MA5TPK02XX,2024-06-01,在园,卖家,,9610,,,,,,,,\n";
    let (content_type, body) = form(&[("mode", "", b"add"), ("file", "名录.csv", roster.as_bytes())]);
    let upload = park.owner.send(Method::POST, &park.path("enterprise-imports")).raw(&content_type, body);
    let import = upload.await.created();
    let commit = format!("enterprise-imports/{}/commit", import.id());
    park.owner.post(&commit, json!({})).await.is(200);
    app.settle().await;
    let list = park.owner.get(&park.path("enterprises?q=甲贸易")).await.ok();
    assert_eq!(list["total"], 1);
    let path = format!("enterprises/{}", list["/items/0/id"].as_str().unwrap());
    let mut changed = list["/items/0/enterprise"].clone();
    changed["status"] = "left".into();
    park.owner.put(&path, changed).await.is(200);
    app.settle().await;
    let detail = park.owner.get(&path).await.ok();
    assert_eq!(detail["/history/0/changes/0/pointer"], "/status");
    park.owner.get(&park.path("enterprises/export.xlsx?status=left")).await.is(200);
    let delete = |confirm: &str| park.owner.delete(&path).json(&json!({ "confirm": confirm }));
    delete("乙公司").await.problem(422, "managed_enterprise.not_confirmed");
    delete("三亚甲贸易有限公司").await.is(200);
    app.settle().await;
    assert_eq!(park.owner.get(&park.path("enterprises")).await.ok()["total"], 0);
    app.close().await;
}
