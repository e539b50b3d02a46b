//! 模板下载 and back: the template is filled in, previewed cell by cell, and saved as drafts; what is refused on the way.

use domain::actor::Role;
use domain::assessment_scheme::{ItemKind, sample};
use domain::filing_template::{fields, typed};
use serde_json::{Value, json};
use tests::sample_files::{form, office, pdf};
use tests::{Answer, Caller, TestApp};

use super::workbook::{Book, Put, bomb, text};
use super::world::{World, plan};

async fn template(world: &World<'_>, owner: &Caller<'_>) -> Book {
    Book::read(&owner.get(&world.path("filing/template.xlsx")).await.ok().bytes)
}

/// The form with a workbook and these texts.
async fn import(world: &World<'_>, owner: &Caller<'_>, bytes: &[u8], texts: &[(&str, &str)]) -> Answer {
    let mut parts = vec![("file", "填报模板.xlsx", bytes)];
    parts.extend(texts.iter().map(|(name, text)| (*name, "", text.as_bytes())));
    let (content_type, body) = form(&parts);
    owner.send(axum::http::Method::POST, &world.path("filing/import")).raw(&content_type, body).await
}

fn item<'v>(answer: &'v Value, code: &str) -> &'v Value {
    answer["items"].as_array().unwrap().iter().find(|item| item["code"] == code).unwrap()
}

/// Errors as sheet, cell and code.
fn errors(answer: &Answer) -> Vec<(String, String, String)> {
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let listed = answer["errors"].as_array().unwrap();
    listed.iter().map(|error| (text(error, "sheet"), text(error, "cell"), text(error, "code"))).collect()
}

/// How many events the first park's submission has.
async fn events(world: &World<'_>) -> usize {
    let auditor = world.app.as_staff(Role::Auditor).await;
    let path =
        world.submission(0, "").replace("assessment-submissions", "audit/streams/AssessmentSubmission");
    auditor.get(&path).await.json["items"].as_array().map_or(0, Vec::len)
}

/// Fills in everything that the sample's first park files, numbers as numbers and as text in turn.
fn fill_in(book: &mut Book) -> Vec<String> {
    let (scheme, park) = (sample::scheme(), &sample::parks()[0]);
    let mut codes = Vec::new();
    for item in scheme.items().filter(|item| item.is_filed() && item.kind != ItemKind::Attachment) {
        let Some(raw) = park.values.get(&item.code) else { continue };
        let typed = typed(item, &item.parse(raw).unwrap());
        for (number, field) in fields(item).iter().enumerate() {
            let Some(shown) = typed.get(&field.name) else { continue };
            let put = match shown.parse() {
                Ok(float) if number % 2 == 0 => Put::Number(float),
                Ok(_) | Err(_) => text(shown),
            };
            book.fill(&field.key(item), put);
        }
        codes.push(item.code.clone());
    }
    codes
}

#[tokio::test]
async fn a_template_is_filled_in_previewed_and_saved() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let file = world.evidence(0).await;
    world.save(0, "A1", json!("35"), &[file]).await;
    app.settle().await;
    let owner = world.owner(0).await;
    let answer = owner.get(&world.path("filing/template.xlsx")).await.ok();
    assert!(answer.header("content-type").contains("spreadsheetml"));
    assert!(answer.header("content-disposition").starts_with("attachment; filename*=UTF-8''"));
    let mut book = Book::read(&answer.bytes);
    assert_eq!(
        book.tabs(),
        ["A 集聚发展", "B 业务规模", "C 公共服务", "D 规范管理", "E 加分项", "F 扣分与一票否决"]
    );
    assert_eq!(book.value("A1"), "35", "what is drafted stands in it");
    assert_eq!(book.value("A2"), "", "what the platform counts is not asked for");

    let codes = fill_in(&mut book);
    let bytes = book.write();
    let before = events(&world).await;
    let preview = import(&world, &owner, &bytes, &[]).await.ok();
    assert_eq!((&preview["committed"], errors(&preview).len()), (&json!(false), 0), "{}", preview.json);
    let summary = json!({"new": codes.len() - 1, "changed": 1, "unchanged": 0, "blank": 0, "error": 0});
    assert_eq!(preview["summary"], summary);
    let a1 = item(&preview.json, "A1");
    assert_eq!(
        (&a1["change"], &a1["current"], &a1["value"]),
        (&json!("changed"), &json!("35"), &json!("36"))
    );
    let a3 = item(&preview.json, "A3");
    assert_eq!(a3["change"], "new");
    assert_eq!(a3["cells"][0]["cell"], book.place("A3/numerator").2);
    app.settle().await;
    assert_eq!(events(&world).await, before, "a preview writes nothing");

    let token = preview["token"].as_str().unwrap().to_owned();
    let committed = import(&world, &owner, &bytes, &[("commit", &token)]).await.ok();
    assert_eq!(committed["committed"], true);
    assert_eq!(committed.version(), preview["version"].as_i64().unwrap() + 1, "one event for all of it");
    app.settle().await;
    let filing = owner.get(&world.path("filing")).await.ok();
    for code in &codes {
        let draft = &item(&filing.json, code)["state"]["draft"];
        let item = sample::scheme().item(code).unwrap().clone();
        let value = item.parse(&sample::parks()[0].values[code]).unwrap();
        assert_eq!(draft["value"], serde_json::to_value(value).unwrap(), "{code}");
    }
    assert_eq!(item(&filing.json, "A1")["state"]["draft"]["attachments"], json!([file]), "evidence stays");

    // The same again saves nothing twice.
    let again = import(&world, &owner, &bytes, &[("commit", &token)]).await.ok();
    assert_eq!((&again["committed"], &again["version"]), (&json!(true), &committed["version"]));
    assert_eq!(again["summary"]["unchanged"], codes.len());
    app.settle().await;
    assert_eq!(events(&world).await, before + 1);
    let book = template(&world, &owner).await;
    assert_eq!(book.value("A3/denominator"), "36000", "the next template begins with it");
    app.close().await;
}

