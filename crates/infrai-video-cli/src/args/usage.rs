use std::str::FromStr;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// Show what was charged
///
/// Reads the ledger, and needs neither the network nor an API key. Amounts are US dollars, and days begin at 0:00 UTC. A charge
/// counts on the day of its request and at its reported cost. Refunds are those to be expected for jobs that are known to have
/// failed or to be cancelled: the ledger does not see them. Jobs of other programs are not in the ledger, and those of all API keys
/// that were used with it are added up.
///
/// A table with a total on a terminal; elsewhere one line for each group, with tabs between: group, jobs, charged, refunds, net, and
/// the number of jobs of unknown cost, which the amounts leave out. With --quiet only the net, and on stderr what it leaves out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video usage
  infrai-video usage --by vendor --since 30d
  infrai-video usage --since 2026-11-01 -q")]
pub(crate) struct UsageArgs {
    /// How charges are grouped
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub(crate) by: GroupBy,
    /// Only newer charges, such as 30d or 2026-11-01
    ///
    /// A day, a time such as 2026-11-01T12:00:00Z, or a past span such as 30d or 12h.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Since>,
}

/// What the charges of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum GroupBy {
    #[default]
    Day,
    /// The last known state of the job
    State,
    Vendor,
}

/// The beginning of a time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(Timestamp);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "use a day such as 2026-11-01, a time such as 2026-11-01T12:00:00Z, or a past span such as 30d or 12h"
)]
pub(crate) struct InvalidSince;

impl Since {
    pub(crate) fn timestamp(self) -> Timestamp {
        self.0
    }

    fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
        if let Ok(time) = text.parse() {
            return Some(time);
        }
        if let Ok(day) = text.parse::<Date>() {
            return TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok();
        }
        let span = text.parse::<Span>().ok().filter(|span| span.is_positive())?;
        now.checked_sub(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()
    }
}

impl FromStr for Since {
    type Err = InvalidSince;

    fn from_str(text: &str) -> Result<Self, InvalidSince> {
        Self::parse(text, Timestamp::now()).map(Self).ok_or(InvalidSince)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_span_begins_at_a_day_a_time_or_so_long_ago() {
        let now = "2026-11-29T12:00:00Z".parse().unwrap();
        let parsed = |text| Since::parse(text, now).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(parsed("2026-11-01"), "2026-11-01T00:00:00Z");
        assert_eq!(parsed("2026-11-01T10:30:00+02:00"), "2026-11-01T08:30:00Z");
        assert_eq!(parsed("30d"), "2026-10-30T12:00:00Z");
        assert_eq!(parsed("2 weeks"), "2026-11-15T12:00:00Z");
        assert_eq!(parsed("90m"), "2026-11-29T10:30:00Z");
        for text in ["", "today", "2026-13-01", "-1d", "0s", "1 month", "30", "99999999y"] {
            assert_eq!(parsed(text), "", "{text}");
        }
    }
}
