use infrai_video::JobError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;

/// The members of a job that have a label of their own, in the order in which they are shown.
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

pub(super) async fn status(app: &App, id: &str) -> Result<(), Failure> {
    let id = app.id(id)?;
    let session = app.session().await?;
    let job = session.client.status(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    if app.screen.quiet && !app.screen.json {
        return app.screen.line(job.state.as_str());
    }
    show(app, &*job)
}

pub(super) async fn get(app: &App, id: &str) -> Result<(), Failure> {
    let id = app.id(id)?;
    let session = app.session().await?;
    let job = session.client.get(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    if app.screen.quiet && !app.screen.json {
        return app.screen.line(&job.job_id);
    }
    show(app, &*job)
}

fn show(app: &App, job: &(impl Serialize + JsonSchema)) -> Result<(), Failure> {
    if app.screen.json {
        return app.screen.json(job);
    }
    match serde_json::to_value(job) {
        Ok(Value::Object(members)) => {
            let facts = facts(members);
            let facts: Vec<_> = facts.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
            app.screen.facts(&facts)
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(Exit::Other, format!("no JSON form: {error}"))),
    }
}

/// Every member that is known, those without a label last and under their own names: what the contract adds is shown as soon as
/// the client reads it.
fn facts(mut members: Map<String, Value>) -> Vec<(String, Option<String>)> {
    let mut facts = Vec::new();
    for (member, label) in LABELS {
        let value = members.remove(member).unwrap_or_default();
        let text = match (member, value) {
            (_, Value::Null) => None,
            ("error", error) => Some(JobError::from(error).to_string()),
            ("duration_seconds", seconds) => text(seconds).map(|seconds| format!("{seconds} s")),
            (_, value) => text(value),
        };
        facts.push((label.to_owned(), text));
    }
    members.sort_keys();
    facts.extend(members.into_iter().map(|(member, value)| (member, text(value))));
    facts
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        // 5 seconds and not 5.0.
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
        let known = facts(members).into_iter().filter_map(|(name, text)| Some(format!("{name}: {}", text?)));
        known.collect()
    }

    #[test]
    fn a_job_is_shown_under_its_labels_in_their_order() {
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
    fn a_member_without_a_label_is_shown_last_under_its_name() {
        let job = json!({
            "type": "clip", "job_id": "vj_1", "queue": {"position": 3}, "progress": 0.5, "default": null, "state": "running",
        });
        let wanted =
            ["job: vj_1", "state: running", "progress: 0.5", "queue: {\"position\":3}", "type: clip"];
        assert_eq!(shown(job), wanted);
    }
}
