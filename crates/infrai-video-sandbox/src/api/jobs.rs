//! `status`, `get`, `cancel`, `delete` and `delete_all`.

use axum::extract::State;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::lookup::find;
use super::view;
use crate::api::envelope::Reply;
use crate::api::extract::{Caller, HeaderKey, JobPath, JsonBody};
use crate::api::fields::Fields;
use crate::app_state::{AppState, Shared};
use crate::model::operation::Operation;
use crate::model::problem::Problem;
use crate::store::{Change, Job, KeyUse, Write, Written, deletion, refund};

pub(crate) async fn status(
    State(app): Shared,
    Caller(account): Caller,
    JobPath(id): JobPath,
) -> Result<Reply, Problem> {
    show(&app, &account, &id, view::video_job)
}

pub(crate) async fn get(
    State(app): Shared,
    Caller(account): Caller,
    JobPath(id): JobPath,
) -> Result<Reply, Problem> {
    show(&app, &account, &id, view::video_job_detail)
}

/// Returns a job in one of its two forms.
fn show(
    app: &AppState,
    account: &str,
    id: &str,
    form: fn(&AppState, &Job, Timestamp) -> Value,
) -> Result<Reply, Problem> {
    app.store.read(app.now(), account, |records, now| {
        let job = find(records, account, id)?;
        Ok(Reply::new(form(app, job, now)).with_vendor(&job.vendor))
    })
}

pub(crate) async fn cancel(
    State(app): Shared,
    Caller(account): Caller,
    JobPath(id): JobPath,
    key: HeaderKey,
    JsonBody(body): JsonBody,
) -> Result<Reply, Problem> {
    Fields(&body).repeated_job_id(&id)?;
    let key = key.for_write(Operation::Cancel, &id, &body);
    Ok(cancel_job(&app, &account, &id, key.as_ref())?.into())
}

/// Cancels a job of an account.
pub(crate) fn cancel_job(
    app: &AppState,
    account: &str,
    id: &str,
    key: Option<&KeyUse>,
) -> Result<Written, Problem> {
    app.store.write(app.now(), account, key, |records, now| {
        let job = find(records, account, id)?;
        let state = job.state(now);
        if state.is_terminal() {
            return Err(Problem::job_finished(state.as_str()));
        }
        let changes = vec![Change::JobCancelled { number: job.number, at: now }, refund(job, now)];
        Ok(Write { changes, data: json!({"ok": true}), vendor: Some(job.vendor.clone()) })
    })
}

pub(crate) async fn delete(
    State(app): Shared,
    Caller(account): Caller,
    JobPath(id): JobPath,
    key: HeaderKey,
) -> Result<Reply, Problem> {
    let key = key.for_write(Operation::Delete, &id, &Map::new());
    Ok(delete_job(&app, &account, &id, key.as_ref())?.into())
}

/// Deletes a job of an account, and its clip.
pub(crate) fn delete_job(
    app: &AppState,
    account: &str,
    id: &str,
    key: Option<&KeyUse>,
) -> Result<Written, Problem> {
    let mut clip = None;
    let written = app.store.write(app.now(), account, key, |records, now| {
        let data = json!({"ok": true});
        match find(records, account, id) {
            Ok(job) => {
                clip = Some(app.clip_request(job));
                Ok(Write { changes: deletion(job, now), data, vendor: Some(job.vendor.clone()) })
            }
            Err(_) if records.was_deleted(account, id) => {
                Ok(Write { changes: Vec::new(), data, vendor: None })
            }
            Err(problem) => Err(problem),
        }
    })?;
    clip.iter().for_each(|clip| app.clips.job_deleted(clip));
    Ok(written)
}

pub(crate) async fn delete_all(
    State(app): Shared,
    Caller(account): Caller,
    key: HeaderKey,
    JsonBody(body): JsonBody,
) -> Result<Reply, Problem> {
    let key = key.for_write(Operation::DeleteAll, "", &body);
    let mut clips = Vec::new();
    let written = app.store.write(app.now(), &account, key.as_ref(), |records, now| {
        clips.extend(records.jobs_of(&account).map(|job| app.clip_request(job)));
        let deleted = clips.len();
        let changes = records.jobs_of(&account).flat_map(|job| deletion(job, now)).collect();
        Ok::<_, Problem>(Write { changes, data: json!({"deleted": deleted}), vendor: None })
    })?;
    clips.iter().for_each(|clip| app.clips.job_deleted(clip));
    Ok(written.into())
}
