//! The same in an S3-compatible store: a small one on loopback that speaks as much of the protocol as zsq uses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures::StreamExt;
use infrastructure::ids;
use tests::sample_files::form;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::bad_input::streamed;
use super::*;

const BUCKET: &str = "/zsq-files/";

/// What the store holds: objects by key, and the parts of uploads that are not complete.
#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
}

type Store = Arc<Mutex<Held>>;

async fn store() -> (String, Store) {
    let held = Store::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(held.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, held)
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs =
        uri.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

async fn answer(State(store): State<Store>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
    let signature = parts.headers["authorization"].to_str().unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=zsq/"), "{signature}");
    let key = parts.uri.path().strip_prefix(BUCKET).unwrap_or_default().to_owned();
    let (upload, part) = (parameter(&parts.uri, "uploadId"), parameter(&parts.uri, "partNumber"));
    let mut held = store.lock().unwrap();
    match (parts.method.as_str(), upload, part) {
        ("POST", None, None) => {
            held.uploads.insert(key.clone(), BTreeMap::new());
            let id = format!("<UploadId>{}</UploadId>", key.replace('/', "-"));
            xml(&format!("<InitiateMultipartUploadResult>{id}</InitiateMultipartUploadResult>"))
        }
        ("PUT", Some(_), Some(part)) => {
            held.uploads.get_mut(&key).unwrap().insert(part.parse().unwrap(), body);
            [("etag", "\"part\"")].into_response()
        }
        ("POST", Some(_), None) => {
            let parts: Vec<Bytes> = held.uploads.remove(&key).unwrap().into_values().collect();
            held.objects.insert(key, parts.concat().into());
            let tag = "<ETag>\"whole\"</ETag>";
            xml(&format!("<CompleteMultipartUploadResult>{tag}</CompleteMultipartUploadResult>"))
        }
        ("DELETE", Some(_), None) => {
            held.uploads.remove(&key).unwrap();
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None, None) => put(&mut held, key, &parts.headers, body),
        ("DELETE", None, None) => {
            held.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", None, None) if parameter(&parts.uri, "list-type").is_some() => list(&held),
        ("GET" | "HEAD", None, None) => get(&held, &key, &parts.headers),
        other => panic!("{other:?}: no request of ours"),
    }
}

fn put(held: &mut Held, key: String, headers: &HeaderMap, body: Bytes) -> Response {
    let Some(from) = headers.get("x-amz-copy-source").map(|from| from.to_str().unwrap()) else {
        held.objects.insert(key, body);
        return [("etag", "\"whole\"")].into_response();
    };
    let from = from.trim_start_matches('/').strip_prefix(BUCKET.trim_start_matches('/')).unwrap();
    let copied = held.objects[from].clone();
    held.objects.insert(key, copied);
    xml("<CopyObjectResult><ETag>\"whole\"</ETag></CopyObjectResult>")
}

fn get(held: &Held, key: &str, headers: &HeaderMap) -> Response {
    let Some(object) = held.objects.get(key) else {
        return (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response();
    };
    let modified = ("last-modified", "Mon, 23 Nov 2026 00:00:00 GMT".to_owned());
    let tag = ("etag", "\"whole\"".to_owned());
    let Some(range) = headers.get("range").map(|range| range.to_str().unwrap()) else {
        return ([modified, tag], object.clone()).into_response();
    };
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let of = ("content-range", format!("bytes {first}-{last}/{}", object.len()));
    (StatusCode::PARTIAL_CONTENT, [modified, tag, of], object.slice(first..=last)).into_response()
}

fn list(held: &Held) -> Response {
    let row = |(key, object): (&String, &Bytes)| {
        let (size, modified) = (object.len(), "2026-11-23T00:00:00Z");
        format!(
            "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{modified}</LastModified>\
             <ETag>\"whole\"</ETag></Contents>"
        )
    };
    let rows = held.objects.iter().map(row).collect::<Vec<_>>().concat();
    xml(&format!("<ListBucketResult>{rows}</ListBucketResult>"))
}

fn xml(body: &str) -> Response {
    ([("content-type", "application/xml")], body.to_owned()).into_response()
}

async fn app_on(address: &str) -> TestApp {
    TestApp::with(&[
        ("ZSQ_FILES_URL", "s3://zsq-files/sanya"),
        ("ZSQ_FILES_ENDPOINT", address),
        ("ZSQ_FILES_KEY_ID", "zsq"),
        ("ZSQ_FILES_KEY_SECRET", "tests"),
    ])
    .await
}

#[tokio::test]
async fn a_bucket_keeps_files_as_a_folder_does() {
    let (address, held) = store().await;
    let app = app_on(&address).await;
    let person = app.registered(OWNER).await;
    let (small, large) = (pdf(50_000), pdf(13_000_000));
    for document in [&small, &large, &large] {
        let file = uploaded(&app, &person, "a.pdf", document).await;
        assert_eq!(read(&person, file).await.ok().bytes, *document);
        let part = read(&person, file).header("range", "bytes=100-199").await.expecting(206);
        assert_eq!(part.bytes, document[100..200]);
    }
    let keys = |held: &Store| held.lock().unwrap().objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&held).len(), 2, "{:?}", keys(&held));
    assert!(keys(&held).iter().all(|key| key.starts_with("sanya/objects/")), "{:?}", keys(&held));
    person.upload("half.docx", &office(&["word/document.xml"])[..90]).await.problem(422, "file.damaged");

    // What a crash left goes, what came in just now stays.
    for minutes in [0, 90] {
        let id = ids::mint(app.now() - TimeDelta::minutes(minutes));
        held.lock().unwrap().objects.insert(format!("sanya/quarantine/{id}"), Bytes::from("left"));
    }
    while keys(&held).len() > 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.state.files.sweep(app.now()).await.unwrap(), 1);
    assert_eq!(keys(&held).len(), 3);
    app.close().await;
}

#[tokio::test]
async fn an_upload_into_a_bucket_that_is_cut_takes_its_parts_back() {
    let (address, held) = store().await;
    let app = app_on(&address).await;
    let person = app.registered(OWNER).await;
    let (content_type, body) = form(&[("file", "a.pdf", &pdf(12_000_000))]);
    let begin = Ok::<_, std::io::Error>(Bytes::from(body[..11_000_000].to_vec()));
    let silent = futures::stream::iter([begin]).chain(futures::stream::pending());
    let request = streamed(&person, &content_type, Body::from_stream(silent));
    let upload = tokio::spawn(app.router().oneshot(request));
    let parts = || held.lock().unwrap().uploads.values().map(BTreeMap::len).sum::<usize>();
    while parts() < 2 {
        tokio::task::yield_now().await;
    }
    upload.abort();
    while !held.lock().unwrap().uploads.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(held.lock().unwrap().objects.is_empty());
    app.close().await;
}

#[tokio::test]
async fn while_the_bucket_is_away_nothing_is_taken_in() {
    let app = app_on("http://127.0.0.1:9").await;
    let person = app.registered(OWNER).await;
    person.upload("a.pdf", &pdf(1_000)).await.problem(503, "file.store_unavailable");
    app.close().await;
}
