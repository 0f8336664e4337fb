//! Money, counted in millionths of a US dollar so that sums and comparisons are exact.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

const MICROS: f64 = 1_000_000.0;

/// Larger amounts are taken for mistakes. Also far below the largest number.
const MOST: f64 = 1e9;

/// An amount of US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Usd(i64);

/// A text that is no amount to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a number of US dollars above 0, such as 5 or 0.50")]
pub(crate) struct InvalidAmount;

impl Usd {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) const MAX: Self = Self(i64::MAX);

    pub(crate) const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The amount nearest to a number of dollars. `None` for a number that is no cost: negative, infinite or not a number.
    pub(crate) fn from_dollars(dollars: f64) -> Option<Self> {
        (0.0..=MOST).contains(&dollars).then(|| Self((dollars * MICROS).round() as i64))
    }

    pub(crate) fn dollars(self) -> f64 {
        self.0 as f64 / MICROS
    }

    /// This amount for `had` seconds, as it would be for `wanted` seconds, rounded up.
    pub(crate) fn scaled(self, had: f64, wanted: f64) -> Option<Self> {
        let dollars = self.dollars() * wanted / had;
        // Products such as 0.01 * 5 carry a rounding error far below this slack.
        (0.0..=MOST).contains(&dollars).then(|| Self((dollars * MICROS - 1e-3).ceil() as i64))
    }
}

impl FromStr for Usd {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let dollars = text.trim().parse().map_err(|_| InvalidAmount)?;
        Self::from_dollars(dollars).filter(|amount| *amount > Self::ZERO).ok_or(InvalidAmount)
    }
}

/// A number of dollars that was reported, as [`Usd`] is shown.
pub(crate) fn usd(dollars: f64) -> String {
    Usd::from_dollars(dollars).map_or_else(|| dollars.to_string(), |amount| amount.to_string())
}

/// `0.20`, or more digits where they matter.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.6}", self.dollars());
        let most = text.len() - 4;
        let shown = text.trim_end_matches('0').len().max(most);
        f.pad(&text[..shown])
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

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn sums_are_exact_where_floating_point_is_not() {
        assert_eq!(usd("0.1") + usd("0.2"), usd("0.3"));
        assert_eq!((0..10).map(|_| usd("0.1")).sum::<Usd>(), usd("1"));
        assert_eq!(usd("0.07").scaled(1.0, 3.0), Some(usd("0.21")));
        assert_eq!(usd("0.1").scaled(3.0, 1.0), Some(usd("0.033334")));
    }

    #[test]
    fn an_amount_to_spend_is_a_positive_number() {
        assert_eq!(
            (usd("5").to_string(), usd("0.0125").to_string()),
            ("5.00".to_owned(), "0.0125".to_owned())
        );
        assert_eq!(
            (usd("0.000001").to_string(), usd("30").to_string()),
            ("0.000001".to_owned(), "30.00".to_owned())
        );
        for text in ["", "0", "-1", "-0.0", "NaN", "inf", "1e300", "0.0000001", "five", "$5", "0,5"] {
            assert_eq!(text.parse::<Usd>(), Err(InvalidAmount), "{text}");
        }
        assert_eq!(Usd::from_dollars(f64::NAN), None);
        assert_eq!(usd("1").scaled(0.0, 5.0), None, "a clip of 0 s has no price for each second");
    }
}
