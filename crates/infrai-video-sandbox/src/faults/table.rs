//! A fault rule as a table of plain values: what TOML holds and what the admin routes show.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::action::Length;
use super::rule::JobMatch;
use super::{Action, Fault, RetryAfter, When};
use crate::operation::Operation;
use crate::store::JobState;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Table {
    action: String,
    operation: Option<String>,
    job: Option<JobId>,
    nth: Option<u64>,
    count: Option<u64>,
    probability: Option<f64>,
    from_seconds: Option<f64>,
    until_seconds: Option<f64>,
    sooner_than_seconds: Option<f64>,
    accepted: bool,
    status: Option<u16>,
    retry_after: Option<Wait>,
    seconds: Option<f64>,
    location: Option<String>,
    code: Option<String>,
    message: Option<String>,
    state: Option<String>,
    states: Option<BTreeMap<JobState, String>>,
    after_bytes: Option<u64>,
    hide_length: bool,
    chunk_bytes: Option<usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum JobId {
    Number(u64),
    Id(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Wait {
    Seconds(u64),
    Date { date_in: u64 },
    Text(String),
}

impl Table {
    /// The rule that a table describes, or what is wrong with it.
    pub(super) fn fault(self) -> Result<Fault, String> {
        let mut fault = Fault::anywhere(self.action()?);
        fault.operation =
            self.operation.map(|name| name.parse::<Operation>()).transpose().map_err(|e| e.to_string())?;
        fault.job = self.job.map(|job| match job {
            JobId::Number(number) => JobMatch::Number(number),
            JobId::Id(id) => JobMatch::Id(id),
        });
        fault.nth = self.nth;
        fault.count = self.count;
        fault.probability = self.probability.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err("probability must lie between 0 and 1".to_owned());
        }
        fault.from = span("from_seconds", self.from_seconds)?;
        fault.until = span("until_seconds", self.until_seconds)?;
        fault.sooner_than = span("sooner_than_seconds", self.sooner_than_seconds)?;
        Ok(fault)
    }

    fn action(&self) -> Result<Action, String> {
        Ok(match self.action.replace('-', "_").as_str() {
            "drop_before" => Action::DropBefore,
            "accept_then_drop" => Action::AcceptThenDrop,
            "status" => Action::Status {
                status: self.status(None)?,
                retry_after: self.retry_after.clone().map(RetryAfter::from),
                when: self.when(),
            },
            "in_flight" => Action::InFlight {
                lasts: self.delay()?.ok_or("in_flight needs seconds, how long the call is in progress")?,
                retry_after: self.retry_after.clone().map(RetryAfter::from),
            },
            "hang" => Action::Hang { delay: self.delay()?, when: self.when() },
            "html" => Action::Html { status: self.status(Some(200))?, when: self.when() },
            "malformed_json" => Action::MalformedJson,
            "cut_json" => Action::CutJson,
            "wrong_content_type" => Action::WrongContentType,
            "redirect" => {
                Action::Redirect { status: self.status(Some(307))?, location: self.location.clone() }
            }
            "fail_job" => Action::FailJob {
                code: self.code.clone().unwrap_or_else(|| "VENDOR_ERROR".to_owned()),
                message: self.message.clone().unwrap_or_else(|| "the vendor could not make it".to_owned()),
            },
            "unknown_state" => match &self.state {
                Some(state) => Action::UnknownState { state: state.clone() },
                None => Action::unknown_state(),
            },
            "rename_states" => Action::RenameStates {
                names: self
                    .states
                    .clone()
                    .ok_or("rename_states needs states, such as states = { succeeded = \"COMPLETED\" }")?,
            },
            "stuck" => Action::Stuck,
            "no_url" => Action::NoUrl,
            "expired_link" => Action::ExpiredLink,
            "expire_at_once" => Action::ExpireAtOnce,
            "expire_midway" => Action::ExpireMidway { after: self.after()? },
            "cursor_loop" => Action::CursorLoop,
            "repeat_item" => Action::RepeatItem,
            "cut" => Action::Cut {
                after: self.after()?,
                length: if self.hide_length { Length::Hidden } else { Length::Announced },
            },
            "reset" => Action::Reset { after: self.after()? },
            "slow_bytes" => Action::SlowBytes {
                chunk: self
                    .chunk_bytes
                    .filter(|chunk| *chunk > 0)
                    .ok_or("slow_bytes needs chunk_bytes above 0")?,
                pause: self.delay()?.ok_or("slow_bytes needs seconds, the pause before each chunk")?,
            },
            "ignore_range" => Action::IgnoreRange,
            "refuse_range" => Action::RefuseRange { status: self.status(Some(416))? },
            "range_from_start" => Action::RangeFromStart,
            "wrong_content_range" => Action::WrongContentRange,
            "change_etag" => Action::ChangeEtag,
            "corrupt_file" => Action::CorruptFile,
            "" => return Err("it has no action: add one such as action = \"accept_then_drop\"".to_owned()),
            other => {
                return Err(format!("{other:?} is no action: use one such as \"accept_then_drop\""));
            }
        })
    }

    fn status(&self, default: Option<u16>) -> Result<u16, String> {
        let status = self.status.or(default).ok_or("it needs a status, such as status = 503")?;
        if (200..=599).contains(&status) {
            Ok(status)
        } else {
            Err("status must lie between 200 and 599".to_owned())
        }
    }

    fn delay(&self) -> Result<Option<Duration>, String> {
        span("seconds", self.seconds)
    }

    fn after(&self) -> Result<u64, String> {
        self.after_bytes.ok_or_else(|| "it needs after_bytes, the number of bytes that arrive".to_owned())
    }

    fn when(&self) -> When {
        if self.accepted { When::AfterAccepting } else { When::BeforeAccepting }
    }
}

fn span(name: &str, seconds: Option<f64>) -> Result<Option<Duration>, String> {
    let span = seconds.map(Duration::try_from_secs_f64).transpose();
    span.map_err(|_| format!("{name} must be a number that is not below 0"))
}

impl From<&Fault> for Table {
    fn from(fault: &Fault) -> Self {
        let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
        Self {
            operation: fault.operation.map(|operation| operation.as_str().to_owned()),
            job: fault.job.as_ref().map(|job| match job {
                JobMatch::Number(number) => JobId::Number(*number),
                JobMatch::Id(id) => JobId::Id(id.clone()),
            }),
            nth: fault.nth,
            count: fault.count,
            probability: Some(fault.probability).filter(|probability| *probability < 1.0),
            from_seconds: seconds(fault.from),
            until_seconds: seconds(fault.until),
            sooner_than_seconds: seconds(fault.sooner_than),
            ..Self::from(&fault.action)
        }
    }
}

impl From<&Action> for Table {
    fn from(action: &Action) -> Self {
        let mut table = Self { action: action.name().to_owned(), ..Self::default() };
        match action {
            Action::Status { status, retry_after, when } => {
                table.status = Some(*status);
                table.retry_after = retry_after.clone().map(Wait::from);
                table.accepted = *when == When::AfterAccepting;
            }
            Action::Hang { delay, when } => {
                table.seconds = delay.map(|delay| delay.as_secs_f64());
                table.accepted = *when == When::AfterAccepting;
            }
            Action::Html { status, when } => {
                table.status = Some(*status);
                table.accepted = *when == When::AfterAccepting;
            }
            Action::Redirect { status, location } => {
                table.status = Some(*status);
                table.location.clone_from(location);
            }
            Action::FailJob { code, message } => {
                table.code = Some(code.clone());
                table.message = Some(message.clone());
            }
            Action::InFlight { lasts, retry_after } => {
                table.seconds = Some(lasts.as_secs_f64());
                table.retry_after = retry_after.clone().map(Wait::from);
            }
            Action::UnknownState { state } => table.state = Some(state.clone()),
            Action::RenameStates { names } => table.states = Some(names.clone()),
            Action::RefuseRange { status } => table.status = Some(*status),
            Action::Cut { after, length } => {
                table.after_bytes = Some(*after);
                table.hide_length = *length == Length::Hidden;
            }
            Action::Reset { after } | Action::ExpireMidway { after } => table.after_bytes = Some(*after),
            Action::SlowBytes { chunk, pause } => {
                table.chunk_bytes = Some(*chunk);
                table.seconds = Some(pause.as_secs_f64());
            }
            _ => {}
        }
        table
    }
}

impl Serialize for Fault {
    /// As a table with the names of the rule file, without what the rule does not say.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = serde_json::to_value(Table::from(self)).map_err(serde::ser::Error::custom)?;
        let said = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        let members = table.as_object().into_iter().flatten().filter(|(_, value)| said(value));
        members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
            .serialize(serializer)
    }
}

impl From<Wait> for RetryAfter {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Seconds(seconds) => Self::Seconds(seconds),
            Wait::Date { date_in } => Self::DateIn(date_in),
            Wait::Text(text) => Self::Text(text),
        }
    }
}

