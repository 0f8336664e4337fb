use std::path::PathBuf;

use clap::Args;

use super::values::Timeout;

/// Finish whatever the ledger holds
///
/// A request whose outcome is not known is sent again under its own key, so that it is charged once; a job is waited for; a
/// download goes on; what is finished is left alone, unless it is named: then its clip is fetched again where it is gone. Prints the path of each clip. A plan goes on with `batch run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video resume
  infrai-video resume vj_01kaq3v8zn5w4x7r2m9t6h0c1d
  infrai-video resume --dry-run

A key is remembered for 24 hours by the service's clock. A request that may have left earlier, or with another API key, is not sent again by itself: \
look with `list` whether its job is there, then say --again (a new request, which may be charged on top) or --drop.")]
pub(crate) struct ResumeArgs {
    /// Only these: idempotency keys or job ids
    #[arg(value_name = "KEY|ID")]
    pub(crate) names: Vec<String>,
    /// Where to put the clip, instead of where it was to go; for one item
    #[arg(short, long, value_name = "PATH", conflicts_with_all = ["drop", "dry_run"])]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait for each job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Timeout,
    /// How many at the same time
    #[arg(short, long = "jobs", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) jobs: u16,
    /// Hash a named clip that was saved, also where it is larger than 256 MiB
    #[arg(long)]
    pub(crate) verify: bool,
    /// Send a request again under a new key where the old one is not safe any more; it may be charged on top
    #[arg(long, requires = "names", conflicts_with = "drop")]
    pub(crate) again: bool,
    /// Forget about it; nothing is sent, and a job that runs is billed all the same
    #[arg(long, requires = "names")]
    pub(crate) drop: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
