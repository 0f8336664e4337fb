use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::redact::redact;
use crate::text::one_line;

/// Why a job failed.
///
/// The sources do not define the member's type, so this decodes a text, an object with `code` and `message`, or any other
/// value, and never fails. Secrets are removed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct JobError {
    /// The name of the reason in UPPER_SNAKE case, if there is one. An open vocabulary.
    pub code: Option<String>,
    /// The reason in words; empty if there is none.
    pub message: String,
}

impl JobError {
    /// Whether there is no reason, as with an empty text or object.
    pub fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.trim().is_empty()
    }
}

impl std::fmt::Display for JobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.code, self.message.as_str()) {
            (Some(code), "") => f.write_str(&one_line(code)),
            (Some(code), message) => write!(f, "{} ({})", one_line(message), one_line(code)),
            (None, "") => f.write_str("no reason given"),
            (None, message) => f.write_str(&one_line(message)),
        }
    }
}

impl From<Value> for JobError {
    fn from(value: Value) -> Self {
        let text = |value: &Value| match value {
            Value::Null | Value::Bool(false) => None,
            Value::Array(values) if values.is_empty() => None,
            Value::String(text) => Some(redact(text, None).into_owned()),
            other => Some(redact(&other.to_string(), None).into_owned()),
        };
        match &value {
            Value::Object(members) if members.contains_key("message") || members.contains_key("code") => {
                Self {
                    code: members.get("code").and_then(text),
                    message: members.get("message").and_then(text).unwrap_or_default(),
                }
            }
            Value::Object(members) if members.is_empty() => Self::default(),
            other => Self { code: None, message: text(other).unwrap_or_default() },
        }
    }
}

impl<'de> Deserialize<'de> for JobError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for JobError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(code) = &self.code else { return serializer.serialize_str(&self.message) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", code)?;
        map.serialize_entry("message", &self.message)?;
        map.end()
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for JobError {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JobError".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // The contract gives it no type: any value is read.
        schemars::json_schema!({})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_is_read() {
        for (value, shown) in [
            (json!("the vendor refused the prompt"), "the vendor refused the prompt"),
            (json!({"code": "REJECTED", "message": "no"}), "no (REJECTED)"),
            (json!({"code": "REJECTED"}), "REJECTED"),
            (json!({"code": 7, "message": null}), "7"),
            (json!({}), "no reason given"),
            (json!({"reason": "x"}), r#"{"reason":"x"}"#),
            (json!(["a"]), r#"["a"]"#),
        ] {
            assert_eq!(JobError::from(value).to_string(), shown);
        }
    }

    #[test]
    fn a_member_without_a_reason_is_empty() {
        let empty = [json!(""), json!(" "), json!({}), json!([]), json!(false), json!({"message": ""})];
        for value in empty {
            assert!(JobError::from(value.clone()).is_empty(), "{value}");
        }
        for value in [json!("no"), json!({"code": "NO"}), json!({"reason": "no"}), json!(true)] {
            assert!(!JobError::from(value.clone()).is_empty(), "{value}");
        }
    }
}
