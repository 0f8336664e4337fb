//! A response, read leniently: a run goes on where the server differs from the contract.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::exchange::Response;
use crate::judge::is_bare;

/// What needs no escaping in a segment of a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

static NULL: Value = Value::Null;

/// A response with the number of its exchange.
pub(crate) struct Reply {
    pub(crate) number: usize,
    pub(crate) response: Response,
}

/// A job as a response shows it.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a>(pub(crate) &'a Value);

/// The id of a job: a text, or a number if the server sends numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JobId(Value);

impl Reply {
    pub(crate) fn new(number: usize, response: Response) -> Self {
        Self { number, response }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status
    }

    /// The result, with or without an envelope.
    pub(crate) fn data(&self) -> &Value {
        let Some(body) = self.response.json() else { return &NULL };
        if is_bare(body) { body } else { &body["data"] }
    }

    pub(crate) fn metadata(&self) -> &Value {
        self.response.json().map_or(&NULL, |body| &body["metadata"])
    }

    /// The job that the result is or contains.
    pub(crate) fn job(&self) -> Option<Job<'_>> {
        let data = self.data();
        let job = data.get("job").filter(|job| job.is_object()).unwrap_or(data);
        job.is_object().then_some(Job(job))
    }

    /// The jobs of a page.
    pub(crate) fn jobs(&self) -> Vec<Job<'_>> {
        let data = self.data();
        let items = ["items", "jobs"].iter().find_map(|name| data.get(*name)).unwrap_or(data);
        items.as_array().into_iter().flatten().map(Job).collect()
    }

    /// The cursor of the next page.
    pub(crate) fn next_cursor(&self) -> Option<String> {
        text_of(&self.data()["next_cursor"]).filter(|cursor| !cursor.is_empty())
    }

    /// Whether the request was rejected: a status of 4xx, or an error with another status.
    pub(crate) fn is_rejected(&self) -> bool {
        let says_not_ok = self.response.json().is_some_and(|body| body["ok"] == false);
        (400..500).contains(&self.status()) || says_not_ok
    }

    /// Whether the request was rejected because of its content, so that another one is not a second attempt of it.
    pub(crate) fn rejects_the_content(&self) -> bool {
        self.is_rejected() && matches!(self.status(), 200 | 400 | 415 | 422)
    }

    /// Whether the request was carried out.
    pub(crate) fn is_accepted(&self) -> bool {
        self.response.is_success() && !self.is_rejected()
    }

    /// The status and the error code, for messages.
    pub(crate) fn described(&self) -> String {
        let body = self.response.json().unwrap_or(&NULL);
        let code = body["error"].get("code").or(body.get("code")).and_then(text_of);
        code.map_or_else(|| self.status().to_string(), |code| format!("{} {code}", self.status()))
    }
}

impl<'a> Job<'a> {
    pub(crate) fn id(self) -> Option<JobId> {
        let id = self.0.get("job_id").or(self.0.get("id"))?;
        text_of(id).filter(|text| !text.is_empty()).map(|_| JobId(id.clone()))
    }

    /// The state in lower case.
    pub(crate) fn state(self) -> String {
        self.0["state"].as_str().unwrap_or_default().to_ascii_lowercase()
    }

    pub(crate) fn has_succeeded(self) -> bool {
        matches!(self.state().as_str(), "succeeded" | "completed" | "complete" | "done")
            || self.link().is_some()
    }

    pub(crate) fn is_cancelled(self) -> bool {
        matches!(self.state().as_str(), "cancelled" | "canceled")
    }

    pub(crate) fn is_final(self) -> bool {
        self.has_succeeded()
            || self.is_cancelled()
            || matches!(self.state().as_str(), "failed" | "expired" | "error")
    }

    pub(crate) fn link(self) -> Option<&'a str> {
        self.0["video_url"].as_str()
    }
}

impl JobId {
    /// The path of an operation of this job.
    pub(crate) fn path(&self, operation: &str) -> String {
        format!("/v1/video/{operation}/{}", utf8_percent_encode(&self.to_string(), ESCAPED))
    }

    /// As the server sends it.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&self.0).unwrap_or_default())
    }
}

/// A text or a number as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
