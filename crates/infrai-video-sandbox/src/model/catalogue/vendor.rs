//! A vendor: its capabilities, speed and prices.

use serde::{Deserialize, Serialize};

use crate::model::money::Usd;
use crate::model::resolution::{LONGEST_CLIP, frame_size};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vendor {
    pub(crate) name: String,
    pub(crate) models: Vec<String>,
    pub(super) quality: u8,
    #[serde(default = "one")]
    pub(crate) speed: f64,
    pub(crate) max_duration_seconds: f64,
    #[serde(default)]
    supports_extend: bool,
    #[serde(default)]
    supports_upscale: bool,
    pub(super) resolutions: Vec<Resolution>,
    #[serde(default)]
    pub(super) down: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolution {
    pub(super) name: String,
    usd_per_second: f64,
}

fn one() -> f64 {
    1.0
}

/// Whether a vendor accepts jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VendorState {
    /// It does.
    Up,
    /// Its jobs go to the next vendor that supports them.
    Down,
}

/// A vendor in the response of `capabilities`.
#[derive(Serialize)]
pub(crate) struct Capability<'a> {
    vendor: &'a str,
    models: &'a [String],
    resolutions: Vec<&'a str>,
    max_duration_seconds: serde_json::Number,
    supports_extend: bool,
    supports_upscale: bool,
}

impl Vendor {
    /// What is wrong, and what would be right.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = if self.name.is_empty() {
            "its name is empty: give it one".to_owned()
        } else if self.models.is_empty() {
            "it has no model: name at least one".to_owned()
        } else if self.resolutions.is_empty() {
            "it has no resolution: name at least one".to_owned()
        } else if !(self.speed.is_finite() && self.speed > 0.0) {
            "speed must be a number above 0".to_owned()
        } else if !(self.max_duration_seconds > 0.0 && self.max_duration_seconds <= LONGEST_CLIP) {
            format!("max_duration_seconds must lie above 0 and be at most {LONGEST_CLIP}")
        } else if self.quality > 100 {
            "quality must lie between 0 and 100".to_owned()
        } else if let Some(unknown) = self.resolutions.iter().find(|r| frame_size(&r.name, "16:9").is_none())
        {
            format!("resolution {:?} is unknown: use 720p, 1080p or 4k", unknown.name)
        } else if self.resolutions.iter().any(|r| !(0.0..=1000.0).contains(&r.usd_per_second)) {
            "usd_per_second must lie between 0 and 1000".to_owned()
        } else {
            return Ok(());
        };
        Err(wrong)
    }

    pub(super) fn rate(&self, resolution: &str) -> Option<Usd> {
        let found = self.resolutions.iter().find(|known| known.name == resolution)?;
        Some(Usd::from_dollars(found.usd_per_second))
    }

    pub(super) fn state(&self) -> VendorState {
        if self.down { VendorState::Down } else { VendorState::Up }
    }

    pub(super) fn capability(&self) -> Capability<'_> {
        Capability {
            vendor: &self.name,
            models: &self.models,
            resolutions: self.resolutions.iter().map(|resolution| resolution.name.as_str()).collect(),
            max_duration_seconds: number(self.max_duration_seconds),
            supports_extend: self.supports_extend,
            supports_upscale: self.supports_upscale,
        }
    }
}

/// A JSON number without a fraction if it is whole.
pub(crate) fn number(value: f64) -> serde_json::Number {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return serde_json::Number::from(value as i64);
    }
    serde_json::Number::from_f64(value).expect("numbers are validated to be finite on input")
}
