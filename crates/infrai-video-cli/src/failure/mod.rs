//! Failures as users see them: one line with the reason, then what to do next.

pub(crate) mod advice;
mod explain;
mod invocation;
mod json_line;
mod setback;
pub(crate) mod usage;

use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind};

pub(crate) use self::invocation::Invocation;
use self::invocation::without_ticks;
pub(crate) use self::json_line::{Facts, FailureLine};
pub(crate) use self::setback::{Outage, Setback};
use crate::exit_code::Exit;

/// Why a command was not successful.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    label: &'static str,
    message: String,
    next: Vec<String>,
    facts: Box<Facts>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, label: "error", message: message.into(), next: Vec::new(), facts: Box::default() }
    }

    /// A failure whose reasons have been printed already.
    pub(crate) fn printed(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Adds a line that says what to do next.
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }

    /// Replaces the lines that say what to do next.
    pub(crate) fn with_next(mut self, steps: Vec<String>) -> Self {
        self.next = steps;
        self
    }

    /// Names the job in the message, for commands that take several jobs.
    pub(crate) fn naming_job(mut self, job_id: &str) -> Self {
        if !self.message.contains(job_id) {
            self.message = format!("job {job_id}: {}", self.message);
        }
        self
    }

    /// Names settings instead of options, where the configuration has the values.
    pub(crate) fn naming_settings(mut self, invocation: &Invocation) -> Self {
        self.message = invocation.with_settings_named(&self.message);
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Replaces the label `error`, for outcomes that the user chose.
    pub(crate) fn with_label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// Adds facts. Facts that are known already are kept.
    pub(crate) fn with_facts(mut self, facts: Facts) -> Self {
        *self.facts = std::mem::take(&mut *self.facts).or(facts);
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn label(&self) -> &'static str {
        self.label
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.next
    }
}

/// The outcome of a job that finished without a clip, such as `failed: the vendor refused the prompt`.
pub(crate) fn job_outcome(job: &VideoJob) -> String {
    let reason = job.error.as_ref().map_or_else(|| "no reason given".to_owned(), ToString::to_string);
    match job.is_without_clip() {
        true => format!("succeeded without a clip: {reason}"),
        false => format!("{}: {reason}", job.state),
    }
}

/// Whether the service returned this error code. Codes are compared without ASCII case.
pub(crate) fn has_code(error: &Error, code: &str) -> bool {
    error.code().is_some_and(|actual| actual.eq_ignore_ascii_case(code))
}

/// The error in one line, without the name of the operation, which the user did not type.
pub(crate) fn describe(error: &Error) -> String {
    without_ticks(&describe_with_ticks(error))
}

/// The same, with backticks around the fields of the API.
fn describe_with_ticks(error: &Error) -> String {
    let mut facts = Vec::new();
    facts.extend(error.status().map(|status| format!("status {status}")));
    facts.extend(error.code().map(str::to_owned));
    facts.extend(error.request_id().map(|id| format!("request {id}")));
    if error.attempts() > 1 {
        facts.push(format!("{} attempts", error.attempts()));
    }
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    // The command's own advice replaces the hint for these kinds.
    let has_advice = matches!(
        error.kind(),
        ErrorKind::Authentication
            | ErrorKind::InsufficientCredit
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::RateLimited
    ) || is_connection_setup(error)
        || Exit::from(error) == Exit::Authentication;
    // Hints that name a builder method are for users of the SDK.
    let hint = error.hint().filter(|hint| !has_advice && !hint.contains("`with_"));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}{facts}{hint}", error.message())
}

/// Whether the connection could not be set up, so that the hint is about the network settings of this machine.
fn is_connection_setup(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unreachable => true,
        ErrorKind::Config => error.field().is_none(),
        _ => false,
    }
}
