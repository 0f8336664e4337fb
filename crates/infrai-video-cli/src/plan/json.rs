//! A plan as JSON: an object on each line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::request::{Members, Request};

/// The members of an object in their order. One that stands twice is there twice, where a map would keep one of the two.
struct Object(Members);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object, such as {\"prompt\": \"a city\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Members::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// The requests of a plan, each with the number of its line.
pub(super) fn requests(text: &str) -> Vec<(usize, Result<Request, String>)> {
    if text.trim_start().starts_with('[') {
        let advice =
            "it is a JSON array, and a plan has one object on each line; `jq -c '.[]'` makes one from it";
        return vec![(1, Err(advice.to_owned()))];
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.flat_map(|(index, line)| parse(line).into_iter().map(move |request| (index + 1, request))).collect()
}

/// The request of a line, or those of a report that `batch run --dry-run --json` printed.
fn parse(line: &str) -> Vec<Result<Request, String>> {
    let Object(members) = match serde_json::from_str(line) {
        Ok(object) => object,
        Err(error) => return vec![Err(reason(line, &error))],
    };
    match members.iter().find(|(name, _)| name == "items") {
        Some((_, Value::Array(items))) if members.iter().any(|(name, _)| name == "batch") => {
            items.iter().map(of_report).collect()
        }
        _ => vec![Request::read(members)],
    }
}

/// What an item of a report asks for.
fn of_report(item: &Value) -> Result<Request, String> {
    let Some(request) = item["request"].as_object() else {
        return Err("it is a report, and an item in it has no `request`".to_owned());
    };
    let name = item.get("name").map(|name| ("name".to_owned(), name.clone()));
    let request = request.iter().map(|(name, value)| (name.clone(), value.clone()));
    Request::read(request.chain(name).collect())
}

/// Why a line is no JSON object. Which line it is, the caller says.
fn reason(line: &str, error: &serde_json::Error) -> String {
    if line.starts_with('\u{feff}') {
        return "it begins with a byte order mark (BOM), which only the first line may; remove it".to_owned();
    }
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    if error.is_data() {
        return text.to_owned();
    }
    let column = line.char_indices().take_while(|(index, _)| *index < error.column()).count();
    let advice = if error.is_eof() { "; an object must be on one line" } else { "" };
    format!("not JSON: {text} (column {column}){advice}")
}
