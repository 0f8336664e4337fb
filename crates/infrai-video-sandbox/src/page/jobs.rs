//! Jobs as the page shows them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use crate::api::{envelope, jobs};
use crate::app_state::{AppState, Shared};
use crate::clips::links::FileKind;
use crate::model::problem::Problem;
use crate::store::{Failure, Job, JobRecord, JobState, KeyUse, Written};

/// The maximum number of characters of a prompt.
const MAX_PROMPT: usize = 5000;

/// A job with new links.
#[derive(Serialize)]
pub(super) struct JobView {
    #[serde(flatten)]
    record: JobRecord,
    /// The number of characters of the whole prompt.
    prompt_length: usize,
    error: Option<Failure>,
    video_url: Option<String>,
    thumbnail_url: Option<String>,
}

impl JobView {
    pub(super) fn of(app: &AppState, job: &Job) -> Self {
        let now = app.now_for(Some(&job.account));
        let mut record = JobRecord::of(job, now);
        let prompt_length = record.prompt.chars().count();
        if let Some((end, _)) = record.prompt.char_indices().nth(MAX_PROMPT) {
            record.prompt.truncate(end);
        }
        let link = |kind| job.has_clip(now).then(|| app.link_to_show(job, kind, now));
        Self {
            prompt_length,
            error: job.failure.clone().filter(|_| record.state == JobState::Failed),
            video_url: link(FileKind::Clip),
            thumbnail_url: link(FileKind::Thumbnail),
            record,
        }
    }
}

/// `GET /__sandbox/jobs/ID`: a job of any account.
pub(super) async fn job(State(app): Shared, Path(id): Path<String>) -> Response {
    match app.store.find(&id) {
        Some(job) => {
            let view = JobView::of(&app, &job);
            envelope::json(StatusCode::OK, &[], &json!(view)).into_response()
        }
        None => no_job(&id),
    }
}

/// `POST /__sandbox/jobs/ID/cancel`: cancels a job of any account.
pub(super) async fn cancel(State(app): Shared, Path(id): Path<String>) -> Response {
    change(&app, &id, jobs::cancel_job)
}

/// `DELETE /__sandbox/jobs/ID`: deletes a job of any account.
pub(super) async fn delete(State(app): Shared, Path(id): Path<String>) -> Response {
    change(&app, &id, jobs::delete_job)
}

/// Changes a job as the operation of the API does, without its API key.
fn change(
    app: &AppState,
    id: &str,
    operation: fn(&AppState, &str, &str, Option<&KeyUse>) -> Result<Written, Problem>,
) -> Response {
    let Some(job) = app.store.find(id) else { return no_job(id) };
    match operation(app, &job.account, id, None) {
        Ok(_) => envelope::json(StatusCode::OK, &[], &json!({"ok": true})).into_response(),
        Err(problem) => {
            let error = json!({"error": format!("{}: {}", problem.message, problem.hint)});
            envelope::json(problem.status, &[], &error).into_response()
        }
    }
}

fn no_job(id: &str) -> Response {
    let error = json!({"error": format!("there is no job {id}: GET /__sandbox/jobs lists them")});
    envelope::json(StatusCode::NOT_FOUND, &[], &error).into_response()
}
