//! A job as the page shows it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::api::Shared;
use crate::app::{App, FileKind};
use crate::envelope;
use crate::store::{Failure, Job, JobRecord, JobState};

/// How much of a prompt is shown.
const MOST_OF_A_PROMPT: usize = 5000;

/// A job with links that work from now on.
#[derive(Serialize)]
pub(super) struct JobView {
    #[serde(flatten)]
    record: JobRecord,
    /// How many characters the whole prompt has.
    prompt_length: usize,
    error: Option<Failure>,
    video_url: Option<String>,
    thumbnail_url: Option<String>,
}

impl JobView {
    pub(super) fn of(app: &App, job: &Job, now: Timestamp) -> Self {
        let mut record = JobRecord::of(job, now);
        let prompt_length = record.prompt.chars().count();
        if let Some((end, _)) = record.prompt.char_indices().nth(MOST_OF_A_PROMPT) {
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

/// One job, of whatever account.
pub(super) async fn job(State(app): Shared, Path(id): Path<String>) -> Response {
    match app.store.find(&id) {
        Some(job) => {
            let view = JobView::of(&app, &job, app.now());
            envelope::json(StatusCode::OK, &[], &json!(view)).into_response()
        }
        None => {
            let error = json!({"error": format!("there is no job {id}: GET /__sandbox/jobs lists them")});
            envelope::json(StatusCode::NOT_FOUND, &[], &error).into_response()
        }
    }
}
