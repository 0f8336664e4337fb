//! The place of a change in the document, and who uses that place.

use std::rc::Rc;

use serde_json::Value;

use super::Breaks;
use crate::usage::Sides;
use openapi_tools::value::{entries, escape};

/// A place of the document, and the operations that use it.
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

    /// A place that no operation in particular uses.
    pub(super) fn pointer(pointer: String) -> Self {
        Self { pointer, sides: Rc::default() }
    }

    /// A place that these operations use.
    pub(super) fn new(pointer: String, sides: Sides) -> Self {
        Self { pointer, sides: Rc::new(sides) }
    }

    /// An operation with its requests and its responses.
    pub(super) fn operation(pointer: String, operation: &str) -> Self {
        Self::new(pointer, Sides::both(operation))
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

impl Sides {
    /// Who breaks if fewer values are allowed than before.
    pub(super) fn narrower(&self) -> Breaks {
        Breaks::of(false, !self.requests.is_empty())
    }

    /// Who breaks if more values are allowed than before.
    pub(super) fn wider(&self) -> Breaks {
        Breaks::of(!self.responses.is_empty(), false)
    }

    /// Who breaks if something is removed or gets another meaning.
    pub(super) fn other(&self) -> Breaks {
        self.narrower().and(self.wider())
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
    fn the_first_difference_is_as_deep_as_possible() {
        let (old, new) = (json!({"a": 1, "b": [1, {"c/d": 2}]}), json!({"b": [1, {"c/d": 3}], "a": 1}));
        assert_eq!(first_difference(&old, &new).as_deref(), Some("/b/1/c~1d"));
        assert_eq!(first_difference(&old, &old), None);
        assert_eq!(first_difference(&json!({"a": 1}), &json!({})).as_deref(), Some("/a"));
    }
}
