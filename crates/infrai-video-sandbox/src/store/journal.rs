//! The journal of all requests, with secrets redacted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::model::operation::{Host, Operation};
use crate::model::time::as_rfc3339;
use crate::store::redaction;

/// The size limits of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Maximum number of requests. Beyond it the oldest are dropped. The default is 20,000.
    pub requests: usize,
    /// Maximum size of all bodies in bytes. Beyond it the oldest bodies are dropped, while their requests stay; 0 keeps
    /// none. The default is 64 MiB.
    pub body_bytes: usize,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { requests: 20_000, body_bytes: 64 * 1024 * 1024 }
    }
}

/// A request in the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Seen {
    /// The number of the request, counted from 1 over both hosts. 0 for a request that was rejected because of its `Host` or
    /// its `Origin`, which is not in the journal.
    pub sequence: u64,
    /// The time of arrival, on the clock of the account.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: SystemTime,
    /// The host.
    pub host: Host,
    /// The method.
    pub method: String,
    /// The path as sent. API keys are redacted here and in all other fields.
    pub path: String,
    /// The query. The secret half of the signature of a link is redacted; the rest still distinguishes links.
    pub query: Option<String>,
    /// The headers in the order of arrival, without `authorization`, `proxy-authorization` and `cookie`.
    pub headers: Vec<(String, String)>,
    /// Whether there was an `Authorization` header.
    pub authorization: bool,
    /// The body as text. `None` if it was empty, too large, or dropped, see [`JournalLimits`].
    pub body: Option<String>,
    /// The operation, if the route and method are known.
    pub operation: Option<Operation>,
    /// The account of the API key, or on the file host that of the job. `None` without a valid key or job.
    pub account: Option<String>,
    /// The job id in the path, or that of the job that the call returned.
    pub job_id: Option<String>,
    /// The status of the response. `None` while there is no response, or if a fault rule lost it.
    pub status: Option<u16>,
    /// What the call cost in US dollars, according to its response. `None` if the response has no cost.
    pub cost_usd: Option<f64>,
    /// The action of the fault rule that applied.
    pub fault: Option<String>,
    /// The request id in the response.
    pub request_id: String,
}

impl Seen {
    /// The value of a header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is valid.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }
}

/// A function that is called with each request.
pub(crate) type RequestObserver = Arc<dyn Fn(&Seen) + Send + Sync>;

pub(crate) struct Journal {
    limits: JournalLimits,
    entries: Mutex<Entries>,
}

/// The place of a request in the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// Counts the resets before it: after each, the numbers start again.
    epoch: u64,
    sequence: u64,
}

impl Ticket {
    pub(crate) fn sequence(self) -> u64 {
        self.sequence
    }
}

#[derive(Default)]
struct Entries {
    epoch: u64,
    seen: VecDeque<Seen>,
    count: u64,
    /// The size of all bodies.
    bytes: usize,
    /// The index in `seen` of the first request that may have a body.
    first_body: usize,
}

impl Journal {
    pub(crate) fn new(limits: JournalLimits) -> Self {
        Self { limits, entries: Mutex::default() }
    }

    /// Whether bodies are kept.
    pub(crate) fn keeps_bodies(&self) -> bool {
        self.limits.body_bytes > 0
    }

    /// Adds a request.
    pub(crate) fn open(&self, mut seen: Seen) -> Ticket {
        let mut entries = self.entries();
        entries.count += 1;
        let ticket = Ticket { epoch: entries.epoch, sequence: entries.count };
        seen.sequence = ticket.sequence;
        entries.add(seen);
        while entries.seen.len() > self.limits.requests {
            entries.drop_oldest();
        }
        while entries.bytes > self.limits.body_bytes {
            entries.drop_oldest_body();
        }
        ticket
    }

