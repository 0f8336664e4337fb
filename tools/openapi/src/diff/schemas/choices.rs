//! `oneOf`, `anyOf`, `not` and the discriminator.

use serde_json::Value;

use super::View;
use crate::diff::components::schema_name;
use crate::diff::places::At;
use crate::diff::{Breaks, Differ, keys, plain};

impl<'a> Differ<'a> {
    pub(super) fn choices(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        for keyword in ["oneOf", "anyOf"] {
            let (before, after) = (list(old, keyword), list(new, keyword));
            let at = at.key(keyword);
            match (before, after) {
                (Some(before), Some(after)) => self.choice(&at, before, after),
                (None, Some(_)) => {
                    self.record(&at, "choice", at.sides.narrower(), "it must be one of several forms now")
                }
                (Some(_), None) => self.record(
                    &at,
                    "choice",
                    at.sides.wider(),
                    "it need not be one of several forms any more",
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
            self.record(&at.key("not"), "not", breaks, "what it must not be is changed");
        }
        if old.twice != new.twice {
            let text = "a keyword that several parts of `allOf` have is changed";
            self.record(&at.key("allOf"), "all-of", at.sides.other(), text);
        }
        self.discriminator(&at.key("discriminator"), old.get("discriminator"), new.get("discriminator"));
    }

    /// The members of `oneOf` or `anyOf` in any order.
    fn choice(&mut self, at: &At, old: &'a [Value], new: &'a [Value]) {
        let mut come: Vec<&Value> = new.iter().collect();
        let mut gone: Vec<&Value> = old.iter().collect();
        gone.retain(|before| {
            let now = name(before).map(|name| self.renamed.get(name).copied().unwrap_or(name));
            let same = |after: &&Value| after == before || now.is_some() && name(after) == now;
            match come.iter().position(same) {
                Some(index) => {
                    come.remove(index);
                    false
                }
                None => true,
            }
        });
        // Inline members have no name, only a position.
        let inline = |value: &&Value| name(value).is_none();
        while let (Some(before), Some(after)) = (gone.iter().position(inline), come.iter().position(inline)) {
            let (before, after) = (gone.remove(before), come.remove(after));
            let index = new.iter().position(|value| value == after).unwrap_or_default();
            self.schema(&at.key(&index.to_string()), before, after);
        }
        for before in gone {
            self.record(
                at,
                "choice-removed",
                at.sides.narrower(),
                format!("it can no longer be {}", said(before)),
            );
        }
        for after in come {
            self.record(at, "choice-added", at.sides.wider(), format!("it can be {} now", said(after)));
        }
    }

    fn discriminator(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let property = |value: Option<&'a Value>| value.and_then(|value| value.get("propertyName"));
        if property(old) != property(new) {
            let text = format!(
                "the property that tells its forms apart is {} and not {}",
                plain(property(new)),
                plain(property(old))
            );
            self.record(at, "discriminator", at.sides.other(), text);
        }
        let mapping = |value: Option<&'a Value>| value.and_then(|value| value.get("mapping"));
        let (old, new) = (mapping(old), mapping(new));
        for key in keys(old, new) {
            let (before, after) = (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
            if before != after {
                let breaks = if before.is_none() { Breaks::Nobody } else { at.sides.other() };
                let text = format!("`{key}` stands for {} and not {}", plain(after), plain(before));
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

fn said(member: &Value) -> String {
    name(member).map_or("another form".to_owned(), |name| format!("`{name}`"))
}
