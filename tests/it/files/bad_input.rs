//! What an upload must stand.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use futures::StreamExt;
use tests::sample_files::{form, zip};
use tower::ServiceExt;

use super::*;

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn what_is_not_on_the_list_is_refused_whatever_it_is_called() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let svg = b"<svg xmlns='urn:svg'><script>alert(1)</script></svg>";
    for (name, bytes) in [
        ("photo.png", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0 this program cannot be run".to_vec()),
        ("logo.svg", svg.to_vec()),
        ("page.png", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("photo.jpg", b"\x89PNG\r\n\x1a\nbut not a picture at all".to_vec()),
        ("old.doc", [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 600]].concat()),
        ("notes.txt", "纯文本，没有魔数".as_bytes().to_vec()),
        ("tiny.png", b"\x89PNG".to_vec()),
        ("files.zip", zip(&["a.exe", "b.txt"])),
        ("slides.docx", office(&["ppt/presentation.xml"])),
    ] {
        person.upload(name, &bytes).await.problem(415, "file.type_not_allowed");
    }
    let macros = office(&["word/document.xml", "word/vbaProject.bin"]);
    person.upload("macros.docx", &macros).await.problem(422, "file.has_macros");
    let whole = office(&["word/document.xml"]);
    let cut = person.upload("half.docx", &whole[..whole.len() - 5]).await.problem(422, "file.damaged");
    assert_eq!(cut.errors(), [("/file", "file.damaged")]);
    person.upload("empty.png", b"").await.problem(422, "file.empty");
    until_stored(&app, &[]).await;
    app.close().await;
}

#[tokio::test]
async fn a_file_may_be_as_large_as_its_type_allows_and_no_larger() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    person.upload("a.jpg", &jpeg(10 * MIB)).await.is(201);
    person.upload("a.pdf", &pdf(20 * MIB)).await.is(201);
    let kept = stored(&app);
    let large = person.upload("a.jpg", &jpeg(10 * MIB + 1)).await.problem(413, "file.too_large");
    assert!(large["detail"].as_str().unwrap().contains("10 MB"));
    person.upload("a.pdf", &pdf(20 * MIB + 1)).await.problem(413, "file.too_large");
    let small = person.upload("a.pdf", &pdf(100));
    small.header("content-length", 21 * MIB).await.problem(413, "file.too_large");
    until_stored(&app, &kept).await;
    app.close().await;
}

#[tokio::test]
async fn a_form_has_one_file_and_nothing_else() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let (picture, nothing) = (png(), b"".as_slice());
    for (fields, pointer, code) in [
        (&[][..], "/file", "field.required"),
        (&[("photo", "a.png", picture.as_slice())], "/photo", "field.unknown"),
        (&[("file", "a.png", picture.as_slice()), ("note", "", nothing)], "/note", "field.unknown"),
        (&[("file", "a.png", picture.as_slice()), ("file", "b.png", &picture)], "/file", "field.duplicate"),
    ] {
        let (content_type, body) = form(fields);
        let refused = person.send(Method::POST, "files").raw(&content_type, body).await;
        assert_eq!(refused.problem(422, "request.invalid").errors(), [(pointer, code)]);
    }
    person.post("files", json!({"file": "a.png"})).await.problem(415, "request.media_type");
    let no_boundary = person.send(Method::POST, "files").raw("multipart/form-data", png());
    no_boundary.await.problem(415, "request.media_type");
    until_stored(&app, &[]).await;
    app.close().await;
}

