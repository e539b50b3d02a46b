//! Files: from upload to download, and who may read them when.

mod back_office;
mod bad_input;
mod bucket;
mod scanner;
mod usage;

use axum::http::Method;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::sample_files::{form_with, jpeg, office, pdf, png};
use tests::stories::profile;
use tests::{Answer, Caller, TestApp};
use uuid::Uuid;

const OWNER: &str = "13800000201";
const OTHER: &str = "13800000202";
const COLLEAGUE: &str = "13800000203";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Uploads a file and gives its id.
async fn uploaded(app: &TestApp, by: &Caller<'_>, name: &str, bytes: &[u8]) -> Uuid {
    let answer = by.upload(name, bytes).await.created();
    app.settle().await;
    answer.id()
}

fn read<'a>(by: &Caller<'a>, file: Uuid) -> tests::Request<'a> {
    by.get(&format!("files/{file}"))
}

/// A profile with these pictures and certificates.
fn profile_with(name: &str, images: &[Uuid], certificates: &[Uuid]) -> Value {
    let mut profile = profile(name);
    profile["images"] = json!(images);
    profile["certificates"] = json!(certificates);
    profile
}

fn stored(app: &TestApp) -> Vec<String> {
    let mut paths = app.stored_paths();
    paths.sort();
    paths
}

/// Waits for what an ended request cleans up behind itself.
async fn until_stored(app: &TestApp, expected: &[String]) {
    for _ in 0..500 {
        if stored(app) == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("stored are {:?}, not {expected:?}", stored(app));
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_uploaded() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let picture = png();
    let answer = person.upload("大门 “正面”.png", &picture).await.created();
    assert_eq!(answer["size"], picture.len());
    assert_eq!(answer["contentType"], "image/png");
    let sha256 = answer["sha256"].as_str().unwrap().to_owned();
    assert_eq!(sha256.len(), 64);
    assert_eq!(answer.version(), 2);
    let (token, file) = (answer.token(), answer.id());
    let (shown, ()) = futures::join!(read(&person, file).consistency(&token).into_future(), app.settle());
    let shown = shown.ok();
    assert_eq!(shown.bytes, picture);
    for (header, value) in [
        ("content-type", "image/png"),
        ("etag", &format!("\"{sha256}\"")),
        (
            "content-disposition",
            "inline; filename*=UTF-8''%E5%A4%A7%E9%97%A8%20%E2%80%9C%E6%AD%A3%E9%9D%A2%E2%80%9D.png",
        ),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(shown.header(header), value);
    }
    assert_eq!(stored(&app), [format!("objects/{}/{sha256}", &sha256[..2])]);
    app.close().await;
}

#[tokio::test]
async fn a_file_is_read_in_parts_and_not_sent_again_when_known() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let document = pdf(100_000);
    let file = uploaded(&app, &person, "证明.pdf", &document).await;
    let whole = read(&person, file).header("accept-encoding", "gzip").await.ok();
    assert_eq!(whole.bytes, document);
    assert!(!whole.has("content-encoding"), "a file is not compressed again");
    assert!(whole.header("content-disposition").starts_with("attachment;"));
    let tag = whole.header("etag").to_owned();
    let known = read(&person, file).header("if-none-match", &tag).await.expecting(304);
    assert!(known.bytes.is_empty());
    let part = read(&person, file).header("range", "bytes=99990-").await.expecting(206);
    assert_eq!(part.bytes, document[99_990..]);
    assert_eq!(part.header("content-range"), "bytes 99990-99999/100000");
    assert_eq!(part.header("content-length"), "10");
    let again = read(&person, file).header("range", "bytes=0-9").header("if-range", &tag).await;
    assert_eq!(again.expecting(206).bytes, document[..10]);
    read(&person, file).header("range", "bytes=0-9").header("if-range", "\"other\"").await.is(200);
    let behind = read(&person, file).header("range", "bytes=100000-").await.problem(416, "file.range");
    assert_eq!(behind.header("content-range"), "bytes */100000");
    let head = person.send(Method::HEAD, &format!("files/{file}")).await.ok();
    assert!(head.bytes.is_empty());
    assert_eq!(head.header("content-length"), "100000");
    app.close().await;
}

#[tokio::test]
async fn the_type_is_what_the_bytes_say_and_the_name_follows_it() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    for (name, bytes, content_type, ending) in [
        ("a.jpeg", jpeg(5_000), "image/jpeg", "a.jpeg"),
        ("合同.png", pdf(500), "application/pdf", ".png.pdf"),
        ("报告", office(&["word/document.xml"]), DOCX, ".docx"),
        ("名录.xlsx", office(&["xl/workbook.xml"]), XLSX, ".xlsx"),
        (r"C:\fakepath\b.png", png(), "image/png", "''b.png"),
        ("evil\u{202e}gpj.exe", png(), "image/png", "''%E5%9B%BE%E7%89%87.png"),
    ] {
        let answer = person.upload(name, &bytes).await.created();
        assert_eq!(answer["contentType"], content_type, "{name}");
        app.settle().await;
        let shown = read(&person, answer.id()).await.ok();
        let disposition = shown.header("content-disposition");
        assert!(disposition.ends_with(ending), "{name}: {disposition}");
        assert_eq!(shown.header("content-type"), content_type);
    }
    app.close().await;
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_belongs_to_each_who_uploaded_it() {
    let app = TestApp::new().await;
    let (one, two) = (app.registered(OWNER).await, app.registered(OTHER).await);
    let first = uploaded(&app, &one, "a.png", &png()).await;
    let second = uploaded(&app, &two, "b.png", &png()).await;
    assert_ne!(first, second);
    assert_eq!(stored(&app).len(), 1);
    assert!(read(&two, second).await.ok().header("content-disposition").ends_with("b.png"));
    read(&two, first).await.problem(404, "resource.not_found");
    app.close().await;
}

