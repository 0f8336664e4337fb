//! The table of pairs, and the real document compared with edits of itself.

mod pairs;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{Breaks, Change, compare};
use openapi_tools::document::{DOCUMENT, Document};
use openapi_tools::value::{entries, escape};
use pairs::Pair;

fn real() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Document::load(&root.join(DOCUMENT)).unwrap().value
}

fn verdict(changes: &[Change]) -> Breaks {
    changes.iter().fold(Breaks::Nobody, |all, change| all.and(change.breaks))
}

fn shown(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("    {change}\n")).collect()
}

fn complaint(pair: &Pair) -> Option<String> {
    let there = compare(&pair.old, &pair.new);
    let back = compare(&pair.new, &pair.old);
    let mut wrong = String::new();
    if verdict(&there) != pair.breaks {
        wrong += &format!("  breaks {} and should break {}\n{}", verdict(&there), pair.breaks, shown(&there));
    }
    if verdict(&back) != pair.back {
        wrong += &format!(
            "  backwards breaks {} and should break {}\n{}",
            verdict(&back),
            pair.back,
            shown(&back)
        );
    }
    if !there.iter().any(|change| change.sentence.contains(&pair.says)) {
        wrong += &format!("  does not say `{}`\n{}", pair.says, shown(&there));
    }
    (!wrong.is_empty()).then(|| format!("{}:\n{wrong}", pair.name))
}

#[test]
fn each_pair_has_its_expected_verdict_in_both_directions() {
    let pairs = pairs::all();
    let wrong: Vec<String> = pairs.iter().filter_map(complaint).collect();
    assert!(wrong.is_empty(), "{} of {} pairs\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_enough_pairs_of_each_verdict_and_unique_names() {
    let pairs = pairs::all();
    let count = |breaks| pairs.iter().filter(|pair| pair.breaks == breaks).count();
    assert!(pairs.len() >= 60, "{}", pairs.len());
    assert!(count(Breaks::Nobody) >= 20, "{}", count(Breaks::Nobody));
    assert!(count(Breaks::Reader) >= 20, "{}", count(Breaks::Reader));
    assert!(count(Breaks::Writer) >= 20, "{}", count(Breaks::Writer));
    let names: BTreeSet<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
    assert_eq!(names.len(), pairs.len());
}

#[test]
fn each_document_of_the_table_is_openapi() {
    for pair in pairs::all() {
        for document in [&pair.old, &pair.new] {
            let text = serde_json::to_string(document).unwrap();
            assert!(Document::parse(&text).is_ok(), "{}: {:?}", pair.name, Document::parse(&text).err());
        }
    }
}

#[test]
fn the_document_does_not_differ_from_itself() {
    let document = real();
    assert_eq!(compare(&document, &document), []);
    let mut later = document.clone();
    later["info"]["version"] = json!("9.0.0");
    assert_eq!(compare(&document, &later), []);
}

/// The pointers of all values that are neither an object nor a list.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(_) => {
            entries(Some(value))
                .for_each(|(key, inner)| leaves(inner, &format!("{pointer}/{}", escape(key)), found));
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                leaves(inner, &format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer.to_owned()),
    }
}

#[test]
fn every_edit_of_a_value_of_the_document_is_found_by_a_rule_in_both_directions() {
    let document = real();
    let mut places = Vec::new();
    leaves(&document, "", &mut places);
    places.retain(|place| place != "/info/version");
    // An example is compared as a whole, so that one value of each is enough.
    let whole = |place: &String| match place.split_once("/value/") {
        Some((example, _)) if place.contains("/examples/") => example.to_owned(),
        _ => place.clone(),
    };
    places.dedup_by_key(|place| whole(place));
    assert!(places.len() > 800, "{}", places.len());
    for place in places {
        let mut edited = document.clone();
        let value = edited.pointer_mut(&place).unwrap();
        *value = match &*value {
            Value::Bool(value) => json!(!value),
            Value::Number(value) => json!(value.as_f64().unwrap() + 1.0),
            Value::String(value) => json!(format!("{value}x")),
            _ => json!("x"),
        };
        for changes in [compare(&document, &edited), compare(&edited, &document)] {
            assert!(!changes.is_empty(), "{place}");
            assert!(changes.iter().all(|change| change.kind != "other"), "{place}: {}", shown(&changes));
        }
    }
}

#[test]
fn an_edit_of_the_document_breaks_readers_or_writers() {
    let document = real();
    let edited = |pointer: &str, value: Value| {
        let mut edited = document.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        compare(&document, &edited)
    };
    let days = edited("/components/schemas/SetRetentionRequest/properties/days/maximum", json!(30));
    assert_eq!(days.len(), 1, "{}", shown(&days));
    assert_eq!(
        (days[0].breaks, days[0].operations.as_slice()),
        (Breaks::Writer, &["video_set_retention".to_owned()][..])
    );
    // In requests and in responses: recorded once, with all operations.
    let id = edited("/components/schemas/JobId/maxLength", json!(128));
    assert_eq!(id.len(), 1, "{}", shown(&id));
    assert_eq!(id[0].breaks, Breaks::Writer);
    assert!(id[0].operations.len() > 3, "{}", shown(&id));
    let state = edited("/components/schemas/JobState/x-extensible-enum", json!(["queued", "paused"]));
    assert_eq!(verdict(&state), Breaks::Nobody, "{}", shown(&state));
    let job = edited("/components/schemas/VideoJob/required", json!(["job_id"]));
    assert_eq!(verdict(&job), Breaks::Reader, "{}", shown(&job));
}

#[test]
fn a_change_of_a_shared_schema_is_recorded_once() {
    let document = real();
    let mut edited = document.clone();
    edited["components"]["schemas"]["JobId"]["maxLength"] = json!(128);
    // The property refers to the schema, and changes itself.
    edited["components"]["schemas"]["CancelRequest"]["properties"]["job_id"]["description"] =
        json!("The job.");
    let changes = compare(&document, &edited);
    let kinds: Vec<&str> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["maxLength", "documentation"], "{}", shown(&changes));
}
