//! Plays evidence back, so that a client is tested against what a server has said.

mod file;
mod request;

use std::collections::HashMap;

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName};
use serde_json::Value;

use crate::evidence::Evidence;
use crate::exchange::{Body, Exchange, Request, Response};
use crate::probe::Reply;
use crate::redact::REDACTED;
use request::{body, id, is_link, key, place, read};

const GENERATE: &str = "/v1/video/generate";

/// A server whose responses are those of a recording.
///
/// - A `GET` matches the recorded ones with its path, API key, `limit` and `cursor`. Their responses play in their order, and the last
///   one stays. A response that was recorded after a change of the same job plays only after that change.
/// - A change matches a recorded one by its path and body. Each idempotency key stands for one recorded key: a repetition gets what the
///   recorded repetition got. Every `generate` with a prompt matches the next recorded one that succeeded.
/// - A link leads to the clip that is given here, because a recording has only lengths and hashes of files. The recorded statuses and
///   headers decide whether `Range` and `If-Range` work.
/// - Any other request gets 501.
#[derive(Debug)]
pub struct Replay {
    exchanges: Vec<Exchange>,
    clip: Vec<u8>,
    /// How many responses of a list of exchanges have played.
    played: HashMap<Vec<usize>, usize>,
    /// The changes that have played, by their first exchanges.
    changes: Vec<usize>,
    /// What the idempotency keys of the client stand for, by path and key.
    keys: HashMap<(String, String), Bound>,
}

/// The recorded exchanges that an idempotency key stands for, and the first body that it came with.
#[derive(Debug, Clone)]
struct Bound {
    exchanges: Vec<usize>,
    body: Value,
}

