use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::headings::{COST, OUTPUT, RUN};
use super::values::{Timeout, whole_in};
use super::{AfterSaveArgs, SpendingArgs};

const EXAMPLES: &str = "\
Examples:
  infrai-video resume
  infrai-video resume vj_01kaq3v8zn5w4x7r2m9t6h0c1d
  infrai-video resume --dry-run";

const NOTES: &str = "\
The service remembers a key for 24 hours by its own clock. A request that may have been sent earlier, or with another API key, is not \
sent again automatically: check with infrai-video list whether its job exists, then use --again (a new request; may be charged \
again) or --drop.";

/// Finish what was interrupted
///
/// Continues with the unfinished items of the ledger: sends a request with an unknown outcome again under its own key, so that it
/// is charged once; waits for jobs; resumes downloads. A finished item is only processed if it is named: then its clip is
/// downloaded again if it is gone. Prints the path of each clip. infrai-video batch run continues a plan.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{NOTES}"))]
pub(crate) struct ResumeArgs {
    /// Only these: idempotency keys or job ids
    #[arg(value_name = "KEY|ID")]
    pub(crate) names: Vec<String>,
    /// Another place for the clip of one item
    ///
    /// A file or a directory, instead of the original destination.
    #[arg(
        short,
        long,
        value_name = "PATH",
        value_hint = ValueHint::AnyPath,
        help_heading = OUTPUT,
        conflicts_with_all = ["drop", "dry_run"]
    )]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) after_save: AfterSaveArgs,
    /// Verify named clips, however large they are
    ///
    /// Compares the SHA-256 of named clips that were saved; without it, of 256 MiB in total.
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) verify: bool,
    /// Show what would happen, and change nothing
    #[arg(long, help_heading = COST)]
    pub(crate) dry_run: bool,
    /// Request named items again
    ///
    /// Sends a request under a new key if the old one is no longer safe. It may be charged again.
    #[arg(long, requires = "names", conflicts_with = "drop", help_heading = COST)]
    pub(crate) again: bool,
    /// Forget named items
    ///
    /// Nothing is sent, and a running job is still billed.
    #[arg(long, requires = "names", help_heading = COST)]
    pub(crate) drop: bool,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
    /// How long to wait: 90s, 15m or none
    ///
    /// For each job. It continues afterwards.
    #[arg(long, value_name = "TIME", default_value = "30m", help_heading = RUN)]
    pub(crate) timeout: Timeout,
    /// Items at the same time
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
}
