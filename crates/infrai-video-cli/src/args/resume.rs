use std::path::PathBuf;

use clap::Args;

use super::values::Timeout;

/// Finish the unfinished items of the ledger
///
/// Sends a request with an unknown outcome again under its own key, so that it is charged once; waits for jobs; resumes downloads.
/// A finished item is only processed if it is named: then its clip is downloaded again if it is gone. Prints the path of each clip.
/// `batch run` continues a plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video resume
  infrai-video resume vj_01kaq3v8zn5w4x7r2m9t6h0c1d
  infrai-video resume --dry-run

The service remembers a key for 24 hours by its own clock. A request that may have been sent earlier, or with another API key, is not \
sent again automatically: check with `list` whether its job exists, then use --again (a new request, which may be charged in \
addition) or --drop.")]
pub(crate) struct ResumeArgs {
    /// Only these: idempotency keys or job ids
    #[arg(value_name = "KEY|ID")]
    pub(crate) names: Vec<String>,
    /// Where to put the clip, instead of its original destination; for one item
    #[arg(short, long, value_name = "PATH", conflicts_with_all = ["drop", "dry_run"])]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait for each job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
    /// Maximum number of items at the same time
    #[arg(short, long = "jobs", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) jobs: u16,
    /// Verify the SHA-256 of named clips that were saved, also if they are larger than 256 MiB
    #[arg(long)]
    pub(crate) verify: bool,
    /// Send a request under a new key if the old one is no longer safe; it may be charged in addition
    #[arg(long, requires = "names", conflicts_with = "drop")]
    pub(crate) again: bool,
    /// Forget the items; nothing is sent, and a running job is still billed
    #[arg(long, requires = "names")]
    pub(crate) drop: bool,
    /// Show what would happen, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
