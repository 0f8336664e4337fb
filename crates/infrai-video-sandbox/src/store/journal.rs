//! The journal of all requests, with secrets redacted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::operation::{Host, Operation};
use crate::model::time::as_rfc3339;
use crate::store::redaction;

/// The size limits of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Maximum number of requests. Beyond it the oldest are dropped. The default is 20,000.
    pub requests: usize,
    /// Maximum size of all bodies in bytes, of requests and responses. Beyond it the oldest bodies are dropped, while their
    /// requests stay; 0 keeps none. The default is 64 MiB.
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
    /// The headers in the order of arrival, without `authorization`, `proxy-authorization` and `cookie`. Values are redacted where
    /// the name speaks of a token, an API key, a password or another secret.
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
    /// The time in real time until the headers of the response were sent, a fault rule lost it, or the caller gave up. `None`
    /// until then.
    #[serde(rename = "duration_ms", serialize_with = "as_milliseconds")]
    pub duration: Option<Duration>,
    /// The headers of the response, without those of the connection and of CORS. Empty while there is none, or if a fault
    /// rule lost it.
    pub response_headers: Vec<(String, String)>,
    /// The body of the response as text. `None` if it was empty, the bytes of a file, larger than 256 KiB, or dropped, see
    /// [`JournalLimits`].
    pub response_body: Option<String>,
    /// The size of the body of the response in bytes, also of a file. `None` without a response, or if it is not known.
    pub response_bytes: Option<u64>,
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

fn as_milliseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_micros() as f64 / 1000.0).serialize(serializer)
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
    /// Increases with every change, including a reset.
    revision: u64,
}

/// Which requests of the journal are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct JournalFilter {
    pub(crate) account: Option<String>,
    pub(crate) job: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    /// Requests of this operation are not wanted.
    pub(crate) hide: Option<Operation>,
}

/// A part of the statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    /// No response: not yet, or never.
    None,
    /// All statuses with this first digit.
    Class(u16),
    Exactly(u16),
}

impl JournalFilter {
    fn admits(&self, seen: &Seen) -> bool {
        let is = |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        let status = match self.status {
            None => true,
            Some(StatusFilter::None) => seen.status.is_none(),
            Some(StatusFilter::Class(class)) => seen.status.is_some_and(|status| status / 100 == class),
            Some(StatusFilter::Exactly(wanted)) => seen.status == Some(wanted),
        };
        let is_hidden = self.hide.is_some() && self.hide == seen.operation;
        status && !is_hidden && is(&self.account, &seen.account) && is(&self.job, &seen.job_id)
    }
}

