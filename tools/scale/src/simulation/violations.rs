//! Rules that no run may break.

use std::collections::BTreeMap;

/// Broken rules, with the number of times and the first item of each.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Violations(BTreeMap<String, (u64, u32)>);

impl Violations {
    pub(super) fn add(&mut self, rule: &'static str, item: u32) {
        self.0.entry(rule.to_owned()).or_insert((0, item)).0 += 1;
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rule that was broken most often, and how often; the first in the alphabet among equals.
    pub(crate) fn worst(&self) -> Option<(String, u64)> {
        self.0.iter().rev().map(|(rule, (times, _))| (rule.clone(), *times)).max_by_key(|(_, times)| *times)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(rule, (times, item))| format!("{rule}: {times} times, first item {item}"))
            .collect()
    }
}
