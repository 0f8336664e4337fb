//! What to do next: the lines below a failure, for each kind of failure.

use infrai_video::types::VideoJob;
use infrai_video::{DEFAULT_BASE_URL, Error, ErrorKind, IdempotencyKey, JobId, JobState};

use super::{Invocation, Outage, Setback, is_connection_setup};
use crate::args::GenerateArgs;
use crate::config::{KeyKind, KeySource};
use crate::exit_code::Exit;
use crate::ledger::{Item, LEDGER_VARIABLE, LedgerError, Location, STATE_VARIABLE};
use crate::spending::Remedy;
use crate::text::{operands, option, quote};

pub(crate) const SANDBOX_ENDS: &str =
    "infrai-video sandbox  (keeps jobs between commands; those of --sandbox end with the command)";

/// Sets the API key that the command uses.
fn set_api_key(invocation: &Invocation) -> String {
    match invocation.key_source() {
        Some(KeySource { kind: KeyKind::Command(_), place }) => format!("change key_command ({place})"),
        _ => format!("export {}=ifr_pk_proj_...", invocation.key_variable()),
    }
}

/// Where the service rejects the API key.
fn check_key(invocation: &Invocation) -> String {
    match invocation.key_source() {
        Some(KeySource { kind: KeyKind::Command(_), place }) => {
            format!("check the key that key_command prints ({place})")
        }
        _ => format!("check {}, and set it: {}", invocation.key_variable(), set_api_key(invocation)),
    }
}

/// Where the base URL is invalid. `name` is the option or the variable that sets it.
pub(crate) fn set_base_url(name: &str) -> String {
    let set = match name.starts_with('-') {
        true => format!("{name} {DEFAULT_BASE_URL}"),
        false => format!("export {name}={DEFAULT_BASE_URL}"),
    };
    format!("{set}  (or leave it out)")
}

const CHECK_DATABASE: &str = "check that the database accepts connections, such as with psql";

/// Maximum number of lines of a plan that are named one by one.
const MAX_NUMBERS: usize = 5;

/// Below the line that says why a run pauses.
const RESUMES_BY_ITSELF: &str = "it continues by itself; Ctrl-C stops it, and nothing is lost";

/// A command about a job. The jobs of a sandbox inside this process are gone by then.
pub(crate) fn on_job(invocation: &Invocation, subcommand: &str, job_id: &str) -> Vec<String> {
    match invocation.uses_sandbox() {
        true => vec![SANDBOX_ENDS.to_owned()],
        false => vec![invocation.command_on(subcommand, job_id, "")],
    }
}

/// Downloads the clip of a job that is not final: a state that this version does not know may mean that it is there.
pub(crate) fn if_state_is_unknown(invocation: &Invocation, job: Option<&VideoJob>) -> Vec<String> {
    let unknown = job.filter(|job| matches!(job.state, JobState::Unknown(_)));
    unknown.map(|job| on_job(invocation, "download", &job.job_id)).unwrap_or_default()
}

/// Waits for several jobs.
pub(crate) fn wait_for_jobs(invocation: &Invocation, job_ids: &[&str]) -> Vec<String> {
    match invocation.uses_sandbox() {
        true => vec![SANDBOX_ENDS.to_owned()],
        false => vec![invocation.command(&format!("wait {}", operands(job_ids)))],
    }
}

/// Waits for the job, then runs this command again.
pub(crate) fn wait_and_repeat(invocation: &Invocation, job_id: &str) -> Vec<String> {
    let steps = on_job(invocation, "wait", job_id);
    steps.into_iter().map(|wait| format!("{wait} && {}", invocation.repeat())).collect()
}

/// After an invalid cursor.
pub(crate) fn first_page(invocation: &Invocation) -> String {
    format!("{}  (starts at the first page)", invocation.command("list"))
}

/// The request that tops up the account.
fn top_up(invocation: &Invocation) -> String {
    let (base_url, variable) = (quote(&invocation.base_url()), invocation.key_variable());
    format!("curl -X POST {base_url}/v1/account/topup -H \"Authorization: Bearer ${variable}\"")
}

fn check_network(invocation: &Invocation, then: &str) -> String {
    format!("check the network and {}, then: {then}", invocation.base_url())
}

/// Before a repetition, where the service rejected the API key.
fn check_api_key(invocation: &Invocation, error: &Error) -> Option<String> {
    (error.kind() == ErrorKind::Authentication).then(|| check_key(invocation))
}

/// A new clip under a new idempotency key.
pub(super) fn generate_again(invocation: &Invocation) -> String {
    format!("{}  (if the clip is still wanted)", invocation.command("generate PROMPT"))
}