impl From<RetryAfter> for Wait {
    fn from(wait: RetryAfter) -> Self {
        match wait {
            RetryAfter::Seconds(seconds) => Self::Seconds(seconds),
            RetryAfter::DateIn(date_in) => Self::Date { date_in },
            RetryAfter::Text(text) => Self::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_is_shown_as_it_can_be_written() {
        let actions = [
            Action::DropBefore,
            Action::AcceptThenDrop,
            Action::rate_limited(2),
            Action::accept_then_status(503),
            Action::InFlight { lasts: Duration::from_secs(5), retry_after: Some(RetryAfter::Seconds(1)) },
            Action::hang(),
            Action::slow_headers(Duration::from_millis(1500)),
            Action::html(),
            Action::MalformedJson,
            Action::CutJson,
            Action::WrongContentType,
            Action::Redirect { status: 308, location: Some("https://example.com/".to_owned()) },
            Action::FailJob { code: "A".to_owned(), message: "b".to_owned() },
            Action::unknown_state(),
            Action::RenameStates {
                names: BTreeMap::from([
                    (JobState::Running, "Processing".to_owned()),
                    (JobState::Succeeded, "COMPLETED".to_owned()),
                ]),
            },
            Action::Stuck,
            Action::NoUrl,
            Action::ExpiredLink,
            Action::ExpireAtOnce,
            Action::ExpireMidway { after: 9 },
            Action::CursorLoop,
            Action::RepeatItem,
            Action::cut(9),
            Action::Cut { after: 9, length: Length::Hidden },
            Action::Reset { after: 9 },
            Action::SlowBytes { chunk: 9, pause: Duration::from_secs(1) },
            Action::IgnoreRange,
            Action::RefuseRange { status: 403 },
            Action::RangeFromStart,
            Action::WrongContentRange,
            Action::ChangeEtag,
            Action::CorruptFile,
        ];
        for action in actions {
            let fault = Fault::on(Operation::Status, action)
                .for_nth_job(3)
                .nth(2)
                .times(1)
                .with_probability(0.5)
                .from(Duration::from_secs(1))
                .until(Duration::from_secs(2))
                .sooner_than(Duration::from_millis(500));
            let table: Table = serde_json::from_value(json!(fault)).expect("a table");
            assert_eq!(table.fault(), Ok(fault));
        }
    }

    #[test]
    fn what_a_rule_does_not_say_is_not_shown() {
        let fault = Fault::on(Operation::Generate, Action::rate_limited(2));
        let shown = json!({"operation": "generate", "action": "status", "status": 429, "retry_after": 2});
        assert_eq!(json!(fault), shown);
    }
}
