//! 上传导入 (manual 1.3.6): the template, a preview that writes nothing, the commit, its progress and its report.

use std::io::{Read, Write};

use application::{Context, Order};
use axum::http::Method;
use domain::actor::Actor;
use domain::calendar::civil_date;
use domain::enterprise_import::enterprise_of;
use domain::id::{AccountId, EnterpriseImportId, ParkId};
use domain::managed_enterprise::{EnterpriseInput, ManagedEnterprise, ManagedEnterpriseCommand};
use domain::park::Standing;
use infrastructure::sheet::{
    Column, ColumnKind, Entry, Formats, Limits, Page, SheetReader, Value as Cell, WorkbookWriter,
};
use serde_json::{Value, json};
use tests::sample_files::form;
use tests::stories::Established;
use tests::{Answer, TestApp};

const OWNER: &str = "13800000131";
const OTHER: &str = "13800000132";
const HEADER: &str = "企业名称,统一社会信用代码,入驻日期,入驻状态,企业类型,主营品类,监管方式,法定代表人,联系人,联系电话,\
办公面积(㎡),从业人数,上年交易额(万元),是否规上,备注";
const FIRST: &str = "三亚甲贸易有限公司,91460200ma5tpk038x,2024-06-01,在园,卖家,日化,9610、1210,陈海,王小明,13900139000,120.5,36,1200,是,";
const SECOND: &str =
    "三亚乙物流有限公司,９１４６０２００ＭＡ５ＴＰＫ０２ＸＸ,2024年6月1日,迁出,物流,,,,,,,,,否,";

fn csv(rows: &[&str]) -> Vec<u8> {
    let mut text = vec![HEADER];
    text.extend(rows);
    text.join("\r\n").into_bytes()
}

async fn upload(park: &Established<'_>, mode: &str, name: &str, bytes: &[u8]) -> Answer {
    let (content_type, body) = form(&[("mode", "", mode.as_bytes()), ("file", name, bytes)]);
    park.owner.send(Method::POST, &park.path("enterprise-imports")).raw(&content_type, body).await
}

/// Commits an import and lets it be carried out.
async fn committed(app: &TestApp, park: &Established<'_>, import: &Answer, skip_invalid: bool) {
    let path = format!("enterprise-imports/{}/commit", import.id());
    park.owner.post(&path, json!({ "skipInvalid": skip_invalid })).await.is(200);
    app.settle().await;
}

/// `[rows, add, update, unchanged, error]`
fn counts(answer: &Answer) -> [i64; 5] {
    let summary = &answer["summary"];
    ["rows", "add", "update", "unchanged", "error"].map(|name| summary[name].as_i64().unwrap())
}

/// The rows of a downloaded workbook's first sheet.
async fn rows_of(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let reader = SheetReader::of_tests(Limits::default());
    let mut book = reader.open(file, Formats::Xlsx).await.unwrap();
    let mut rows = Vec::new();
    while let Some(row) = book.next_row().await.unwrap() {
        if row.sheet > 0 {
            break;
        }
        let width = usize::from(row.cells.last().unwrap().column) + 1;
        let mut texts = vec![String::new(); width];
        for cell in &row.cells {
            texts[usize::from(cell.column)] = match &cell.value {
                Cell::Text(text) | Cell::Number(text) => text.clone(),
                other @ (Cell::Date(_) | Cell::Boolean(_) | Cell::Error(_)) => format!("{other:?}"),
            };
        }
        rows.push(texts);
    }
    rows
}