/// After a failed call.
pub(super) fn after_call(invocation: &Invocation, exit: Exit, error: &Error) -> Vec<String> {
    let repeat = invocation.repeat();
    match exit {
        Exit::Authentication => {
            let sandbox = "infrai-video --sandbox generate \"a city at dusk\"  (needs no key)";
            let sandbox = cfg!(feature = "sandbox").then_some(sandbox);
            let profile = invocation.profile_choice().filter(|_| error.kind() == ErrorKind::Config);
            let profile = profile.map(|options| format!("choose a profile: {options}"));
            let steps = profile.into_iter().chain([set_api_key(invocation)]);
            steps.chain(sandbox.map(str::to_owned)).collect()
        }
        Exit::NotFound if error.operation().is_some_and(|operation| !has_job_id(operation)) => {
            let base_url = invocation.base_url();
            vec![format!("check that {base_url} is the API's base URL; it does not know this route")]
        }
        Exit::NotFound if invocation.uses_sandbox() => vec![SANDBOX_ENDS.to_owned()],
        Exit::NotFound => vec![invocation.command("list")],
        Exit::Credit => {
            vec![top_up(invocation), format!("open the checkout_url in its response, then: {repeat}")]
        }
        Exit::Refused if error.kind() == ErrorKind::Unsupported => vec![invocation.command("capabilities")],
        Exit::Refused if error.field() == Some("base_url") => vec![set_base_url(invocation.base_url_name())],
        Exit::Refused | Exit::Unreachable if is_connection_setup(error) && error.hint().is_some() => {
            vec![format!("{}, then: {repeat}", error.hint().unwrap_or_default())]
        }
        Exit::Refused => vec![invocation.help()],
        Exit::Unreachable => vec![check_network(invocation, &repeat)],
        Exit::OutcomeUnknown => {
            let repeat = format!("{repeat}  (repeating it is safe)");
            check_api_key(invocation, error).into_iter().chain([repeat]).collect()
        }
        Exit::RateLimited => match error.retry_after() {
            Some(pause) => vec![format!("sleep {} && {repeat}", pause.as_secs_f64().ceil())],
            None => vec![format!("wait a little, then: {repeat}")],
        },
        // The service returned an id that cannot be part of a path.
        Exit::Other if error.field() == Some("job_id") => vec![invocation.command("list")],
        Exit::Other if error.kind() == ErrorKind::Decode => {
            let base_url = invocation.base_url();
            vec![format!(
                "check that {base_url} is the API's base URL, then: {}",
                invocation.repeat_with("-v")
            )]
        }
        _ => vec![repeat],
    }
}

/// Whether the path of the operation contains a job id, so that a 404 refers to the job.
fn has_job_id(operation: &str) -> bool {
    !matches!(operation, "video_generate" | "video_list" | "video_delete_all" | "video_capabilities")
}

/// How a request of `generate` is repeated.
pub(crate) struct Resubmission<'a> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) args: &'a GenerateArgs,
    pub(crate) key: &'a IdempotencyKey,
    /// Whether the request is in the ledger.
    pub(crate) is_recorded: bool,
}

impl Resubmission<'_> {
    /// The command that sends the same request again, which is charged at most once.
    pub(crate) fn command(&self) -> String {
        let key = self.key.as_str();
        if self.is_recorded {
            return self.invocation.command_on("resume", key, "");
        }
        let reads_stdin = self.args.prompt.as_deref() == Some("-");
        let stdin = if reads_stdin { "  (with the same prompt on stdin)" } else { "" };
        format!("{}{stdin}", self.invocation.command(&self.args.repeated_with(key)))
    }

    /// Where the job of the first request may be.
    pub(crate) fn find_job(&self) -> String {
        format!("{}  (finds the job of the first request)", self.invocation.command("list"))
    }

    /// Where the service no longer remembers the key.
    pub(crate) fn after_expiry(&self) -> Vec<String> {
        let again = self.invocation.command_on("resume", self.key.as_str(), "--again");
        vec![self.find_job(), format!("{again}  (a new request; may be charged again)")]
    }

    pub(crate) fn after_insufficient_credit(&self) -> Vec<String> {
        let open = "open the checkout_url in its response, then repeat; it is charged at most once:";
        vec![top_up(self.invocation), open.to_owned(), self.command()]
    }

    pub(crate) fn after_unknown_outcome(&self, error: &Error) -> Vec<String> {
        check_api_key(self.invocation, error).into_iter().chain([self.command()]).collect()
    }
}

