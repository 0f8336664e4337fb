//! What a call and a wait may cost, in counts that are the same on every machine: `tests/counts.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Where the counts are, below the root.
pub const FILE: &str = "tests/counts.toml";

/// How much more than what is written may be counted, as a part of it.
const MORE: f64 = 0.02;

/// The counts that were agreed on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<String, Count>);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: f64,
    /// Why it is what it is: what changed it last.
    reason: String,
}

impl Counts {
    /// Reads the counts of the workspace at `root`.
    ///
    /// # Errors
    /// If they cannot be read, or one has no reason: in words.
    pub fn load(root: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let counts: Self = toml::from_str(text).map_err(|error| format!("{FILE}: {}", error.message()))?;
        match counts.0.iter().find(|(_, count)| count.reason.trim().is_empty()) {
            Some((name, _)) => Err(format!("{FILE}: {name} has no reason")),
            None => Ok(counts),
        }
    }

    /// Holds what was counted against what was agreed on.
    ///
    /// # Errors
    /// If it is over 2 % more, or nothing was agreed on: in words, with what to do.
    pub fn judge(&self, name: &str, counted: f64) -> Result<(), String> {
        let Some(Count { count, reason }) = self.0.get(name) else {
            return Err(format!("{name} is {counted:.1}, and {FILE} does not know it; add it with a reason"));
        };
        if counted <= count * (1.0 + MORE) {
            return Ok(());
        }
        Err(format!(
            "{name} is {counted:.1}, {:.1} % more than the {count:.1} in {FILE} ({reason}); make it less, or write the new \
             count there with a reason",
            (counted / count - 1.0) * 100.0
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_a_hundred_more_are_allowed_and_not_three() {
        let counts = Counts::parse("[requests]\ncount = 100\nreason = \"at first\"\n").unwrap();
        assert_eq!(counts.judge("requests", 102.0), Ok(()));
        assert_eq!(counts.judge("requests", 1.0), Ok(()));
        let error = counts.judge("requests", 103.0).unwrap_err();
        assert!(
            error.starts_with("requests is 103.0, 3.0 % more than the 100.0 in tests/counts.toml (at first)")
        );
        assert!(counts.judge("others", 0.0).unwrap_err().contains("add it with a reason"));
    }

    #[test]
    fn a_count_without_a_reason_is_refused() {
        assert!(
            Counts::parse("[requests]\ncount = 100\nreason = \" \"\n").unwrap_err().contains("no reason")
        );
        assert!(Counts::parse("[requests]\ncount = 100\n").is_err());
    }
}
