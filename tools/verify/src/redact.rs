//! Removes everything from a recording that belongs to an account: ids, links, prompts, and what nobody expected.

mod text;

use std::collections::{HashMap, HashSet};

use openapi_tools::value::entries;
use serde_json::{Map, Value};

use crate::exchange::{Body, Exchange, Request, Response};
use crate::statement::Contract;

/// Where the links of a recording point to. Names under `.invalid` never resolve.
pub const FILE_HOST: &str = "https://files.invalid";

/// Stands for a text that is removed without a placeholder of its own.
pub(crate) const REDACTED: &str = "redacted";

/// The characters of a text that are kept.
const TEXT: usize = 300;

/// Members whose texts and numbers the contract describes, and which say nothing about the account.
const KEPT: &[&str] = &[
    "ok",
    "vendor",
    "state",
    "code",
    "retryable",
    "costusd",
    "latencyms",
    "cachehit",
    "model",
    "models",
    "resolution",
    "resolutions",
    "durationseconds",
    "deleted",
    "retentiondays",
    "expiresat",
    "maxdurationseconds",
    "supportsextend",
    "supportsupscale",
    "days",
    "prefer",
    "aspect",
    "aspectratio",
];

const KEPT_HEADERS: &[&str] = &[
    "accept-ranges",
    "allow",
    "cache-control",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "deprecation",
    "last-modified",
    "range",
    "retry-after",
    "sunset",
    "www-authenticate",
];

/// Members that hold others.
const HOLDERS: &[&str] = &["data", "error", "metadata", "items", "jobs", "job", "vendors"];

/// Replaces what belongs to an account by placeholders: equal values get equal ones.
#[derive(Debug)]
pub(crate) struct Redactor<'a> {
    contract: &'a Contract,
    /// The names of members that say nothing about the account, as [`plain`] writes them.
    declared: HashSet<String>,
    /// The number of placeholders of each kind.
    kinds: HashMap<&'static str, usize>,
    /// The placeholder of each kind and value: a cursor can be the id of a job.
    placeholders: HashMap<(&'static str, String), String>,
    secrets: Vec<String>,
}

impl<'a> Redactor<'a> {
    /// `secrets` are removed wherever they appear.
    pub(crate) fn new(contract: &'a Contract, secrets: &[&str]) -> Self {
        let schemas = entries(contract.document.value.pointer("/components/schemas"));
        let declared = schemas.flat_map(|(_, schema)| entries(schema.get("properties")));
        let known = KEPT.iter().chain(HOLDERS).map(|name| (*name).to_owned()).chain(["id".to_owned()]);
        Self {
            contract,
            declared: declared.map(|(name, _)| plain(name)).chain(known).collect(),
            kinds: HashMap::new(),
            placeholders: HashMap::new(),
            secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(),
        }
    }

    pub(crate) fn exchange(&mut self, exchange: &Exchange) -> Exchange {
        let request = self.request(&exchange.request);
        let response = self.response(&exchange.response);
        Exchange { request, response, ..exchange.clone() }
    }

    fn request(&mut self, request: &Request) -> Request {
        let headers =
            request.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect();
        let body = request.body.as_ref().map(|body| match serde_json::from_str::<Value>(body) {
            Ok(value) => self.value("", &value).to_string(),
            Err(_) => body.clone(),
        });
        // A link can be a path, too.
        let operation =
            request.path().and_then(|path| self.contract.validators.operation(&request.method, path));
        let url = match operation {
            Some(_) => self.path(&request.url),
            None => self.link(&request.url),
        };
        Request { url, headers, body, ..request.clone() }
    }

    fn response(&mut self, response: &Response) -> Response {
        let headers =
            response.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect();
        let body = match &response.body {
            Body::Json(value) => Body::Json(self.value("", value)),
            Body::Text(text) => Body::Text(self.text(text).chars().take(TEXT).collect()),
            Body::Binary(binary) => Body::Binary(binary.clone()),
        };
        Response { status: response.status, headers, body }
    }

    fn header(&mut self, name: &str, value: &str) -> String {
        match name {
            "idempotency-key" => self.placeholder("key", value),
            "etag" | "if-range" => {
                let weak = if value.starts_with("W/") { "W/" } else { "" };
                format!("{weak}\"{}\"", self.placeholder("etag", value))
            }
            "www-authenticate" => self.text(value),
            name if KEPT_HEADERS.contains(&name) => value.to_owned(),
            _ => REDACTED.to_owned(),
        }
    }

