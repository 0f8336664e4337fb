//! Parameters of requests, and headers of responses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operations::identity;
use super::places::At;
use super::{Breaks, Differ, flag, plain, text, unannounced};
use openapi_tools::document::Operation;
use openapi_tools::value::follow;

/// A parameter as it is written, and the target of its reference.
#[derive(Clone, Copy, PartialEq)]
struct Given<'a> {
    written: &'a Value,
    value: &'a Value,
}

impl<'a> Differ<'a> {
    pub(super) fn parameters(
        &mut self,
        at: &At,
        old: &Operation<'a>,
        new: &Operation<'a>,
        variables: &BTreeMap<&str, &str>,
    ) {
        let (mut removed, mut added) = (given(self.old, old), given(self.new, new));
        let order = (removed.clone(), added.clone());
        let mut pairs = Vec::new();
        // The strongest match first: the same place and name, then the same component, then the same name elsewhere.
        pair_up(&mut removed, &mut added, &mut pairs, |old, new| {
            let ((old_place, old_name), (new_place, new_name)) = (identity(old.value), identity(new.value));
            let renamed = old_place == "path" && variables.get(old_name.as_str()) == Some(&new_name.as_str());
            old_place == new_place && (old_name == new_name || renamed)
        });
        pair_up(&mut removed, &mut added, &mut pairs, |old, new| {
            old.written.get("$ref").is_some() && old.written == new.written
        });
        pair_up(&mut removed, &mut added, &mut pairs, |old, new| {
            identity(old.value).1 == identity(new.value).1
        });
        let at = at.key("parameters");
        for (before, after) in &pairs {
            // `components` compares a component that both refer to.
            if before.written.get("$ref").is_none() || before.written != after.written {
                let name = text(after.value, "name").unwrap_or_default();
                let renamed = identity(before.value).0 == "path" && identity(after.value).0 == "path";
                self.parameter_of(&at.key(name), before.value, after.value, renamed);
            }
        }
        for before in removed {
            let text = format!("the {} is removed{}", spelled(before.value), unannounced(before.value));
            self.record(&at, "parameter-removed", at.sides.narrower(), text);
        }
        for after in added {
            if flag(after.value, "required") {
                let text = format!("the {} is added and required", spelled(after.value));
                self.record(&at, "parameter-added", at.sides.narrower(), text);
            } else {
                let text = format!("the {} is added and optional", spelled(after.value));
                self.record(&at, "parameter-added", Breaks::Nobody, text);
            }
        }
        self.parameter_order(&at, &pairs, &order.0, &order.1);
    }

