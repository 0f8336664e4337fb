//! The money of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the user allows. All amounts are millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The most that a run may charge.
    pub spend: u64,
    /// The most that one clip of the shortest length can cost.
    pub clip_price: u64,
}

/// Millionths of a US dollar.
pub(crate) fn micros(usd: f64) -> u64 {
    // `as` saturates, and no price is near the limits.
    (usd * 1e6).round().max(0.0) as u64
}

/// An amount in US dollars, such as `0.50`.
pub fn dollars(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let cents = text.len() - 4;
    let digits = text.trim_end_matches('0').len().max(cents);
    text[..digits].to_owned()
}

/// The charges of a run.
#[derive(Debug)]
pub(crate) struct Budget {
    allowance: Allowance,
    spent: u64,
    /// The highest price seen.
    price: Option<u64>,
}

impl Budget {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, spent: 0, price: None }
    }

    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// What one more clip costs at most, as far as is known.
    pub(crate) fn price(&self) -> u64 {
        self.price.unwrap_or(self.allowance.clip_price)
    }

    #[cfg(test)]
    fn allows_a_clip(&self) -> bool {
        self.allows(self.price())
    }

    /// What a clip costs at most whose vendor and resolution are left to the service.
    pub(crate) fn highest_price(&self) -> u64 {
        self.price().max(self.allowance.clip_price)
    }

    /// Whether so much more can be paid.
    pub(crate) fn allows(&self, price: u64) -> bool {
        self.spent.saturating_add(price) <= self.allowance.spend
    }

    /// Adds the charge of a job whose envelope has this metadata. A cost that is not stated is taken for the highest possible.
    pub(crate) fn charge(&mut self, metadata: &Value) -> u64 {
        let cost = ["cost_usd", "costUsd"].iter().find_map(|name| amount(&metadata[*name])).map(micros);
        self.price = self.price.max(cost);
        let cost = cost.unwrap_or(self.allowance.clip_price);
        self.spent = self.spent.saturating_add(cost);
        cost
    }

    /// Adds a charge that may have been made: no response says whether it was.
    pub(crate) fn may_have_charged(&mut self) {
        self.spent = self.spent.saturating_add(self.price());
    }
}

fn amount(value: &Value) -> Option<f64> {
    let amount = value.as_f64().or_else(|| value.as_str()?.trim_start_matches('$').parse().ok())?;
    // No clip costs so little: it may be the cost of the request, and the clip is charged later.
    (amount.is_finite() && amount >= 0.001).then_some(amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn budget(spend: f64, clip_price: f64) -> Budget {
        Budget::new(Allowance { spend: micros(spend), clip_price: micros(clip_price) })
    }

    #[test]
    fn the_first_clip_is_taken_to_cost_what_the_user_says() {
        assert!(!budget(0.05, 0.5).allows_a_clip());
        assert!(budget(0.05, 0.05).allows_a_clip());
    }

    #[test]
    fn later_clips_cost_what_the_first_has_cost() {
        let mut budget = budget(0.5, 0.5);
        assert_eq!(budget.charge(&json!({"cost_usd": 0.2})), 200_000);
        assert!(budget.allows_a_clip());
        budget.charge(&json!({"cost_usd": "0.2"}));
        assert_eq!(budget.spent(), 400_000);
        assert!(!budget.allows_a_clip());
    }

    #[test]
    fn an_unknown_cost_is_the_highest_possible() {
        for metadata in
            [json!(null), json!({"cost_usd": "a lot"}), json!({"cost_usd": 0}), json!({"cost_usd": 0.00012})]
        {
            let mut budget = budget(1.0, 0.5);
            budget.charge(&metadata);
            assert_eq!(budget.spent(), 500_000);
        }
    }

    #[test]
    fn amounts_have_two_digits_or_more() {
        for (micros, text) in [(0, "0.00"), (500_000, "0.50"), (12_345_678, "12.345678"), (120, "0.00012")] {
            assert_eq!(dollars(micros), text);
        }
    }
}
