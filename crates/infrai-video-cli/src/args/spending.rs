use clap::Args;

use super::headings::COST;
use crate::money::Usd;

// What a command may spend. (A doc comment would become the help of the commands that have these options.)
#[derive(Debug, Clone, Args)]
pub(crate) struct SpendingArgs {
    /// Maximum cost of this run, by estimate
    ///
    /// Stops before the charge that would exceed it. Estimates go by what such clips cost before, net of the refunds expected
    /// for failed jobs. US dollars, such as 5 or 0.50. It counts what this process charges, not others that work on the same batch.
    /// If nothing is known about such clips, generate asks on a terminal and fails elsewhere. A batch starts such a clip alone to
    /// learn its cost, unless it is longer or larger than each clip whose cost is known.
    #[arg(long, value_name = "USD", allow_negative_numbers = true, help_heading = COST)]
    pub(crate) max_usd: Option<Usd>,
    /// Do not ask before large charges
    ///
    /// Nor before charges that cannot be estimated. Without a terminal for stdin and stderr nothing is asked, so not with a prompt
    /// from a pipe either.
    #[arg(short, long, help_heading = COST)]
    pub(crate) yes: bool,
    /// The place in the configuration that set `max_usd`.
    #[arg(skip)]
    pub(crate) max_usd_place: Option<String>,
}

impl SpendingArgs {
    /// What sets the limit: the option, or the setting and its place.
    pub(crate) fn limit(&self) -> String {
        match &self.max_usd_place {
            Some(place) => format!("max_usd ({place})"),
            None => "--max-usd".to_owned(),
        }
    }
}
