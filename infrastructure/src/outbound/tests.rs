use super::standin::{Answer, StandIn};
use super::*;

fn client(base: &Url) -> Outbound {
    Outbound::new(base, Duration::from_millis(300), None).unwrap()
}

#[tokio::test]
async fn a_call_that_never_left_and_one_without_an_answer_are_told_apart() {
    let silent = StandIn::answering(|_| Answer::Silence).await;
    let http = client(&silent.url);
    let outcome = http.send(http.get(silent.url.join("?secret=geheim").unwrap())).await;
    let Err(error @ OutboundError::NoAnswer(_)) = outcome else { panic!("an answer") };
    assert_eq!(silent.calls().len(), 1);
    assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    // Port 9 of this machine: nobody listens there.
    let nobody = Url::parse("http://127.0.0.1:9/?secret=geheim").unwrap();
    let Err(error @ OutboundError::NotSent(_)) = http.send(http.get(nobody)).await else {
        panic!("an answer")
    };
    assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_answer_of_a_protocol_is_refused() {
    let page = StandIn::answering(|_| Answer::Text(502, "<html>Bad Gateway</html>")).await;
    let http = client(&page.url);
    let reply = http.send(http.get(page.url.clone())).await.unwrap();
    assert!(matches!(reply.json(), Err(OutboundError::NotJson { status: 502 })));
    let endless = StandIn::answering(|_| Answer::Json("x".repeat(ANSWER_BYTES_MAX).into())).await;
    let outcome = http.send(http.get(endless.url.clone())).await;
    assert!(matches!(outcome, Err(OutboundError::TooLong)));
}

#[test]
fn a_file_without_certificates_is_no_authority() {
    let base = Url::parse("https://idp.example/").unwrap();
    let refused = Outbound::new(&base, Duration::from_secs(1), Some(b"not a certificate"));
    assert!(matches!(refused, Err(ClientError::NoCertificate)), "{refused:?}");
}

#[test]
fn only_unreserved_characters_stay_as_they_are() {
    assert_eq!(percent_encode("aZ09-_.~"), "aZ09-_.~");
    assert_eq!(percent_encode("a b+*/=&三"), "a%20b%2B%2A%2F%3D%26%E4%B8%89");
    assert_eq!(query_string([("b", "1 2"), ("a", "")]), "b=1%202&a=");
    assert_eq!(host_header(&Url::parse("https://h.example:443/").unwrap()), "h.example");
    assert_eq!(host_header(&Url::parse("http://127.0.0.1:8080/").unwrap()), "127.0.0.1:8080");
}