/// The command that saves the clip of a job that has succeeded.
pub(crate) fn save_clip(
    invocation: &Invocation,
    job_id: &str,
    is_recorded: bool,
    output: Option<&str>,
) -> Vec<String> {
    if is_recorded {
        return vec![invocation.command_on("resume", job_id, "")];
    }
    if invocation.uses_sandbox() {
        return vec![SANDBOX_ENDS.to_owned()];
    }
    let output = output.map(|path| option("--output", path)).unwrap_or_default();
    vec![invocation.command_on("download", job_id, &output)]
}

/// After an item of the ledger was not finished.
pub(super) fn after_setback(invocation: &Invocation, item: &Item, setback: &Setback) -> Vec<String> {
    let resume =
        |options: &str| invocation.command_on("resume", item.job_id.as_deref().unwrap_or(&item.key), options);
    match setback {
        Setback::UnsafeToRetry(_) => vec![
            format!("{}  (shows whether its job exists)", invocation.command("list")),
            format!("{}  (a new request; may be charged again)", resume("--again")),
            format!("{}  (forgets it)", resume("--drop")),
        ],
        Setback::FileExists(_) => vec![
            format!("{}  (saves it under another name)", resume("-o FILE")),
            format!("{}  (replaces the file)", resume("--force")),
        ],
        Setback::OtherApiKey => {
            vec![
                format!("{}  (the key that started it)", set_api_key(invocation)),
                format!("then: {}", resume("")),
            ]
        }
        Setback::Missing { job_gone: true, .. } => {
            vec![format!("{}  (a new request; is charged)", resume("--again"))]
        }
        Setback::NoClip => match &item.batch {
            Some(_) if item.needs_another_request() => {
                vec![change_lines("the plan", item.line.as_slice(), &run_plan(invocation))]
            }
            Some(batch) => vec![retry_failed(invocation, batch)],
            None => {
                vec![request_again(invocation, item.job_id.as_deref().unwrap_or(&item.key))]
            }
        },
        Setback::Paused { outage: Outage::Credit, .. } => {
            vec![top_up(invocation), format!("then: {}", resume(""))]
        }
        Setback::Paused { outage: Outage::Unreachable, .. } => vec![check_network(invocation, &resume(""))],
        // No request can name its job.
        Setback::Stuck { .. } if item.job_id.as_ref().is_some_and(|id| id.parse::<JobId>().is_err()) => {
            let drop = invocation.command_on("resume", &item.key, "--drop");
            vec![invocation.command("list"), format!("{drop}  (forgets it)")]
        }
        _ => vec![resume("")],
    }
}

/// A new request for a finished item.
pub(crate) fn request_again(invocation: &Invocation, name: &str) -> String {
    format!("{}  (a new request)", invocation.command_on("resume", name, "--again"))
}

/// Begins the planned items of a batch.
pub(crate) fn run_plan(invocation: &Invocation) -> String {
    invocation.command("batch run PLAN")
}

/// Continues an interrupted batch.
pub(crate) fn continue_batch(invocation: &Invocation) -> String {
    format!("{}  ({}continues where it stopped)", invocation.repeat(), invocation.stdin_note())
}

/// Continues a batch that stopped at its budget, which is that of one run.
pub(crate) fn after_budget(invocation: &Invocation, limit: &str, remedy: Remedy) -> String {
    let (repeat, stdin) = (invocation.repeat(), invocation.stdin_note());
    match remedy {
        Remedy::Repeat => format!("{repeat}  ({stdin}starts more with the same budget again)"),
        Remedy::Raise => format!("raise {limit}, then: {repeat}"),
        Remedy::Consent => {
            let repeat = invocation.repeat_with("--yes");
            format!("{repeat}  ({stdin}starts one to learn what it costs)")
        }
    }
}

/// Why items of a batch have no clip.
pub(crate) struct MissingClips {
    /// The file with the plan. `None` if this run needs no plan.
    pub(crate) plan: Option<String>,
    /// The lines whose requests fail however often they are sent.
    pub(crate) rejected_lines: Vec<i64>,
    /// Items that failed, and may succeed when they are sent again.
    pub(crate) has_failed: bool,
    /// Saved clips that are gone and can be downloaded again.
    pub(crate) has_lost_clips: bool,
    /// Saved clips that are gone together with their jobs.
    pub(crate) has_lost_jobs: bool,
    pub(crate) has_unfinished: bool,
    /// The jobs or idempotency keys of items that the user dropped or deleted after they may have been charged.
    pub(crate) dropped: Vec<String>,
}

