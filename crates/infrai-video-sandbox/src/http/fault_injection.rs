//! Applies fault rules: before the handler, to its data, and to its response.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::call::Call;
use crate::app_state::AppState;
use crate::clips::links::Links;
use crate::faults::{Action, Length, Repetition, ResetFlag, RetryAfter, When, body};
use crate::model::operation::Host;
use crate::model::problem::Problem;
use crate::model::time::{http_date, later, rfc3339};

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

/// The bytes that a body in progress will have sent at its end, as an extension of the response.
#[derive(Clone, Debug)]
pub(crate) struct Sent(pub(crate) Bytes);

/// Applies a rule before the handler: returns a response that replaces the handler's, or changes the request.
pub(crate) async fn before(
    action: &Action,
    app: &AppState,
    call: &Call,
    headers: &mut HeaderMap,
) -> Option<Response> {
    match action {
        Action::InFlight { lasts, retry_after } => {
            app.faults.begin(headers, call.arrived, *lasts, retry_after.clone());
            None
        }
        Action::DropBefore => Some(lost()),
        Action::Status { status, retry_after, when: When::BeforeAccepting } => {
            Some(status_problem(*status, retry_after.as_ref(), call.arrived).into_response())
        }
        Action::Hang { delay, when: When::BeforeAccepting } => {
            hang(*delay).await;
            None
        }
        Action::Html { status, when: When::BeforeAccepting } => Some(html(*status)),
        Action::Redirect { status, location } => {
            let location = location.clone().unwrap_or_else(|| on_the_file_host(app, call));
            let value = HeaderValue::try_from(location).ok()?;
            Some((status_code(*status), [(LOCATION, value)]).into_response())
        }
        Action::IgnoreRange => {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
            None
        }
        Action::RefuseRange { status } if headers.contains_key(RANGE) => {
            Some(status_problem(*status, None, call.arrived).into_response())
        }
        Action::RangeFromStart if headers.remove(RANGE).is_some() => {
            headers.remove(IF_RANGE);
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-"));
            None
        }
        Action::ExpireAtOnce if call.host == Host::Files => {
            // The file host itself rejects the link now.
            app.links.expire(&call.path, call.query());
            None
        }
        _ => None,
    }
}

/// The response to a retry of a call that is still in progress.
pub(crate) fn repeated(call: &Call) -> Option<Response> {
    let Repetition { retry_after } = call.repetition.as_ref()?;
    Some(with_retry_after(Problem::in_progress(), retry_after.as_ref(), call.arrived).into_response())
}

fn on_the_file_host(app: &AppState, call: &Call) -> String {
    let query = call.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{}{query}", app.file_base, call.path)
}

/// Applies a rule to the data of a successful response.
pub(crate) fn alter(action: &Action, links: &Links, now: Timestamp, data: &mut Value) {
    if let Some(items) = data.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(|item| alter(action, links, now, item));
        return;
    }
    let Some(fields) = data.as_object_mut() else {
        return;
    };
    let is_job = fields.contains_key("state");
    let mut set = |name: &str, value: Value| {
        if let Some(field) = fields.get_mut(name) {
            *field = value;
        }
    };
    match action {
        Action::UnknownState { state } if is_job => set("state", json!(state)),
        Action::RenameStates { names } if is_job => {
            let shown = fields.get("state").and_then(Value::as_str);
            if let Some((_, name)) = names.iter().find(|(state, _)| shown == Some(state.as_str())) {
                fields.insert("state".to_owned(), json!(name));
            }
        }
        Action::Stuck if is_job => {
            set("state", json!("running"));
            ["video_url", "thumbnail_url", "error"].into_iter().for_each(|name| set(name, Value::Null));
        }
        Action::NoUrl if is_job => {
            ["video_url", "thumbnail_url"].into_iter().for_each(|name| set(name, Value::Null));
        }
        Action::ExpiredLink => {
            let past = now - Duration::from_secs(1);
            if let Some(at) = fields.get_mut("expires_at") {
                *at = json!(rfc3339(past));
            }
            for name in ["url", "video_url", "thumbnail_url"] {
                if let Some(Value::String(link)) = fields.get_mut(name) {
                    *link = expired(link, links, past);
                }
            }
        }
        Action::ExpireAtOnce | Action::ExpireMidway { .. } => {
            for link in ["url", "video_url", "thumbnail_url"].iter().filter_map(|name| fields.get(*name)) {
                shorten(action, links, link.as_str().unwrap_or_default());
            }
        }
        _ => {}
    }
}

fn shorten(action: &Action, links: &Links, link: &str) {
    let Ok(url) = link.parse::<Uri>() else {
        return;
    };
    let (path, query) = (url.path(), url.query().unwrap_or_default());
    match action {
        Action::ExpireMidway { after } => links.expire_midway(path, query, *after),
        _ => links.expire(path, query),
    }
}

fn expired(link: &str, links: &Links, past: Timestamp) -> String {
    let Ok(url) = link.parse::<Uri>() else {
        return link.to_owned();
    };
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
        return link.to_owned();
    };
    format!("{scheme}://{authority}{}", links.sign(url.path(), past))
}

