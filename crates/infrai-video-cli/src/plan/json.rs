//! A plan as JSON: an object on each line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::fields::Fields;
use super::{ParsedLines, PlanError};

/// A line, as errors show it.
const EXAMPLE: &str = "{\"prompt\": \"...\"}";

/// Unlike a map, this keeps repeated members.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a JSON object such as {EXAMPLE}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Fields(members))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// The lines of a plan with their numbers.
pub(super) fn lines(text: &str) -> ParsedLines<'_> {
    if text.trim_start().starts_with('[') {
        let advice = "is a JSON array, and a plan has one object on each line; convert it: jq -c '.[]' FILE";
        return Box::new(std::iter::once((1, Err(advice.into()))));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Box::new(lines.flat_map(|(index, line)| parse(line).into_iter().map(move |fields| (index + 1, fields))))
}

/// The fields of a line, or of each item of a report that `batch run --dry-run --json` printed.
fn parse(line: &str) -> Vec<Result<Fields, PlanError>> {
    let Fields(members) = match serde_json::from_str(line) {
        Ok(object) => object,
        Err(error) => return vec![Err(reason(line, &error).into())],
    };
    match members.iter().find(|(name, _)| name == "items") {
        Some((_, Value::Array(items))) if members.iter().any(|(name, _)| name == "batch") => {
            items.iter().map(of_report_item).collect()
        }
        _ => vec![Ok(Fields(members))],
    }
}

fn of_report_item(item: &Value) -> Result<Fields, PlanError> {
    let Some(request) = item["request"].as_object() else {
        return Err("is a report, and an item in it has no request".into());
    };
    let name = item.get("name").map(|name| ("name".to_owned(), name.clone()));
    let request = request.iter().map(|(name, value)| (name.clone(), value.clone()));
    Ok(Fields(request.chain(name).collect()))
}

/// Why a line is not a JSON object, without its number.
fn reason(line: &str, error: &serde_json::Error) -> String {
    if line.starts_with('\u{feff}') {
        return "starts with a byte order mark (BOM), which only the first line may have; remove it"
            .to_owned();
    }
    if error.is_data() {
        return format!("is not a JSON object; expected {EXAMPLE}");
    }
    if !line.trim_start().starts_with('{') {
        return format!("is not JSON; expected {EXAMPLE}");
    }
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text).replace("EOF while parsing", "it ends inside");
    let column = line.char_indices().take_while(|(index, _)| *index < error.column()).count();
    let advice = if error.is_eof() { "; an object must be on one line" } else { "" };
    format!("is not valid JSON: {text} at column {column}{advice}")
}