/// After a batch in which items have no clip.
pub(crate) fn after_batch(invocation: &Invocation, batch: &str, missing: &MissingClips) -> Vec<String> {
    let mut steps = Vec::new();
    if !missing.rejected_lines.is_empty() {
        let (plan, run) = match &missing.plan {
            Some(plan) => (plan.as_str(), invocation.repeat()),
            None => ("the plan", run_plan(invocation)),
        };
        steps.push(change_lines(plan, &missing.rejected_lines, &run));
    }
    if missing.has_failed {
        steps.push(retry_failed(invocation, batch));
    }
    if missing.has_lost_clips {
        steps.push(format!("{}  (downloads missing clips again, at no charge)", invocation.repeat()));
    }
    if missing.has_lost_jobs {
        let retry = invocation.command_on("batch retry", batch, "--missing");
        steps.push(format!("{retry}  (new requests for clips whose jobs are gone; are charged)"));
    }
    if missing.has_unfinished {
        steps.push(format!("{}  (finishes items that were started)", invocation.command("resume")));
    }
    for name in &missing.dropped {
        let again = invocation.command_on("resume", name, "--again");
        steps.push(format!("{again}  (a new request; is charged)"));
    }
    if steps.is_empty() {
        steps.push(invocation.command_on("batch status", batch, ""));
    }
    steps
}

/// Before a run of the plan, which sends changed lines as new requests.
fn change_lines(plan: &str, lines: &[i64], run: &str) -> String {
    let numbers: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let lines = match numbers.as_slice() {
        [] => "the lines that failed".to_owned(),
        [line] => format!("line {line}"),
        [first @ .., last] if numbers.len() <= MAX_NUMBERS => {
            format!("lines {} and {last}", first.join(", "))
        }
        many => format!("the {} lines that failed", many.len()),
    };
    format!("change {lines} of {plan}, then: {run}")
}

fn retry_failed(invocation: &Invocation, batch: &str) -> String {
    invocation.command_on("batch retry", batch, "--failed")
}

/// When all items begin to wait: labels and lines.
pub(crate) fn pause_notice(
    invocation: &Invocation,
    outage: Outage,
    why: &str,
) -> [(&'static str, String); 3] {
    let next = match outage {
        Outage::Credit => format!("{}  (open the checkout_url in its response)", top_up(invocation)),
        Outage::Unreachable => format!("check the network and {}", invocation.base_url()),
        Outage::RateLimited => "nothing to do: the service limits the rate of requests".to_owned(),
    };
    [("paused", why.to_owned()), ("next", next), ("", RESUMES_BY_ITSELF.to_owned())]
}

/// When a run waits for the database of its ledger: labels and lines.
pub(crate) fn ledger_pause_notice(location: &Location, why: &str) -> [(&'static str, String); 3] {
    let paused = format!("the ledger {location} is unavailable: {why}");
    [("paused", paused), ("next", CHECK_DATABASE.to_owned()), ("", RESUMES_BY_ITSELF.to_owned())]
}

/// After an outage that lasted longer than the run may wait.
pub(super) fn after_outage(invocation: &Invocation, outage: Outage) -> Vec<String> {
    match outage {
        Outage::Credit => vec![top_up(invocation), format!("then: {}", invocation.repeat())],
        _ => vec![invocation.repeat()],
    }
}

/// After a rejected API key, or settings with which no connection can be made.
pub(super) fn after_stop(invocation: &Invocation, cause: Exit) -> Vec<String> {
    let check_key = (cause == Exit::Authentication).then(|| check_key(invocation));
    let repeat = format!("then: {}  (continues where it stopped)", invocation.repeat());
    check_key.into_iter().chain([repeat]).collect()
}

/// After the ledger could not be read or written.
pub(super) fn after_ledger_error(
    invocation: &Invocation,
    location: &Location,
    error: &LedgerError,
) -> Vec<String> {
    let then = format!("then: {}", invocation.repeat());
    let safe = format!("{then}  (nothing is lost or charged twice)");
    match error {
        LedgerError::Denied(_) if location.is_shared() => {
            vec![format!("{} in {LEDGER_VARIABLE}, PGPASSWORD or ~/.pgpass", error.remedy()), safe]
        }
        _ if location.is_shared() => vec![format!("check {LEDGER_VARIABLE}, and {CHECK_DATABASE}"), safe],
        // The ledger does not exist yet, so that another place can be used.
        _ if !location.exists() && error.is_about_the_path() => vec![
            format!("export {STATE_VARIABLE}=DIR  (a writable directory)"),
            then,
            "or run without a ledger: --ledger none  (a crash then loses the record of the request)"
                .to_owned(),
        ],
        _ => vec![error.remedy().to_owned(), then],
    }
}
