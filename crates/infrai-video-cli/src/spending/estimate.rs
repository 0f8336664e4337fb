//! What clips are going to cost, by what such clips cost before.

use std::ops::RangeInclusive;

use crate::args::ClipRequest;
use crate::ledger::{History, PastJobs};
use crate::money::Usd;
use crate::text::count;

/// What one clip is going to cost.
#[derive(Debug, Clone)]
pub(crate) struct Estimate(History);

impl Estimate {
    pub(crate) fn of(request: &ClipRequest, past: &PastJobs) -> Self {
        Self(past.history(request))
    }

    /// In words, the costs by vendor last.
    pub(crate) fn lines(&self) -> Vec<String> {
        let history = &self.0;
        let Some(cost) = &history.cost else {
            return vec!["not known: this ledger has no such clip yet".to_owned()];
        };
        let (range, clips) = (range(cost), count(history.count, "clip"));
        let so_far = match history.is_scaled {
            true => format!("about {range} USD, by the second of clips of other lengths ({clips})"),
            false => format!("such clips cost {range} USD so far ({clips})"),
        };
        let by_vendor =
            history.by_vendor.iter().map(|(vendor, cost)| format!("{vendor} {}", self::range(cost)));
        let by_vendor: Vec<String> = by_vendor.collect();
        std::iter::once(so_far).chain((!by_vendor.is_empty()).then(|| by_vendor.join(", "))).collect()
    }
}

/// `0.04 to 0.06`, or `0.04`.
fn range(cost: &RangeInclusive<Usd>) -> String {
    match cost.start() == cost.end() {
        true => cost.start().to_string(),
        false => format!("{} to {}", cost.start(), cost.end()),
    }
}