#[tokio::test]
async fn all_errors_come_at_once_each_with_its_cell() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let owner = world.owner(0).await;
    let mut book = template(&world, &owner).await;
    let wrong = [
        ("A1", text("三十六"), "cell.not_a_number"),
        ("A3/numerator", Put::Number(9.0), "ratio.above_whole"),
        ("A4", Put::Formula("=1+2".to_owned()), "cell.formula"),
        ("B1", Put::Number(-1.0), "decimal.out_of_range"),
        ("B3/9610", text("有"), "cell.not_yes_or_no"),
        ("C2/s", Put::Number(3.0), "field.required"),
        ("E1", text("市级"), "choice.unknown"),
        ("A2", Put::Number(4.0), "filing_import.not_fillable"),
    ];
    let mut expected = Vec::new();
    for (key, put, code) in wrong {
        let cell = book.fill(key, put);
        let sheet = book.0[book.place(key).0].name.clone();
        let cell = if key == "C2/s" { book.place("C2/p").2 } else { cell };
        expected.push((sheet, cell, code.to_owned()));
    }
    book.fill("A3/denominator", Put::Number(8.0));
    book.fill("E2", Put::Number(2.0));
    let bytes = book.write();
    let preview = import(&world, &owner, &bytes, &[]).await.ok();
    let (mut found, mut expected) = (errors(&preview), expected);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let details = preview["errors"].as_array().unwrap();
    assert!(details.iter().all(|error| !error["detail"].as_str().unwrap().is_ascii()), "in Chinese");
    assert_eq!(preview["summary"]["new"], 1);

    let token = preview["token"].as_str().unwrap().to_owned();
    let refused = import(&world, &owner, &bytes, &[("commit", &token)]).await;
    let refused = refused.problem(422, "filing_import.has_errors");
    assert_eq!(refused.errors().len(), expected.len());
    assert_eq!(events(&world).await, 0, "nothing half written");
    let skipped = import(&world, &owner, &bytes, &[("commit", &token), ("skipInvalid", "true")]).await.ok();
    assert_eq!(skipped["committed"], true);
    app.settle().await;
    let filing = owner.get(&world.path("filing")).await.ok();
    assert_eq!(item(&filing.json, "E2")["status"], "draft");
    assert_eq!(item(&filing.json, "A1")["status"], "notFiled");
    app.close().await;
}

#[tokio::test]
async fn what_was_previewed_is_what_is_saved_or_nothing() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let owner = world.owner(0).await;
    let mut book = template(&world, &owner).await;
    book.fill("A1", Put::Number(36.0));
    let bytes = book.write();
    let early = import(&world, &owner, &bytes, &[]).await;
    early.problem(409, "assessment_submission.not_open_yet");
    world.day(1).await;
    let owner = world.owner(0).await;
    let preview = import(&world, &owner, &bytes, &[]).await.ok();
    let token = preview["token"].as_str().unwrap().to_owned();
    // Somebody of the park saves meanwhile.
    world.save(0, "A4", json!("3"), &[]).await;
    let stale = import(&world, &owner, &bytes, &[("commit", &token)]).await;
    assert_eq!(stale.problem(412, "version.stale")["version"], 2);
    // Another file than the previewed one.
    book.fill("A1", Put::Number(37.0));
    let other = import(&world, &owner, &book.write(), &[("commit", &token)]).await;
    assert_eq!(other.problem(422, "request.invalid").errors(), [("/commit", "filing_import.other_file")]);
    let made_up = import(&world, &owner, &bytes, &[("commit", "yes")]).await;
    assert_eq!(made_up.problem(422, "request.invalid").errors(), [("/commit", "filing_import.no_preview")]);
    let unknown = import(&world, &owner, &bytes, &[("mode", "commit")]).await;
    assert_eq!(unknown.problem(422, "request.invalid").errors(), [("/mode", "field.unknown")]);
    // What is closed is told at its cell; what did not change is no error.
    let officer = app.as_staff(Role::Assessor).await;
    owner.post(&world.path("filing/submit"), json!({"items": ["A4"]})).await.is(200);
    app.settle().await;
    officer.post(&world.submission(0, "items/A4/verify"), json!({"adoptedValue": "3"})).await.is(200);
    app.settle().await;
    let mut book = template(&world, &owner).await;
    assert_eq!(book.value("A4"), "3");
    let same = import(&world, &owner, &book.write(), &[]).await.ok();
    assert_eq!((item(&same.json, "A4")["change"].as_str(), errors(&same).len()), (Some("unchanged"), 0));
    let cell = book.fill("A4", Put::Number(4.0));
    let closed = import(&world, &owner, &book.write(), &[]).await.ok();
    let told = ("A 集聚发展".to_owned(), cell, "assessment_submission.item_closed".to_owned());
    assert_eq!(errors(&closed), [told]);
    app.close().await;
}

