//! A scanner before the store: a daemon that speaks clamd's protocol on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What this daemon finds.
const SIGNATURE: &[u8] = b"zzz-this-is-what-the-scanner-of-the-tests-finds-zzz";

/// Answers as clamd does until it is switched off: then it hangs up.
async fn daemon() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let on = Arc::new(AtomicBool::new(true));
    let is_on = on.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if is_on.load(Ordering::Relaxed) {
                tokio::spawn(scan(client));
            }
        }
    });
    (address, on)
}

async fn scan(mut client: TcpStream) {
    let mut command = [0; 10];
    client.read_exact(&mut command).await.unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut content = Vec::new();
    loop {
        let length = client.read_u32().await.unwrap();
        if length == 0 {
            break;
        }
        let mut piece = vec![0; usize::try_from(length).unwrap()];
        client.read_exact(&mut piece).await.unwrap();
        content.extend(piece);
    }
    let found = content.windows(SIGNATURE.len()).any(|window| window == SIGNATURE);
    let answer: &[u8] = if found { b"stream: Tests.Signature FOUND\0" } else { b"stream: OK\0" };
    client.write_all(answer).await.unwrap();
}

#[tokio::test]
async fn an_infected_file_is_refused_recorded_and_kept_nowhere() {
    let (address, _on) = daemon().await;
    let app = TestApp::with(&[("ZSQ_SCANNER_URL", &address)]).await;
    let person = app.registered(OWNER).await;
    let infected = [pdf(600_000), SIGNATURE.to_vec(), vec![b'z'; 5_000]].concat();
    for _ in 0..2 {
        let refused = person.upload("a.pdf", &infected).idempotency_key("infected").await;
        assert_eq!(refused.problem(422, "file.infected").errors(), [("/file", "file.infected")]);
    }
    until_stored(&app, &[]).await;
    let clean = uploaded(&app, &person, "b.pdf", &pdf(600_000)).await;
    read(&person, clean).await.is(200);
    let auditor = app.as_staff(Role::Auditor).await;
    let refusals = auditor.get("audit/events?eventType=StoredFileRefused").await.ok();
    assert_eq!(refusals["total"], 1, "a repeated request is recorded once");
    assert_eq!(refusals["/items/0/sentence"], "文件未通过安全检查：Tests.Signature");
    let refused = refusals["/items/0/aggregateId"].as_str().unwrap().parse().unwrap();
    read(&person, refused).await.problem(404, "resource.not_found");
    let body = json!({"kind": "park", "profile": profile_with("带病毒的园区", &[], &[refused])});
    let named = person.post("provider-applications", body).await.problem(422, "request.invalid");
    assert_eq!(named.errors(), [("/profile/certificates/0", "file.not_found")]);
    let state = auditor.get(&format!("audit/streams/StoredFile/{clean}/state")).await.ok();
    assert_eq!(state["/state/verdict"], "accepted");
    assert_eq!(state["/state/uploaded/name"], "b**", "auditors see names masked");
    app.close().await;
}

#[tokio::test]
async fn while_the_scanner_is_away_nothing_is_taken_in() {
    let (address, on) = daemon().await;
    let app = TestApp::with(&[("ZSQ_SCANNER_URL", &address)]).await;
    let person = app.registered(OWNER).await;
    on.store(false, Ordering::Relaxed);
    let refused = person.upload("a.pdf", &pdf(1_000)).idempotency_key("later").await;
    assert!(refused.problem(503, "file.scanner_unavailable").has("retry-after"));
    until_stored(&app, &[]).await;
    on.store(true, Ordering::Relaxed);
    let taken = person.upload("a.pdf", &pdf(1_000)).idempotency_key("later").await.created();
    assert!(!taken.has("idempotency-replayed"));
    app.close().await;
}
