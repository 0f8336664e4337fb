//! Where in the document a change is, and who is concerned there.

use std::rc::Rc;

use serde_json::Value;

use super::usage::Sides;
use crate::contract::{entries, escape};

/// A place of the document, and the operations that it takes part in.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) pointer: String,
    pub(super) sides: Rc<Sides>,
}

impl At {
    /// The document as a whole.
    pub(super) fn document() -> Self {
        Self::pointer(String::new())
    }

    /// A place that concerns no operation in particular.
    pub(super) fn pointer(pointer: String) -> Self {
        Self { pointer, sides: Rc::default() }
    }

    /// A place that takes part in these operations.
    pub(super) fn new(pointer: String, sides: Sides) -> Self {
        Self { pointer, sides: Rc::new(sides) }
    }

    /// An operation, with what it takes and what it answers.
    pub(super) fn call(pointer: String, operation: &str) -> Self {
        Self::new(pointer, Sides::call(operation))
    }

    /// The member `key` of this place.
    pub(super) fn key(&self, key: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escape(key)), sides: Rc::clone(&self.sides) }
    }

    /// The same place in other operations.
    pub(super) fn on(&self, sides: Sides) -> Self {
        Self { pointer: self.pointer.clone(), sides: Rc::new(sides) }
    }
}

/// A JSON pointer as people read it: `POST /v1/video/generate > 200`, `VideoJob > state`.
pub(super) fn words(pointer: &str) -> String {
    const GRAMMAR: [&str; 8] =
        ["properties", "responses", "content", "schema", "schemas", "parameters", "headers", "allOf"];
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let (mut said, rest) = match parts.as_slice() {
        [] => return "document".to_owned(),
        [paths, path, method, rest @ ..] if paths == "paths" && method != "parameters" => {
            (vec![format!("{} {path}", method.to_uppercase())], rest)
        }
        [paths, path, rest @ ..] if paths == "paths" => (vec![path.clone()], rest),
        [components, kind, name, rest @ ..] if components == "components" => match kind.as_str() {
            "schemas" => (vec![name.clone()], rest),
            _ => (vec![format!("{} {name}", singular(kind))], rest),
        },
        all => (Vec::new(), all),
    };
    let mut names = false;
    for part in rest {
        // After a keyword of the grammar comes a name, which may look like a keyword itself.
        let keyword = !names && GRAMMAR.contains(&part.as_str());
        names = keyword && part != "schema" && part != "allOf";
        if !keyword {
            said.push(part.clone());
        }
    }
    said.join(" > ")
}

fn singular(kind: &str) -> &str {
    match kind {
        "requestBodies" => "request body",
        "securitySchemes" => "security scheme",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// The pointer of the first place where two values differ.
pub(super) fn first_difference(old: &Value, new: &Value) -> Option<String> {
    if old == new {
        return None;
    }
    let inner = |key: &str, old: Option<&Value>, new: Option<&Value>| match (old, new) {
        (Some(old), Some(new)) => first_difference(old, new).map(|rest| format!("/{}{rest}", escape(key))),
        (None, None) => None,
        _ => Some(format!("/{}", escape(key))),
    };
    let found = match (old, new) {
        (Value::Object(_), Value::Object(_)) => {
            let mut keys = entries(Some(old)).chain(entries(Some(new))).map(|(key, _)| key);
            keys.find_map(|key| inner(key, old.get(key), new.get(key)))
        }
        (Value::Array(before), Value::Array(after)) => (0..before.len().max(after.len()))
            .find_map(|index| inner(&index.to_string(), before.get(index), after.get(index))),
        _ => None,
    };
    Some(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_given_in_words() {
        assert_eq!(words("/paths/~1v1~1list/get/responses/200"), "GET /v1/list > 200");
        assert_eq!(
            words("/components/schemas/Job/properties/properties/minimum"),
            "Job > properties > minimum"
        );
        assert_eq!(words("/components/parameters/Limit/schema"), "parameter Limit");
        assert_eq!(words("/info/title"), "info > title");
        assert_eq!(words(""), "document");
    }

    #[test]
    fn the_first_difference_is_as_deep_as_can_be() {
        let (old, new) = (json!({"a": 1, "b": [1, {"c/d": 2}]}), json!({"b": [1, {"c/d": 3}], "a": 1}));
        assert_eq!(first_difference(&old, &new).as_deref(), Some("/b/1/c~1d"));
        assert_eq!(first_difference(&old, &old), None);
        assert_eq!(first_difference(&json!({"a": 1}), &json!({})).as_deref(), Some("/a"));
    }
}
