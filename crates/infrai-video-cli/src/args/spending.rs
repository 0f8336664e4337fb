use clap::Args;

use super::headings::COST;
use crate::money::Usd;

// What a command may spend. (A doc comment would become the help of the commands that have these options.)
#[derive(Debug, Clone, Args)]
pub(crate) struct SpendingArgs {
    /// Charge at most so much in this run
    ///
    /// Stops before the charge that would exceed it, by what such clips cost before. US dollars, such as 5 or 0.50. If nothing is
    /// known about such clips, generate asks on a terminal and fails elsewhere, and a batch starts one clip to learn its cost.
    #[arg(long, value_name = "USD", allow_negative_numbers = true, help_heading = COST)]
    pub(crate) max_usd: Option<Usd>,
    /// Do not ask before large charges
    ///
    /// Nor, with --max-usd, before a charge that cannot be estimated.
    #[arg(short, long, help_heading = COST)]
    pub(crate) yes: bool,
}
