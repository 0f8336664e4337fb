//! Every example of the document decodes into its Rust type, and back into what it was.

use contract_tests::contract;
use infrai_video_client::{AspectRatio, Envelope, JobState, Preference, Resolution, types};
use openapi_tools::Document;
use openapi_tools::value::entries;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[test]
fn every_example_decodes_and_encodes_to_the_same_meaning() {
    let contract = contract();
    let mut seen = 0;
    for (schema, place, example) in examples(&contract) {
        let back = round_trip(&schema, &example).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(without_nulls(back), without_nulls(example), "{place}");
        seen += 1;
    }
    assert!(seen > 100, "only {seen} examples were found");
}

fn round_trip(schema: &str, example: &Value) -> serde_json::Result<Value> {
    fn through<T: DeserializeOwned + Serialize>(example: &Value) -> serde_json::Result<Value> {
        let text = serde_json::to_string(example)?;
        serde_json::to_value(serde_json::from_str::<T>(&text)?)
    }
    match schema {
        "VideoJobEnvelope" => through::<Envelope<types::VideoJob>>(example),
        "VideoJobDetailEnvelope" => through::<Envelope<types::VideoJobDetail>>(example),
        "VideoJobPageEnvelope" => through::<Envelope<types::VideoJobPage>>(example),
        "AcknowledgementEnvelope" => through::<Envelope<types::Acknowledgement>>(example),
        "DeleteAllResultEnvelope" => through::<Envelope<types::DeleteAllResult>>(example),
        "DownloadLinkEnvelope" => through::<Envelope<types::DownloadLink>>(example),
        "RetentionEnvelope" => through::<Envelope<types::Retention>>(example),
        "VideoCapabilitiesEnvelope" => through::<Envelope<types::VideoCapabilities>>(example),
        "ErrorEnvelope" => through::<types::ErrorEnvelope>(example),
        "ErrorDetail" => through::<types::ErrorDetail>(example),
        "Metadata" => through::<types::Metadata>(example),
        "VideoJob" => through::<types::VideoJob>(example),
        "VideoJobDetail" => through::<types::VideoJobDetail>(example),
        "VideoJobPage" => through::<types::VideoJobPage>(example),
        "Acknowledgement" => through::<types::Acknowledgement>(example),
        "DeleteAllResult" => through::<types::DeleteAllResult>(example),
        "DownloadLink" => through::<types::DownloadLink>(example),
        "Retention" => through::<types::Retention>(example),
        "VideoCapabilities" => through::<types::VideoCapabilities>(example),
        "VendorCapabilities" => through::<types::VendorCapabilities>(example),
        "GenerateRequest" => through::<types::GenerateRequest>(example),
        "CancelRequest" => through::<types::CancelRequest>(example),
        "SetRetentionRequest" => through::<types::SetRetentionRequest>(example),
        "JobState" => through::<JobState>(example),
        "AspectRatio" => through::<AspectRatio>(example),
        "Resolution" | "ReportedResolution" => through::<Resolution>(example),
        "Preference" => through::<Preference>(example),
        "JobId" | "IdempotencyKey" | "Cursor" => through::<String>(example),
        "PageLimit" => through::<u32>(example),
        "NoData" | "NoError" | "DeleteAllRequest" => through::<serde_json::Map<String, Value>>(example),
        other => {
            panic!("tests/contract/examples.rs has no type for the schema {other}; add it to `round_trip`")
        }
    }
}

/// Every example with the name of its schema and its place.
fn examples(contract: &Document) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (name, schema) in contract.components("schemas") {
        if let Some(example) = schema.get("example") {
            found.push((name.to_owned(), format!("schema {name}"), example.clone()));
        }
    }
    for operation in contract.operations() {
        let id = operation.id().unwrap();
        let body = operation.value.get("requestBody").map(|body| (format!("{id} request"), body));
        let responses = operation.responses().map(|(status, response)| (format!("{id} {status}"), response));
        for (place, holder) in body.into_iter().chain(responses) {
            let media = &contract.follow(holder).unwrap()["content"]["application/json"];
            let schema = media["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            for (name, example) in entries(media.get("examples")) {
                let example = contract.follow(example).unwrap()["value"].clone();
                found.push((schema.to_owned(), format!("{place}, example {name}"), example));
            }
        }
    }
    found
}

/// Absent and null mean the same in this contract, and so do an absent and an empty metadata.
pub(crate) fn without_nulls(value: Value) -> Value {
    let says_nothing = |(key, value): &(String, Value)| match value {
        Value::Null => true,
        Value::Object(members) => key == "metadata" && members.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, without_nulls(value)));
            Value::Object(members.filter(|member| !says_nothing(member)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        // 5 and 5.0 are one number in JSON.
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        other => other,
    }
}