/// A request whose body is a stream.
pub fn streamed(by: &Caller<'_>, content_type: &str, body: Body) -> Request<Body> {
    let mut request = Request::post("/api/v1/files").header("content-type", content_type);
    for (name, value) in by.headers() {
        request = request.header(name, value);
    }
    let mut request = request.body(body).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 40_000))));
    request
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_nothing() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let (content_type, body) = form(&[("file", "a.pdf", &pdf(2 * MIB))]);
    // The end of the form is missing: the whole file would be there, but nobody knows.
    for end in [body.len() - 2_000, body.len() - 5] {
        let cut = person.send(Method::POST, "files").raw(&content_type, body[..end].to_vec()).await;
        cut.problem(400, "file.upload_cut");
    }
    // The connection breaks.
    let begin = Bytes::from(body[..MIB].to_vec());
    let broken = [Ok(begin.clone()), Err(std::io::Error::other("reset by peer"))];
    let broken = streamed(&person, &content_type, Body::from_stream(futures::stream::iter(broken)));
    assert_eq!(app.router().oneshot(broken).await.unwrap().status(), StatusCode::BAD_REQUEST);
    // The client goes away, and the server drops its request in the middle.
    let silent = futures::stream::iter([Ok::<_, std::io::Error>(begin)]).chain(futures::stream::pending());
    let mut abandoned = app.router().oneshot(streamed(&person, &content_type, Body::from_stream(silent)));
    while stored(&app).is_empty() {
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), &mut abandoned).await;
        assert!(waited.is_err(), "the rest of the file never came");
    }
    drop(abandoned);
    until_stored(&app, &[]).await;
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    assert_eq!(auditor.get("audit/events?aggregateType=StoredFile").await.ok()["total"], 0);
    app.close().await;
}

#[tokio::test]
async fn nobody_uploads_without_end() {
    let app = TestApp::new().await;
    let (person, other) = (app.registered(OWNER).await, app.registered(OTHER).await);
    let mut taken = 0;
    // Good and bad ones, for two days.
    for minute in 0..7 {
        for number in 0..61 {
            let bytes = if number % 2 == 0 { png() } else { b"no picture of any kind".to_vec() };
            let answer = person.upload("a.png", &bytes).await;
            if answer.status == 429 {
                let refused = answer.problem(429, "file.too_frequent");
                assert!(refused.has("retry-after") && refused.has("ratelimit"));
                break;
            }
            taken += 1;
        }
        assert_eq!(taken, (60 * (minute + 1)).min(300));
        app.wait(TimeDelta::minutes(2));
    }
    assert!(other.upload("a.png", &png()).await.created().has("ratelimit-policy"));
    app.wait(TimeDelta::days(1));
    app.registered(OWNER).await.upload("a.png", &png()).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn nobody_holds_many_uploads_open() {
    let app = TestApp::new().await;
    let person = app.registered(OWNER).await;
    let (content_type, body) = form(&[("file", "a.pdf", &pdf(MIB))]);
    let mut held = Vec::new();
    for _ in 0..6 {
        let begin = Ok::<_, std::io::Error>(Bytes::from(body[..MIB / 2].to_vec()));
        let silent = futures::stream::iter([begin]).chain(futures::stream::pending());
        let request = streamed(&person, &content_type, Body::from_stream(silent));
        held.push(tokio::spawn(app.router().oneshot(request)));
    }
    while stored(&app).len() < held.len() {
        tokio::task::yield_now().await;
    }
    let refused = person.upload("b.png", &png()).await.problem(429, "file.too_many_at_once");
    assert!(refused.has("retry-after"));
    let other = app.registered(OTHER).await;
    other.upload("b.png", &png()).await.is(201);
    for upload in held {
        upload.abort();
    }
    until_stored(
        &app,
        &stored(&app).into_iter().filter(|path| path.starts_with("objects")).collect::<Vec<_>>(),
    )
    .await;
    person.upload("b.png", &png()).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn a_visitor_uploads_nothing_and_an_unknown_file_is_not_there() {
    let app = TestApp::new().await;
    let visitor = app.as_visitor();
    visitor.upload("a.png", &png()).await.problem(401, "session.required");
    app.as_staff(Role::Auditor).await.upload("a.png", &png()).await.problem(403, "access.forbidden");
    let file = uploaded(&app, &app.as_staff(Role::Editor).await, "a.png", &png()).await;
    for caller in [visitor, app.registered(OWNER).await, app.as_staff(Role::Assessor).await] {
        read(&caller, file).await.problem(404, "resource.not_found");
        read(&caller, Uuid::nil()).await.problem(404, "resource.not_found");
        for path in ["files/7", "files/..%2f..%2fmaster-key", "files/quarantine"] {
            caller.get(path).await.problem(404, "resource.not_found");
        }
    }
    app.close().await;
}
