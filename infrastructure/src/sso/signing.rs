//! Signatures in headers, as provincial gateways ask for them (domain.md §3.5, family B).
//!
//! Signed is `METHOD\nPATH\nQUERY\nKEY ID\nDATE\n`, the query sorted by name, the date as in RFC 1123. The signature is
//! base64 of HMAC-SHA-256, or of HMAC-SM3 (GM/T 0004) where a provider insists on it.
//! Never anywhere else than here: a browser that signs has the secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use sm3::Sm3;
use url::Url;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SM3.
    HmacSm3,
}

impl Algorithm {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSm3 => "hmac-sm3",
        }
    }

    fn compute(self, key: &SecretString, bytes: &[u8]) -> Vec<u8> {
        let key = key.expose_secret().as_bytes();
        match self {
            Self::HmacSha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.update(bytes);
                mac.finalize().into_bytes().to_vec()
            }
            Self::HmacSm3 => {
                let mut mac = Hmac::<Sm3>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.update(bytes);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }
}

/// How calls are signed: the names of the headers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What is computed.
    pub algorithm: Algorithm,
    /// Header of the signature.
    pub signature_header: String,
    /// Header of the algorithm's name.
    pub algorithm_header: String,
    /// Header of the key's id.
    pub key_id_header: String,
    /// Header of the date.
    pub date_header: String,
    /// The key's id, where it is not the client's.
    pub key_id: Option<String>,
    /// The key, where it is not the client's secret.
    pub key: Option<SecretString>,
}

/// How answers are signed: base64 over the whole body, with the client's secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSignature {
    /// What is computed.
    pub algorithm: Algorithm,
    /// Header of the signature.
    pub header: String,
}

impl AnswerSignature {
    /// Whether `found` is the signature of this body.
    pub(super) fn is_right(&self, key: &SecretString, body: &[u8], found: Option<&str>) -> bool {
        use subtle::ConstantTimeEq;
        let found = found.and_then(|found| STANDARD.decode(found.trim()).ok()).unwrap_or_default();
        self.algorithm.compute(key, body).ct_eq(&found).into()
    }
}

impl Signature {
    /// The headers of a call.
    pub(super) fn headers(
        &self,
        client_id: &str,
        client_secret: &SecretString,
        method: &str,
        url: &Url,
        at: DateTime<Utc>,
    ) -> [(String, String); 4] {
        let key_id = self.key_id.as_deref().unwrap_or(client_id);
        let key = self.key.as_ref().unwrap_or(client_secret);
        let date = at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mut query: Vec<&str> = url.query().unwrap_or_default().split('&').collect();
        query.sort_unstable();
        let to_sign = format!("{method}\n{}\n{}\n{key_id}\n{date}\n", url.path(), query.join("&"));
        [
            (self.signature_header.clone(), STANDARD.encode(self.algorithm.compute(key, to_sign.as_bytes()))),
            (self.algorithm_header.clone(), self.algorithm.name().to_owned()),
            (self.key_id_header.clone(), key_id.to_owned()),
            (self.date_header.clone(), date),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(algorithm: Algorithm) -> [(String, String); 4] {
        let signature = Signature {
            algorithm,
            signature_header: "X-BG-HMAC-SIGNATURE".to_owned(),
            algorithm_header: "X-BG-HMAC-ALGORITHM".to_owned(),
            key_id_header: "X-BG-HMAC-ACCESS-KEY".to_owned(),
            date_header: "X-BG-DATE-TIME".to_owned(),
            key_id: None,
            key: None,
        };
        let url = Url::parse("https://idp.example/restapi/user?b=2&a=1").unwrap();
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        signature.headers("AK", &SecretString::from("a secret of nobody"), "POST", &url, at)
    }

    /// The expected text is written out; the HMAC is another implementation's.
    #[test]
    fn method_path_sorted_query_key_and_date_are_signed() {
        let [signature, algorithm, key_id, date] = signed(Algorithm::HmacSha256);
        assert_eq!(date.1, "Wed, 18 Nov 2026 11:06:40 GMT");
        assert_eq!((algorithm.1.as_str(), key_id.1.as_str()), ("hmac-sha256", "AK"));
        let expected = "POST\n/restapi/user\na=1&b=2\nAK\nWed, 18 Nov 2026 11:06:40 GMT\n";
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret of nobody");
        let expected = ring::hmac::sign(&key, expected.as_bytes());
        assert_eq!(signature, ("X-BG-HMAC-SIGNATURE".to_owned(), STANDARD.encode(expected)));
    }

    /// HMAC by its definition (RFC 2104) over SM3, whose own example (domain.md §4) is checked first.
    #[test]
    fn hmac_sm3_is_hmac_over_sm3() {
        use sm3::Digest;
        assert_eq!(
            hex::encode(Sm3::digest(b"abc")),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
        let key: Vec<u8> =
            b"a secret of nobody".iter().copied().chain(std::iter::repeat(0)).take(64).collect();
        let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
        let text = b"POST\n/restapi/user\na=1&b=2\nAK\nWed, 18 Nov 2026 11:06:40 GMT\n";
        let inner = Sm3::digest([pad(0x36), text.to_vec()].concat());
        let expected = Sm3::digest([pad(0x5c), inner.to_vec()].concat());
        assert_eq!(signed(Algorithm::HmacSm3)[0].1, STANDARD.encode(expected));
    }
}
