//! How the stand-ins check what the connectors sign: written for themselves from the providers' descriptions, so that
//! both sides can be wrong alike only if the descriptions are.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A header's text; nothing where it is absent.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// SHA-256, hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// HMAC-SHA-256.
pub(super) fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// The parts of an `Authorization` after its scheme, `name=value` with commas between them.
fn part<'a>(authorization: &'a str, name: &str) -> &'a str {
    let (_, parts) = authorization.split_once(' ').unwrap_or_default();
    let mut parts = parts.split(',').map(str::trim);
    parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

fn canonical(names: &str, headers: &HeaderMap, lower: bool) -> String {
    let line = |name: &str| {
        let value = header(headers, name).trim().to_owned();
        format!("{name}:{}\n", if lower { value.to_lowercase() } else { value })
    };
    names.split(';').map(line).collect::<Vec<_>>().concat()
}

fn is_equal(found: &str, expected: &[u8]) -> bool {
    hex::encode(expected).as_bytes().ct_eq(found.as_bytes()).into()
}

/// Whether an ACS3-HMAC-SHA256 signature is right and signs what it must.
pub(super) fn is_acs3(
    headers: &HeaderMap,
    path: &str,
    query: &str,
    body: &[u8],
    key_id: &str,
    key_secret: &SecretString,
) -> bool {
    let authorization = header(headers, "authorization");
    let names = part(authorization, "SignedHeaders");
    let needed = ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce"];
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let request = format!(
        "POST\n{path}\n{}\n{}\n{names}\n{}",
        pairs.join("&"),
        canonical(names, headers, false),
        sha256(body)
    );
    let text = format!("ACS3-HMAC-SHA256\n{}", sha256(request.as_bytes()));
    authorization.starts_with("ACS3-HMAC-SHA256 ")
        && part(authorization, "Credential") == key_id
        && needed.iter().all(|needed| names.split(';').any(|name| name == *needed))
        && header(headers, "x-acs-content-sha256") == sha256(body)
        && is_equal(
            part(authorization, "Signature"),
            &hmac(key_secret.expose_secret().as_bytes(), text.as_bytes()),
        )
}

/// Whether a TC3-HMAC-SHA256 signature is right, for this day.
pub(super) fn is_tc3(
    headers: &HeaderMap,
    path: &str,
    body: &[u8],
    key_id: &str,
    key_secret: &SecretString,
) -> bool {
    let authorization = header(headers, "authorization");
    let names = part(authorization, "SignedHeaders");
    let credential = part(authorization, "Credential");
    let Some((id, scope)) = credential.split_once('/') else { return false };
    let [day, service, end] = scope.split('/').collect::<Vec<_>>()[..] else { return false };
    let request = format!("POST\n{path}\n\n{}\n{names}\n{}", canonical(names, headers, true), sha256(body));
    let stamp = header(headers, "x-tc-timestamp");
    let text = format!("TC3-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(request.as_bytes()));
    let of_day = hmac(format!("TC3{}", key_secret.expose_secret()).as_bytes(), day.as_bytes());
    let key = hmac(&hmac(&of_day, service.as_bytes()), end.as_bytes());
    authorization.starts_with("TC3-HMAC-SHA256 ")
        && id == key_id
        && (service, end) == ("sms", "tc3_request")
        && ["content-type", "host"].iter().all(|needed| names.split(';').any(|name| name == *needed))
        && is_equal(part(authorization, "Signature"), &hmac(&key, text.as_bytes()))
}
