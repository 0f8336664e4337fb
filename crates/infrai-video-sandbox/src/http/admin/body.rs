//! Bodies of the admin API, in TOML or JSON.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::respond;
use crate::input::{Format, Input, InputError, looks_like_json};

/// The text of a request, and the format that its `Content-Type` names. `None`: that of the route, as for curl's `-d`.
pub(super) struct Text {
    text: String,
    format: Option<Format>,
}

impl Text {
    /// The text, and its format on a route that takes TOML by default. No TOML begins as an object or a list of objects does.
    pub(super) fn or_toml(&self) -> (&str, Format) {
        let default = if looks_like_json(&self.text) { Format::Json } else { Format::Toml };
        (&self.text, self.format.unwrap_or(default))
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Reads the body of a route that takes JSON by default. `example` is a valid one.
    pub(super) fn read_or_json<T: DeserializeOwned>(&self, example: &str) -> Result<T, String> {
        let read = |format| Input::parse("the body", &self.text, format)?.read();
        read(self.format.unwrap_or(Format::Json))
            .map_err(|error: InputError| format!("{error}. An example: {example}"))
    }
}

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let rejected = |status, error: String| respond(status, &json!({ "error": error }));
        let format = format_of(request.headers()).map_err(|kind| {
            let accepted = "send application/json or application/toml";
            let error = format!("the Content-Type {kind:?} is not accepted: {accepted}");
            rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
        })?;
        let body = Bytes::from_request(request, state).await.map_err(|error| match error.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => {
                rejected(status, "the body is too large: send at most 2 MB".to_owned())
            }
            status => rejected(status, format!("the body cannot be read: {error}")),
        })?;
        let text = String::from_utf8(body.into()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let error = format!("the body is not text in UTF-8: byte {} is invalid", at + 1);
            rejected(StatusCode::UNPROCESSABLE_ENTITY, error)
        })?;
        Ok(Self { text, format })
    }
}

/// The format of a body, or a type that is not accepted.
fn format_of(headers: &HeaderMap) -> Result<Option<Format>, String> {
    let value = headers.get(CONTENT_TYPE).map_or("", |value| HeaderValue::to_str(value).unwrap_or("?"));
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.split_once('/') {
        Some(("application", "json")) => Ok(Some(Format::Json)),
        Some((_, subtype)) if subtype.ends_with("+json") => Ok(Some(Format::Json)),
        Some(("application" | "text", "toml" | "x-toml")) => Ok(Some(Format::Toml)),
        Some(("text", _) | ("application", "x-www-form-urlencoded")) => Ok(None),
        None if kind.is_empty() => Ok(None),
        _ => Err(kind),
    }
}
