//! Money, counted in millionths of a US dollar so that sums are exact.

use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

const MICROS: f64 = 1_000_000.0;

/// An amount of US dollars, positive or negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Usd(i64);

impl Usd {
    pub(crate) const ZERO: Self = Self(0);

    /// The amount nearest to `dollars`.
    pub(crate) fn from_dollars(dollars: f64) -> Self {
        Self((dollars * MICROS).round() as i64)
    }

    pub(crate) fn dollars(self) -> f64 {
        self.0 as f64 / MICROS
    }

    #[cfg(feature = "persist")]
    pub(crate) fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The price of `seconds` at this rate for each second, rounded up to a whole millionth.
    pub(crate) fn for_seconds(self, seconds: f64) -> Self {
        // Products such as 0.01 * 5 carry a rounding error far below this slack.
        Self((self.0 as f64 * seconds - 1e-6).ceil().max(0.0) as i64)
    }

    pub(crate) fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Usd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_where_floating_point_is_not() {
        assert_eq!(Usd::from_dollars(0.04).for_seconds(5.0), Usd::from_dollars(0.2));
        assert_eq!(Usd::from_dollars(0.07).for_seconds(3.0).dollars(), 0.21);
    }

    #[test]
    fn the_shortest_clip_still_costs_something() {
        assert!(Usd::from_dollars(0.01).for_seconds(0.001) > Usd::ZERO);
    }
}
