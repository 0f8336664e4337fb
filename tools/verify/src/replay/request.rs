//! What matters in a request: clients and recordings word it differently.

use serde_json::Value;

use crate::exchange::{Auth, Request, Size};
use crate::redact::FILE_HOST;
use crate::server::MALFORMED_KEY;

/// A request of a client in the form of a recorded one.
pub(super) fn read(request: &http::Request<impl AsRef<[u8]>>) -> Request {
    let headers = request.headers();
    let auth = match headers.get("authorization").map(http::HeaderValue::as_bytes) {
        None => Auth::Nothing,
        Some(value) if value.strip_prefix(b"Bearer ") == Some(MALFORMED_KEY.as_bytes()) => Auth::MalformedKey,
        Some(_) => Auth::ApiKey,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Request {
        method: request.method().to_string(),
        url: request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        auth,
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: Some(text(request.body().as_ref())),
        expects: Size::Any,
    }
}

/// The path and the parts of the query that choose a response. A server with numbers as ids and cursors has them as placeholders, too.
pub(super) fn place(request: &Request) -> (String, Vec<(&str, String)>) {
    let url = request.url.strip_prefix(FILE_HOST).unwrap_or(&request.url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = match (id(request), path.rsplit_once('/')) {
        (Some(id), Some((operation, _))) => format!("{operation}/{id}"),
        _ => path.to_owned(),
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut query: Vec<_> = pairs
        .filter(|(name, _)| matches!(*name, "limit" | "cursor"))
        .map(|(name, value)| {
            (name, if name == "cursor" { placeholder(name, value) } else { value.to_owned() })
        })
        .collect();
    query.sort();
    (path, query)
}

/// The job of a path.
pub(super) fn id(request: &Request) -> Option<String> {
    match request.path()?.split('/').collect::<Vec<_>>().as_slice() {
        ["", "v1", "video", _, id] => Some(placeholder("job", id)),
        _ => None,
    }
}

fn placeholder(kind: &str, value: &str) -> String {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{kind}-{value}") } else { value.to_owned() }
}

/// The idempotency key; empty if there is none.
pub(super) fn key(request: &Request) -> String {
    let in_body = || Some(json(request)?["idempotency_key"].as_str()?.to_owned());
    request.headers.get("idempotency-key").cloned().or_else(in_body).unwrap_or_default()
}

/// The body without what is also elsewhere in the request: the idempotency key, and the job of the path.
pub(super) fn body(request: &Request) -> Value {
    let Some(mut body) = json(request) else { return request.body.clone().unwrap_or_default().into() };
    let Some(members) = body.as_object_mut() else { return body };
    members.remove("idempotency_key");
    let repeated = members.get("job_id").map(|id| placeholder("job", id.to_string().trim_matches('"')));
    if repeated.is_some() && repeated == id(request) {
        members.remove("job_id");
    }
    if members.is_empty() { String::new().into() } else { body }
}

fn json(request: &Request) -> Option<Value> {
    serde_json::from_str(request.body.as_ref()?).ok()
}

pub(super) fn is_link(request: &Request) -> bool {
    place(request).0.starts_with("/link-")
}
