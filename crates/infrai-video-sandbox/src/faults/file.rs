//! Fault rules in TOML, for sandboxes that are started from other languages.

use std::time::Duration;

use serde::Deserialize;

use super::action::Length;
use super::{Action, Fault, JobMatch, RetryAfter, When};
use crate::operation::Operation;
use crate::settings;

/// A file of fault rules that can not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The text is not TOML of the right shape.
    #[error("the fault rules can not be read: {0}; each rule is a [[fault]] table")]
    Shape(String),
    /// A rule makes no sense.
    #[error("fault rule {number}: {wrong}")]
    Rule {
        /// Which rule of the file, counted from 1.
        number: usize,
        /// What is wrong, and what would be right.
        wrong: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Table>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    action: String,
    operation: Option<String>,
    job: Option<JobId>,
    nth: Option<u64>,
    count: Option<u64>,
    probability: Option<f64>,
    accepted: bool,
    status: Option<u16>,
    retry_after: Option<Wait>,
    seconds: Option<f64>,
    location: Option<String>,
    code: Option<String>,
    message: Option<String>,
    state: Option<String>,
    after_bytes: Option<u64>,
    hide_length: bool,
    chunk_bytes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JobId {
    Number(u64),
    Id(String),
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Wait {
    Seconds(u64),
    Date { date_in: u64 },
    Text(String),
}

impl Fault {
    /// Reads rules from TOML.
    ///
    /// ```
    /// use infrai_video_sandbox::Fault;
    ///
    /// let faults = Fault::from_toml(r#"
    ///     ## The answer to the first generate is lost after the job was accepted.
    ///     [[fault]]
    ///     operation = "generate"
    ///     nth = 1
    ///     action = "accept_then_drop"
    ///
    ///     ## About every third poll is told to come back in two seconds.
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
    /// Every rule has an `action`, and may have `operation`, `job` (an id, or n for the nth job), `nth`, `count` and
    /// `probability`. The actions and what else they take:
    ///
    /// | action | takes |
    /// |---|---|
    /// | `drop_before`, `accept_then_drop` | |
    /// | `status` | `status`, `retry_after` (seconds, `{ date_in = seconds }`, or any text), `accepted` |
    /// | `hang` | `seconds` (for ever if absent), `accepted` |
    /// | `html` | `status` (200), `accepted` |
    /// | `malformed_json`, `cut_json`, `wrong_content_type` | |
    /// | `redirect` | `status` (307), `location` (the file host if absent) |
    /// | `fail_job` | `code`, `message` |
    /// | `unknown_state` | `state` |
    /// | `stuck`, `no_url`, `expired_link`, `cursor_loop`, `repeat_item` | |
    /// | `cut` | `after_bytes`, `hide_length` |
    /// | `reset` | `after_bytes` |
    /// | `slow_bytes` | `chunk_bytes`, `seconds` before each chunk |
    /// | `ignore_range`, `wrong_content_range`, `change_etag`, `corrupt_file` | |
    ///
    /// `accepted = true` carries the call out first.
    ///
    /// # Errors
    /// If the text is not TOML of that form, or a rule lacks what its action takes.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, FaultError> {
        let file: File = settings::read(text).map_err(FaultError::Shape)?;
        file.fault
            .into_iter()
            .enumerate()
            .map(|(place, table)| {
                table.fault().map_err(|wrong| FaultError::Rule { number: place + 1, wrong })
            })
            .collect()
    }
}

impl Table {
    fn fault(self) -> Result<Fault, String> {
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
            "stuck" => Action::Stuck,
            "no_url" => Action::NoUrl,
            "expired_link" => Action::ExpiredLink,
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
        let delay = self.seconds.map(Duration::try_from_secs_f64).transpose();
        delay.map_err(|_| "seconds must be a number that is not below 0".to_owned())
    }

    fn after(&self) -> Result<u64, String> {
        self.after_bytes.ok_or_else(|| "it needs after_bytes, the number of bytes that arrive".to_owned())
    }

    fn when(&self) -> When {
        if self.accepted { When::AfterAccepting } else { When::BeforeAccepting }
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

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn each_form_of_retry_after_can_be_written() {
        let retry = |text: &str| match one(&format!("action='status'\nstatus=503\nretry_after={text}")) {
            Ok(Fault { action: Action::Status { retry_after, .. }, .. }) => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!(retry("3"), Some(RetryAfter::Seconds(3)));
        assert_eq!(retry("{ date_in = 3 }"), Some(RetryAfter::DateIn(3)));
        assert_eq!(retry("'soon'"), Some(RetryAfter::Text("soon".to_owned())));
    }

    #[test]
    fn text_of_another_shape_is_refused_with_its_line() {
        assert_eq!(
            one("action = 'stuck'\ncolour = 'red'")
                .map_err(|e| e.starts_with("the fault rules can not be read: line 3: ")),
            Err(true)
        );
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_with_its_number() {
        assert_eq!(
            one("nth = 1"),
            Err("fault rule 1: it has no action: add one such as action = \"accept_then_drop\"".to_owned())
        );
        for wrong in [
            "action = 'explode'",
            "action = 'status'",
            "action = 'status'\nstatus = 99",
            "action = 'cut'",
            "action = 'stuck'\noperation = 'extend'",
            "action = 'stuck'\nprobability = 2",
            "action = 'stuck'\ncolour = 'red'",
            "action = 'hang'\nseconds = -1",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }
}
