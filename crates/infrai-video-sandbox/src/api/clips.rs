//! `download_url` and `set_retention`.

use axum::Extension;
use axum::extract::State;
use serde_json::json;

use super::lookup::find;
use crate::api::call::Call;
use crate::api::envelope::Reply;
use crate::api::extract::{Caller, HeaderKey, JobPath, JsonBody};
use crate::api::fields::Fields;
use crate::app_state::Shared;
use crate::clips::links::FileKind;
use crate::model::operation::Operation;
use crate::model::problem::Problem;
use crate::model::time::{DAY, later, rfc3339};
use crate::quirks::Quirk;
use crate::store::{Change, JobState, Write};

const MAX_DAYS: u32 = 90;

pub(crate) async fn download_url(
    State(app): Shared,
    Caller(account): Caller,
    JobPath(id): JobPath,
) -> Result<Reply, Problem> {
    app.store.read(app.now(), &account, |records, now| {
        let job = find(records, &account, &id)?;
        let state = job.state(now);
        if state != JobState::Succeeded {
            return Err(Problem::job_not_finished(state.as_str()));
        }
        if job.clip_is_gone(now) {
            return Err(Problem::clip_expired(&rfc3339(job.expires.min(now))));
        }
        let (url, expires) = app.link(job, FileKind::Clip, now);
        Ok(Reply::new(json!({"url": url, "expires_at": rfc3339(expires)})).with_vendor(&job.vendor))
    })
}

pub(crate) async fn set_retention(
    State(app): Shared,
    Extension(call): Extension<Call>,
    Caller(account): Caller,
    JobPath(id): JobPath,
    key: HeaderKey,
    JsonBody(body): JsonBody,
) -> Result<Reply, Problem> {
    let max_days = if call.quirks.has(Quirk::LongRetention) { 365 } else { MAX_DAYS };
    let days = Fields(&body).days(max_days)?;
    Fields(&body).repeated_job_id(&id)?;
    let key = key.or_field(Operation::SetRetention, &id, &body)?;
    let written = app.store.write(app.now(), &account, key.as_ref(), |records, now| {
        let job = find(records, &account, &id)?;
        let expires = later(job.ended(now).unwrap_or(now), DAY * days);
        // A later date does not restore a deleted clip.
        let gone = job.state(now) == JobState::Succeeded && job.clip_is_gone(now);
        let data = json!({"job_id": id, "retention_days": days, "expires_at": rfc3339(expires)});
        let changes = vec![Change::RetentionSet { number: job.number, expires, gone }];
        Ok::<_, Problem>(Write { changes, data, vendor: Some(job.vendor.clone()) })
    })?;
    Ok(written.into())
}
