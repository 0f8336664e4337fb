use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::values::Timeout;

/// Make many clips from a plan
///
/// Each line of a plan is a request as JSON, with an optional name for its file; or the plan is CSV with the same field names in its
/// first line. Progress is recorded in the ledger: the same command continues where an earlier one stopped, and nothing is charged
/// twice.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  infrai-video batch run clips.jsonl --output clips/

A plan:
  {\"prompt\": \"a city at dusk\", \"duration_seconds\": 5, \"resolution\": \"1080p\", \"name\": \"city\"}
  {\"prompt\": \"a lighthouse in a storm\"}

The fields of a request are those of the API: prompt, duration_seconds, resolution, aspect_ratio, prefer, reference_image_url.")]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) command: BatchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    Run(RunArgs),
    Status(StatusArgs),
    Retry(RetryArgs),
}

/// Options of a run.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The directory for the clips; created if needed [default: a directory with the batch's name]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Maximum number of jobs at the same time
    #[arg(short, long = "jobs", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) jobs: u16,
    /// Maximum number of jobs to begin in this run
    #[arg(long, value_name = "N")]
    pub(crate) max_jobs: Option<usize>,
    /// Maximum number of seconds of clips to begin in this run
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) max_seconds: Option<f64>,
    /// How long to wait for each job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
    /// How long to wait for credit, or for an unreachable service, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub(crate) max_pause: Timeout,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
    /// Verify the SHA-256 of all saved clips; without it, of 256 MiB in total
    #[arg(long)]
    pub(crate) verify: bool,
    /// Also write the report as JSON to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Make the clips of a plan that do not exist yet
///
/// A line is identified by its request: lines can be moved, named and added without being charged again; a line with another
/// request is a new one. A saved clip that is missing in the output directory is copied from its old path or downloaded again, at
/// no charge. Prints the name, the state and the path of each line, with tabs between; totals on a terminal; the report with
/// --json.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video batch run clips.jsonl --dry-run
  infrai-video batch run clips.jsonl --output clips/ --max-jobs 10
  infrai-video batch run clips.csv
  grep city clips.jsonl | infrai-video batch run - --name city

A line may be the output of `generate --dry-run`, and a plan the output of `batch run --dry-run --json`. A line with an \
idempotency_key is sent under that key.

On any number of machines that share the work:
  INFRAI_LEDGER=postgres://db.example/clips infrai-video batch run clips.jsonl -j 16")]
pub(crate) struct RunArgs {
    /// The plan: a file with a JSON object on each line, or CSV under a header; - reads it from stdin
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// The name of the batch; another name is another batch, which is charged again [default: the name of the file, or stdin]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) options: PlanArgs,
    /// Do not compare the requests with the vendors' capabilities first
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Check everything, show what would happen, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Show the progress of batches
///
/// Without a name, one line for each batch; else one for each item: its name, its state, and its path or the reason, with tabs
/// between if stdout is not a terminal. A saved clip that no longer exists is `missing`, and the exit code is 13.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  infrai-video batch status\n  infrai-video batch status clips --json")]
pub(crate) struct StatusArgs {
    /// The name of the batch
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Verify the SHA-256 of all clips; without it, of 256 MiB in total
    #[arg(long)]
    pub(crate) verify: bool,
}

/// Send failed requests again
///
/// Each item gets a new key, and is charged as a new job. Needs no plan: the ledger has the requests. Saved clips that no longer
/// exist are downloaded again first, at no charge.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).multiple(true).args(["failed", "cancelled", "missing"])),
    after_help = "Example:\n  infrai-video batch retry clips --failed"
)]
pub(crate) struct RetryArgs {
    /// The name of the batch; optional if there is only one
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Retry items that failed or were rejected
    #[arg(long)]
    pub(crate) failed: bool,
    /// Retry items that were cancelled
    #[arg(long)]
    pub(crate) cancelled: bool,
    /// Retry items whose clip and whose job no longer exist
    #[arg(long)]
    pub(crate) missing: bool,
    #[command(flatten)]
    pub(crate) options: PlanArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number of seconds, such as 300")]
struct InvalidLimit;

fn seconds(text: &str) -> Result<f64, InvalidLimit> {
    text.parse().ok().filter(|seconds: &f64| *seconds >= 0.0 && seconds.is_finite()).ok_or(InvalidLimit)
}