/// The newest requests at one moment.
pub(crate) struct NewestRequests {
    pub(crate) epoch: u64,
    /// The number of all requests in the journal.
    pub(crate) all: usize,
    /// The number of those that the filter admits.
    pub(crate) total: usize,
    /// The newest of those, newest first: the number, and whether there is a response.
    pub(crate) newest: Vec<(u64, bool)>,
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
        entries.revision += 1;
        let ticket = Ticket { epoch: entries.epoch, sequence: entries.count };
        seen.sequence = ticket.sequence;
        entries.bytes += size(&seen);
        entries.seen.push_back(seen);
        while entries.seen.len() > self.limits.requests {
            entries.drop_oldest();
        }
        entries.drop_bodies(self.limits.body_bytes);
        ticket
    }

    /// Changes an earlier entry, if it is still there.
    pub(crate) fn amend(&self, Ticket { epoch, sequence }: Ticket, change: impl FnOnce(&mut Seen)) {
        let mut entries = self.entries();
        if entries.epoch == epoch
            && let Some(place) = entries.place_of(sequence)
        {
            entries.revision += 1;
            entries.change(place, change);
            entries.drop_bodies(self.limits.body_bytes);
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

    /// A number that is another one after every change.
    pub(crate) fn revision(&self) -> u64 {
        self.entries().revision
    }

    /// The newest of the requests that the filter admits, at most `limit` of them.
    pub(crate) fn newest(&self, filter: &JournalFilter, limit: usize) -> NewestRequests {
        let entries = self.entries();
        let mut admitted = entries.seen.iter().rev().filter(|seen| filter.admits(seen));
        let newest: Vec<_> =
            admitted.by_ref().take(limit).map(|seen| (seen.sequence, seen.duration.is_some())).collect();
        let total = newest.len() + admitted.count();
        NewestRequests { epoch: entries.epoch, all: entries.seen.len(), total, newest }
    }

    /// What `read` makes of the requests with these numbers, except for those that are no longer there.
    pub(crate) fn numbered<T>(&self, numbers: &[u64], read: impl Fn(&Seen) -> T) -> Vec<T> {
        let entries = self.entries();
        let places = numbers.iter().filter_map(|number| entries.place_of(*number));
        places.map(|place| read(&entries.seen[place])).collect()
    }

    /// The request with this request id.
    pub(crate) fn find(&self, request_id: &str) -> Option<Seen> {
        self.entries().seen.iter().rev().find(|seen| seen.request_id == request_id).cloned()
    }

    pub(crate) fn reset(&self) {
        let mut entries = self.entries();
        let (epoch, revision) = (entries.epoch + 1, entries.revision + 1);
        *entries = Entries { epoch, revision, ..Entries::default() };
    }

    /// Forgets the requests of an account. The numbers of requests continue.
    pub(crate) fn reset_account(&self, account: &str) {
        let mut entries = self.entries();
        entries.seen.retain(|seen| seen.account.as_deref() != Some(account));
        entries.bytes = entries.seen.iter().map(size).sum();
        entries.first_body = 0;
        entries.revision += 1;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn place_of(&self, sequence: u64) -> Option<usize> {
        // Unless an account was reset, no number is missing.
        let offset = usize::try_from(sequence.checked_sub(self.seen.front()?.sequence)?).ok()?;
        match self.seen.get(offset) {
            Some(seen) if seen.sequence == sequence => Some(offset),
            _ => self.seen.binary_search_by_key(&sequence, |seen| seen.sequence).ok(),
        }
    }

    fn change(&mut self, place: usize, change: impl FnOnce(&mut Seen)) {
        let seen = &mut self.seen[place];
        self.bytes -= size(seen);
        change(seen);
        if place < self.first_body {
            seen.response_body = None;
        }
        self.bytes += size(seen);
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.seen.pop_front() {
            self.bytes -= size(&oldest);
            self.first_body = self.first_body.saturating_sub(1);
        }
    }

    /// Drops the oldest bodies until the others fit.
    fn drop_bodies(&mut self, limit: usize) {
        while self.bytes > limit
            && let Some(seen) = self.seen.get_mut(self.first_body)
        {
            self.bytes -= size(seen);
            (seen.body, seen.response_body) = (None, None);
            self.first_body += 1;
        }
    }
}

/// The size of the bodies.
fn size(seen: &Seen) -> usize {
    let length = |body: &Option<String>| body.as_ref().map_or(0, String::len);
    length(&seen.body) + length(&seen.response_body)
}

/// The headers without credentials. Secrets in other headers are redacted.
pub(crate) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| {
            !matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        })
        .map(|(name, value)| {
            let value = match redaction::is_secret_header(name.as_str()) {
                true => "redacted".to_owned(),
                false => redaction::in_header(&String::from_utf8_lossy(value.as_bytes())),
            };
            (name.to_string(), value)
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
            duration: None,
            response_headers: Vec::new(),
            response_body: None,
            response_bytes: None,
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
    fn bodies_of_responses_count_and_do_not_come_back_once_they_were_dropped() {
        let journal = Journal::new(JournalLimits { requests: 9, body_bytes: 6 });
        let tickets = ["aa", "bb", ""].map(|body| journal.open(request(body)));
        let respond = |place: usize, body: &str| {
            journal.amend(tickets[place], |seen: &mut Seen| seen.response_body = Some(body.to_owned()));
        };
        let kept = || {
            let texts = journal.seen().into_iter().map(|seen| (seen.body, seen.response_body));
            let text = |body: Option<String>| body.unwrap_or_default();
            texts.map(|(body, response)| text(body) + "/" + &text(response)).collect::<Vec<_>>()
        };
        respond(1, "ccc");
        assert_eq!(kept(), ["/", "bb/ccc", "/"], "seven bytes are one too many");
        respond(0, "late");
        respond(2, "d");
        assert_eq!(kept(), ["/", "bb/ccc", "/d"]);
        respond(2, "too large");
        assert_eq!(kept(), ["/", "/", "/"]);
        respond(2, "e");
        assert_eq!(kept(), ["/", "/", "/"]);
        journal.open(request("f"));
        assert_eq!(kept().last().expect("a request"), "f/");
    }

    #[test]
    fn a_filter_selects_among_all_requests_and_counts_them() {
        let journal = Journal::new(JournalLimits::default());
        for (number, status) in [Some(200), None, Some(429), Some(404), Some(429)].into_iter().enumerate() {
            let job_id = Some(format!("vj_{}", number % 2));
            journal.open(Seen { status, job_id, ..request("") });
        }
        let newest = |job: Option<&str>, status| {
            let filter = JournalFilter { job: job.map(str::to_owned), status, ..JournalFilter::default() };
            let newest = journal.newest(&filter, 2);
            (newest.newest.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), newest.total)
        };
        assert_eq!(newest(None, None), (vec![5, 4], 5));
        assert_eq!(newest(None, Some(StatusFilter::Class(4))), (vec![5, 4], 3));
        assert_eq!(newest(None, Some(StatusFilter::Exactly(429))), (vec![5, 3], 2));
        assert_eq!(newest(None, Some(StatusFilter::None)), (vec![2], 1));
        assert_eq!(newest(Some("vj_1"), None), (vec![4, 2], 2));
        assert_eq!(newest(Some("vj_1"), Some(StatusFilter::Class(2))), (vec![], 0));
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
