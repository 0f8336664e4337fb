use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};

use super::headings::{COST, OUTPUT, RUN};
use super::values::{Timeout, whole_in};
use super::{AfterSaveArgs, SpendingArgs};

const RUN_EXAMPLES: &str = "\
Examples:
  infrai-video batch run clips.jsonl --dry-run
  infrai-video batch run clips.jsonl -o clips/ --max-jobs 10
  infrai-video batch run clips.csv
  grep city clips.jsonl | \\
      infrai-video batch run - --name city";

const RUN_NOTES: &str = "\
A line may be the output of infrai-video generate --dry-run, and a plan that of infrai-video batch run --dry-run --json. A line with an \
idempotency_key is sent under that key.

On any number of machines that share the work:
  export INFRAI_LEDGER=postgres://db.example/clips
  infrai-video batch run clips.jsonl -j 16";

/// Make many clips from a plan
///
/// Each line of a plan is a request as JSON, with an optional name for its file; or the plan is CSV with the same field names in its
/// first line. Progress is recorded in the ledger: the same command continues where an earlier one stopped, and nothing is charged
/// twice.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "\
Example:
  infrai-video batch run clips.jsonl --output clips/

A plan:
  {\"prompt\": \"a city\", \"duration_seconds\": 5, \"name\": \"x\"}
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
    /// The directory for the clips, or a template
    ///
    /// It is created if needed. Without it, a directory with the name of the batch. In batch run it may be a template for the path
    /// of each clip, as in clips/{name}-{resolution}.mp4, with the fields {name}, {line}, {batch}, {slug}, {resolution}, {duration}
    /// and {aspect}. Write {{ and }} for braces.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,
    /// Jobs at the same time
    #[arg(
        short,
        long = "jobs",
        value_name = "N",
        default_value_t = 8,
        allow_negative_numbers = true,
        value_parser = whole_in::<u16>(1, 1000),
        help_heading = RUN
    )]
    pub(crate) jobs: u16,
    /// Maximum number of jobs to start in this run
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole_in::<usize>(0, 1_000_000_000), help_heading = COST)]
    pub(crate) max_jobs: Option<usize>,
    /// Maximum total length of clips to start
    ///
    /// In this run. Each line of the plan needs duration_seconds.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds, help_heading = COST, hide_short_help = true)]
    pub(crate) max_seconds: Option<f64>,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
    /// How long to wait: 90s, 15m or none
    ///
    /// For each job. It continues afterwards.
    #[arg(long, value_name = "TIME", default_value = "30m", help_heading = RUN)]
    pub(crate) timeout: Timeout,
    /// How long to wait for credit or network
    ///
    /// While the credit does not suffice, or the service cannot be reached: 90s, 15m or none.
    #[arg(long, value_name = "TIME", default_value = "1h", help_heading = RUN)]
    pub(crate) max_pause: Timeout,
    /// Replace existing files
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) after_save: AfterSaveArgs,
    /// Verify all saved clips
    ///
    /// Compares the SHA-256 of each; without it, of 256 MiB in total.
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) verify: bool,
    /// Also write the report to a file, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) report: Option<PathBuf>,
}

/// Make the clips of a plan
///
/// Those that do not exist yet. A line is identified by its request: lines can be moved, named and added without being charged
/// again; a line with another request is a new one. A saved clip that is missing in the output directory is copied from its old
/// path or downloaded again, at no charge. Prints the name, the state and the path of each line, with tabs between; totals on a
/// terminal; the report with
/// --json.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES, after_long_help = format!("{RUN_EXAMPLES}\n\n{RUN_NOTES}"))]
pub(crate) struct RunArgs {
    /// A file with JSON lines or CSV; - reads stdin
    ///
    /// A JSON object on each line, or comma-separated values under a header.
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// The name of the batch
    ///
    /// Another name is another batch, which is charged again. Without it, the name of the file, or stdin.
    #[arg(long, value_name = "NAME", help_heading = OUTPUT)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) options: PlanArgs,
    /// Skip the check of the vendors' capabilities
    ///
    /// Without it, a plan that no vendor supports is rejected before anything is sent.
    #[arg(long, help_heading = COST, hide_short_help = true)]
    pub(crate) no_check: bool,
    /// Check everything, and send nothing
    ///
    /// Shows what would happen.
    #[arg(long, help_heading = COST)]
    pub(crate) dry_run: bool,
}

/// Show the progress of batches
///
/// Without a name, one line for each batch; else one for each item: its name, its state, and its path or the reason, with tabs
/// between if stdout is not a terminal. A saved clip that no longer exists is missing, and the exit code is 13.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  infrai-video batch status\n  infrai-video batch status clips --json")]
pub(crate) struct StatusArgs {
    /// The name of the batch
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Verify all saved clips
    ///
    /// Compares the SHA-256 of each; without it, of 256 MiB in total.
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
    /// The name of the batch, if there are several
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
#[error("use a number of seconds such as 300")]
struct InvalidLimit;

fn seconds(text: &str) -> Result<f64, InvalidLimit> {
    text.parse().ok().filter(|seconds: &f64| *seconds >= 0.0 && seconds.is_finite()).ok_or(InvalidLimit)
}
