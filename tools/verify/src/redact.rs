//! Removes everything from a recording that belongs to an account: ids, links, prompts, and what nobody expected.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::exchange::{Body, Exchange, Request, Response};

/// Where the links of a recording point to. Names under `.invalid` never resolve.
pub const FILE_HOST: &str = "https://files.invalid";

/// Stands for a text that is removed without a placeholder of its own.
pub(crate) const REDACTED: &str = "redacted";

/// The items of an array that are kept: more say nothing new.
const ITEMS: usize = 5;
/// The characters of a text that are kept.
const TEXT: usize = 300;
/// A word of this length with a digit may be an id or a key.
const LONG_WORD: usize = 16;

/// Members whose values the contract describes, and which say nothing about the account.
const KEPT: &[&str] = &[
    "ok",
    "data",
    "error",
    "metadata",
    "items",
    "jobs",
    "job",
    "vendors",
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

/// Replaces what belongs to an account by placeholders: equal values get equal ones.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    /// The placeholders of each kind.
    kinds: HashMap<&'static str, usize>,
    /// The placeholder of each kind and value: a cursor can be the id of a job.
    placeholders: HashMap<(&'static str, String), String>,
    secrets: Vec<String>,
}

impl Redactor {
    /// `secrets` are removed wherever they appear.
    pub(crate) fn new(secrets: &[&str]) -> Self {
        Self { secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(), ..Self::default() }
    }

    pub(crate) fn exchange(&mut self, exchange: &Exchange) -> Exchange {
        let request = self.request(&exchange.request);
        let response = self.response(&exchange.response);
        Exchange { purpose: exchange.purpose.clone(), request, response }
    }

    fn request(&mut self, request: &Request) -> Request {
        let headers =
            request.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect();
        let body = request.body.as_ref().map(|body| match serde_json::from_str::<Value>(body) {
            Ok(value) => self.value("", &value).to_string(),
            Err(_) => body.clone(),
        });
        let url = if request.path().is_some() { self.path(&request.url) } else { self.link(&request.url) };
        Request { method: request.method.clone(), url, auth: request.auth, headers, body }
    }

    fn response(&mut self, response: &Response) -> Response {
        let headers =
            response.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect();
        let body = match &response.body {
            Body::Json(value) => Body::Json(self.value("", value)),
            Body::Text(text) => Body::Text(self.text(&text.chars().take(TEXT).collect::<String>())),
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
            name if KEPT_HEADERS.contains(&name) => value.to_owned(),
            _ => REDACTED.to_owned(),
        }
    }

    /// A path of the API: its last segment may be an id, and its query may have a cursor.
    fn path(&mut self, url: &str) -> String {
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        let parts: Vec<_> = path.split('/').collect();
        let path = match parts.as_slice() {
            ["", "v1", "video", operation, id] => {
                let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
                match id.as_ref() {
                    "" | " " => path.to_owned(),
                    id => format!("/v1/video/{operation}/{}", self.placeholder("job", id)),
                }
            }
            // A relative link.
            ["", "v1", ..] => path.to_owned(),
            _ => return self.link(url),
        };
        let query = query.map(|query| {
            let parts = query.split('&').map(|part| match part.strip_prefix("cursor=") {
                Some(cursor) => {
                    let cursor = percent_encoding::percent_decode_str(cursor).decode_utf8_lossy();
                    format!("cursor={}", self.placeholder("cursor", &cursor))
                }
                None => part.to_owned(),
            });
            format!("?{}", parts.collect::<Vec<_>>().join("&"))
        });
        format!("{path}{}", query.unwrap_or_default())
    }

    fn link(&mut self, url: &str) -> String {
        let link = self.placeholder("link", url);
        if url.starts_with('/') { format!("/{link}") } else { format!("{FILE_HOST}/{link}") }
    }

    fn value(&mut self, member: &str, value: &Value) -> Value {
        let plain: String = member.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
        match (plain.as_str(), value) {
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
            ("message" | "hint", Value::String(text)) => self.text(text).into(),
            (_, Value::Object(members)) => self.object(members).into(),
            (_, Value::Array(items)) => {
                items.iter().take(ITEMS).map(|item| self.value(member, item)).collect()
            }
            ("error", Value::String(text)) => self.text(text).into(),
            (name, value) if KEPT.contains(&name) => value.clone(),
            (_, Value::String(_)) => "redacted".into(),
            (_, _) => 0.into(),
        }
    }

    fn object(&mut self, members: &Map<String, Value>) -> Map<String, Value> {
        // What a vendor says about a job may quote its prompt.
        let is_job = members.contains_key("state");
        members
            .iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("error", Value::String(_)) if is_job => (name.clone(), "redacted".into()),
                ("error", Value::Object(error)) if is_job => {
                    let mut error = self.object(error);
                    error.entry("message").and_modify(|message| *message = "redacted".into());
                    (name.clone(), error.into())
                }
                _ => (name.clone(), self.value(name, value)),
            })
            .collect()
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

    /// A text for people, without ids, keys, links and addresses.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "redacted");
        }
        let mut known: Vec<_> = self.placeholders.iter().filter(|((_, value), _)| value.len() >= 8).collect();
        known.sort_by_key(|((kind, value), _)| (std::cmp::Reverse(value.len()), *kind));
        for ((_, value), placeholder) in known {
            text = text.replace(value, placeholder);
        }
        let is_edge =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | ',' | ';');
        text.split_inclusive(is_edge)
            .map(|word| {
                let end =
                    word.len() - word.chars().next_back().filter(|c| is_edge(*c)).map_or(0, char::len_utf8);
                let (word, edge) = word.split_at(end);
                let is_long = word.len() >= LONG_WORD && word.bytes().any(|byte| byte.is_ascii_digit());
                let is_private = word.contains("://") || word.contains('@') || is_long;
                if is_private { format!("redacted{edge}") } else { format!("{word}{edge}") }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redacted(value: &Value) -> Value {
        Redactor::new(&["ifr_pk_proj_secret"]).value("", value)
    }

    #[test]
    fn ids_links_and_prompts_are_replaced_and_equal_ones_stay_equal() {
        let job = |url: &str| json!({"job_id": "vj_1", "state": "succeeded", "video_url": url});
        let value = json!({"items": [job("https://a.example/x?signature=s"), job("/relative")], "next_cursor": "abc"});
        let expected = json!({
            "items": [
                {"job_id": "job-1", "state": "succeeded", "video_url": "https://files.invalid/link-1"},
                {"job_id": "job-1", "state": "succeeded", "video_url": "/link-2"},
            ],
            "next_cursor": "cursor-1",
        });
        assert_eq!(redacted(&value), expected);
        assert_eq!(redacted(&json!({"prompt": "a secret"})), json!({"prompt": "prompt-1"}));
    }

    #[test]
    fn placeholders_keep_the_type() {
        let value = json!({"job_id": 77, "next_cursor": 20, "cost_usd": "0.01", "duration_seconds": "5"});
        let expected = json!({"job_id": 1, "next_cursor": 1, "cost_usd": "0.01", "duration_seconds": "5"});
        assert_eq!(redacted(&value), expected);
    }

    #[test]
    fn members_that_the_contract_does_not_have_lose_their_values() {
        let value =
            json!({"owner": "Jo", "balance": 12.5, "paid": true, "team": {"name": "x", "state": "queued"}});
        let expected = json!({"owner": "redacted", "balance": 0, "paid": true, "team": {"name": "redacted", "state": "queued"}});
        assert_eq!(redacted(&value), expected);
    }

    #[test]
    fn texts_lose_keys_addresses_and_long_words() {
        let redactor = Redactor::new(&["ifr_pk_proj_secret"]);
        let text = "key ifr_pk_proj_secret of jo@example.com may not read 'vj_01kaq3v8zn5w4x7r2m9t6h0c1d' at https://x.example/a";
        assert_eq!(redactor.text(text), "key redacted of redacted may not read 'redacted' at redacted");
        let job = json!({"state": "failed", "error": {"code": "REJECTED", "message": "the prompt says x"}});
        assert_eq!(
            redacted(&job),
            json!({"state": "failed", "error": {"code": "REJECTED", "message": "redacted"}})
        );
    }

    #[test]
    fn a_cursor_that_is_the_id_of_a_job_stays_a_cursor() {
        let value = json!({"items": [{"job_id": 77}], "next_cursor": 77, "url": ""});
        assert_eq!(redacted(&value), json!({"items": [{"job_id": 1}], "next_cursor": 1, "url": ""}));
        let mut redactor = Redactor::default();
        redactor.value("", &value);
        let request = redactor.request(&Request::get("/v1/video/list?cursor=77"));
        assert_eq!(request.url, "/v1/video/list?cursor=cursor-1");
        assert_eq!(redactor.path("/v1/video/status/77"), "/v1/video/status/job-1");
    }

    #[test]
    fn a_weak_etag_stays_weak() {
        let mut redactor = Redactor::default();
        assert_eq!(redactor.header("etag", "W/\"a\""), "W/\"etag-1\"");
        assert_eq!(redactor.header("etag", "\"a\""), "\"etag-2\"");
    }

    #[test]
    fn requests_lose_their_ids_and_keys() {
        let request =
            Request::post("/v1/video/cancel/vj_77").with_key("k1").with_json(&json!({"job_id": "vj_77"}));
        let mut redactor = Redactor::default();
        let redacted = redactor.request(&request);
        assert_eq!(redacted.url, "/v1/video/cancel/job-1");
        assert_eq!(redacted.headers["idempotency-key"], "key-1");
        assert_eq!(redacted.body.as_deref(), Some(r#"{"job_id":"job-1"}"#));
        assert_eq!(
            redactor.request(&Request::get("https://a.example/clip?s=1")).url,
            "https://files.invalid/link-1"
        );
        assert_eq!(
            redactor.request(&Request::get("/v1/video/list?limit=1&cursor=a%20b")).url,
            "/v1/video/list?limit=1&cursor=cursor-1"
        );
    }
}
