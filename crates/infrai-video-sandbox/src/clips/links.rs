//! Signed links to files and checkout pages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::model::ids::Seed;

/// Signs and verifies the links of the file host: `PATH?expires=SECONDS&signature=NONCE.MAC`.
///
/// The nonce makes each link unique, and lets the journal distinguish links without revealing them.
pub(crate) struct Links {
    seed: Seed,
    key: [u8; 32],
    /// The number of the first link.
    first: u64,
    issued: AtomicU64,
    /// Links of the admin API have a count of their own, so that they do not change the links of the API.
    shown: AtomicU64,
    /// The links that expire earlier than they state, by their queries.
    early: Mutex<HashMap<String, EarlyExpiry>>,
}

/// When a link expires before the time that it states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EarlyExpiry {
    Now,
    /// Once so many bytes of the file were sent.
    AfterBytes(u64),
}

/// The two files of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Clip,
    Thumbnail,
}

impl FileKind {
    /// The path of a job's file on the file host.
    pub(crate) fn path(self, job_id: &str) -> String {
        match self {
            Self::Clip => format!("/clips/{job_id}.mp4"),
            Self::Thumbnail => format!("/thumbnails/{job_id}.jpg"),
        }
    }

    /// The operation that returns a new link to such a file.
    pub(crate) fn renewed_by(self) -> &'static str {
        match self {
            Self::Clip => "download_url",
            Self::Thumbnail => "status",
        }
    }
}

/// Why a link is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Expired,
    Invalid,
}

impl Links {
    /// Numbers links from `first` on.
    pub(crate) fn new(seed: Seed, first: u64) -> Self {
        Self {
            seed,
            key: seed.bytes("links", 0),
            first,
            issued: AtomicU64::new(first),
            shown: AtomicU64::new(first),
            early: Mutex::default(),
        }
    }

    /// Signs a link that is valid until `expires`, a whole second. Returns its path and query.
    pub(crate) fn sign(&self, path: &str, expires: Timestamp) -> String {
        self.sign_as("link", &self.issued, path, expires)
    }

    /// Like [`Links::sign`], for the admin API.
    pub(crate) fn sign_to_show(&self, path: &str, expires: Timestamp) -> String {
        self.sign_as("shown link", &self.shown, path, expires)
    }

    fn sign_as(&self, purpose: &str, count: &AtomicU64, path: &str, expires: Timestamp) -> String {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let nonce = URL_SAFE_NO_PAD.encode(&self.seed.bytes(purpose, number)[..6]);
        let expires = expires.as_second();
        let mac = URL_SAFE_NO_PAD.encode(self.mac(path, expires, &nonce).finalize().into_bytes());
        format!("{path}?expires={expires}&signature={nonce}.{mac}")
    }

    /// Verifies a link. The query must be exactly the one that was signed.
    pub(crate) fn check(&self, path: &str, query: &str, now: Timestamp) -> Result<Timestamp, Refused> {
        let parts = || {
            let (expires, signature) = query.strip_prefix("expires=")?.split_once("&signature=")?;
            let (nonce, mac) = signature.split_once('.')?;
            let seconds: i64 = expires.parse().ok().filter(|seconds: &i64| seconds.to_string() == expires)?;
            self.mac(path, seconds, nonce).verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
            Timestamp::from_second(seconds).ok()
        };
        let expires = parts().ok_or(Refused::Invalid)?;
        if now < expires && self.early().get(query) != Some(&EarlyExpiry::Now) {
            Ok(expires)
        } else {
            Err(Refused::Expired)
        }
    }

    /// Expires a link now. Ignores invalid links.
    pub(crate) fn expire(&self, path: &str, query: &str) {
        if self.check(path, query, Timestamp::MIN).is_ok() {
            self.early().insert(query.to_owned(), EarlyExpiry::Now);
        }
    }

    /// Expires a link once so many bytes of a file were sent.
    pub(crate) fn expire_midway(&self, path: &str, query: &str, after: u64) {
        if self.check(path, query, Timestamp::MIN).is_ok() {
            self.early().insert(query.to_owned(), EarlyExpiry::AfterBytes(after));
        }
    }

    /// The number of bytes after which a link expires, if it does.
    pub(crate) fn expires_after(&self, query: &str) -> Option<u64> {
        match self.early().get(query) {
            Some(EarlyExpiry::AfterBytes(after)) => Some(*after),
            _ => None,
        }
    }

    /// Starts counting anew.
    pub(crate) fn reset(&self) {
        self.issued.store(self.first, Ordering::Relaxed);
        self.shown.store(self.first, Ordering::Relaxed);
        self.early().clear();
    }

    fn early(&self) -> MutexGuard<'_, HashMap<String, EarlyExpiry>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mac(&self, path: &str, expires: i64, nonce: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(path.as_bytes());
        mac.update(format!("\n{expires}\n{nonce}").as_bytes());
        mac
    }
}

/// A query with the secret part of a signature taken out.
pub(crate) fn redacted(query: &str) -> String {
    let redact = |pair: &str| match pair.split_once('=') {
        Some(("signature", value)) => {
            let nonce = value.split_once('.').map_or("", |(nonce, _)| nonce);
            format!("signature={nonce}.redacted")
        }
        _ => pair.to_owned(),
    };
    query.split('&').map(redact).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PATH: &str = "/clips/vj_1.mp4";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    #[test]
    fn a_link_works_until_it_expires() {
        let links = Links::new(Seed(7), 0);
        let link = links.sign(PATH, at(1000));
        let (path, query) = link.split_once('?').expect("a query");
        assert_eq!(links.check(path, query, at(1000) - Duration::from_millis(1)), Ok(at(1000)));
        assert_eq!(links.check(path, query, at(1000)), Err(Refused::Expired));
    }

    #[test]
    fn a_link_changed_by_a_byte_is_rejected() {
        let links = Links::new(Seed(7), 0);
        let link = links.sign(PATH, at(1000));
        for place in 0..link.len() {
            let mut changed = link.clone().into_bytes();
            changed[place] = if changed[place] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).expect("ASCII");
            let (path, query) = changed.split_once('?').unwrap_or((&changed, ""));
            assert_eq!(links.check(path, query, at(0)), Err(Refused::Invalid), "{changed}");
        }
        let (path, query) = link.split_once('?').expect("a query");
        assert!(links.check(path, &format!("{query}&a=b"), at(0)).is_err());
        assert!(links.check(path, &format!("{query}="), at(0)).is_err());
    }

    #[test]
    fn a_link_that_expired_before_its_time_is_the_only_one() {
        let links = Links::new(Seed(7), 0);
        let (first, second) = (links.sign(PATH, at(1000)), links.sign(PATH, at(1000)));
        let check = |link: &str| links.check(PATH, link.split_once('?').expect("a query").1, at(0));
        links.expire(PATH, first.split_once('?').expect("a query").1);
        links.expire(PATH, "expires=1000&signature=none");
        assert_eq!((check(&first), check(&second)), (Err(Refused::Expired), Ok(at(1000))));
        links.reset();
        assert_eq!(check(&first), Ok(at(1000)));
    }

    #[test]
    fn each_link_is_a_new_one_and_a_redacted_one_does_not_work() {
        let links = Links::new(Seed(7), 0);
        let (first, second) = (links.sign(PATH, at(1000)), links.sign(PATH, at(1000)));
        assert_ne!(first, second);
        let query = first.split_once('?').expect("a query").1;
        assert!(links.check(PATH, &redacted(query), at(0)).is_err());
        assert_ne!(redacted(&first), redacted(&second));
    }
}
