//! What the user reads when something went wrong: one line with the reason, and the next command to run.

use infrai_video::{Error, ErrorKind, WaitError, WaitErrorKind};

use crate::app::App;
use crate::exit::Exit;
use crate::failure_line::Facts;

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
        let failure = Failure::new(exit, describe(error)).with_facts(Facts::from(error));
        let steps = self.steps(exit, error);
        failure.instead(steps)
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
        let (elapsed, polls) =
            (crate::text::clock(error.elapsed()), crate::text::count(error.polls() as usize, "poll"));
        let job = error.last_job();
        let state = job.map_or_else(|| "on its way".to_owned(), |job| job.state.to_string());
        let failure = match error.kind() {
            WaitErrorKind::TimedOut => Failure::new(
                exit,
                format!(
                    "job {id} is still {state} after {elapsed} and {polls}; it goes on, and is billed once"
                ),
            )
            .instead(self.about_job("wait", id)),
            WaitErrorKind::Failed => {
                let reason = job
                    .and_then(|job| job.error.as_ref())
                    .map_or("no reason given".to_owned(), ToString::to_string);
                Failure::new(exit, format!("job {id} {state}: {reason}"))
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
