//! Changes members of responses by their names, which have one meaning in the whole contract.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Quirk, Quirks, ids};
use crate::app_state::AppState;
use crate::model::resolution::frame_size;

/// The names of states, and their synonyms in the contract.
const SYNONYMS: [(&str, &str); 4] =
    [("queued", "pending"), ("running", "processing"), ("succeeded", "completed"), ("cancelled", "canceled")];
const OTHER_STATES: [(&str, &str); 2] = [("queued", "waiting"), ("running", "rendering")];
const OTHER_FINAL_STATES: [(&str, &str); 1] = [("succeeded", "ready")];

const NUMBERS: [&str; 4] = ["duration_seconds", "retention_days", "deleted", "max_duration_seconds"];
const LINKS: [&str; 3] = ["url", "video_url", "thumbnail_url"];
const CAMEL_CASE: [(&str, &str); 4] = [
    ("cost_usd", "costUsd"),
    ("latency_ms", "latencyMs"),
    ("cache_hit", "cacheHit"),
    ("request_id", "requestId"),
];

/// Changes the members of an object and of those in it.
pub(super) fn change(app: &AppState, quirks: Quirks, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| change(app, quirks, item)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| change(app, quirks, member));
            change_object(app, quirks, members);
        }
        _ => {}
    }
}

fn change_object(app: &AppState, quirks: Quirks, members: &mut Map<String, Value>) {
    // The size is that of the job, whose id may be changed below.
    if quirks.has(Quirk::PixelResolutions)
        && let Some(job) = members.get("job_id").and_then(Value::as_str).and_then(|id| app.store.find(id))
        && let Some(resolution) = members.get_mut("resolution")
        && let Some((width, height)) = frame_size(&job.order.resolution, &job.order.aspect)
    {
        *resolution = json!(format!("{width}x{height}"));
    }
    for (name, value) in members.iter_mut() {
        if let Some(changed) = changed(app, quirks, name, value) {
            *value = changed;
        }
    }
    if quirks.has(Quirk::CamelCaseMetadata) {
        CAMEL_CASE.iter().for_each(|(old, new)| rename(members, old, new));
    }
    if quirks.has(Quirk::IdMember) && members.contains_key("state") {
        rename(members, "job_id", "id");
    }
    if quirks.has(Quirk::UnknownMembers) {
        members.insert("x_unknown".to_owned(), json!(true));
    }
}

/// The other value of a member.
fn changed(app: &AppState, quirks: Quirks, name: &str, value: &Value) -> Option<Value> {
    let text = value.as_str();
    let number = value.as_number();
    match name {
        "state" => text.map(|name| json!(state(quirks, name))),
        "code" if quirks.has(Quirk::LowerCaseCodes) => text.map(|code| json!(code.to_lowercase())),
        "job_id" if ids::are_changed(quirks) => text.map(|id| ids::shown(app, quirks, id)),
        "cost_usd" if quirks.has(Quirk::StringCosts) => number.map(|cost| json!(cost.to_string())),
        "expires_at" => time(quirks, text?),
        _ if LINKS.contains(&name) && quirks.has(Quirk::RelativeLinks) => {
            text?.strip_prefix(&app.file_base).map(|path| json!(path))
        }
        _ if NUMBERS.contains(&name) && quirks.has(Quirk::StringNumbers) => {
            number.map(|number| json!(number.to_string()))
        }
        _ => None,
    }
}

fn state(quirks: Quirks, name: &str) -> String {
    let names = [
        (Quirk::StateSynonyms, &SYNONYMS[..]),
        (Quirk::OtherStates, &OTHER_STATES),
        (Quirk::OtherFinalStates, &OTHER_FINAL_STATES),
    ];
    let other = names
        .into_iter()
        .filter(|(quirk, _)| quirks.has(*quirk))
        .flat_map(|(_, names)| names)
        .find(|(known, _)| *known == name)
        .map_or(name, |(_, other)| other);
    if quirks.has(Quirk::StateCapitals) { other.to_uppercase() } else { other.to_owned() }
}

fn time(quirks: Quirks, text: &str) -> Option<Value> {
    let at: Timestamp = text.parse().ok()?;
    if quirks.has(Quirk::EpochTimes) {
        Some(json!(at.as_second()))
    } else if quirks.has(Quirk::LocalTimes) {
        Some(json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string()))
    } else {
        None
    }
}

pub(super) fn rename(members: &mut Map<String, Value>, old: &str, new: &str) {
    if let Some(value) = members.remove(old) {
        members.insert(new.to_owned(), value);
    }
}
