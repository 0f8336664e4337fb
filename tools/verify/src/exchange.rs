//! A request, and the response of the server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request and its response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the request is for, in words.
    pub purpose: String,
    /// The request.
    pub request: Request,
    /// The response.
    pub response: Response,
}

/// A request, without the API key: [`Auth`] says whether it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// A path of the API with its query, such as `/v1/video/list?limit=1`, or the absolute URL of a link.
    pub url: String,
    /// What is sent as `Authorization`.
    #[serde(default)]
    pub auth: Auth,
    /// The other headers, names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, which need not be JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How much of the response is read.
    #[serde(default, skip_serializing_if = "Size::is_any")]
    pub expects: Size,
}

/// How much of a response is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// All of it, up to the size of a short clip.
    #[default]
    Any,
    /// The beginning: the rest says nothing new.
    Small,
}

impl Size {
    fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// The bytes that are read at most.
    pub fn limit(self) -> usize {
        match self {
            Self::Any => 64 * 1024 * 1024,
            Self::Small => 64 * 1024,
        }
    }
}

/// What a request sends as `Authorization`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// The API key as a bearer token.
    #[default]
    ApiKey,
    /// A text that is no API key.
    MalformedKey,
    /// Nothing.
    Nothing,
}

/// A response. The status is 0 if a link got none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// The body of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// JSON.
    Json(Value),
    /// Text that is not JSON; empty if there is no body.
    Text(String),
    /// Anything else.
    Binary(Binary),
}

/// What is known of a body that is not text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binary {
    /// The number of bytes that were read.
    pub length: u64,
    /// The SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Whether it begins as an MP4 file.
    pub is_mp4: bool,
    /// Width and height of the picture, if it is a complete MP4.
    pub picture: Option<(u32, u32)>,
}

impl Request {
    /// A GET with the API key.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A DELETE with the API key.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// A POST with the API key, without a body.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            auth: Auth::ApiKey,
            headers: BTreeMap::new(),
            body: None,
            expects: Size::Any,
        }
    }

    /// Reads only the beginning of the response.
    #[must_use]
    pub fn expecting(mut self, size: Size) -> Self {
        self.expects = size;
        self
    }

    /// With something else as `Authorization`.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.into());
        self
    }

    /// With an idempotency key in the header.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        self.with_header("idempotency-key", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn with_json(self, body: &Value) -> Self {
        self.with_body("application/json", &body.to_string())
    }

    /// With a body of a content type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.with_header("content-type", content_type)
    }

    /// The path of the API without its query; `None` for a link.
    pub fn path(&self) -> Option<&str> {
        self.url.starts_with('/').then(|| self.url.split('?').next().unwrap_or_default())
    }
}

impl Response {
    /// The value of the first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// In place of a response that did not arrive.
    pub fn none(reason: &str) -> Self {
        Self { status: 0, headers: Vec::new(), body: Body::Text(reason.to_owned()) }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, if it is JSON.
    pub fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::Text(_) | Body::Binary(_) => None,
        }
    }
}
