use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// Writes `body` as the contract asks: keys sorted, no spaces, one newline at the end, UTF-8.
///
/// The same value always gives the same bytes, so a body can be stored and sent again as it was.
///
/// # Errors
///
/// Fails where `body` has no JSON form, such as a map whose keys are no strings.
///
/// ```
/// let body = serde_json::json!({"prompt": "a city", "duration_seconds": 5});
/// assert_eq!(infrai_video_client::canonical_json(&body)?, "{\"duration_seconds\":5,\"prompt\":\"a city\"}\n");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn canonical_json(body: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut text = serde_json::to_vec(&Sorted::from(serde_json::to_value(body)?))?;
    text.push(b'\n');
    Ok(text.into())
}

/// A JSON value whose objects are sorted whatever map type `serde_json` was built with.
#[derive(Serialize)]
#[serde(untagged)]
enum Sorted {
    Object(BTreeMap<String, Sorted>),
    Array(Vec<Sorted>),
    Scalar(Value),
}

impl From<Value> for Sorted {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            scalar => Self::Scalar(scalar),
        }
    }
}
