use std::path::PathBuf;

use clap::Args;
use infrai_video::JobState;

use super::headings::{JOBS, OUTPUT};
use super::values::{KnownState, Timeout, whole};
use super::{AfterSaveArgs, NotifyArgs};

const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// The argument of commands on one job.
#[derive(Debug, Args)]
pub(crate) struct OneJob {
    /// The job's id, as generate or list printed it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Wait until jobs finish
///
/// Prints the id and the state of each job when it finishes, with a tab between. Waiting costs nothing, and can be repeated at any
/// time.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  infrai-video wait {ID}\n  infrai-video wait --timeout 15m \\\n      {ID}"))]
pub(crate) struct WaitArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// How long to wait, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

/// List the account's jobs
///
/// A table on a terminal. A narrow terminal shows fewer columns, and prompts below their jobs: get shows the rest.
///
/// Elsewhere one line for each job, with tabs between: id, state, reason of a failure, time of the request (RFC 3339, UTC), length in
/// seconds, size, cost in US dollars, path of the clip, prompt. With --json, one page on each line.
///
/// The service knows only the id, the state and the reason. The rest comes from the ledger, and is left out for jobs of other
/// ledgers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video list
  infrai-video list --watch
  infrai-video list --all --state failed
  infrai-video list --all | grep lighthouse
  infrai-video list --all | cut -f1,9
  infrai-video list --all --json | jq -r '.items[].job_id'")]
pub(crate) struct ListArgs {
    /// List all jobs, not only the newest page
    #[arg(long, help_heading = JOBS)]
    pub(crate) all: bool,
    /// Maximum number of jobs
    ///
    /// As many pages are read as that needs. With --watch at most 100.
    #[arg(short = 'n', long, help_heading = JOBS, value_name = "N", allow_negative_numbers = true, value_parser = whole)]
    pub(crate) limit: Option<i64>,
    /// Start at the cursor of an earlier page
    #[arg(long, help_heading = JOBS, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Show only jobs in this state
    ///
    /// Reads pages until there are enough.
    #[arg(long, help_heading = JOBS, value_parser = KnownState)]
    pub(crate) state: Option<JobState>,
    /// Watch the newest page until Ctrl-C
    ///
    /// A table that changes on a terminal; elsewhere one line for each job that is new or has another state, the oldest first. With
    /// --state, for jobs that get into that state or leave it. One request is sent every 1 to 5 seconds, and fewer while the service
    /// is unreachable. It runs until Ctrl-C: the exit code is then 130, and no failure is printed.
    #[arg(long, help_heading = JOBS, conflicts_with_all = ["all", "cursor"])]
    pub(crate) watch: bool,
}

/// Cancel unfinished jobs
///
/// Prints the id and the state of each job afterwards, with a tab between.
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video cancel {ID}"))]
pub(crate) struct CancelArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
}

/// Delete jobs and their clips
///
/// They cannot be restored. Asks for confirmation; without a terminal it requires --yes. Prints the ids of the deleted jobs.
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video delete {ID} --yes"))]
pub(crate) struct DeleteArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Delete all jobs of the account and their clips
///
/// They cannot be restored. Counts the jobs, names the account, and asks for their number as confirmation; without a terminal it
/// requires --yes. Prints the number of deleted jobs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  infrai-video delete-all --yes")]
pub(crate) struct DeleteAllArgs {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Download the clips of finished jobs
///
/// Prints the path of each clip. An interrupted download is resumed, also by a later command with the same output path.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  infrai-video download {ID}
  infrai-video list --all --state succeeded | cut -f1 | \\
      xargs infrai-video download -o clips/"))]
pub(crate) struct DownloadArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Where to put the clip: a file, a directory, a template, or - for stdout [default: JOB_ID.mp4 here]
    ///
    /// The fields of a template are those of generate, such as {date}-{id}.mp4. The ledger knows the requests of the jobs that this
    /// command has started.
    #[arg(short, long, help_heading = OUTPUT, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) after_save: AfterSaveArgs,
}

/// Set how many days a clip is kept
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video set-retention --days 7 \\\n      {ID}"))]
pub(crate) struct RetentionArgs {
    /// The job's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// From 1 to 90
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole)]
    pub(crate) days: i64,
}
