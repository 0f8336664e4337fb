//! Fault rules in TOML and JSON, for sandboxes that are started from other languages.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Fault;
use super::action::Action;
use super::rule::Rule;
use crate::input::{
    Field, Format, Input, InputError, Kind, Node, ReadError, Segment, Wrong, closest, fields_of, shortened,
    variants_of,
};

/// The list of rules in a file.
const FAULT: &str = "fault";
const ACTION: &str = "action";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Rule>,
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
    /// # Ok::<(), infrai_video_sandbox::InputError>(())
    /// ```
    ///
    /// Every rule has an `action`. Its optional conditions are `operation`, `account` (an API key, or the name of its account),
    /// `job` (an id, or n for the nth job), `nth`, `count`, `probability`, `from_seconds` and `until_seconds` (after the first
    /// matching call), and `sooner_than_seconds` (after the previous matching call). The actions are the variants of
    /// [`Action`](crate::Action) in snake case; the README of this crate has a table of their fields.
    ///
    /// With `accepted = true` the call is carried out first.
    ///
    /// # Errors
    /// If the text is not TOML of that form, or a field of a rule is missing or invalid.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, InputError> {
        Self::read(text, Format::Toml)
    }

    /// Reads rules from JSON: a list of objects with the fields of [`Fault::from_toml`], or an object with this list as
    /// `fault`.
    ///
    /// # Errors
    /// If the text is not JSON of that form, or a field of a rule is missing or invalid.
    pub fn from_json(text: &str) -> Result<Vec<Self>, InputError> {
        Self::read(text, Format::Json)
    }

    pub(crate) fn read(text: &str, format: Format) -> Result<Vec<Self>, InputError> {
        let mut input = Input::parse("the fault rules", text, format)?;
        if let Kind::List(_) = input.root.kind {
            let value = std::mem::replace(&mut input.root, Node { line: None, kind: Kind::Null });
            input.root.kind = Kind::Table(vec![Field { name: FAULT.to_owned(), line: None, value }]);
        }
        let file: File = read(input)?;
        check_windows(&file.fault)?;
        Ok(file.fault.into_iter().map(Self).collect())
    }
}

/// Rejects rules that never act because of their times.
pub(super) fn check_windows(rules: &[Rule]) -> Result<(), InputError> {
    let is_empty =
        |rule: &Rule| matches!((rule.from, rule.until), (Some(from), Some(until)) if from >= until);
    match rules.iter().position(is_empty) {
        Some(index) => {
            let wrong = "from_seconds must be below until_seconds: otherwise the rule never acts";
            Err(InputError::new(format!("fault rule {}", index + 1), wrong))
        }
        None => Ok(()),
    }
}

/// Reads a text that may have fault rules.
pub(super) fn read<T: DeserializeOwned>(mut input: Input) -> Result<T, InputError> {
    if let Kind::Table(fields) = &mut input.root.kind {
        for field in fields.iter_mut().filter(|field| field.name == FAULT) {
            if let Kind::List(rules) = &mut field.value.kind {
                rules.iter_mut().for_each(nest);
            }
        }
    }
    T::deserialize(&input.root).map_err(|error| input.rejected(explained(error)))
}

/// Moves the fields of a rule's action into the action, where [`Action`] expects them.
fn nest(rule: &mut Node) {
    let Kind::Table(fields) = &mut rule.kind else { return };
    let conditions = fields_of::<Rule>();
    let (mut kept, of_action): (Vec<_>, Vec<_>) =
        fields.drain(..).partition(|field| conditions.contains(&field.name.as_str()));
    if let Some(Field { value: action, .. }) = kept.iter_mut().find(|field| field.name == ACTION) {
        match &action.kind {
            Kind::Text(name) => {
                let value = Node { line: rule.line, kind: Kind::Table(of_action) };
                action.kind = Kind::Table(vec![Field { name: name.clone(), line: action.line, value }]);
            }
            // Only the name of an action may be written, and not the form that is made of it here.
            Kind::Table(_) => action.kind = Kind::Table(Vec::new()),
            _ => {}
        }
    }
    *fields = kept;
}

/// Adds what a rule or an action has instead.
fn explained(mut error: ReadError) -> ReadError {
    let text = match (&error.wrong, error.path.as_slice()) {
        (Wrong::MissingField(ACTION), _) => {
            let names: Vec<_> = variants_of::<Action>().map(|(name, _)| name).collect();
            format!("it has no action: use one of {}", names.join(", "))
        }
        (Wrong::UnknownField { name, .. }, [Segment::Variant(action), ..]) => no_field(name, action),
        (Wrong::UnknownField { name, .. }, []) if is_in_rules(name) => {
            format!(
                "the field `{}` belongs into a rule, and each rule into the list `{FAULT}`",
                shortened(name)
            )
        }
        _ => return error,
    };
    error.wrong = Wrong::Text(text);
    error
}

fn is_in_rules(name: &str) -> bool {
    fields_of::<Rule>().contains(&name) || variants_of::<Action>().any(|(_, fields)| fields.contains(&name))
}

