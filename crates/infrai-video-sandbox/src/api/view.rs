//! Jobs as responses show them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::app_state::AppState;
use crate::clips::links::FileKind;
use crate::model::catalogue::number;
use crate::store::{Job, JobState};

#[derive(Serialize)]
struct VideoJob {
    job_id: String,
    state: JobState,
    video_url: Option<String>,
    thumbnail_url: Option<String>,
    error: Option<Value>,
}

#[derive(Serialize)]
struct VideoJobDetail<'a> {
    #[serde(flatten)]
    job: VideoJob,
    duration_seconds: Number,
    resolution: &'a str,
    vendor: &'a str,
    model: &'a str,
}

/// The short form: of `generate`, `status` and `list`.
pub(crate) fn video_job(app: &AppState, job: &Job, now: Timestamp) -> Value {
    json!(short(app, job, now))
}

/// The long form: of `get`.
pub(crate) fn video_job_detail(app: &AppState, job: &Job, now: Timestamp) -> Value {
    json!(VideoJobDetail {
        job: short(app, job, now),
        duration_seconds: number(job.order.duration_seconds),
        resolution: &job.order.resolution,
        vendor: &job.vendor,
        model: &job.model,
    })
}

fn short(app: &AppState, job: &Job, now: Timestamp) -> VideoJob {
    let state = job.state(now);
    let link = |kind| job.has_clip(now).then(|| app.link(job, kind, now).0);
    let failure = job.failure.as_ref().filter(|_| state == JobState::Failed);
    VideoJob {
        job_id: job.id.clone(),
        state,
        video_url: link(FileKind::Clip),
        thumbnail_url: link(FileKind::Thumbnail),
        error: failure.map(|failure| json!({"code": failure.code, "message": failure.message})),
    }
}
