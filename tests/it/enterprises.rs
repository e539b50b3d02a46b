//! The roster of a park's enterprises (manual 1.3.6): added, found, edited, deleted; flagged where two parks have one.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;
use tests::stories::Established;

const OWNER: &str = "13800000101";
const OTHER: &str = "13800000102";

fn enterprise(name: &str, code: &str) -> Value {
    json!({
        "name": name,
        "creditCode": code,
        "settledOn": "2024-06-01",
        "status": "resident",
        "category": "seller",
        "regimes": ["9610", "1210"],
        "legalRepresentative": "陈海",
        "contactName": "王小明",
        "contactPhone": "13900139000",
        "employees": 36,
        "officeAreaSqm": "120.50",
        "lastYearTurnoverWan": "1200",
        "aboveScale": true,
    })
}

async fn added(park: &Established<'_>, body: Value) -> String {
    let added = park.owner.post(&park.path("enterprises"), body).await.created();
    format!("enterprises/{}", added.id())
}

#[tokio::test]
async fn an_enterprise_is_added_edited_and_deleted_with_its_history() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = added(&park, enterprise("三亚甲贸易有限公司", "91460200ma5tpk038x")).await;
    let again = enterprise("同码的另一家", "91460200MA5TPK038X");
    let taken = park.owner.post(&park.path("enterprises"), again.clone()).await;
    taken.problem(409, "managed_enterprise.code_taken");
    app.settle().await;
    let own = park.owner.get(&path).await.ok();
    assert_eq!(own["/enterprise/contactPhone"], "13900139000", "a park sees its own roster in full");
    assert_eq!(
        (&own["/enterprise/officeAreaSqm"], &own["/enterprise/employees"]),
        (&json!("120.5"), &json!(36))
    );

    let mut changed = enterprise("三亚甲贸易有限公司", "91460200MA5TPK038X");
    changed["status"] = "left".into();
    changed["contactPhone"] = "13700137000".into();
    let edited = park.owner.put(&path, changed.clone()).if_match(own.version()).await.ok();
    park.owner.put(&path, changed.clone()).if_match(own.version()).await.problem(412, "version.stale");
    changed["creditCode"] = "91460200MA5TQY1113".into();
    let refused = park.owner.put(&path, changed.clone()).await;
    assert_eq!(refused.problem(422, "managed_enterprise.invalid").errors()[0].0, "/reason");
    changed["reason"] = "营业执照换发新证".into();
    assert!(park.owner.put(&path, changed).await.ok().version() > edited.version());
    app.settle().await;
    let detail = park.owner.get(&path).await.ok();
    let kinds: Vec<&Value> = detail["history"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["edited", "edited", "added"]);
    let first_edit = &detail["/history/1/changes"];
    assert_eq!(
        first_edit[0],
        json!({"pointer": "/contactPhone", "before": "13900139000", "after": "13700137000"})
    );
    assert_eq!(detail["/history/0/reason"], "营业执照换发新证");
    park.owner.post(&park.path("enterprises"), again).await.is(201);

    let delete = |body: Value| park.owner.delete(&path).json(&body);
    let without = delete(json!({})).await.problem(422, "request.invalid");
    assert_eq!(without.errors(), [("/confirm", "field.required")]);
    delete(json!({"confirm": "乙公司"})).await.problem(422, "managed_enterprise.not_confirmed");
    delete(json!({"confirm": "三亚甲贸易有限公司", "reason": "已迁往其他园区"})).await.is(200);
    delete(json!({"confirm": "三亚甲贸易有限公司"})).await.is(200);
    app.settle().await;
    park.owner.get(&path).await.problem(404, "resource.not_found");
    let heir = enterprise("沿用旧码的企业", "91460200MA5TQY1113");
    park.owner.post(&park.path("enterprises"), heir).await.is(201);
    let auditor = app.as_staff(Role::Auditor).await;
    let id = path.rsplit('/').next().unwrap();
    let stream = auditor.get(&format!("audit/streams/ManagedEnterprise/{id}")).await.ok();
    assert_eq!(stream["total"], 4, "deleted from the roster, not from history");
    app.close().await;
}