    /// The path of an operation: its last segment may be an id, and its query may have a cursor.
    fn path(&mut self, url: &str) -> String {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["", "v1", "video", operation, id] => match decoded(id).as_str() {
                "" | " " => path.to_owned(),
                id => format!("/v1/video/{operation}/{}", self.placeholder("job", id)),
            },
            _ => path.to_owned(),
        };
        let parts = query.split('&').filter_map(|part| part.split_once('='));
        let kept: Vec<_> = parts
            .filter_map(|(name, value)| match name {
                "limit" => Some(format!("limit={value}")),
                "cursor" => Some(format!("cursor={}", self.placeholder("cursor", &decoded(value)))),
                _ => None,
            })
            .collect();
        if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
    }

    fn link(&mut self, url: &str) -> String {
        let link = self.placeholder("link", url);
        if url.starts_with('/') { format!("/{link}") } else { format!("{FILE_HOST}/{link}") }
    }

    fn value(&mut self, member: &str, value: &Value) -> Value {
        match (plain(member).as_str(), value) {
            (_, Value::Null | Value::Bool(_)) => value.clone(),
            ("jobid" | "id", value) => self.identifier("job", value),
            ("nextcursor" | "cursor", value) => self.identifier("cursor", value),
            ("requestid", value) => self.identifier("request", value),
            ("idempotencykey", value) => self.identifier("key", value),
            ("prompt", value) => self.identifier("prompt", value),
            (_, Value::String(text)) if text.is_empty() => value.clone(),
            ("videourl" | "thumbnailurl" | "url" | "referenceimageurl", Value::String(url)) => {
                self.link(url).into()
            }
            ("message" | "hint" | "error", Value::String(text)) => self.text(text).into(),
            (_, Value::Object(members)) => self.object(member, members).into(),
            (name, Value::Array(items)) => {
                // Jobs in a list are not named, as those of a map are.
                let is_jobs = matches!(name, "items" | "jobs");
                let holder = |item: &Value| if is_jobs && item.is_object() { "job" } else { member };
                items.iter().map(|item| self.value(holder(item), item)).collect()
            }
            ("items" | "jobs" | "job", id) => self.identifier("job", id),
            ("vendors", Value::String(_)) => value.clone(),
            (name, value) if KEPT.contains(&name) => value.clone(),
            (_, Value::String(_)) => REDACTED.into(),
            (_, _) => 0.into(),
        }
    }

    fn object(&mut self, holder: &str, members: &Map<String, Value>) -> Map<String, Value> {
        // What a vendor says about a job may quote its prompt.
        let is_job = members.contains_key("state");
        let mut redacted = Map::new();
        for (name, value) in members {
            let value_now = match (name.as_str(), value) {
                ("error", Value::String(_)) if is_job => REDACTED.into(),
                ("error", Value::Object(error)) if is_job => {
                    let mut error = self.object(name, error);
                    error.entry("message").and_modify(|message| *message = REDACTED.into());
                    error.into()
                }
                _ => self.value(name, value),
            };
            // Its value may show what it is.
            redacted.insert(self.name(holder, name, value), value_now);
        }
        redacted
    }

    /// The name of a member. In a map by ids, addresses or teams it belongs to the account.
    fn name(&mut self, holder: &str, name: &str, value: &Value) -> String {
        if self.declared.contains(&plain(name)) {
            return name.to_owned();
        }
        let holder = plain(holder);
        let is_map = matches!(holder.as_str(), "items" | "jobs")
            || !holder.is_empty() && !self.declared.contains(&holder);
        let is_key =
            value.is_object() && holder != "vendors" && name.bytes().any(|byte| byte.is_ascii_digit());
        let known = self.known(name);
        if is_map || is_key || known.is_some() || text::is_private(name) {
            return known.unwrap_or_else(|| self.placeholder("name", name));
        }
        name.to_owned()
    }

    /// The placeholder that a value got, of whatever kind.
    fn known(&self, value: &str) -> Option<String> {
        let mut known: Vec<_> =
            self.placeholders.iter().filter(|((_, known), _)| known == value).map(|(_, name)| name).collect();
        known.sort();
        known.first().map(|name| (*name).clone())
    }

    /// The name of a member as the redacted exchanges have it.
    pub(crate) fn member(&self, name: &str) -> String {
        let known = self.known(name).filter(|_| !self.declared.contains(&plain(name)));
        known.unwrap_or_else(|| self.text(name))
    }

    /// A placeholder of the type of the value.
    fn identifier(&mut self, kind: &'static str, value: &Value) -> Value {
        match value {
            Value::String(text) if text.is_empty() => value.clone(),
            Value::String(text) => self.placeholder(kind, text).into(),
            Value::Number(number) => {
                let placeholder = self.placeholder(kind, &number.to_string());
                let digits = placeholder.rsplit('-').next().and_then(|digits| digits.parse::<u64>().ok());
                digits.unwrap_or_default().into()
            }
            other => self.value("", other),
        }
    }

    fn placeholder(&mut self, kind: &'static str, value: &str) -> String {
        if let Some(known) = self.placeholders.get(&(kind, value.to_owned())) {
            return known.clone();
        }
        let number = self.kinds.entry(kind).and_modify(|number| *number += 1).or_insert(1);
        let placeholder = format!("{kind}-{number}");
        self.placeholders.insert((kind, value.to_owned()), placeholder.clone());
        placeholder
    }
}

/// A name without what differs between `request_id` and `requestId`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests;