impl Replay {
    /// Plays a recording. Its links lead to `clip`.
    pub fn new(evidence: &Evidence, clip: impl Into<Vec<u8>>) -> Self {
        Self {
            exchanges: evidence.exchanges.values().cloned().collect(),
            clip: clip.into(),
            played: HashMap::new(),
            changes: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// Responds to a request of a client.
    pub fn respond(&mut self, request: &http::Request<impl AsRef<[u8]>>) -> http::Response<Vec<u8>> {
        let live = read(request);
        let found = match live.method.as_str() {
            "GET" if is_link(&live) => return self.file(&live).unwrap_or_else(|| not_recorded(&live)),
            "GET" => self.current(&live),
            _ => self.change(&live),
        };
        let Some(index) = found else { return not_recorded(&live) };
        if let Some(first) = self.first_change(index) {
            self.changes.push(first);
        }
        let response = &self.exchanges[index].response;
        with_body(response, text_of(&response.body))
    }

    /// The exchanges with this method and place, in their order.
    fn matching(&self, live: &Request) -> Vec<usize> {
        let matches = |recorded: &Request| {
            recorded.method == live.method && recorded.auth == live.auth && place(recorded) == place(live)
        };
        (0..self.exchanges.len()).filter(|index| matches(&self.exchanges[*index].request)).collect()
    }

    /// The next response to a request that changes nothing, in the state that the changes so far have led to.
    fn current(&mut self, live: &Request) -> Option<usize> {
        let id = id(live);
        let concerns = |change: usize| {
            let changed = &self.exchanges[change].request;
            id.is_none() || request::id(changed) == id || changed.path() == Some("/v1/video/delete_all")
        };
        let latest =
            |changes: &mut dyn Iterator<Item = usize>| changes.filter(|change| concerns(*change)).max();
        let after = |index: usize| latest(&mut (0..index).filter_map(|before| self.first_change(before)));
        let now = latest(&mut self.changes.iter().copied());
        let all: Vec<_> = self.matching(live).into_iter().map(|index| (after(index), index)).collect();
        let reached = all.iter().map(|(after, _)| *after).filter(|after| *after <= now).max();
        let state = reached.or_else(|| all.iter().map(|(after, _)| *after).min())?;
        self.next(all.into_iter().filter(|(after, _)| *after == state).map(|(_, index)| index).collect())
    }

    /// The next response to a request that changes something.
    fn change(&mut self, live: &Request) -> Option<usize> {
        let body = body(live);
        let bound = (live.url.clone(), key(live));
        let group = match self.keys.get(&bound) {
            Some(known) => known.clone(),
            None => {
                let exchanges = self.unused_key(live)?;
                self.keys.entry(bound).or_insert(Bound { exchanges, body: body.clone() }).clone()
            }
        };
        let recorded = |index: usize| request::body(&self.exchanges[index].request);
        let first = recorded(*group.exchanges.first()?);
        let is_repeated = body == group.body;
        self.next(
            group.exchanges.into_iter().filter(|index| (recorded(*index) == first) == is_repeated).collect(),
        )
    }

    /// The exchanges of the first recorded idempotency key with such a request that no key of the client stands for yet. All keys of the
    /// client but those of `generate` share the last one.
    fn unused_key(&self, live: &Request) -> Option<Vec<usize>> {
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for index in self.matching(live) {
            let key = key(&self.exchanges[index].request);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, exchanges)) => exchanges.push(index),
                None => groups.push((key, vec![index])),
            }
        }
        let is_generate = live.path() == Some(GENERATE);
        groups.retain(|(_, exchanges)| {
            let first = &self.exchanges[exchanges[0]].request;
            let succeeds = || exchanges.iter().any(|index| self.is_accepted(*index));
            let is_clip = |request: &Request| body(request).get("prompt").is_some();
            match is_generate && is_clip(live) {
                true => is_clip(first) && succeeds(),
                false => body(first) == body(live),
            }
        });
        let is_unused =
            |exchanges: &Vec<usize>| self.keys.values().all(|bound| bound.exchanges != *exchanges);
        let unused = groups.iter().find(|(_, exchanges)| is_unused(exchanges));
        let last = groups.last().filter(|_| !is_generate);
        unused.or(last).map(|(_, exchanges)| exchanges.clone())
    }

    fn next(&mut self, exchanges: Vec<usize>) -> Option<usize> {
        let last = exchanges.len().checked_sub(1)?;
        let played = self.played.entry(exchanges.clone()).or_default();
        let index = exchanges[(*played).min(last)];
        *played += 1;
        Some(index)
    }

    /// The first exchange that made the same change as this one; `None` if it made none.
    fn first_change(&self, index: usize) -> Option<usize> {
        let request = &self.exchanges[index].request;
        let is_same = |other: &Request| other.method == request.method && other.path() == request.path();
        let is_change = request.method != "GET" && self.is_accepted(index);
        let mut accepted = (0..=index).filter(|index| self.is_accepted(*index));
        accepted.find(|other| is_change && is_same(&self.exchanges[*other].request))
    }

    fn is_accepted(&self, index: usize) -> bool {
        Reply { number: index, response: self.exchanges[index].response.clone(), repeats: 0 }.is_accepted()
    }
}

fn text_of(body: &Body) -> Vec<u8> {
    match body {
        Body::Json(value) => value.to_string().into_bytes(),
        Body::Text(text) => text.clone().into_bytes(),
        Body::Binary(_) => Vec::new(),
    }
}

/// The recorded status and headers with another body. Headers without their value say nothing.
fn with_body(recorded: &Response, body: Vec<u8>) -> http::Response<Vec<u8>> {
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
    for (name, value) in recorded.headers.iter().filter(|(_, value)| value != REDACTED) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().remove(CONTENT_RANGE);
    response.headers_mut().insert(CONTENT_LENGTH, body.len().into());
    *response.body_mut() = body;
    response
}

fn not_recorded(request: &Request) -> http::Response<Vec<u8>> {
    let text = format!("the recording has no such request: {} {}", request.method, request.url);
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    with_body(&Response { status: 501, headers, body: Body::Text(String::new()) }, text.into_bytes())
}

#[cfg(test)]
mod tests;