fn workbook(rows: &[&str]) -> Vec<u8> {
    let columns: Vec<Column> =
        HEADER.split(',').map(|title| Column::new(title, 20.0, ColumnKind::Text)).collect();
    let mut book = WorkbookWriter::new("企业名录", "2026-11-24T00:00:00Z".parse().unwrap());
    let mut table = book.table("企业名录", &Page::default(), &columns).unwrap();
    for row in rows {
        let entries: Vec<Entry<'_>> = row
            .split(',')
            .map(|text| if text.is_empty() { Entry::Blank } else { Entry::Text(text) })
            .collect();
        table.row(&entries).unwrap();
    }
    let mut written = book.finish().unwrap();
    let mut bytes = Vec::new();
    written.file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_roster_is_previewed_committed_and_found() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let import = upload(&park, "add", "名录.csv", &csv(&[FIRST, SECOND])).await.created();
    assert_eq!(counts(&import), [2, 2, 0, 0, 0]);
    assert_eq!(import["errors"], json!([]));
    app.settle().await;
    let list = park.path("enterprises");
    assert_eq!(park.owner.get(&list).await.ok()["total"], 0, "a preview writes nothing");
    committed(&app, &park, &import, false).await;
    let found = park.owner.get(&park.path("enterprises?q=甲贸易")).await.ok();
    assert_eq!(found["/items/0/enterprise/contactPhone"], "13900139000");
    assert_eq!(found["/items/0/enterprise/regimes"], json!(["9610", "1210"]));
    let path = format!("enterprise-imports/{}", import.id());
    let row = park.owner.get(&path).await.ok();
    assert_eq!((&row["status"], &row["done"], &row["failed"]), (&json!("finished"), &json!(2), &json!(0)));
    let version = row.version();
    committed(&app, &park, &import, false).await;
    assert_eq!(park.owner.get(&path).await.ok().version(), version, "committed twice, done once");
    assert_eq!(park.owner.get(&list).await.ok()["total"], 2);
    let told = park.owner.get(&format!("{path}/progress")).await;
    assert!(told.header("content-type").starts_with("text/event-stream"));
    let told = String::from_utf8(told.bytes.to_vec()).unwrap();
    assert!(told.contains("event: progress") && told.contains(r#""status":"finished""#), "{told}");
    app.close().await;
}

#[tokio::test]
async fn a_workbook_updates_what_it_finds_and_names_the_same_file() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let first = upload(&park, "add", "a.xlsx", &workbook(&[FIRST, SECOND])).await.created();
    assert_eq!(first["importedAt"], Value::Null);
    committed(&app, &park, &first, false).await;
    let again = upload(&park, "add", "a.xlsx", &workbook(&[FIRST, SECOND])).await.created();
    assert_eq!(counts(&again), [2, 0, 0, 0, 2]);
    assert_eq!(again["/errors/0/code"], "enterprise_import.already_listed");
    assert!(again["importedAt"].is_string());
    let moved = FIRST.replace("在园", "迁出");
    let upsert = upload(&park, "upsert", "a.xlsx", &workbook(&[&moved, SECOND])).await.created();
    assert_eq!(counts(&upsert), [2, 0, 1, 1, 0]);
    committed(&app, &park, &upsert, false).await;
    let left = park.owner.get(&park.path("enterprises?status=left")).await.ok();
    assert_eq!(left["total"], 2);
    let nothing = upload(&park, "upsert", "a.xlsx", &workbook(&[&moved, SECOND])).await.created();
    let commit = format!("enterprise-imports/{}/commit", nothing.id());
    park.owner.post(&commit, json!({})).await.problem(422, "enterprise_import.nothing_to_do");
    app.close().await;
}

#[tokio::test]
async fn all_errors_come_at_once_and_the_report_can_be_put_right() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let sample = FIRST.replace("三亚甲贸易有限公司", "【示例】甲公司");
    let wrong = ",91460200ma5tpk038y,2024-13-01,停业,卖家,,1234,,,110,很大,,,,";
    let rows = [FIRST, "", FIRST, sample.as_str(), wrong];
    let text = String::from_utf8(csv(&rows)).unwrap();
    let gb18030 = encoding_rs::GB18030.encode(&text).0;
    let import = upload(&park, "add", "名录.csv", &gb18030).await.created();
    assert_eq!(counts(&import), [4, 1, 0, 0, 3]);
    let errors: Vec<(i64, &str, &str)> = import["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default();
            (error["row"].as_i64().unwrap(), text("column"), text("code"))
        })
        .collect();
    assert_eq!(
        errors[..2],
        [
            (4, "统一社会信用代码", "enterprise_import.duplicate_in_file"),
            (5, "企业名称", "enterprise_import.sample_row"),
        ]
    );
    let columns: Vec<&str> = errors[2..]
        .iter()
        .map(|(row, column, _)| {
            assert_eq!(*row, 6);
            *column
        })
        .collect();
    for column in
        ["企业名称", "统一社会信用代码", "入驻日期", "入驻状态", "监管方式", "联系电话", "办公面积(㎡)"]
    {
        assert!(columns.contains(&column), "{column}: {columns:?}");
    }
    let commit = format!("enterprise-imports/{}/commit", import.id());
    park.owner.post(&commit, json!({})).await.problem(422, "enterprise_import.has_errors");
    committed(&app, &park, &import, true).await;
    assert_eq!(park.owner.get(&park.path("enterprises")).await.ok()["total"], 1);
    let report = park.owner.get(&format!("enterprise-imports/{}/report.xlsx", import.id())).await;
    let rows = rows_of(&report.bytes).await;
    let results: Vec<&str> = rows[1..].iter().map(|row| row[15].as_str()).collect();
    assert_eq!(results, ["新增", "错误", "错误", "错误"]);
    assert!(rows[4][16].contains("入驻状态："), "{}", rows[4][16]);
    let again = upload(&park, "upsert", "结果.xlsx", &report.bytes).await.created();
    assert_eq!(counts(&again), [4, 0, 0, 1, 3], "its own columns are not in the way");
    assert_eq!(again["unknownColumns"], json!([]));
    app.close().await;
}

