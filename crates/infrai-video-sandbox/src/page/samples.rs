//! The curl samples of the OpenAPI document.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use crate::model::operation::Operation;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Sample {
    /// The operation id, such as `video_list`.
    id: String,
    summary: String,
    /// With `$INFRAI_BASE_URL`, `$INFRAI_API_KEY` and `$JOB_ID` still in it.
    curl: String,
}

/// The samples, in the order of [`Operation::ALL`].
pub(super) fn samples() -> &'static [Sample] {
    static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
        let contract: Value = serde_json::from_str(include_str!("../contract/video.json"))
            .expect("the contract's JSON is written by a program and read by a test");
        read(&contract)
    });
    &SAMPLES
}

fn read(contract: &Value) -> Vec<Sample> {
    let items =
        Operation::ALL.iter().filter_map(|operation| contract["paths"][operation.route()].as_object());
    items.flat_map(|item| item.values().filter_map(sample)).collect()
}

fn sample(operation: &Value) -> Option<Sample> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let curl = operation["x-codeSamples"].as_array()?.iter().find(|sample| sample["label"] == "curl")?;
    Some(Sample {
        id: text(&operation["operationId"])?,
        summary: text(&operation["summary"])?,
        curl: text(&curl["source"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_of_the_document_has_a_sample() {
        let names: Vec<_> = samples().iter().map(|sample| sample.id.as_str()).collect();
        for name in ["generate", "status", "cancel", "get", "list", "delete", "delete_all"] {
            assert!(names.contains(&format!("video_{name}").as_str()), "{name}");
        }
        assert_eq!((names.len(), names[0]), (10, "video_generate"));
        assert!(samples().iter().all(|sample| sample.curl.starts_with("curl ")));
    }
}
