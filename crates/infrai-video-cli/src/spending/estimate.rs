//! What clips are going to cost, by what such clips cost before.

use std::collections::HashMap;
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
        let range = range(cost);
        let vendors: Vec<String> = history
            .by_vendor
            .iter()
            .map(|(vendor, cost)| format!("{vendor} {}", self::range(cost)))
            .collect();
        let only_vendor = history.by_vendor.keys().next().filter(|_| vendors.len() == 1);
        let by = only_vendor.map(|vendor| format!(", {vendor}")).unwrap_or_default();
        let clips = count(history.count, "clip") + &by;
        let so_far = match history.is_scaled {
            true => format!("about {range} USD, scaled from other lengths ({clips})"),
            false => format!("such clips cost {range} USD so far ({clips})"),
        };
        std::iter::once(so_far).chain((vendors.len() > 1).then(|| vendors.join(", "))).collect()
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
    pub(crate) fn of(requests: impl Iterator<Item = ClipRequest>, past: &PastJobs) -> Self {
        // A plan has few kinds of clips, and a ledger many past jobs.
        let mut costs: HashMap<String, Option<RangeInclusive<Usd>>> = HashMap::new();
        requests.fold(Self::default(), |mut total, request| {
            total.clips += 1;
            let kind = ClipRequest { prompt: String::new(), reference_image_url: None, ..request };
            let cost = costs.entry(kind.canonical_json()).or_insert_with(|| past.history(&kind).cost);
            match cost {
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

    /// Number of clips whose cost is not known.
    pub(crate) fn unknown(&self) -> usize {
        self.unknown
    }

    /// How much is not known, in words.
    pub(crate) fn unknown_fact(&self) -> String {
        let clips = count(self.clips, "clip");
        match self.clips - self.unknown {
            0 => format!("what {clips} cost is not known"),
            _ => format!(
                "{clips} may cost {} USD and more: what {} of them cost is not known",
                self.highest, self.unknown
            ),
        }
    }

    /// In words.
    pub(crate) fn line(&self) -> String {
        let (clips, range) = (count(self.clips, "clip"), range(&(self.lowest..=self.highest)));
        match self.unknown {
            0 => format!("about {range} USD for {clips}, based on past clips"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn history(vendors: &[(&str, &str, &str)]) -> History {
        let range = |(vendor, from, to): &(&str, &str, &str)| ((*vendor).to_owned(), usd(from)..=usd(to));
        let by_vendor: std::collections::BTreeMap<_, _> = vendors.iter().map(range).collect();
        let lowest = by_vendor.values().map(|range| *range.start()).min();
        let highest = by_vendor.values().map(|range| *range.end()).max();
        let cost = lowest.zip(highest).map(|(lowest, highest)| lowest..=highest);
        History { count: 12, cost, by_vendor, ..History::default() }
    }

    #[test]
    fn several_vendors_have_a_line_of_their_own() {
        let lines = |history| Estimate(history).lines();
        assert_eq!(lines(history(&[])), ["not known: this ledger has no such clip yet"]);
        let one = history(&[("swift", "0.04", "0.06")]);
        assert_eq!(lines(one.clone()), ["such clips cost 0.04 to 0.06 USD so far (12 clips, swift)"]);
        let scaled = History { is_scaled: true, ..one };
        assert_eq!(lines(scaled), ["about 0.04 to 0.06 USD, scaled from other lengths (12 clips, swift)"]);
        let two = history(&[("swift", "0.04", "0.04"), ("studio", "0.05", "0.1")]);
        assert_eq!(
            lines(two),
            ["such clips cost 0.04 to 0.10 USD so far (12 clips)", "studio 0.05 to 0.10, swift 0.04"]
        );
    }

    #[test]
    fn a_plan_has_a_total_of_what_is_known() {
        let line = |unknown| Total { clips: 3, unknown, lowest: usd("0.2"), highest: usd("0.3") }.line();
        assert_eq!(line(0), "about 0.20 to 0.30 USD for 3 clips, based on past clips");
        assert_eq!(line(1), "about 0.20 to 0.30 USD for 2 of 3 clips; not known for the rest");
        assert_eq!(line(3), "not known for 3 clips: this ledger has no such clip yet");
    }
}