    /// Changes an earlier entry, if it is still there.
    pub(crate) fn amend(&self, Ticket { epoch, sequence }: Ticket, change: impl FnOnce(&mut Seen)) {
        let mut entries = self.entries();
        if entries.epoch == epoch
            && let Ok(place) = entries.seen.binary_search_by_key(&sequence, |seen| seen.sequence)
        {
            change(&mut entries.seen[place]);
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen_after(0)
    }

    pub(crate) fn seen_after(&self, sequence: u64) -> Vec<Seen> {
        let entries = self.entries();
        let known = entries.seen.partition_point(|seen| seen.sequence <= sequence);
        entries.seen.range(known..).cloned().collect()
    }

    /// The requests of an account.
    pub(crate) fn seen_of(&self, account: &str) -> Vec<Seen> {
        self.entries().seen.iter().filter(|seen| seen.account.as_deref() == Some(account)).cloned().collect()
    }

    pub(crate) fn reset(&self) {
        let mut entries = self.entries();
        *entries = Entries { epoch: entries.epoch + 1, ..Entries::default() };
    }

    /// Forgets the requests of an account. The numbers of requests continue.
    pub(crate) fn reset_account(&self, account: &str) {
        let mut entries = self.entries();
        entries.seen.retain(|seen| seen.account.as_deref() != Some(account));
        entries.bytes = entries.seen.iter().map(|seen| size(&seen.body)).sum();
        entries.first_body = 0;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn add(&mut self, seen: Seen) {
        self.bytes += size(&seen.body);
        self.seen.push_back(seen);
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.seen.pop_front() {
            self.bytes -= size(&oldest.body);
            self.first_body = self.first_body.saturating_sub(1);
        }
    }

    fn drop_oldest_body(&mut self) {
        let body = self.seen.get_mut(self.first_body).and_then(|seen| seen.body.take());
        self.bytes -= size(&body);
        self.first_body += 1;
    }
}

fn size(body: &Option<String>) -> usize {
    body.as_ref().map_or(0, String::len)
}

/// The headers without credentials.
pub(crate) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie"))
        .map(|(name, value)| {
            (name.to_string(), redaction::in_header(&String::from_utf8_lossy(value.as_bytes())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str) -> Seen {
        Seen {
            sequence: 0,
            at: SystemTime::UNIX_EPOCH,
            host: Host::Api,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: None,
            headers: Vec::new(),
            authorization: false,
            body: Some(body.to_owned()).filter(|body| !body.is_empty()),
            operation: None,
            account: None,
            job_id: None,
            status: None,
            cost_usd: None,
            fault: None,
            request_id: String::new(),
        }
    }

    fn kept(requests: usize, body_bytes: usize, bodies: &[&str]) -> Vec<(u64, Option<String>)> {
        let journal = Journal::new(JournalLimits { requests, body_bytes });
        for body in bodies {
            let sequence = journal.open(request(body));
            journal.amend(sequence, |seen| seen.status = Some(200));
        }
        journal.seen().into_iter().map(|seen| (seen.sequence, seen.body)).collect()
    }

    #[test]
    fn the_oldest_requests_are_forgotten_first() {
        let b = |text: &str| Some(text.to_owned());
        assert_eq!(kept(2, 9, &["aa", "bb", "cc"]), [(2, b("bb")), (3, b("cc"))]);
        assert_eq!(kept(0, 9, &["aa"]), []);
    }

    #[test]
    fn later_requests_are_returned_without_earlier_ones() {
        let journal = Journal::new(JournalLimits { requests: 3, body_bytes: 0 });
        for _ in 0..5 {
            journal.open(request(""));
        }
        let after =
            |sequence| journal.seen_after(sequence).iter().map(|seen| seen.sequence).collect::<Vec<_>>();
        assert_eq!([after(0), after(3), after(5), after(9)], [vec![3, 4, 5], vec![4, 5], vec![], vec![]]);
    }

    #[test]
    fn bodies_are_forgotten_while_their_requests_stay() {
        let b = |text: &str| Some(text.to_owned());
        let bodies = ["aa", "", "bbb", "c", "dddd"];
        assert_eq!(kept(9, 6, &bodies), [(1, None), (2, None), (3, None), (4, b("c")), (5, b("dddd"))]);
        assert_eq!(kept(2, 4, &bodies), [(4, None), (5, b("dddd"))]);
        assert!(kept(9, 0, &bodies).iter().all(|(_, body)| body.is_none()));
    }
}
