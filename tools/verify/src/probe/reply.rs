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
    /// How often the server may have carried the request out before it was sent for the last time.
    pub(crate) repeats: u32,
}

/// A job as a response shows it.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a>(pub(crate) &'a Value);

/// The id of a job: a text, or a number if the server sends numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JobId(Value);

impl Reply {
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

    /// Whether it is a page: its list may be empty.
    pub(crate) fn has_list(&self) -> bool {
        ["items", "jobs"].iter().any(|name| self.data()[*name].is_array()) || self.data().is_array()
    }

    /// The cursor of the next page.
    pub(crate) fn next_cursor(&self) -> Option<String> {
        text_of(&self.data()["next_cursor"]).filter(|cursor| !cursor.is_empty())
    }

    /// Whether the server is overloaded or broken, or did not respond: this says nothing about the contract.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.status(), 0 | 408 | 425 | 429 | 500..)
    }

    /// Whether the request was rejected: a status of 4xx, or an error with another status.
    pub(crate) fn is_rejected(&self) -> bool {
        let says_not_ok =
            self.response.json().is_some_and(|body| body["ok"] == false || body["data"]["ok"] == false);
        !self.is_outage() && ((400..500).contains(&self.status()) || says_not_ok)
    }

    /// Whether the request was rejected because of its content, so that another one is not a second attempt of it.
    ///
    /// Some services respond like this to a request that they know already.
    pub(crate) fn rejects_the_content(&self) -> bool {
        self.repeats == 0 && self.is_rejected() && matches!(self.status(), 400 | 415 | 422)
    }

    /// Whether the request was carried out.
    pub(crate) fn is_accepted(&self) -> bool {
        let is_readable = self.status() == 204 || self.response.json().is_some();
        self.response.is_success() && is_readable && !self.is_rejected()
    }

    /// The status and the error code, for messages.
    pub(crate) fn described(&self) -> String {
        if self.status() == 0 {
            return "without a response".to_owned();
        }
        let body = self.response.json().unwrap_or(&NULL);
        let code = body["error"].get("code").or(body.get("code")).and_then(text_of);
        code.map_or_else(|| self.status().to_string(), |code| format!("{} {code}", self.status()))
    }
}

impl<'a> Job<'a> {
    pub(crate) fn id(self) -> Option<JobId> {
        let id = self.0.get("job_id").or(self.0.get("id"))?;
        // Servers read a path that ends with dots as another one.
        let is_usable = |text: &String| !["", ".", ".."].contains(&text.as_str());
        text_of(id).filter(is_usable).map(|_| JobId(id.clone()))
    }

    /// The state in lower case.
    pub(crate) fn state(self) -> String {
        self.0["state"].as_str().unwrap_or_default().to_ascii_lowercase()
    }

    /// By its state, or in a state that is not known by its link.
    pub(crate) fn has_succeeded(self) -> bool {
        match self.state().as_str() {
            "succeeded" | "completed" | "complete" | "done" => true,
            "queued" | "pending" | "running" | "processing" | "in_progress" | "active" => false,
            _ => self.link().is_some() && !self.has_failed() && !self.is_cancelled(),
        }
    }

    fn has_failed(self) -> bool {
        matches!(self.state().as_str(), "failed" | "expired" | "error")
    }

    pub(crate) fn is_cancelled(self) -> bool {
        matches!(self.state().as_str(), "cancelled" | "canceled")
    }

    pub(crate) fn is_final(self) -> bool {
        self.has_succeeded() || self.is_cancelled() || self.has_failed()
    }

    pub(crate) fn link(self) -> Option<&'a str> {
        self.0["video_url"].as_str().filter(|link| !link.is_empty())
    }
}

impl JobId {
    /// An id that no job has.
    pub(crate) fn unknown() -> Self {
        Self("vj_00000000000000000000000000".into())
    }

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
