//! Which operations send a component, and which answer with it: that decides whom a change of it breaks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Breaks;
use crate::contract::{Operation, entries, operations, resolve};
use crate::lint::{holds_names, is_opaque};

/// The operations that a place takes part in, by their `operationId`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sides {
    /// Those whose requests have it.
    pub(super) requests: BTreeSet<String>,
    /// Those whose answers have it.
    pub(super) answers: BTreeSet<String>,
}

impl Sides {
    pub(super) fn request(operation: &str) -> Self {
        Self { requests: BTreeSet::from([operation.to_owned()]), ..Self::default() }
    }

    pub(super) fn answer(operation: &str) -> Self {
        Self { answers: BTreeSet::from([operation.to_owned()]), ..Self::default() }
    }

    pub(super) fn call(operation: &str) -> Self {
        Self { requests: BTreeSet::from([operation.to_owned()]), ..Self::answer(operation) }
    }

    /// Whom it breaks if fewer values are allowed than before.
    pub(super) fn narrower(&self) -> Breaks {
        Breaks::of(false, !self.requests.is_empty())
    }

    /// Whom it breaks if more values are allowed than before.
    pub(super) fn wider(&self) -> Breaks {
        Breaks::of(!self.answers.is_empty(), false)
    }

    /// Whom it breaks if something is gone, or means another thing.
    pub(super) fn other(&self) -> Breaks {
        self.narrower().and(self.wider())
    }

    pub(super) fn operations(&self) -> Vec<String> {
        self.requests.union(&self.answers).cloned().collect()
    }

    /// Those of both documents: who has the place in one of them alone has no old form to rely on, or no new one.
    fn shared(&self, new: &Self) -> Self {
        let side = |old: &BTreeSet<String>, new: &BTreeSet<String>| {
            let both: BTreeSet<String> = old.intersection(new).cloned().collect();
            // Operations that were all renamed are still operations.
            if both.is_empty() && !old.is_empty() { new.clone() } else { both }
        };
        Self { requests: side(&self.requests, &new.requests), answers: side(&self.answers, &new.answers) }
    }
}

/// The sides of each component of a document, by its JSON pointer.
#[derive(Debug, Default)]
pub(super) struct Usage(BTreeMap<String, Sides>);

impl Usage {
    pub(super) fn of(document: &Value) -> Self {
        let mut usage = Self::default();
        for operation in operations(document) {
            let name = label(&operation);
            let requests = operation.parameters().map(|(_, value)| value);
            for value in requests.chain(operation.value.get("requestBody")) {
                usage.visit(document, value, &Sides::request(&name), false);
            }
            for (_, value) in operation.responses() {
                usage.visit(document, value, &Sides::answer(&name), false);
            }
        }
        usage
    }

    /// The sides of the component at `pointer`.
    pub(super) fn at(&self, pointer: &str) -> Sides {
        self.0.get(pointer).cloned().unwrap_or_default()
    }

    /// The sides of a component that is in both documents.
    pub(super) fn shared(&self, pointer: &str, new: &Self, new_pointer: &str) -> Sides {
        self.at(pointer).shared(&new.at(new_pointer))
    }

    /// `names` says that the keys of `value` are chosen by the author, so that `default` is no keyword there.
    fn visit(&mut self, document: &Value, value: &Value, sides: &Sides, names: bool) {
        if let Some(items) = value.as_array() {
            items.iter().for_each(|item| self.visit(document, item, sides, false));
        }
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let known = self.0.entry(reference.trim_start_matches('#').to_owned()).or_default();
            let before = known.clone();
            known.requests.extend(sides.requests.iter().cloned());
            known.answers.extend(sides.answers.iter().cloned());
            if *known != before
                && let Some(target) = resolve(document, reference)
            {
                self.visit(document, target, sides, false);
            }
        }
        for (key, inner) in entries(Some(value)).filter(|(key, _)| names || !is_opaque(key)) {
            self.visit(document, inner, sides, !names && holds_names(key));
        }
    }
}

/// What an operation is called in a report.
pub(super) fn label(operation: &Operation<'_>) -> String {
    let unnamed = || format!("{} {}", operation.method.to_uppercase(), operation.path);
    operation.id().map_or_else(unnamed, str::to_owned)
}
