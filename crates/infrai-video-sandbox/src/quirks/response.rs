//! Changes a response before it is sent.

use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT_RANGES, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::members::{self, rename};
use super::{Quirk, Quirks};
use crate::api::call::Call;
use crate::api::envelope::json;
use crate::app_state::AppState;
use crate::model::operation::Operation;

/// Builds the response of the API from its envelope.
pub(crate) fn respond(
    app: &AppState,
    call: &Call,
    status: StatusCode,
    headers: &[(HeaderName, HeaderValue)],
    mut envelope: Value,
) -> Response {
    let quirks = call.quirks;
    let is_error = !status.is_success();
    members::change(app, quirks, &mut envelope);
    let mut response =
        if is_error { error(quirks, status, headers, envelope) } else { success(app, call, envelope) };
    if quirks.has(Quirk::UndeclaredHeaders) {
        for (name, value) in
            [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59"), ("x-served-by", "web-1")]
        {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

fn error(
    quirks: Quirks,
    status: StatusCode,
    headers: &[(HeaderName, HeaderValue)],
    mut envelope: Value,
) -> Response {
    if quirks.has(Quirk::NumericCodes) {
        envelope["error"]["code"] = json!(status.as_u16());
    }
    let sent = if quirks.has(Quirk::ErrorsWith200) { StatusCode::OK } else { status };
    if quirks.has(Quirk::HtmlErrors) {
        let page = format!("<!doctype html>\n<title>{status}</title>\n<h1>{status}</h1>\n");
        let mut response = (sent, Html(page)).into_response();
        response.headers_mut().extend(headers.iter().cloned());
        return response;
    }
    let mut response = if quirks.has(Quirk::BareErrors) {
        let mut error = envelope["error"].take();
        if let Some(members) = error.as_object_mut() {
            ["hint", "retryable"].iter().for_each(|name| drop(members.remove(*name)));
        }
        json(sent, headers, &error)
    } else {
        if quirks.has(Quirk::StringErrors) {
            envelope["error"] = envelope["error"]["message"].take();
        }
        json(sent, headers, &without_members(quirks, envelope))
    };
    if quirks.has(Quirk::ProblemJson) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    response
}

fn success(app: &AppState, call: &Call, mut envelope: Value) -> Response {
    let quirks = call.quirks;
    let status = match call.operation {
        Some(Operation::Generate) if quirks.has(Quirk::Created) => StatusCode::CREATED,
        Some(Operation::Generate) if quirks.has(Quirk::Accepted) => StatusCode::ACCEPTED,
        Some(Operation::Cancel | Operation::Delete) if quirks.has(Quirk::NoContent) => {
            return StatusCode::NO_CONTENT.into_response();
        }
        _ => StatusCode::OK,
    };
    change_data(app, call, &mut envelope["data"]);
    if quirks.has(Quirk::BareResults) {
        return json(status, &[], &envelope["data"]);
    }
    json(status, &[], &without_members(quirks, envelope))
}

/// Changes the form of `data`.
fn change_data(app: &AppState, call: &Call, data: &mut Value) {
    let quirks = call.quirks;
    match call.operation {
        Some(Operation::Generate | Operation::Status | Operation::Get) if quirks.has(Quirk::JobInJob) => {
            *data = json!({"job": data.take()});
        }
        Some(Operation::Cancel | Operation::Delete) if quirks.has(Quirk::NullResults) => *data = Value::Null,
        Some(Operation::List) => change_page(app, call, data),
        Some(Operation::Capabilities) if quirks.has(Quirk::VendorsByName) => {
            let by_name = data["vendors"].as_array_mut().into_iter().flatten().filter_map(|vendor| {
                let name = vendor.as_object_mut()?.remove("vendor")?;
                Some((name.as_str()?.to_owned(), vendor.take()))
            });
            data["vendors"] = by_name.collect::<Map<_, _>>().into();
        }
        _ => {}
    }
}

fn change_page(app: &AppState, call: &Call, data: &mut Value) {
    let quirks = call.quirks;
    if quirks.has(Quirk::NumericCursors)
        && let (Some(account), Some(cursor)) = (&call.account, data["next_cursor"].as_str())
    {
        data["next_cursor"] = json!(app.cursors.open(account, cursor));
    }
    if quirks.has(Quirk::ListIsArray) {
        *data = data["items"].take();
    } else if quirks.has(Quirk::ItemsNamedJobs)
        && let Some(page) = data.as_object_mut()
    {
        rename(page, "items", "jobs");
    }
}

fn without_members(quirks: Quirks, mut envelope: Value) -> Value {
    if let Some(members) = envelope.as_object_mut() {
        for (quirk, name) in [(Quirk::NoOk, "ok"), (Quirk::NoMetadata, "metadata")] {
            if quirks.has(quirk) {
                members.remove(name);
            }
        }
    }
    envelope
}

/// Changes the headers of a response of the file host.
pub(crate) fn change_file_headers(quirks: Quirks, headers: &mut HeaderMap) {
    if quirks.has(Quirk::NoRanges) {
        headers.remove(ACCEPT_RANGES);
    }
    if quirks.has(Quirk::NoValidators) {
        headers.remove(ETAG);
        headers.remove(LAST_MODIFIED);
    }
}
