//! The journal: every request that the sandbox saw, with its secrets taken out.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::operation::Operation;

/// A journal forgets its oldest requests beyond this number, or beyond this size of their bodies.
const MOST_REQUESTS: usize = 20_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Which of the sandbox's two hosts a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// The API.
    Api,
    /// The host that the links lead to.
    Files,
}

/// A request that the sandbox saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Seen {
    /// Counts up from 1 over both hosts.
    pub sequence: u64,
    /// When it arrived, on the sandbox's clock.
    pub at: Timestamp,
    /// Which host it came to.
    pub host: Host,
    /// The method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The query. The secret half of a link's signature is redacted; what is left still tells links apart.
    pub query: Option<String>,
    /// The headers in the order of arrival, without `authorization`, `proxy-authorization` and `cookie`.
    pub headers: Vec<(String, String)>,
    /// Whether an `Authorization` header was there.
    pub authorization: bool,
    /// The body as text; nothing where it was empty or too large to be read.
    pub body: Option<String>,
    /// What it asked for, if it was a known route with the right method.
    pub operation: Option<Operation>,
    /// The job that its path names.
    pub job_id: Option<String>,
    /// The status that was answered. Nothing while there is no answer, or where a fault lost it.
    pub status: Option<u16>,
    /// The action of the fault rule that met it.
    pub fault: Option<String>,
    /// The request id in the answer.
    pub request_id: String,
}

impl Seen {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }
}

#[derive(Default)]
pub(crate) struct Journal(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    seen: VecDeque<Seen>,
    written: u64,
    bytes: usize,
}

impl Journal {
    /// Writes a request down. The journal numbers it.
    pub(crate) fn open(&self, mut seen: Seen) -> u64 {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.written += 1;
        seen.sequence = pages.written;
        pages.bytes += seen.body.as_ref().map_or(0, String::len);
        pages.seen.push_back(seen);
        while pages.seen.len() > MOST_REQUESTS || pages.bytes > MOST_BYTES {
            let Some(oldest) = pages.seen.pop_front() else {
                break;
            };
            pages.bytes -= oldest.body.as_ref().map_or(0, String::len);
        }
        pages.written
    }

    /// Adds to a request that was written down before.
    pub(crate) fn amend(&self, sequence: u64, change: impl FnOnce(&mut Seen)) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = pages.seen.front().map(|seen| seen.sequence) else {
            return;
        };
        let place = sequence.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(seen) = place.and_then(|place| pages.seen.get_mut(place)) {
            change(seen);
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen.iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Pages::default();
    }
}

/// The headers that may be shown.
pub(crate) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie"))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