#[tokio::test]
async fn the_roster_is_filtered_sorted_counted_and_paged() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    for (name, code, settled_on, status, category, regimes) in [
        ("三亚甲贸易有限公司", "91460200MA5TPK0116", "2022-01-01", "resident", "seller", json!(["9610"])),
        ("三亚乙物流有限公司", "91460200MA5TPK02XX", "2023-01-01", "resident", "logistics", json!(["1210"])),
        ("海口丙支付有限公司", "91460200MA5TPK038X", "2024-01-01", "left", "payment", json!([])),
    ] {
        let mut body = enterprise(name, code);
        body["settledOn"] = settled_on.into();
        body["status"] = status.into();
        body["category"] = category.into();
        body["regimes"] = regimes;
        added(&park, body).await;
    }
    app.settle().await;
    let names = async |query: &str| -> Vec<String> {
        let page = park.owner.get(&park.path(&format!("enterprises{query}"))).await.ok();
        let name =
            |row: &Value| row["enterprise"]["name"].as_str().unwrap().chars().skip(2).take(1).collect();
        page.items().iter().map(name).collect()
    };
    assert_eq!(names("").await, ["丙", "乙", "甲"], "settled last first");
    assert_eq!(names("?sort=settledOn").await, ["甲", "乙", "丙"]);
    assert_eq!(names("?q=三亚&sort=settledOn").await, ["甲", "乙"]);
    assert_eq!(names("?q=ma5tpk038").await, ["丙"], "a part of the code, in any case");
    assert_eq!(names("?q=乙").await, ["乙"], "one character");
    assert_eq!(names("?q=亚甲贸").await, ["甲"]);
    assert_eq!(names("?q=亚贸").await.len(), 0, "a part is without gaps");
    assert_eq!(names("?status=left").await, ["丙"]);
    assert_eq!(names("?category=logistics").await, ["乙"]);
    assert_eq!(names("?regime=9610").await, ["甲"]);
    assert_eq!(names("?settledFrom=2023-01-01&settledTo=2023-12-31").await, ["乙"]);
    park.owner.get(&park.path("enterprises?status=gone")).await.problem(422, "request.invalid");
    park.owner.get(&park.path("enterprises?sort=contactPhone")).await.problem(422, "request.invalid");
    let first = park.owner.get(&park.path("enterprises?limit=2")).await.ok();
    assert_eq!((first["total"].as_u64(), first.items().len()), (Some(3), 2));
    let cursor = first["nextCursor"].as_str().unwrap();
    assert_eq!(names(&format!("?limit=2&cursor={cursor}")).await, ["甲"]);
    let summary = park.owner.get(&park.path("enterprises/summary")).await.ok();
    let counted = json!({"total": 3, "totalIsEstimate": false, "resident": 2, "left": 1, "categories": [
        {"category": "logistics", "count": 1}, {"category": "seller", "count": 1}]});
    assert_eq!(summary.json, counted);
    app.close().await;
}

#[tokio::test]
async fn the_authority_sees_the_same_code_in_two_parks() {
    let app = TestApp::new().await;
    let (park, other) = (app.established(OWNER).await, app.established(OTHER).await);
    added(&park, enterprise("三亚甲贸易有限公司", "91460200MA5TPK0116")).await;
    let double = added(&other, enterprise("三亚甲贸易公司", "91460200MA5TPK0116")).await;
    added(&other, enterprise("三亚乙贸易有限公司", "91460200MA5TPK02XX")).await;
    app.settle().await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    let twice = reviewer.get("enterprises?duplicates=true&sort=name").await.ok();
    assert_eq!((twice["total"].as_u64(), &twice["/items/0/duplicate"]), (Some(2), &json!(true)));
    assert_eq!(twice["/items/0/enterprise/contactPhone"], "139****9000");
    assert_eq!(reviewer.get("enterprises?duplicates=false").await.ok()["total"], 1);
    let of_one = reviewer.get(&format!("enterprises?park={}", other.id)).await.ok();
    assert_eq!(of_one["total"], 2);
    assert_eq!(
        other.owner.get(&double).await.ok()["duplicate"],
        Value::Null,
        "a park does not learn of the other"
    );
    other.owner.get("enterprises").await.problem(403, "access.forbidden");
    let gone = json!({"confirm": "三亚甲贸易公司"});
    other.owner.delete(&double).json(&gone).await.is(200);
    app.settle().await;
    assert_eq!(reviewer.get("enterprises?duplicates=true").await.ok()["total"], 0);
    app.close().await;
}

#[tokio::test]
async fn another_parks_roster_is_not_there_and_a_suspended_park_only_reads() {
    let app = TestApp::new().await;
    let (park, other) = (app.established(OWNER).await, app.established(OTHER).await);
    let body = enterprise("三亚甲贸易有限公司", "91460200MA5TPK0116");
    let path = added(&park, body.clone()).await;
    app.settle().await;
    other.owner.get(&path).await.problem(404, "resource.not_found");
    other.owner.get(&park.path("enterprises")).await.problem(404, "resource.not_found");
    other.owner.get(&park.path("enterprises/summary")).await.problem(404, "resource.not_found");
    other.owner.put(&path, body.clone()).await.problem(404, "managed_enterprise.not_found");
    let confirm = json!({"confirm": "三亚甲贸易有限公司"});
    other.owner.delete(&path).json(&confirm).await.problem(404, "managed_enterprise.not_found");
    other.owner.post(&park.path("enterprises"), body.clone()).await.problem(404, "park.not_found");
    let wrong = json!({"name": "某", "creditCode": "91460200MA5TPK0117", "employees": 12});
    let refused = park.owner.post(&park.path("enterprises"), wrong).await.problem(422, "request.invalid");
    let fields: Vec<&str> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(fields, ["/category", "/creditCode", "/name", "/settledOn", "/status"]);
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    app.settle().await;
    park.owner.get(&path).await.is(200);
    park.owner.put(&path, body).await.problem(409, "park.suspended");
    app.close().await;
}