/// What to say about a field that an action does not have.
fn no_field(name: &str, action: &str) -> String {
    let own = variants_of::<Action>().find(|(other, _)| *other == action).map_or(&[][..], |(_, own)| own);
    let others: Vec<_> = variants_of::<Action>()
        .filter(|(_, fields)| fields.contains(&name))
        .map(|(other, _)| other)
        .collect();
    let conditions = fields_of::<Rule>();
    let hint = match closest(name, own.iter().chain(conditions).copied()) {
        _ if !others.is_empty() => format!("; it belongs to {}.", others.join(", ")),
        Some(meant) => format!(": did you mean `{meant}`?"),
        None => ".".to_owned(),
    };
    let own = if own.is_empty() { "no fields".to_owned() } else { own.join(", ") };
    format!(
        "the action {action} has no field `{}`{hint} {action} has {own}; every rule has {}",
        shortened(name),
        conditions.join(", ")
    )
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

    /// The error of one rule in TOML, whose first field is in line 2.
    fn refused(text: &str) -> String {
        one(text).expect_err("invalid")
    }

    #[test]
    fn an_unknown_name_is_rejected_with_those_that_exist() {
        let wrong = refused("action = 'accept_then_drp'");
        assert!(
            wrong.starts_with(
                "fault rule 1, field action (line 2): `accept_then_drp` does not exist: did you mean `accept_then_drop`? \
                 Use one of drop_before, accept_then_drop, status, "
            ),
            "{wrong}"
        );
        let wrong = refused("action = 'stuck'\noperation = 'extend'");
        assert!(
            wrong.starts_with("fault rule 1, field operation (line 3): `extend` does not exist: use one of generate, status, "),
            "{wrong}"
        );
        assert_eq!(
            refused("action = 'rename_states'\nstates = { suceeded = 'DONE' }"),
            "fault rule 1, field states (line 3): `suceeded` does not exist: did you mean `succeeded`? \
             Use one of queued, running, succeeded, failed, cancelled"
        );
    }

    #[test]
    fn an_unknown_field_is_rejected_with_those_of_the_action() {
        let conditions = "operation, account, job, nth, count, probability, from_seconds, until_seconds, sooner_than_seconds, action";
        assert_eq!(
            refused("action = 'status'\nstatus = 503\nsecnds = 1"),
            format!(
                "fault rule 1 (line 4): the action status has no field `secnds`. status has status, retry_after, accepted; every rule has {conditions}"
            )
        );
        assert_eq!(
            refused("action = 'stuck'\nnht = 1"),
            format!(
                "fault rule 1 (line 3): the action stuck has no field `nht`: did you mean `nth`? stuck has no fields; every rule has {conditions}"
            )
        );
        assert_eq!(
            refused("action = 'html'\nseconds = 1"),
            format!(
                "fault rule 1 (line 3): the action html has no field `seconds`; it belongs to in_flight, hang, slow_bytes. html has status, accepted; every rule has {conditions}"
            )
        );
    }

    #[test]
    fn json_is_read_like_toml() {
        let rule = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
        let json = r#"[{"operation": "generate", "nth": 1, "action": "accept_then_drop"}]"#;
        assert_eq!(Fault::from_json(json), Ok(vec![rule.clone()]));
        assert_eq!(Fault::from_json(&format!("{{\"fault\": {json}}}")), Ok(vec![rule]));
        assert_eq!(Fault::from_json("[]"), Ok(Vec::new()));
        let refused = |text: &str| Fault::from_json(text).expect_err("invalid").to_string();
        assert_eq!(
            refused(r#"[{"action": "stuck"}, {"action": "status", "status": "503"}]"#),
            "fault rule 2, field status: expected a whole number from 0 to 65535, found the text \"503\""
        );
        assert_eq!(
            refused(r#"{"action": "stuck"}"#),
            "the fault rules: the field `action` belongs into a rule, and each rule into the list `fault`"
        );
        assert_eq!(
            refused(r#"{"fault": {"action": "stuck"}}"#),
            "field fault: expected a list, found a single table; write \"fault\": [{...}]"
        );
        assert_eq!(
            refused(r#"{"faults": []}"#),
            "the fault rules: the field `faults` does not exist: did you mean `fault`? Use fault"
        );
        assert!(refused("[{\"action\": }]").starts_with("the fault rules (line 1, column 13): "));
        assert_eq!(refused(r#"["stuck"]"#), "fault rule 1: expected a table, found the text \"stuck\"");
        assert!(refused("5").starts_with("the fault rules: expected a table"), "{}", refused("5"));
    }

    #[test]
    fn one_bracket_instead_of_two_is_explained() {
        assert_eq!(
            Fault::from_toml("[fault]\naction = 'stuck'").expect_err("invalid").to_string(),
            "field fault (line 1): expected a list, found a single table; begin each with [[fault]]"
        );
    }

    #[test]
    fn an_invalid_rule_is_rejected_with_its_number() {
        assert!(
            refused("nth = 1")
                .starts_with("fault rule 1 (line 1): it has no action: use one of drop_before, ")
        );
        assert!(refused("status = 1").starts_with("fault rule 1 (line 1): it has no action: "));
        assert_eq!(
            refused("action = 5"),
            "fault rule 1, field action (line 2): expected text, found the number 5"
        );
        assert_eq!(refused("action = 'cut'"), "fault rule 1 (line 2): the field `after_bytes` is missing");
        assert_eq!(
            refused("action = 'status'\nstatus = 99"),
            "fault rule 1, field status (line 3): 99 must lie between 200 and 599"
        );
        assert_eq!(
            refused("action = 'status'\nstatus = 503\nretry_after = []"),
            "fault rule 1, field retry_after (line 4): expected seconds, a table with date_in, or text for a header"
        );
        let second = Fault::from_toml("[[fault]]\naction = 'stuck'\n\n[[fault]]\naction = 'explode'");
        assert!(second.expect_err("wrong").to_string().starts_with("fault rule 2, field action (line 5): "));
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