#[tokio::test]
async fn a_file_of_another_cycle_park_or_scheme_is_refused() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let officer = app.as_staff(Role::Assessor).await;
    let mut next = plan(app.now());
    (next["year"], next["title"]) = (json!(2026), json!("=2026年度考核"));
    next["scheme"]["dimensions"][0]["items"][0]["name"] = json!("=1+1");
    let next = officer.post("assessment-cycles", next).await.created().id();
    officer.post(&format!("assessment-cycles/{next}/open"), json!({})).await.is(200);
    app.settle().await;
    let (owner, other) = (world.owner(0).await, world.owner(1).await);
    let of_next = owner.get(&format!("assessment-cycles/{next}/filing/template.xlsx")).await.ok();
    let disarmed = Book::read(&of_next.bytes);
    assert_eq!(disarmed.0[0].text(0, 0), "'=2026年度考核填报模板");
    assert_eq!(disarmed.0[0].text(disarmed.place("A1").1, 1), "'=1+1", "no text runs as a formula");
    let refused = import(&world, &owner, &of_next.bytes, &[]).await;
    refused.problem(422, "filing_template.other_cycle");
    let of_other = template(&world, &other).await.write();
    import(&world, &owner, &of_other, &[]).await.problem(422, "filing_template.other_park");
    import(&world, &other, &of_other, &[]).await.is(200);
    let own = template(&world, &owner).await;
    let mut stale = own.clone();
    let hidden = stale.0.iter_mut().find(|sheet| sheet.name == "元数据").unwrap();
    assert!(hidden.is_hidden);
    let said =
        hidden.cells.iter().find(|(_, put)| **put == text("schemeVersion")).map(|(at, _)| *at).unwrap();
    hidden.cells.insert((said.0, 1), text(&"0".repeat(64)));
    import(&world, &owner, &stale.write(), &[]).await.problem(422, "filing_template.other_scheme");
    let mut bare = own.clone();
    bare.0.retain(|sheet| sheet.name != "元数据");
    import(&world, &owner, &bare.write(), &[]).await.problem(422, "filing_template.not_a_template");
    let mut cut = own;
    cut.0.retain(|sheet| sheet.name != "B 业务规模");
    let told = errors(&import(&world, &owner, &cut.write(), &[]).await.ok());
    assert_eq!(told, [("B 业务规模".to_owned(), String::new(), "filing_import.sheet_missing".to_owned())]);
    app.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_workbook_or_means_harm_is_refused_in_words() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let owner = world.owner(0).await;
    let macros = office(&["xl/workbook.xml", "xl/vbaProject.bin"]);
    let whole = template(&world, &owner).await.write();
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("a document", &pdf(2_000), 415, "workbook.wrong_type"),
        ("text with commas", "编号,填报值\nA1,36\n".as_bytes(), 415, "workbook.wrong_type"),
        ("macros", &macros, 422, "workbook.macros"),
        ("a zip bomb", &bomb(), 422, "workbook.ratio"),
        ("half a file", &whole[..whole.len() / 2], 422, "workbook.damaged"),
        ("nothing", b"", 422, "workbook.empty"),
    ];
    for (name, bytes, status, code) in cases {
        let answer = import(&world, &owner, bytes, &[]).await;
        assert_eq!((answer.status.as_u16(), answer["code"].as_str()), (status, Some(code)), "{name}");
    }
    owner.post(&world.path("filing/import"), json!({})).await.problem(415, "request.media_type");
    let (content_type, body) = form(&[("commit", "", b"1-2")]);
    let request = owner.send(axum::http::Method::POST, &world.path("filing/import")).raw(&content_type, body);
    assert_eq!(request.await.problem(422, "request.invalid").errors(), [("/file", "field.required")]);
    assert_eq!(events(&world).await, 0);
    app.close().await;
}