#[tokio::test]
async fn an_upload_with_a_key_happens_once_however_its_form_is_written() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let send = async |boundary: &str, name: &str, bytes: &[u8]| -> Answer {
        let (content_type, body) = form_with(boundary, &[("file", name, bytes)]);
        person.send(Method::POST, "files").raw(&content_type, body).idempotency_key("once").await
    };
    let first = send("one", "a.png", &png()).await.created();
    let again = send("two", "a.png", &png()).await.created();
    assert_eq!(again.json, first.json);
    assert_eq!(again.header("idempotency-replayed"), "true");
    send("one", "b.png", &png()).await.problem(422, "idempotency.mismatch");
    send("one", "a.png", &jpeg(100)).await.problem(422, "idempotency.mismatch");
    app.close().await;
}

#[tokio::test]
async fn a_picture_is_public_once_it_is_live_and_a_certificate_never() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let picture = uploaded(&app, &park.owner, "王小明的园区.png", &png()).await;
    let certificate = uploaded(&app, &park.owner, "执照.pdf", &pdf(1_000)).await;
    let (visitor, other) = (app.as_visitor(), app.registered(OTHER).await);
    let (reviewer, editor) = (app.as_staff(Role::Reviewer).await, app.as_staff(Role::Editor).await);
    let colleague = app.registered(COLLEAGUE).await;
    park.owner.post(&park.path("staff"), json!({"phone": COLLEAGUE})).await.is(201);
    let status = async |file: Uuid| {
        app.settle().await;
        let mut found = Vec::new();
        for caller in [&park.owner, &colleague, &reviewer, &editor, &other, &visitor] {
            found.push(read(caller, file).await.status.as_u16());
        }
        found
    };
    assert_eq!(status(picture).await, [200, 404, 404, 404, 404, 404], "only its owner knows it");
    let body = json!({"profile": profile_with("有照片的园区", &[picture], &[certificate])});
    park.owner.post(&park.path("profile-revisions"), body).await.is(201);
    for file in [picture, certificate] {
        assert_eq!(status(file).await, [200, 200, 200, 404, 404, 404], "what is handed in is reviewed");
    }
    reviewer.post(&park.path("profile-revisions/1/approve"), json!({})).await.is(200);
    assert_eq!(status(picture).await, [200, 200, 200, 200, 200, 200], "what is live is public");
    assert_eq!(status(certificate).await, [200, 200, 200, 404, 404, 404]);
    let named = read(&reviewer, picture).await.ok().header("content-disposition").to_owned();
    assert!(named.contains("%E7%8E%8B%E5%B0%8F%E6%98%8E"), "{named}");
    let public = read(&visitor, picture).await.ok().header("content-disposition").to_owned();
    assert_eq!(public, "inline; filename*=UTF-8''%E5%9B%BE%E7%89%87.png", "a name may tell about a person");
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    assert_eq!(status(picture).await, [200, 200, 200, 404, 404, 404], "a suspended park is hidden");
    reviewer.post(&park.path("reinstate"), json!({})).await.is(200);
    let body = json!({"profile": profile_with("没有照片的园区", &[], &[])});
    colleague.post(&park.path("profile-revisions"), body).await.is(201);
    reviewer.post(&park.path("profile-revisions/2/approve"), json!({})).await.is(200);
    assert_eq!(status(picture).await, [200, 200, 200, 404, 404, 404], "history stays readable inside");
    app.close().await;
}

#[tokio::test]
async fn what_an_applicant_hands_in_is_read_by_reviewers_and_public_with_the_park() {
    let app = TestApp::new().await;
    let applicant = app.registered(OWNER).await;
    let picture = uploaded(&app, &applicant, "a.png", &png()).await;
    let body = json!({"kind": "park", "profile": profile_with("申请中的园区", &[picture], &[])});
    let opened = applicant.post("provider-applications", body).await.created();
    let at = |step: &str| format!("provider-applications/{}/{step}", opened.id());
    let (reviewer, visitor) = (app.as_staff(Role::Reviewer).await, app.as_visitor());
    app.settle().await;
    read(&reviewer, picture).await.problem(404, "resource.not_found");
    applicant.post(&at("submit"), json!({})).await.is(200);
    app.settle().await;
    read(&reviewer, picture).await.is(200);
    read(&visitor, picture).await.problem(404, "resource.not_found");
    reviewer.post(&at("approve"), json!({})).await.is(200);
    app.settle().await;
    read(&visitor, picture).await.is(200);
    app.close().await;
}
