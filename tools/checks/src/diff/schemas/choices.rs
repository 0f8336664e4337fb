//! `oneOf`, `anyOf`, `not` and the discriminator.

use serde_json::Value;

use super::View;
use crate::diff::components::schema_name;
use crate::diff::places::At;
use crate::diff::{Breaks, Differ, changed, keys};

impl<'a> Differ<'a> {
    pub(super) fn choices(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        for keyword in ["oneOf", "anyOf"] {
            let (before, after) = (list(old, keyword), list(new, keyword));
            let at = at.key(keyword);
            match (before, after) {
                (Some(before), Some(after)) => self.choice(&at, before, after),
                (None, Some(_)) => self.record(
                    &at,
                    "choice",
                    at.sides.narrower(),
                    "it must match one of several schemas now",
                ),
                (Some(_), None) => self.record(
                    &at,
                    "choice",
                    at.sides.wider(),
                    "it no longer has to match one of several schemas",
                ),
                (None, None) => {}
            }
        }
        let (before, after) = (old.get("not"), new.get("not"));
        if before != after {
            let breaks = match (before, after) {
                (None, _) => at.sides.narrower(),
                (_, None) => at.sides.wider(),
                _ => at.sides.other(),
            };
            self.record(&at.key("not"), "not", breaks, "`not` is changed");
        }
        if old.twice != new.twice {
            let text = "a keyword that several parts of `allOf` have is changed";
            self.record(&at.key("allOf"), "all-of", at.sides.other(), text);
        }
        self.discriminator(&at.key("discriminator"), old.get("discriminator"), new.get("discriminator"));
    }

    /// The members of `oneOf` or `anyOf` in any order.
    fn choice(&mut self, at: &At, old: &'a [Value], new: &'a [Value]) {
        let mut added: Vec<&Value> = new.iter().collect();
        let mut removed: Vec<&Value> = old.iter().collect();
        removed.retain(|before| {
            let now = name(before).map(|name| self.renamed.get(name).copied().unwrap_or(name));
            let same = |after: &&Value| after == before || now.is_some() && name(after) == now;
            match added.iter().position(same) {
                Some(index) => {
                    added.remove(index);
                    false
                }
                None => true,
            }
        });
        // Inline members have no name, only a position.
        let inline = |value: &&Value| name(value).is_none();
        while let (Some(before), Some(after)) =
            (removed.iter().position(inline), added.iter().position(inline))
        {
            let (before, after) = (removed.remove(before), added.remove(after));
            let index = new.iter().position(|value| value == after).unwrap_or_default();
            self.schema(&at.key(&index.to_string()), before, after);
        }
        for before in removed {
            self.record(
                at,
                "choice-removed",
                at.sides.narrower(),
                format!("it can no longer be {}", described(before)),
            );
        }
        for after in added {
            self.record(at, "choice-added", at.sides.wider(), format!("it can be {} now", described(after)));
        }
    }

    fn discriminator(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let property = |value: Option<&'a Value>| value.and_then(|value| value.get("propertyName"));
        if property(old) != property(new) {
            let text = changed("the property of its discriminator", property(old), property(new));
            self.record(at, "discriminator", at.sides.other(), text);
        }
        let mapping = |value: Option<&'a Value>| value.and_then(|value| value.get("mapping"));
        let (old, new) = (mapping(old), mapping(new));
        for key in keys(old, new) {
            let (before, after) = (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
            if before != after {
                let breaks = if before.is_none() { Breaks::Nobody } else { at.sides.other() };
                let text = changed(&format!("the schema of `{key}`"), before, after);
                self.record(&at.key("mapping").key(key), "discriminator", breaks, text);
            }
        }
    }
}

fn list<'a>(view: &View<'a>, keyword: &str) -> Option<&'a [Value]> {
    view.get(keyword).and_then(Value::as_array).map(Vec::as_slice)
}

/// The name of the schema that a member refers to.
fn name(member: &Value) -> Option<&str> {
    member.get("$ref").and_then(Value::as_str).and_then(schema_name)
}

fn described(member: &Value) -> String {
    name(member).map_or("another schema".to_owned(), |name| format!("`{name}`"))
}