#[tokio::test]
async fn columns_come_before_rows_and_too_many_rows_are_refused() {
    let app = TestApp::with(&[("ZSQ_IMPORT_ROWS_MAX", "1")]).await;
    let park = app.established(OWNER).await;
    let lacking = format!("{}\r\n{FIRST}", HEADER.replace("入驻状态", "状态"));
    let refused = upload(&park, "add", "a.csv", lacking.as_bytes()).await;
    let refused = refused.problem(422, "enterprise_import.columns");
    assert_eq!(refused.errors(), [("/file", "enterprise_import.column_missing")]);
    let many = upload(&park, "add", "a.csv", &csv(&[FIRST, SECOND])).await;
    let many = many.problem(422, "enterprise_import.too_many_rows");
    assert!(many["detail"].as_str().unwrap().contains("不能超过 1 行"), "{}", many["detail"]);
    upload(&park, "add", "a.csv", &csv(&[])).await.problem(422, "enterprise_import.no_rows");
    upload(&park, "replace", "a.csv", &csv(&[FIRST])).await.problem(422, "request.invalid");
    upload(&park, "add", "a.pdf", b"%PDF-1.7").await.problem(415, "workbook.wrong_type");
    app.close().await;
}

#[tokio::test]
async fn the_template_is_filled_in_only_after_its_samples_are_gone() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let template = park.owner.get(&park.path("enterprises/template.xlsx")).await;
    let import = upload(&park, "add", "模板.xlsx", &template.bytes).await.created();
    assert_eq!(counts(&import), [2, 0, 0, 0, 2]);
    let codes: Vec<&Value> =
        import["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    assert_eq!(codes, ["enterprise_import.sample_row", "enterprise_import.sample_row"]);
    let other = app.established(OTHER).await;
    other.owner.get(&park.path("enterprises/template.xlsx")).await.problem(404, "resource.not_found");
    app.close().await;
}

#[tokio::test]
async fn a_roster_that_moved_on_and_a_stale_preview_are_refused() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let first = upload(&park, "upsert", "a.csv", &csv(&[FIRST])).await.created();
    let second = upload(&park, "upsert", "b.csv", &csv(&[FIRST, SECOND])).await.created();
    committed(&app, &park, &first, false).await;
    let commit = format!("enterprise-imports/{}/commit", second.id());
    park.owner.post(&commit, json!({})).await.problem(409, "enterprise_import.roster_changed");
    let third = upload(&park, "upsert", "b.csv", &csv(&[FIRST, SECOND])).await.created();
    app.wait(chrono::TimeDelta::minutes(31));
    let owner = app.as_person(OWNER).await;
    let commit = format!("enterprise-imports/{}/commit", third.id());
    owner.post(&commit, json!({})).await.problem(409, "enterprise_import.expired");
    app.close().await;
}

#[tokio::test]
async fn two_imports_of_a_park_do_not_run_at_once_and_others_see_none() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let other = app.established(OTHER).await;
    let first = upload(&park, "add", "a.csv", &csv(&[FIRST])).await.created();
    let second = upload(&park, "add", "b.csv", &csv(&[SECOND])).await.created();
    let commit = |import: &Answer| format!("enterprise-imports/{}/commit", import.id());
    park.owner.post(&commit(&first), json!({})).await.is(200);
    park.owner.post(&commit(&second), json!({})).await.problem(409, "enterprise_import.other_running");
    app.settle().await;
    park.owner.post(&commit(&second), json!({})).await.is(200);
    app.settle().await;
    assert_eq!(park.owner.get(&park.path("enterprises")).await.ok()["total"], 2);
    let foreign = upload(&park, "add", "a.csv", &csv(&[FIRST])).await.created();
    other.owner.post(&commit(&foreign), json!({})).await.problem(404, "enterprise_import.not_found");
    let path = format!("enterprise-imports/{}", foreign.id());
    for step in ["", "/progress", "/report.xlsx"] {
        other.owner.get(&format!("{path}{step}")).await.problem(404, "resource.not_found");
    }
    let (content_type, body) = form(&[("mode", "", b"add"), ("file", "a.csv", &csv(&[FIRST]))]);
    let elsewhere = other.owner.send(Method::POST, &park.path("enterprise-imports")).raw(&content_type, body);
    elsewhere.await.problem(404, "park.not_found");
    app.close().await;
}

