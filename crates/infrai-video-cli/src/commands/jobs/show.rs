use infrai_video::{JobError, JobId, JobState};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::job_id;
use super::known_jobs::{KnownJobs, Reader, age, cost, file};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::KnownJob;
use crate::schema::JobReport;
use crate::text::rfc3339;

/// The fields of a job that have a label, in the order in which they are shown.
const LABELS: [(&str, &str); 9] = [
    ("job_id", "job"),
    ("state", "state"),
    ("error", "error"),
    ("duration_seconds", "duration"),
    ("resolution", "resolution"),
    ("vendor", "vendor"),
    ("model", "model"),
    ("video_url", "video"),
    ("thumbnail_url", "thumbnail"),
];

pub(crate) async fn status(ctx: &Context, id: &str) -> Result<(), Failure> {
    let id = job_id(ctx, id)?;
    let session = ctx.connect().await?;
    let failed = |error| Failure::of_job_call(&ctx.invocation, id.as_str(), &error);
    let job = session.client.status(&id).await.map_err(failed)?;
    if ctx.output.quiet && !ctx.output.json {
        return ctx.output.line(job.state.as_str());
    }
    show(ctx, &id, &job.state, &*job).await
}

pub(crate) async fn get(ctx: &Context, id: &str) -> Result<(), Failure> {
    let id = job_id(ctx, id)?;
    let session = ctx.connect().await?;
    let failed = |error| Failure::of_job_call(&ctx.invocation, id.as_str(), &error);
    let job = session.client.get(&id).await.map_err(failed)?;
    if ctx.output.quiet && !ctx.output.json {
        return ctx.output.line(&job.job_id);
    }
    show(ctx, &id, &job.state, &*job).await
}

/// Prints a job with what the ledger knows of it.
async fn show(
    ctx: &Context,
    id: &JobId,
    state: &JobState,
    job: &(impl Serialize + JsonSchema),
) -> Result<(), Failure> {
    let mut known = KnownJobs::open(ctx).await;
    let item = known.of(&[(id.as_str(), state)]).await.remove(id.as_str());
    known.close().await;
    if ctx.output.json {
        return ctx.output.json(&JobReport::new(job, item.as_ref()));
    }
    match serde_json::to_value(job) {
        Ok(Value::Object(members)) => {
            let reader = if ctx.output.stdout_is_terminal { Reader::Person } else { Reader::Program };
            let mut fields = fields(members);
            fields.extend(item.iter().flat_map(|item| recorded_fields(item, state, reader)));
            let fields: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
            ctx.output.fields(&fields)
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(Exit::Other, format!("no JSON form: {error}"))),
    }
}

/// What the ledger knows of a job.
fn recorded_fields(known: &KnownJob, state: &JobState, reader: Reader) -> Vec<(String, Option<String>)> {
    let requested = match reader {
        Reader::Person => format!("{} ({})", age(known, reader), rfc3339(known.submitted_at)),
        Reader::Program => age(known, reader),
    };
    let item = &known.item;
    [
        ("requested", Some(requested)),
        ("prompt", Some(item.prompt()).filter(|prompt| !prompt.is_empty())),
        ("cost", cost(item, state).map(|cost| format!("{cost} USD"))),
        ("file", file(item, reader)),
        ("idempotency key", Some(item.key.clone())),
        ("batch", item.batch.clone()),
        ("name", item.name.clone()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into()
}

/// All fields, those without a label last under their own names, so that additions to the contract are shown at once.
fn fields(mut members: Map<String, Value>) -> Vec<(String, Option<String>)> {
    let mut fields = Vec::new();
    for (member, label) in LABELS {
        let value = members.remove(member).unwrap_or_default();
        let text = match (member, value) {
            (_, Value::Null) => None,
            ("error", error) => Some(JobError::from(error).to_string()),
            ("duration_seconds", seconds) => text(seconds).map(|seconds| format!("{seconds} s")),
            (_, value) => text(value),
        };
        fields.push((label.to_owned(), text));
    }
    members.sort_keys();
    fields.extend(members.into_iter().map(|(member, value)| (member, text(value))));
    fields
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        // 5 seconds instead of 5.0.
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| number.to_string()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(job: Value) -> Vec<String> {
        let Value::Object(members) = job else { panic!("a job is an object") };
        let known = fields(members).into_iter().filter_map(|(name, text)| Some(format!("{name}: {}", text?)));
        known.collect()
    }

    #[test]
    fn the_fields_of_a_job_have_labels_in_a_fixed_order() {
        let job = json!({
            "duration_seconds": 5.0, "error": {"code": "REJECTED", "message": "no"}, "job_id": "vj_1", "model": null,
            "state": "failed", "video_url": "https://files.example.com/1.mp4",
        });
        let wanted = [
            "job: vj_1",
            "state: failed",
            "error: no (REJECTED)",
            "duration: 5 s",
            "video: https://files.example.com/1.mp4",
        ];
        assert_eq!(shown(job), wanted);
        assert_eq!(
            shown(json!({"job_id": "vj_1", "duration_seconds": 7.5})),
            ["job: vj_1", "duration: 7.5 s"]
        );
    }

    #[test]
    fn a_field_without_a_label_is_shown_last_under_its_name() {
        let job = json!({
            "type": "clip", "job_id": "vj_1", "queue": {"position": 3}, "progress": 0.5, "default": null, "state": "running",
        });
        let wanted =
            ["job: vj_1", "state: running", "progress: 0.5", "queue: {\"position\":3}", "type: clip"];
        assert_eq!(shown(job), wanted);
    }
}
