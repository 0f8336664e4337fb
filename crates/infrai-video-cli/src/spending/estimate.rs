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

    /// The highest cost of such clips, which a budget counts with. `None` if no cost is known.
    pub(crate) fn highest(&self) -> Option<Usd> {
        self.0.cost.as_ref().map(|cost| *cost.end())
    }

    /// In words, the costs by vendor last.
    pub(crate) fn lines(&self) -> Vec<String> {
        let history = &self.0;
        let Some(cost) = &history.cost else {
            return vec!["not known: this ledger has no such clip yet".to_owned()];
        };
        let (range, clips) = (range(cost), count(history.count, "clip"));
        let so_far = match history.is_scaled {
            true => format!("about {range} USD, scaled from {clips} of other lengths"),
            false => format!("such clips cost {range} USD so far ({clips})"),
        };
        let by_vendor =
            history.by_vendor.iter().map(|(vendor, cost)| format!("{vendor} {}", self::range(cost)));
        let by_vendor: Vec<String> = by_vendor.collect();
        std::iter::once(so_far).chain((!by_vendor.is_empty()).then(|| by_vendor.join(", "))).collect()
    }
}

/// What the clips of a plan are going to cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Total {
    clips: usize,
    /// Number of clips whose cost is not known.
    unknown: usize,
    lowest: Usd,
    highest: Usd,
}

impl Total {
    pub(crate) fn of(requests: &[ClipRequest], past: &PastJobs) -> Self {
        requests.iter().fold(Self::default(), |mut total, request| {
            total.clips += 1;
            match past.history(request).cost {
                Some(cost) => {
                    total.lowest += *cost.start();
                    total.highest += *cost.end();
                }
                None => total.unknown += 1,
            }
            total
        })
    }

    /// The highest cost of the clips whose cost is known.
    pub(crate) fn highest(&self) -> Usd {
        self.highest
    }

    pub(crate) fn clips(&self) -> usize {
        self.clips
    }

    /// In words.
    pub(crate) fn line(&self) -> String {
        let (clips, range) = (count(self.clips, "clip"), range(&(self.lowest..=self.highest)));
        match self.unknown {
            0 => format!("about {range} USD for {clips}, by earlier such clips"),
            unknown if unknown == self.clips => {
                format!("not known for {clips}: this ledger has no such clip yet")
            }
            unknown => {
                format!("about {range} USD for {} of {clips}; not known for the rest", self.clips - unknown)
            }
        }
    }
}

/// `0.04 to 0.06`, or `0.04`.
fn range(cost: &RangeInclusive<Usd>) -> String {
    match cost.start() == cost.end() {
        true => cost.start().to_string(),
        false => format!("{} to {}", cost.start(), cost.end()),
    }
}
