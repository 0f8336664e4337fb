//! The file host: clips and thumbnails behind signed links.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tracing::error;

use crate::api::call::Call;
use crate::app_state::{AppState, Shared};
use crate::clips::clip_cache::File;
use crate::clips::links::{FileKind, Refused};
use crate::clips::range::{Part, part};
use crate::model::problem::Problem;
use crate::model::time::http_date;
use crate::store::Job;

pub(crate) async fn clip(
    State(app): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
) -> Response {
    serve(&app, FileKind::Clip, &call, &headers).await
}

pub(crate) async fn thumbnail(
    State(app): Shared,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
) -> Response {
    serve(&app, FileKind::Thumbnail, &call, &headers).await
}

async fn serve(app: &AppState, kind: FileKind, call: &Call, headers: &HeaderMap) -> Response {
    let job = match open(app, kind, call, headers) {
        Ok(job) => job,
        Err(problem) => return problem.into_response(),
    };
    let files = match app.clips.files(app.clip_request(&job)).await {
        Ok(files) => files,
        Err(reason) => {
            error!(job_id = job.id, reason, "the clip could not be produced");
            return Problem::internal("the clip could not be produced").into_response();
        }
    };
    let (file, content_type) = match kind {
        FileKind::Clip => (files.clip, "video/mp4"),
        FileKind::Thumbnail => (files.thumbnail, "image/jpeg"),
    };
    respond(&file, content_type, &http_date(job.ends), &call.method, headers)
}

/// The job of a link.
fn open(app: &AppState, kind: FileKind, call: &Call, headers: &HeaderMap) -> Result<Job, Problem> {
    if app.settings().strict_files && headers.contains_key(AUTHORIZATION) {
        return Err(Problem::invalid_request(
            "an Authorization header reached the file host",
            "send the API key only to the API; the link itself authorizes the download",
        ));
    }
    let now = call.now(app);
    let path = call.path.as_str();
    app.links.check(path, call.query(), now).map_err(|refused| {
        let message = match refused {
            Refused::Expired => "the link has expired",
            Refused::Invalid => "the link is invalid",
        };
        Problem::forbidden(message, kind.renewed_by())
    })?;
    let id = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(id, _)| id);
    app.store.find(id).filter(|job| job.has_clip(now)).ok_or_else(Problem::no_file)
}

fn respond(
    file: &File,
    content_type: &'static str,
    modified: &str,
    method: &Method,
    request: &HeaderMap,
) -> Response {
    let length = file.bytes.len() as u64;
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(ETAG, header(&file.etag));
    headers.insert(LAST_MODIFIED, header(modified));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if request.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == file.etag.as_bytes()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    // Ranges are defined only for GET.
    let part = if method == Method::GET { part(request, length, &file.etag, modified) } else { Part::Whole };
    let (status, bytes) = match part {
        Part::Whole => (StatusCode::OK, file.bytes.clone()),
        Part::Bytes(first, last) => {
            headers.insert(CONTENT_RANGE, header(&format!("bytes {first}-{last}/{length}")));
            (StatusCode::PARTIAL_CONTENT, slice(&file.bytes, first, last))
        }
        Part::Unsatisfiable => {
            headers.insert(CONTENT_RANGE, header(&format!("bytes */{length}")));
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
        }
    };
    if status.is_success() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    *response.status_mut() = status;
    *response.body_mut() = if method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    response
}

fn slice(bytes: &Bytes, first: u64, last: u64) -> Bytes {
    // Both are less than the length of the file, which is a usize.
    bytes.slice(first as usize..=last as usize)
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("tags, dates and ranges are ASCII")
}
