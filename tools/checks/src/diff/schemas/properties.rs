//! Properties of objects: which are required, and which other ones are allowed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{View, says};
use crate::diff::places::At;
use crate::diff::{Breaks, Differ, unannounced};
use crate::usage::Sides;
use openapi_tools::value::follow;

impl<'a> Differ<'a> {
    pub(super) fn properties(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let here = at.key("properties");
        for (name, before) in &old.properties {
            let at = here.key(name);
            if let Some(after) = new.property(name) {
                self.property(&at, before, after, old.required.contains(name) || new.required.contains(name));
            } else {
                let value = follow(self.old, before).unwrap_or(before);
                let at = at.on(facing(self.old, before, &at.sides));
                let text = format!("the property is removed{}", unannounced(value));
                self.record(&at, "property-removed", at.sides.other(), text);
            }
        }
        for (name, after) in new.properties.iter().filter(|(name, _)| old.property(name).is_none()) {
            let at = here.key(name).on(facing(self.new, after, &at.sides));
            // A reader may validate that a closed object has no other properties.
            let unexpected = if closed(old) { at.sides.wider() } else { Breaks::Nobody };
            if new.required.contains(name) {
                let breaks = at.sides.narrower().and(unexpected);
                self.record(&at, "property-added", breaks, "the property is added and required");
            } else {
                self.record(&at, "property-added", unexpected, "the property is added and optional");
            }
        }
        self.required(at, old, new);
        self.others(&at.key("additionalProperties"), old, new);
    }

    fn property(&mut self, at: &At, old: &'a Value, new: &'a Value, required: bool) {
        match (says(self.old, old, "readOnly"), says(self.new, new, "readOnly")) {
            (false, true) => {
                self.record(
                    at,
                    "read-only",
                    at.sides.narrower(),
                    "it is read-only now: requests no longer contain it",
                );
            }
            (true, false) if required => {
                self.record(
                    at,
                    "read-only",
                    at.sides.narrower(),
                    "it is no longer read-only: requests must contain it",
                );
            }
            (true, false) => self.record(
                at,
                "read-only",
                Breaks::Nobody,
                "it is no longer read-only: requests may contain it",
            ),
            _ => {}
        }
        match (says(self.old, old, "writeOnly"), says(self.new, new, "writeOnly")) {
            (false, true) => {
                self.record(
                    at,
                    "write-only",
                    at.sides.wider(),
                    "it is write-only now: responses no longer contain it",
                );
            }
            (true, false) => self.record(
                at,
                "write-only",
                Breaks::Nobody,
                "it is no longer write-only: responses may contain it",
            ),
            _ => {}
        }
        let at = at.on(facing(self.new, new, &facing(self.old, old, &at.sides)));
        self.schema(&at, old, new);
    }

    fn required(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let at = at.key("properties");
        let names: BTreeSet<&str> = old.required.symmetric_difference(&new.required).copied().collect();
        for name in names {
            let (before, after) = (old.property(name), new.property(name));
            // An added or removed property is recorded above.
            if before.is_some() != after.is_some() {
                continue;
            }
            let sides =
                before.map_or_else(|| (*at.sides).clone(), |value| facing(self.old, value, &at.sides));
            let sides = after.map_or_else(|| sides.clone(), |value| facing(self.new, value, &sides));
            let at = at.key(name).on(sides);
            if new.required.contains(name) {
                self.record(&at, "property-required", at.sides.narrower(), "it is required now");
            } else {
                self.record(&at, "property-optional", at.sides.wider(), "it is no longer required");
            }
        }
    }

    /// `additionalProperties`.
    fn others(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let schema = |view: &View<'a>| view.get("additionalProperties").filter(|value| value.is_object());
        let (narrower, wider) = (at.sides.narrower(), at.sides.wider());
        let kind = "additional-properties";
        match (schema(old), schema(new)) {
            (Some(before), Some(after)) => self.schema(at, before, after),
            (None, Some(_)) if closed(old) => {
                self.record(at, kind, wider, "other properties that match a schema are allowed now")
            }
            (None, Some(_)) => self.record(at, kind, narrower, "other properties must match a schema now"),
            (Some(_), None) if closed(new) => {
                self.record(at, kind, narrower, "other properties are no longer allowed")
            }
            (Some(_), None) => self.record(at, kind, wider, "other properties may have any value now"),
            (None, None) => match (closed(old), closed(new)) {
                (false, true) => self.record(at, kind, narrower, "other properties are no longer allowed"),
                (true, false) => self.record(at, kind, wider, "other properties are allowed now"),
                _ => {}
            },
        }
    }
}

fn closed(view: &View<'_>) -> bool {
    view.get("additionalProperties") == Some(&Value::Bool(false))
}

/// The sides that have the property: a read-only one is in no request, a write-only one in no response.
fn facing(document: &Value, property: &Value, sides: &Sides) -> Sides {
    let mut sides = sides.clone();
    if says(document, property, "readOnly") {
        sides.requests.clear();
    }
    if says(document, property, "writeOnly") {
        sides.responses.clear();
    }
    sides
}
