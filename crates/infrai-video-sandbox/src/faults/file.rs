//! Fault rules in TOML, for sandboxes that are started from other languages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::Fault;
use super::rule::TableError;
use crate::model::toml_text;

/// Why a file of fault rules is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The text is not TOML of the right shape.
    #[error("the fault rules cannot be read: {0}; each rule is a [[fault]] table")]
    Shape(String),
    /// A rule is invalid.
    #[error("fault rule {number} (line {line}): {wrong}")]
    Rule {
        /// Which rule of the file, counted from 1.
        number: usize,
        /// The line in which it starts, counted from 1.
        line: usize,
        /// What is wrong, and what would be right.
        wrong: String,
    },
}

/// A rule in a file, with the places of its keys.
pub(super) type RuleTable = Spanned<BTreeMap<Spanned<String>, Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<RuleTable>,
}

impl Fault {
    /// Reads rules from TOML.
    ///
    /// ```
    /// use infrai_video_sandbox::Fault;
    ///
    /// let faults = Fault::from_toml(r#"
    ///     ## The response to the first generate is lost after the job was accepted.
    ///     [[fault]]
    ///     operation = "generate"
    ///     nth = 1
    ///     action = "accept_then_drop"
    ///
    ///     ## About every third poll gets 429 and is asked to wait two seconds.
    ///     [[fault]]
    ///     operation = "status"
    ///     probability = 0.3
    ///     action = "status"
    ///     status = 429
    ///     retry_after = 2
    /// "#)?;
    /// assert_eq!(faults.len(), 2);
    /// # Ok::<(), infrai_video_sandbox::FaultError>(())
    /// ```
    ///
    /// Every rule has an `action`. Its optional conditions are `operation`, `job` (an id, or n for the nth job), `nth`,
    /// `count`, `probability`, `from_seconds` and `until_seconds` (after the first matching call), and
    /// `sooner_than_seconds` (after the previous matching call). The actions are the variants of [`Action`](crate::Action) in
    /// snake case; the README of this crate has a table of their fields.
    ///
    /// With `accepted = true` the call is carried out first.
    ///
    /// # Errors
    /// If the text is not TOML of that form, or a field of a rule is missing or invalid.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, FaultError> {
        let file: File = toml_text::read(text).map_err(FaultError::Shape)?;
        rules(file.fault, text)
    }
}

/// Reads the rules of a text from its tables.
pub(super) fn rules(tables: Vec<RuleTable>, text: &str) -> Result<Vec<Fault>, FaultError> {
    let rule = |(index, table): (usize, RuleTable)| {
        let line = toml_text::line_at(text, table.span().start);
        let table = table.into_inner();
        let values = table.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect();
        Fault::from_table(values).map_err(|error| match error {
            TableError::Invalid(wrong) => FaultError::Rule { number: index + 1, line, wrong },
            TableError::UnknownField(name) => {
                let key = table.keys().find(|key| *key.get_ref() == name);
                let line = key.map_or(line, |key| toml_text::line_at(text, key.span().start));
                FaultError::Shape(format!("line {line}: unknown field `{name}`"))
            }
        })
    };
    tables.into_iter().enumerate().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::rule::Rule;
    use super::super::{Action, Length, RetryAfter};
    use super::*;
    use crate::model::operation::Operation;

    fn one(text: &str) -> Result<Fault, String> {
        let mut faults = Fault::from_toml(&format!("[[fault]]\n{text}")).map_err(|e| e.to_string())?;
        Ok(faults.remove(0))
    }

    #[test]
    fn a_rule_reads_as_the_builder_writes_it() {
        assert_eq!(
            one("action = 'accept-then-drop'\noperation = 'generate'\nnth = 1"),
            Ok(Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1))
        );
        assert_eq!(
            one("action = 'status'\nstatus = 429\nretry_after = 2\njob = 3\ncount = 2"),
            Ok(Fault::anywhere(Action::rate_limited(2)).for_nth_job(3).times(2))
        );
        assert_eq!(
            one("action = 'cut'\nafter_bytes = 9\nhide_length = true\nprobability = 0.5"),
            Ok(Fault::anywhere(Action::Cut { after: 9, length: Length::Hidden }).with_probability(0.5))
        );
        assert_eq!(
            one("action = 'hang'\naccepted = true\njob = 'vj_1'"),
            Ok(Fault::anywhere(Action::accept_then_hang()).for_job("vj_1"))
        );
        assert_eq!(
            one("action = 'drop-before'\nfrom_seconds = 1\nuntil_seconds = 2.5\nsooner_than_seconds = 3"),
            Ok(Fault::anywhere(Action::DropBefore)
                .from(Duration::from_secs(1))
                .until(Duration::from_millis(2500))
                .sooner_than(Duration::from_secs(3)))
        );
    }

    #[test]
    fn each_form_of_retry_after_can_be_written() {
        let retry = |text: &str| match one(&format!("action='status'\nstatus=503\nretry_after={text}")) {
            Ok(Fault(Rule { action: Action::Status { retry_after, .. }, .. })) => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!(retry("3"), Some(RetryAfter::Seconds(3)));
        assert_eq!(retry("{ date_in = 3 }"), Some(RetryAfter::DateIn(3)));
        assert_eq!(retry("'soon'"), Some(RetryAfter::Text("soon".to_owned())));
    }

    #[test]
    fn an_unknown_field_is_rejected_with_its_line() {
        assert_eq!(
            one("action = 'stuck'\ncolour = 'red'")
                .map_err(|e| e.starts_with("the fault rules cannot be read: line 3: ")),
            Err(true)
        );
    }

    #[test]
    fn an_invalid_rule_is_rejected_with_its_number() {
        assert_eq!(
            one("nth = 1"),
            Err("fault rule 1 (line 1): it has no action: add one such as action = \"accept_then_drop\""
                .to_owned())
        );
        let second = Fault::from_toml("[[fault]]\naction = 'stuck'\n\n[[fault]]\naction = 'explode'");
        assert!(second.expect_err("wrong").to_string().starts_with("fault rule 2 (line 4): "));
        for wrong in [
            "action = 'explode'",
            "action = 'status'",
            "action = 'status'\nstatus = 99",
            "action = 'cut'",
            "action = 'stuck'\noperation = 'extend'",
            "action = 'stuck'\nprobability = 2",
            "action = 'stuck'\ncolour = 'red'",
            "action = 'hang'\nseconds = -1",
            "action = 'stuck'\nfrom_seconds = -1",
            "action = 'expire_midway'",
            "action = 'in_flight'",
            "action = 'rename_states'",
            "action = 'rename_states'\nstates = { finished = 'DONE' }",
            "action = 'refuse_range'\nstatus = 600",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }
}
