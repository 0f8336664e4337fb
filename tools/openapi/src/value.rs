//! Members, references and pointer keys of JSON values.

use serde_json::Value;

/// The members of an object in order; none if there is no object.
pub fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Writes a key so that it can be a part of a JSON pointer.
#[must_use]
pub fn escape(key: &str) -> String {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1") } else { key.to_owned() }
}

/// Looks up a reference such as `#/components/schemas/VideoJob` inside `document`.
#[must_use]
pub fn resolve<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

/// Follows references inside `document` until a value is not a reference; `None` for a missing target or a circle.
#[must_use]
pub fn follow<'a>(document: &'a Value, value: &'a Value) -> Option<&'a Value> {
    // Longer chains do not occur. The limit ends a circle.
    const LONGEST_CHAIN: usize = 16;
    let mut current = value;
    for _ in 0..LONGEST_CHAIN {
        match current.get("$ref").and_then(Value::as_str) {
            Some(reference) => current = resolve(document, reference)?,
            None => return Some(current),
        }
    }
    None
}

/// Indented JSON with a line break at the end, as in every generated and published file.
#[must_use]
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_in_a_circle_have_no_target() {
        let document = serde_json::json!({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}});
        assert_eq!(follow(&document, &document["a"]), None);
        assert_eq!(resolve(&document, "other.yaml#/a"), None);
    }
}
