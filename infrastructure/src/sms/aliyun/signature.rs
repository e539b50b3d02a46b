//! ACS3-HMAC-SHA256, the signature of Alibaba Cloud's interfaces (domain.md §3.4).
//!
//! Signed are `host`, `content-type` where there is one, and everything that begins with `x-acs-`.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// What is signed. Names of headers are lower-case and stand in their order; the query is encoded and sorted.
pub(super) struct Signed<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a [(&'static str, String)],
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The value of the `authorization` header.
    pub fn authorization(&self, key_id: &str, key_secret: &SecretString) -> String {
        let to_sign = format!("{ALGORITHM}\n{}", self.request_hash());
        let mut mac = Hmac::<Sha256>::new_from_slice(key_secret.expose_secret().as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(to_sign.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        format!("{ALGORITHM} Credential={key_id},SignedHeaders={},Signature={signature}", self.names())
    }

    pub fn request_hash(&self) -> String {
        let line = |(name, value): &(&str, String)| [name, ":", value.trim(), "\n"].concat();
        let headers = self.headers.iter().map(line).collect::<Vec<_>>().concat();
        let (method, path, query) = (self.method, self.path, self.query);
        let (names, body) = (self.names(), sha256(self.body));
        sha256(format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{body}").as_bytes())
    }

    fn names(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }
}

/// SHA-256, hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The provider's own example (domain.md §3.4).
    #[test]
    fn the_published_example_comes_out() {
        let headers = [
            ("host", "ecs.cn-shanghai.aliyuncs.com".to_owned()),
            ("x-acs-action", "RunInstances".to_owned()),
            ("x-acs-content-sha256", sha256(b"")),
            ("x-acs-date", "2023-10-26T10:22:32Z".to_owned()),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d".to_owned()),
            ("x-acs-version", "2014-05-26".to_owned()),
        ];
        let signed = Signed {
            method: "POST",
            path: "/",
            query: "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
            headers: &headers,
            body: b"",
        };
        assert_eq!(signed.request_hash(), "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
        let authorization =
            signed.authorization("YourAccessKeyId", &SecretString::from("YourAccessKeySecret"));
        assert_eq!(
            authorization,
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;\
             x-acs-date;x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }
}