    /// The order of the arguments of generated functions.
    fn parameter_order(
        &mut self,
        at: &At,
        pairs: &[(Given<'a>, Given<'a>)],
        old: &[Given<'a>],
        new: &[Given<'a>],
    ) {
        let mut places: Vec<_> = pairs
            .iter()
            .map(|(before, after)| {
                let place = |all: &[Given<'a>], one| all.iter().position(|other| other == one);
                (place(old, before), place(new, after))
            })
            .collect();
        places.sort_unstable();
        if !places.is_sorted_by_key(|(_, after)| *after) {
            let text =
                "the order of its parameters is changed, and so are the arguments of generated functions";
            self.record(at, "parameter-order", at.sides.narrower(), text);
        }
    }

    pub(super) fn parameter(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.parameter_of(at, old, new, false);
    }

    fn parameter_of(&mut self, at: &At, old: &'a Value, new: &'a Value, is_recorded: bool) {
        let names = |value| (identity(value).1, text(value, "name"));
        let ((old_name, before), (new_name, after)) = (names(old), names(new));
        if old_name != new_name && !is_recorded {
            let text = format!(
                "it is renamed from `{}` to `{}`",
                before.unwrap_or_default(),
                after.unwrap_or_default()
            );
            self.record(&at.key("name"), "parameter-name", at.sides.narrower(), text);
        }
        if old_name == new_name && before != after {
            let text = "its name differs only in upper and lower case, which headers ignore";
            self.record(&at.key("name"), "documentation", Breaks::Nobody, text);
        }
        if old.get("in") != new.get("in") {
            let text = format!("it moved from the {} to the {}", plain(old.get("in")), plain(new.get("in")));
            self.record(&at.key("in"), "parameter-in", at.sides.narrower(), text);
        }
        match (flag(old, "required"), flag(new, "required")) {
            (false, true) => self.record(at, "parameter-required", at.sides.narrower(), "it is required now"),
            (true, false) => self.record(at, "parameter-required", Breaks::Nobody, "it is optional now"),
            _ => {}
        }
        self.encoded(at, old, new);
    }

    pub(super) fn header(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        match (flag(old, "required"), flag(new, "required")) {
            (true, false) => self.record(at, "header-required", at.sides.wider(), "it may be missing now"),
            (false, true) => self.record(at, "header-required", Breaks::Nobody, "it is always present now"),
            _ => {}
        }
        self.encoded(at, old, new);
    }

    /// What parameters and headers share: the encoding and the schema.
    fn encoded(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.documentation(at, old, new);
        self.deprecation(at, old, new);
        if (style(old), explode(old)) != (style(new), explode(new)) {
            let described =
                |value| format!("{}{}", style(value), if explode(value) { ", exploded" } else { "" });
            let text = format!("its style changed from {} to {}", described(old), described(new));
            self.record(&at.key("style"), "parameter-style", at.sides.other(), text);
        } else if ["style", "explode"].iter().any(|key| old.get(key) != new.get(key)) {
            let text = "its style is written differently, with the same meaning";
            self.record(&at.key("style"), "documentation", Breaks::Nobody, text);
        }
        for key in ["allowReserved", "allowEmptyValue"] {
            if flag(old, key) != flag(new, key) {
                let breaks = if flag(old, key) { at.sides.narrower() } else { Breaks::Nobody };
                let text = format!("`{key}` is {} now", flag(new, key));
                self.record(&at.key(key), "parameter-characters", breaks, text);
            }
        }
        if old.get("content").is_some() != new.get("content").is_some() {
            let text = "it changed between `schema` and `content`";
            self.record(&at.key("content"), "parameter-content", at.sides.other(), text);
            return;
        }
        self.optional_schema(&at.key("schema"), old.get("schema"), new.get("schema"));
        self.content(at, old.get("content"), new.get("content"));
    }
}

/// Moves parameters that match from both lists to the pairs.
fn pair_up<'a>(
    removed: &mut Vec<Given<'a>>,
    added: &mut Vec<Given<'a>>,
    pairs: &mut Vec<(Given<'a>, Given<'a>)>,
    same: impl Fn(&Given<'a>, &Given<'a>) -> bool,
) {
    removed.retain(|before| match added.iter().position(|after| same(before, after)) {
        Some(index) => {
            pairs.push((*before, added.remove(index)));
            false
        }
        None => true,
    });
}

fn given<'a>(document: &'a Value, operation: &Operation<'a>) -> Vec<Given<'a>> {
    let mut all: Vec<Given<'a>> = Vec::new();
    for (_, written) in operation.parameters() {
        let value = follow(document, written).unwrap_or(written);
        // A parameter of the operation overrides one of the path.
        all.retain(|other| identity(other.value) != identity(value));
        all.push(Given { written, value });
    }
    all
}

fn spelled(parameter: &Value) -> String {
    let place = text(parameter, "in").unwrap_or_default();
    let name = text(parameter, "name").unwrap_or_default();
    match place {
        "header" | "cookie" => format!("{place} `{name}`"),
        _ => format!("{place} parameter `{name}`"),
    }
}

fn style(parameter: &Value) -> &str {
    let usual = match text(parameter, "in") {
        Some("query" | "cookie") => "form",
        _ => "simple",
    };
    text(parameter, "style").unwrap_or(usual)
}

fn explode(parameter: &Value) -> bool {
    parameter.get("explode").and_then(Value::as_bool).unwrap_or(style(parameter) == "form")
}
