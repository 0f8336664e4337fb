use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::values::Timeout;

/// Make many clips from a plan
///
/// Each line of a plan is a request as JSON, with a name for its file if wanted; or the plan is a table as CSV, with those words
/// in its first line. What is done is written into the ledger:
/// the same command goes on where an earlier one stopped, and pays nothing twice.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  infrai-video batch run clips.jsonl --output clips/

A plan:
  {\"prompt\": \"a city at dusk\", \"duration_seconds\": 5, \"resolution\": \"1080p\", \"name\": \"city\"}
  {\"prompt\": \"a lighthouse in a storm\"}

The words of a request are those of the API: prompt, duration_seconds, resolution, aspect_ratio, prefer, reference_image_url.")]
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

/// How a batch is to be worked on.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Where to put the clips; made if it is not there [default: a directory of the batch's name]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// How many jobs at the same time
    #[arg(short, long = "jobs", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) jobs: u16,
    /// Begin at most so many jobs in this run
    #[arg(long, value_name = "N")]
    pub(crate) max_jobs: Option<usize>,
    /// Begin at most so many seconds of clips in this run
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) max_seconds: Option<f64>,
    /// How long to wait for each job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
    /// How long to wait for credit, or for a service that is out of reach, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub(crate) max_pause: Timeout,
    /// Replace files that are there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Hash every clip that was saved before, however large: without it, clips of 256 MiB in all
    #[arg(long)]
    pub(crate) verify: bool,
    /// Also write the report as JSON to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Make what a plan asks for and is not there yet
///
/// Lines are known by what they ask for: they can be moved, named and added without being paid again; a line that asks for
/// something else is a new one. A clip that was saved before and is not in the output directory is copied from where it is, or
/// fetched again, at no charge. Prints for each line its name, its state and its path, with a tab between; a table of sums
/// on a terminal; with --json the report.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video batch run clips.jsonl --dry-run
  infrai-video batch run clips.jsonl --output clips/ --max-jobs 10
  infrai-video batch run clips.csv
  grep city clips.jsonl | infrai-video batch run - --name city

A line may be what `generate --dry-run` prints, and a plan what `batch run --dry-run --json` prints. A line with an \
idempotency_key is sent under that key.

The same on any number of machines, each with its part of the work:
  INFRAI_LEDGER=postgres://db.example/clips infrai-video batch run clips.jsonl -j 16")]
pub(crate) struct RunArgs {
    /// The plan: a file with a JSON object on each line, or CSV under a header; - reads it from stdin
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// The name of the batch; another name is another batch, which is paid anew [default: the name of the file, or stdin]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) how: PlanArgs,
    /// Do not compare the requests with the vendors' capabilities first
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Check everything, show what would be done, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Show how far batches are
///
/// Without a name, one line for each batch; else one for each item: its name, its state, and its path or the reason, with a
/// tab between where stdout is no terminal. A clip that was saved and is not there any more is `missing`, and the exit code 13.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  infrai-video batch status\n  infrai-video batch status clips --json")]
pub(crate) struct StatusArgs {
    /// The batch
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Hash every clip, however large: without it, clips of 256 MiB in all
    #[arg(long)]
    pub(crate) verify: bool,
}

/// Ask again for what failed
///
/// Each item gets a new key, and is charged as a new job. Needs no plan: the ledger has the requests. Clips that were saved and are
/// not there any more are fetched again first, at no charge.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).multiple(true).args(["failed", "cancelled", "missing"])),
    after_help = "Example:\n  infrai-video batch retry clips --failed"
)]
pub(crate) struct RetryArgs {
    /// The batch; may be left out where there is only one
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Those that failed or were refused
    #[arg(long)]
    pub(crate) failed: bool,
    /// Those that were cancelled
    #[arg(long)]
    pub(crate) cancelled: bool,
    /// Those whose clip is not there any more and whose job is gone too
    #[arg(long)]
    pub(crate) missing: bool,
    #[command(flatten)]
    pub(crate) how: PlanArgs,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 && seconds.is_finite() => Ok(seconds),
        _ => Err("must be a number of seconds, such as 300".to_owned()),
    }
}
