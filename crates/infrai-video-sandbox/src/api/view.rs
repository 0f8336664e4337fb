//! Jobs as answers show them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::app::{App, FileKind};
use crate::catalogue::number;
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

/// The short form: what `generate`, `status` and `list` answer.
pub(crate) fn video_job(app: &App, job: &Job, now: Timestamp) -> Value {
    json!(short(app, job, now))
}

/// The long form: what `get` answers.
pub(crate) fn video_job_detail(app: &App, job: &Job, now: Timestamp) -> Value {
    json!(VideoJobDetail {
        job: short(app, job, now),
        duration_seconds: number(job.order.duration_seconds),
        resolution: &job.order.resolution,
        vendor: &job.vendor,
        model: &job.model,
    })
}

fn short(app: &App, job: &Job, now: Timestamp) -> VideoJob {
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