/// Applies a rule to a response that is ready to be sent.
pub(crate) async fn after(
    action: &Action,
    app: &AppState,
    call: &Call,
    reset: Option<ResetFlag>,
    mut response: Response,
) -> Response {
    if call.method == Method::HEAD && action.changes_the_body() {
        return response;
    }
    match action {
        Action::AcceptThenDrop => lost(),
        Action::Hang { delay, when: When::AfterAccepting } => {
            hang(*delay).await;
            response
        }
        Action::Html { status, when: When::AfterAccepting } => html(*status),
        Action::MalformedJson => with_body(response, Body::from("{\"ok\": true, \"data\": {\"job_id\": vj_")),
        Action::CutJson => {
            let (response, bytes) = collected(response).await;
            with_body(response, Body::from(body::start_of(&bytes, bytes.len() as u64 / 2)))
        }
        Action::WrongContentType => {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            response
        }
        Action::WrongContentRange => {
            if let Some(value) = response.headers_mut().get_mut(CONTENT_RANGE)
                && let Some(shifted) = value.to_str().ok().and_then(shifted_range)
            {
                *value = shifted;
            }
            response
        }
        Action::ChangeEtag => {
            let etag = format!("\"changed-{}\"", call.request_id);
            if let Ok(value) = HeaderValue::try_from(etag) {
                response.headers_mut().insert(ETAG, value);
            }
            response
        }
        Action::CorruptFile => {
            let (response, bytes) = collected(response).await;
            let noise: Vec<u8> = bytes.iter().map(|byte| byte ^ 0x5a).collect();
            let mut response = with_body(response, Body::from(noise));
            // Under the original validator nobody could tell these bytes from the file.
            response.headers_mut().insert(ETAG, HeaderValue::from_static("\"corrupt\""));
            response
        }
        Action::ExpireMidway { after } if call.host == Host::Files && response.status().is_success() => {
            app.links.expire(&call.path, call.query());
            streamed(&Action::cut(*after), None, response).await
        }
        Action::Cut { .. } | Action::Reset { .. } | Action::SlowBytes { .. } => {
            streamed(action, reset, response).await
        }
        _ => response,
    }
}

/// The error of a rule that responds with a status although the call was carried out.
pub(crate) fn status_after(action: &Action, now: Timestamp) -> Option<Problem> {
    match action {
        Action::Status { status, retry_after, when: When::AfterAccepting } => {
            Some(status_problem(*status, retry_after.as_ref(), now))
        }
        Action::InFlight { .. } => Some(status_problem(504, None, now)),
        _ => None,
    }
}

async fn streamed(action: &Action, reset: Option<ResetFlag>, response: Response) -> Response {
    let (mut response, bytes) = collected(response).await;
    let sent = match action {
        Action::Cut { after, .. } | Action::Reset { after } => body::start_of(&bytes, *after),
        _ => bytes.clone(),
    };
    response.extensions_mut().insert(Sent(sent));
    let length = HeaderValue::from(bytes.len());
    let is_short = |after: u64| bytes.len() as u64 <= after;
    let body = match action {
        Action::Cut { after, .. } | Action::Reset { after } if is_short(*after) => {
            return with_body(response, Body::from(bytes));
        }
        Action::Cut { after, length: Length::Hidden } => {
            let mut response = with_body(response, body::unsized_body(body::start_of(&bytes, *after)));
            response.headers_mut().remove(CONTENT_LENGTH);
            return response;
        }
        Action::Cut { after, length: Length::Announced } => body::broken(&bytes, *after, None),
        Action::Reset { after } => body::broken(&bytes, *after, reset),
        Action::SlowBytes { chunk, pause } => body::slow(bytes, *chunk, *pause),
        _ => Body::from(bytes),
    };
    let mut response = with_body(response, body);
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn lost() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Lost);
    response
}

async fn hang(delay: Option<Duration>) {
    match delay {
        Some(delay) => tokio::time::sleep(delay).await,
        None => std::future::pending().await,
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn status_problem(status: u16, retry_after: Option<&RetryAfter>, now: Timestamp) -> Problem {
    with_retry_after(Problem::of_status(status_code(status)), retry_after, now)
}

fn with_retry_after(mut problem: Problem, retry_after: Option<&RetryAfter>, now: Timestamp) -> Problem {
    let wait = retry_after.map(|wait| match wait {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::DateIn(seconds) => http_date(later(now, Duration::from_secs(*seconds))),
        RetryAfter::Text(text) => text.clone(),
    });
    if let Some(value) = wait.and_then(|wait| HeaderValue::try_from(wait).ok()) {
        problem.headers.push((RETRY_AFTER, value));
    }
    problem
}

fn html(status: u16) -> Response {
    let page = "<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>";
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status_code(status), [(CONTENT_TYPE, kind)], page).into_response()
}

async fn collected(response: Response) -> (Response, Bytes) {
    let (parts, body) = response.into_parts();
    // Every body of the sandbox consists of bytes in memory and cannot fail.
    let bytes = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    (Response::from_parts(parts, Body::empty()), bytes)
}

fn with_body(response: Response, body: Body) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

/// `bytes 5-9/20` as `bytes 6-10/20`.
fn shifted_range(value: &str) -> Option<HeaderValue> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    HeaderValue::try_from(format!("bytes {}-{}/{total}", first + 1, last + 1)).ok()
}
