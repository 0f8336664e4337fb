//! What the user reads when something went wrong: one line with the reason, and the next command to run.

use std::time::Duration;

use infrai_video::types::VideoJob;
use infrai_video::{BASE_URL_VARIABLE, Error, ErrorKind, WaitError, WaitErrorKind};

use crate::app::App;
use crate::exit::Exit;
use crate::failure_line::Facts;
use crate::text::{clock, count};

/// Why a command ended without success.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    word: &'static str,
    message: String,
    next: Vec<String>,
    facts: Box<Facts>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, word: "error", message: message.into(), next: Vec::new(), facts: Box::default() }
    }

    /// A failure whose reasons were shown already.
    pub(crate) fn shown(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Adds a line that says what to do.
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }

    /// Puts lines in place of those that say what to do.
    pub(crate) fn instead(mut self, steps: Vec<String>) -> Self {
        self.next = steps;
        self
    }

    /// Names the job in the message, for a command on several jobs.
    pub(crate) fn about(mut self, job_id: &str) -> Self {
        if !self.message.contains(job_id) {
            self.message = format!("job {job_id}: {}", self.message);
        }
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What stands before the message, for an end that the user wanted.
    pub(crate) fn with_word(mut self, word: &'static str) -> Self {
        self.word = word;
        self
    }

    /// Adds what is known besides, where it is not known yet.
    pub(crate) fn with_facts(mut self, facts: Facts) -> Self {
        *self.facts = std::mem::take(&mut *self.facts).or(facts);
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn word(&self) -> &'static str {
        self.word
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.next
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl App {
    /// A failed call.
    pub(crate) fn failed(&self, error: &Error) -> Failure {
        let exit = Exit::from(error);
        let message = self.with_options(describe(error));
        let failure = Failure::new(exit, message).with_facts(Facts::from(error));
        let steps = self.steps(exit, error);
        failure.instead(steps)
    }

    /// Puts the option that was typed in place of the field of the API that it sets.
    fn with_options(&self, message: String) -> String {
        let base_url = if self.global.base_url.is_some() { "--base-url" } else { BASE_URL_VARIABLE };
        let of_command = OPTIONS.iter().filter(|(command, ..)| *command == self.name.get());
        let options = of_command.map(|(_, field, option)| (*field, *option)).chain([("base_url", base_url)]);
        options.fold(message, |message, (field, option)| {
            message.replace(&format!("`{field}`"), &format!("`{option}`"))
        })
    }

    /// A failed call about one job.
    pub(crate) fn failed_on(&self, job_id: &str, error: &Error) -> Failure {
        let failure = self.failed(error).with_facts(Facts::of_job(job_id));
        match failure.exit {
            Exit::Other if error.status().is_some() => failure.instead(self.about_job("status", job_id)),
            _ => failure,
        }
    }

    /// A wait that ended without a clip.
    pub(crate) fn not_waited_for(&self, error: &WaitError) -> Failure {
        let exit = Exit::from(error);
        let id = error.job_id();
        let job = error.last_job();
        let failure = match error.kind() {
            WaitErrorKind::TimedOut => self.still_running(id, job, error.elapsed(), error.polls()),
            WaitErrorKind::Failed => {
                let reason = job.map_or_else(|| "failed".to_owned(), has_ended);
                Failure::new(exit, format!("job {id} {reason}"))
                    .next(format!("change the request, and run {} again", self.command("generate")))
            }
            WaitErrorKind::Cancelled => Failure::new(exit, format!("job {id} was cancelled"))
                .next(format!("{}  (if the clip is still wanted)", self.command("generate PROMPT"))),
            WaitErrorKind::Unreachable => {
                let reason =
                    error.poll_error().map_or_else(String::new, |error| format!(": {}", describe(error)));
                Failure::new(
                    exit,
                    format!("job {id} could not be read for too long{reason}; the job goes on"),
                )
                .instead(self.about_job("wait", id))
            }
            _ => match error.poll_error() {
                Some(error) => self.failed_on(id, error),
                None => Failure::new(exit, format!("job {id} could not be read"))
                    .instead(self.about_job("status", id)),
            },
        };
        let read = error.poll_error().map(Facts::from).unwrap_or_default();
        failure.with_facts(Facts::of_job(id).or(read))
    }

    /// A job that was not over at the deadline of a wait.
    pub(crate) fn still_running(
        &self,
        id: &str,
        job: Option<&VideoJob>,
        elapsed: Duration,
        polls: u32,
    ) -> Failure {
        let state = job.map_or_else(|| "on its way".to_owned(), |job| job.state.to_string());
        let (elapsed, polls) = (clock(elapsed), count(polls as usize, "poll"));
        Failure::new(
            Exit::StillRunning,
            format!("job {id} is still {state} after {elapsed} and {polls}; it goes on, and is billed once"),
        )
        .instead(self.about_job("wait", id))
        .with_facts(Facts::of_job(id))
    }

    /// What to run after a failed call.
    fn steps(&self, exit: Exit, error: &Error) -> Vec<String> {
        let again = self.same_command();
        match exit {
            Exit::Authentication => {
                let mut steps = vec!["export INFRAI_API_KEY=ifr_pk_proj_...".to_owned()];
                if cfg!(feature = "sandbox") {
                    steps.push(
                        "infrai-video --sandbox generate \"a city at dusk\"  (needs no key)".to_owned(),
                    );
                }
                steps
            }
            Exit::NotFound if error.operation().is_some_and(|operation| !has_job_id(operation)) => {
                vec![format!(
                    "check that {} is the API's base URL; it does not know this route",
                    self.base_url()
                )]
            }
            Exit::NotFound if self.global.sandbox() => vec![SANDBOX_ENDS.to_owned()],
            Exit::NotFound => vec![self.command("list")],
            Exit::Credit => {
                vec![self.top_up(), format!("open the checkout_url that it answers, then: {again}")]
            }
            Exit::Refused if error.kind() == ErrorKind::Unsupported => {
                vec![self.command("capabilities")]
            }
            Exit::Refused if error.field() == Some("base_url") => {
                vec!["export INFRAI_BASE_URL=https://api.infrai.cc  (or leave it out)".to_owned()]
            }
            Exit::Refused | Exit::Unreachable if is_connection_setup(error) && error.hint().is_some() => {
                vec![format!("{}, then: {again}", error.hint().unwrap_or_default())]
            }
            Exit::Refused => vec![self.help()],
            Exit::Unreachable => vec![format!("check the network and {}, then: {again}", self.base_url())],
            Exit::OutcomeUnknown => {
                let mut steps = check_key_first(error);
                steps.push(format!("{again}  (the same again does no harm)"));
                steps
            }
            Exit::RateLimited => match error.retry_after() {
                Some(pause) => vec![format!("sleep {} && {again}", pause.as_secs_f64().ceil())],
                None => vec![format!("wait a little, then: {again}")],
            },
            // An id that the service gave out and that no request can name.
            Exit::Other if error.field() == Some("job_id") => vec![self.command("list")],
            Exit::Other if error.kind() == ErrorKind::Decode => {
                vec![format!("check that {} is the API's base URL, then: {again} -v", self.base_url())]
            }
            _ => vec![again],
        }
    }

    /// The call that tops the account up.
    pub(crate) fn top_up(&self) -> String {
        format!(
            "curl -X POST {}/v1/account/topup -H \"Authorization: Bearer $INFRAI_API_KEY\"",
            crate::text::quote(&self.base_url())
        )
    }
}

pub(crate) const SANDBOX_ENDS: &str =
    "infrai-video sandbox  (keeps jobs between commands; those of --sandbox end with the command)";

/// What to do where the service does not take the API key.
pub(crate) const CHECK_KEY: &str = "check INFRAI_API_KEY, and set it: export INFRAI_API_KEY=ifr_pk_proj_...";

/// The step before a repetition, where the service did not take the API key.
pub(crate) fn check_key_first(error: &Error) -> Vec<String> {
    (error.kind() == ErrorKind::Authentication).then(|| CHECK_KEY.to_owned()).into_iter().collect()
}

/// The options of commands that set fields of the API.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("generate", "duration_seconds", "--duration"),
    ("generate", "resolution", "--resolution"),
    ("generate", "aspect_ratio", "--aspect-ratio"),
    ("generate", "aspect", "--aspect-ratio"),
    ("generate", "prefer", "--prefer"),
    ("generate", "reference_image_url", "--reference-image-url"),
    ("generate", "idempotency_key", "--idempotency-key"),
    ("list", "limit", "--limit"),
    ("list", "cursor", "--cursor"),
    ("set-retention", "days", "--days"),
];

/// What a job that is over without a clip came to, as in `failed: the vendor refused the prompt`.
pub(crate) fn has_ended(job: &VideoJob) -> String {
    let reason = job.error.as_ref().map_or_else(|| "no reason given".to_owned(), ToString::to_string);
    match job.is_without_clip() {
        true => format!("succeeded without a clip: {reason}"),
        false => format!("{}: {reason}", job.state),
    }
}

/// Whether the service gave the error that code. Codes are compared without ASCII case.
pub(crate) fn has_code(error: &Error, code: &str) -> bool {
    error.code().is_some_and(|given| given.eq_ignore_ascii_case(code))
}

/// What went wrong, in one line: without the name of the operation, which the user did not type.
pub(crate) fn describe(error: &Error) -> String {
    let mut facts = Vec::new();
    facts.extend(error.status().map(|status| format!("status {status}")));
    facts.extend(error.code().map(str::to_owned));
    facts.extend(error.request_id().map(|id| format!("request {id}")));
    if error.attempts() > 1 {
        facts.push(format!("{} attempts", error.attempts()));
    }
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    // Where a command says what to do next, the service's advice to programs would only be in the way.
    let is_covered = matches!(
        error.kind(),
        ErrorKind::Authentication | ErrorKind::InsufficientCredit | ErrorKind::NotFound | ErrorKind::Conflict
    ) || is_connection_setup(error);
    // Hints that name a builder method are for users of the SDK.
    let hint = error.hint().filter(|hint| !is_covered && !hint.contains("`with_"));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}{facts}{hint}", error.message())
}

/// Whether the path of the operation contains a job id, so that a 404 refers to the job.
fn has_job_id(operation: &str) -> bool {
    !matches!(operation, "video_generate" | "video_list" | "video_delete_all" | "video_capabilities")
}

/// Whether no connection was or can be made, so that the hint is about the network settings of this machine.
fn is_connection_setup(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unreachable => true,
        ErrorKind::Config => error.field().is_none(),
        _ => false,
    }
}
