use std::path::PathBuf;

use clap::Args;
use infrai_video::JobState;

use super::values::{KnownState, Timeout, whole};

const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// A command on one job.
#[derive(Debug, Args)]
pub(crate) struct OneJob {
    /// The job's id, as `generate` or `list` printed it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Wait until jobs are over
///
/// Prints the id and the state of each job as it ends, with a tab between. Waiting costs nothing, and can be taken up again
/// at any time.
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video wait {ID} --timeout 15m && infrai-video download {ID}"))]
pub(crate) struct WaitArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// How long to wait, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
}

/// List the account's jobs
///
/// On a terminal a table; else one line for each job, with a tab between: id, state, reason of a failure. With --json, one
/// page a line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video list
  infrai-video list --all --state failed
  infrai-video list --all --json | jq -r '.items[].job_id'")]
pub(crate) struct ListArgs {
    /// Go on to the end of the list
    #[arg(long)]
    pub(crate) all: bool,
    /// How many jobs a page has at most; with --state, how many jobs to show
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole)]
    pub(crate) limit: Option<i64>,
    /// Where to start: a cursor that an earlier page gave out
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Show only jobs in this state; reads on until there are as many as asked for
    #[arg(long, value_parser = KnownState)]
    pub(crate) state: Option<JobState>,
}

/// Cancel jobs that are not over yet
///
/// Prints the id and the state of each job afterwards, with a tab between.
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video cancel {ID}"))]
pub(crate) struct CancelArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
}

/// Delete jobs with their clips, for good
///
/// Asks first; where nobody can answer it wants --yes. Prints the ids that were deleted.
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video delete {ID} --yes"))]
pub(crate) struct DeleteArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Delete every job of the account with its clip, for good
///
/// Counts the jobs, says whose they are, and wants their number typed; where nobody can answer it wants --yes. Prints how many
/// were deleted.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  infrai-video delete-all --yes")]
pub(crate) struct DeleteAllArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Download the clips of jobs that have succeeded
///
/// Prints the path of each clip. A download that breaks off is taken up where it was left, also by a later command with the
/// same output path.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  infrai-video download {ID} -o skyline.mp4
  infrai-video list --all --state succeeded | cut -f1 | xargs infrai-video download -o clips/"))]
pub(crate) struct DownloadArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Where to put the clip: a file, a directory, or - for stdout [default: JOB_ID.mp4 here]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Decide how many days a clip is kept
#[derive(Debug, Args)]
#[command(after_help = format!("Example:\n  infrai-video set-retention {ID} --days 7"))]
pub(crate) struct RetentionArgs {
    /// The job's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// From 1 to 90
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole)]
    pub(crate) days: i64,
}
