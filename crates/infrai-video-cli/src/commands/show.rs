use infrai_video::types::{VideoJob, VideoJobDetail};

use crate::app::App;
use crate::failure::Failure;

pub(super) async fn status(app: &App, id: &str) -> Result<(), Failure> {
    let id = app.id(id)?;
    let session = app.session().await?;
    let job = session.client.status(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    let VideoJob { job_id, state, video_url, thumbnail_url, error } = &*job;
    match (app.screen.json, app.screen.quiet) {
        (true, _) => app.screen.json(&*job),
        (_, true) => app.screen.line(state.as_str()),
        _ => app.screen.facts(&[
            ("job", Some(job_id.clone())),
            ("state", Some(state.to_string())),
            ("error", error.as_ref().map(ToString::to_string)),
            ("video", video_url.clone()),
            ("thumbnail", thumbnail_url.clone()),
        ]),
    }
}

pub(super) async fn get(app: &App, id: &str) -> Result<(), Failure> {
    let id = app.id(id)?;
    let session = app.session().await?;
    let job = session.client.get(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    let VideoJobDetail {
        job_id,
        state,
        video_url,
        thumbnail_url,
        error,
        duration_seconds,
        resolution,
        vendor,
        model,
    } = &*job;
    match (app.screen.json, app.screen.quiet) {
        (true, _) => app.screen.json(&*job),
        (_, true) => app.screen.line(job_id),
        _ => app.screen.facts(&[
            ("job", Some(job_id.clone())),
            ("state", Some(state.to_string())),
            ("error", error.as_ref().map(ToString::to_string)),
            ("duration", duration_seconds.map(|seconds| format!("{seconds} s"))),
            ("resolution", resolution.as_ref().map(ToString::to_string)),
            ("vendor", vendor.clone()),
            ("model", model.clone()),
            ("video", video_url.clone()),
            ("thumbnail", thumbnail_url.clone()),
        ]),
    }
}
