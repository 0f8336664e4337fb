//! The file host: clips and thumbnails behind signed links.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use tracing::error;

use crate::api::Shared;
use crate::app::{App, FileKind};
use crate::clock::http_date;
use crate::links::Refused;
use crate::problem::Problem;
use crate::range::{Part, part};
use crate::store::Job;
use crate::studio::File;

pub(crate) async fn clip(State(app): Shared, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    serve(&app, FileKind::Clip, &method, &uri, &headers).await
}

pub(crate) async fn thumbnail(State(app): Shared, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    serve(&app, FileKind::Thumbnail, &method, &uri, &headers).await
}

async fn serve(app: &App, kind: FileKind, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let job = match open(app, kind, uri, headers) {
        Ok(job) => job,
        Err(problem) => return problem.into_response(),
    };
    let files = match app.studio.files(app.clip_request(&job)).await {
        Ok(files) => files,
        Err(reason) => {
            error!(job_id = job.id, reason, "the clip could not be made");
            return Problem::internal("the clip could not be made").into_response();
        }
    };
    let (file, content_type) = match kind {
        FileKind::Clip => (files.clip, "video/mp4"),
        FileKind::Thumbnail => (files.thumbnail, "image/jpeg"),
    };
    answer(&file, content_type, &http_date(job.ends), method, headers)
}

/// The job whose file a link opens.
fn open(app: &App, kind: FileKind, uri: &Uri, headers: &HeaderMap) -> Result<Job, Problem> {
    if app.settings().strict_files && headers.contains_key(AUTHORIZATION) {
        return Err(Problem::invalid_request(
            "an Authorization header reached the file host",
            "send the key to the API alone; the link itself is what opens a file",
        ));
    }
    let now = app.now();
    let path = uri.path();
    app.links.check(path, uri.query().unwrap_or_default(), now).map_err(|refused| {
        let message = match refused {
            Refused::Expired => "the link has expired",
            Refused::Invalid => "the link is not one that was given out",
        };
        Problem::forbidden(message, kind)
    })?;
    let id = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(id, _)| id);
    app.store.find(id).filter(|job| job.has_clip(now)).ok_or_else(Problem::no_file)
}

fn answer(
    file: &File,
    content_type: &'static str,
    modified: &str,
    method: &Method,
    asked: &HeaderMap,
) -> Response {
    let length = file.bytes.len() as u64;
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(ETAG, header(&file.etag));
    headers.insert(LAST_MODIFIED, header(modified));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == file.etag.as_bytes()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    // A range has a meaning for GET alone.
    let part = if method == Method::GET { part(asked, length, &file.etag, modified) } else { Part::Whole };
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
    // Both lie inside of the file, whose length is a usize.
    bytes.slice(first as usize..=last as usize)
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("tags, dates and ranges are ASCII")
}