#[tokio::test]
async fn the_filtered_list_is_exported_in_its_order_and_masked_without_a_reason() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let formula = SECOND.replace("三亚乙物流有限公司", "=三亚乙物流");
    let import = upload(&park, "add", "a.csv", &csv(&[FIRST, &formula])).await.created();
    committed(&app, &park, &import, false).await;
    let export = async |query: &str| {
        let path = park.path(&format!("enterprises/export.xlsx{query}"));
        rows_of(&park.owner.get(&path).await.expecting(200).bytes).await
    };
    let all = export("?sort=name").await;
    let names: Vec<&str> = all[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["'=三亚乙物流", "三亚甲贸易有限公司"], "what begins like a formula is disarmed");
    assert_eq!(all[0].join(","), HEADER);
    assert_eq!((all[2][8].as_str(), all[2][9].as_str()), ("王**", "139****9000"));
    let few = export("?status=resident&reason=年度走访需要联系").await;
    assert_eq!(few.len(), 2);
    assert_eq!((few[1][9].as_str(), few[1][6].as_str()), ("13900139000", "9610、1210"));
    assert_eq!(export("?q=没有这家").await.len(), 1, "no rows: the header alone");
    let short = park.owner.get(&park.path("enterprises/export.xlsx?reason=看")).await;
    assert_eq!(short.status.as_u16(), 422);
    app.settle().await;
    let auditor = app.as_staff(domain::actor::Role::Auditor).await;
    let kept = auditor.get("audit/events?eventType=OperationEnterprisesExported").await.ok();
    assert_eq!(kept["total"], 3);
    let other = app.established(OTHER).await;
    other.owner.get(&park.path("enterprises/export.xlsx")).await.problem(404, "resource.not_found");
    let again = upload(
        &park,
        "upsert",
        "导出.xlsx",
        &park.owner.get(&park.path("enterprises/export.xlsx?reason=年度走访需要联系")).await.bytes,
    )
    .await;
    assert_eq!(counts(&again.created()), [2, 0, 0, 2, 0], "an export can be imported again");
    app.close().await;
}

/// The server died after it carried rows out and before it noted them; a colleague edited one meanwhile.
#[tokio::test]
async fn a_restart_in_the_middle_doubles_nothing_and_overwrites_nothing() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let import = upload(&park, "add", "a.csv", &csv(&[FIRST, SECOND])).await.created();
    let path = format!("enterprise-imports/{}", import.id());
    park.owner.post(&format!("{path}/commit"), json!({})).await.is(200);
    let by = Actor::Person { account: AccountId(park.owner.account()), parks: vec![] };
    let first = json!({"name": "三亚甲贸易有限公司", "creditCode": "91460200MA5TPK038X", "settledOn": "2024-06-01",
        "status": "resident", "category": "seller", "products": "日化", "regimes": ["9610", "1210"],
        "legalRepresentative": "陈海", "contactName": "王小明", "contactPhone": "13900139000",
        "officeAreaSqm": "120.5", "employees": "36", "lastYearTurnoverWan": "1200", "aboveScale": true});
    let second = json!({"name": "三亚乙物流有限公司", "creditCode": "91460200MA5TPK02XX", "settledOn": "2024-06-01",
        "status": "left", "category": "logistics", "remark": "改过"});
    for (row, fields) in [(2, first), (3, second)] {
        let import = EnterpriseImportId(import.id());
        let id = enterprise_of(import, row).0;
        let input: EnterpriseInput = serde_json::from_value(fields).unwrap();
        let add = ManagedEnterpriseCommand::Add {
            park: ParkId(park.id),
            standing: Standing::Member,
            enterprise: Box::new(input.parse(id, civil_date(app.now())).unwrap()),
            settlement_application: None,
            import: Some(import),
        };
        let order = Order::new(id, by.clone(), add, Context::default());
        app.state.app.execute::<ManagedEnterprise>(order).await.unwrap();
    }
    app.settle().await;
    let row = park.owner.get(&path).await.ok();
    assert_eq!((&row["status"], &row["failed"]), (&json!("finished"), &json!(0)));
    let list = park.owner.get(&park.path("enterprises?sort=name")).await.ok();
    assert_eq!(list["total"], 2);
    let remarks: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|item| &item["enterprise"]["remark"]).collect();
    assert!(remarks.contains(&&json!("改过")), "{remarks:?}");
    app.close().await;
}
