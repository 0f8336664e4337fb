//! The catalogue of vendors, and the selection of the vendor for a job.

mod vendor;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use self::vendor::VendorState;
pub(crate) use self::vendor::number;
use self::vendor::{Capability, Vendor};
use crate::input::{self, Format, Input, InputError};
use crate::model::money::Usd;
use crate::model::order::{Order, Prefer};
use crate::model::problem::Problem;

const DEFAULT: &str = include_str!("default.toml");

/// `balanced` selects the best vendor among those that cost at most this multiple of the lowest price.
const BALANCED_MAY_COST: i64 = 2;

/// The vendors of a sandbox.
///
/// It determines `capabilities`, the supported resolutions and durations, and the vendor, price and speed of a job. The
/// default has three vendors; [`Catalogue::from_toml`] reads others.
#[derive(Clone, Debug)]
pub struct Catalogue {
    vendors: Vec<Vendor>,
}

/// The error of a name that is not a vendor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the vendor {0}")]
pub struct UnknownVendor(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vendor: Vec<Vendor>,
}

/// The vendor for a job, and its price.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) cost: Usd,
    pub(crate) speed: f64,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::from_toml(DEFAULT).expect("the embedded catalogue is read by a test")
    }
}

impl Catalogue {
    /// Reads a catalogue. [`Catalogue::default_toml`] shows the form, with a comment on each value.
    ///
    /// # Errors
    /// If the text is not TOML of that form, or a vendor has no model, no resolution, a resolution other than
    /// 720p, 1080p and 4k, or a number out of range.
    pub fn from_toml(text: &str) -> Result<Self, InputError> {
        Self::read(text, Format::Toml)
    }

    /// Reads a catalogue from JSON with the names of the TOML: `{"vendor": [...]}`.
    ///
    /// # Errors
    /// As [`Catalogue::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, InputError> {
        Self::read(text, Format::Json)
    }

    fn read(text: &str, format: Format) -> Result<Self, InputError> {
        let File { vendor: vendors } = Input::parse("the catalogue", text, format)?.read()?;
        for vendor in &vendors {
            vendor.check().map_err(|wrong| InputError::new(format!("vendor {}", vendor.name), wrong))?;
        }
        match vendors.is_empty() {
            true => Err(InputError::new("the catalogue", "it has no vendor: add one to the list `vendor`")),
            false => Ok(Self { vendors }),
        }
    }

    /// The text of the default catalogue, as a template.
    pub fn default_toml() -> &'static str {
        DEFAULT
    }

    /// The names of the vendors.
    pub fn vendors(&self) -> impl Iterator<Item = &str> {
        self.vendors.iter().map(|vendor| vendor.name.as_str())
    }

    /// The same catalogue with a vendor down: its jobs go to the next one. An unknown name changes nothing.
    #[must_use]
    pub fn with_vendor_down(mut self, name: &str) -> Self {
        self.vendors.iter_mut().filter(|vendor| vendor.name == name).for_each(|vendor| vendor.down = true);
        self
    }

    /// Which vendors are up and which are down.
    pub(crate) fn states(&self) -> BTreeMap<String, VendorState> {
        self.vendors.iter().map(|vendor| (vendor.name.clone(), vendor.state())).collect()
    }

    /// Sets vendors up or down. Nothing changes if one of them is unknown.
    pub(crate) fn set_states(&mut self, states: &BTreeMap<String, VendorState>) -> Result<(), UnknownVendor> {
        if let Some(unknown) = states.keys().find(|name| self.vendors().all(|known| known != *name)) {
            return Err(UnknownVendor(input::unknown(unknown, self.vendors())));
        }
        for vendor in &mut self.vendors {
            if let Some(state) = states.get(&vendor.name) {
                vendor.down = *state == VendorState::Down;
            }
        }
        Ok(())
    }

    pub(crate) fn capabilities(&self) -> Vec<Capability<'_>> {
        self.vendors.iter().map(Vendor::capability).collect()
    }

    /// Selects the vendor for an order, or returns why there is none.
    pub(crate) fn quote(&self, order: &Order) -> Result<Quote, Problem> {
        let sized: Vec<_> = self
            .vendors
            .iter()
            .filter_map(|vendor| Some((vendor, vendor.rate(&order.resolution)?)))
            .collect();
        if sized.is_empty() {
            return Err(self.no_such_resolution(&order.resolution));
        }
        let longest = sized.iter().map(|(vendor, _)| vendor.max_duration_seconds).fold(0.0, f64::max);
        let able: Vec<_> = sized
            .into_iter()
            .filter(|(vendor, _)| order.duration_seconds <= vendor.max_duration_seconds)
            .collect();
        if able.is_empty() {
            return Err(Problem::unsupported(
                "duration_seconds",
                format!(
                    "is {}, and no vendor makes a {} clip of that length",
                    order.duration_seconds, order.resolution
                ),
                format!("at {} a clip may have up to {longest} seconds", order.resolution),
            ));
        }
        let up: Vec<_> = able.into_iter().filter(|(vendor, _)| !vendor.down).collect();
        let (vendor, rate) = choose(&up, order.prefer).ok_or_else(Problem::no_vendor_up)?;
        Ok(Quote {
            vendor: vendor.name.clone(),
            model: vendor.models[0].clone(),
            cost: rate.for_seconds(order.duration_seconds),
            speed: vendor.speed,
        })
    }

    fn no_such_resolution(&self, wanted: &str) -> Problem {
        let mut known: Vec<&str> = Vec::new();
        for resolution in self.vendors.iter().flat_map(|vendor| &vendor.resolutions) {
            if !known.contains(&resolution.name.as_str()) {
                known.push(&resolution.name);
            }
        }
        Problem::unsupported(
            "resolution",
            format!("is {wanted:?}, which no vendor makes"),
            format!("use one of {}", known.join(", ")),
        )
    }
}

/// Ties go to the first vendor in the catalogue.
fn choose<'a>(able: &[(&'a Vendor, Usd)], prefer: Prefer) -> Option<(&'a Vendor, Usd)> {
    let cheapest = *able.iter().min_by_key(|(_, rate)| *rate)?;
    let best_within = |limit: Option<Usd>| {
        able.iter()
            .rev()
            .filter(|(_, rate)| limit.is_none_or(|limit| *rate <= limit))
            .max_by_key(|(vendor, rate)| (vendor.quality, -*rate))
            .copied()
    };
    match prefer {
        Prefer::Cheapest => Some(cheapest),
        Prefer::Balanced => best_within(Some(cheapest.1.times(BALANCED_MAY_COST))),
        Prefer::Smartest => best_within(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(resolution: &str, seconds: f64, prefer: Prefer) -> Order {
        Order {
            prompt: "a lighthouse".to_owned(),
            reference_image_url: None,
            duration_seconds: seconds,
            aspect: "16:9".to_owned(),
            resolution: resolution.to_owned(),
            prefer,
        }
    }

    fn chosen(catalogue: &Catalogue, resolution: &str, seconds: f64, prefer: Prefer) -> String {
        catalogue.quote(&order(resolution, seconds, prefer)).expect("a vendor makes it").vendor
    }

    #[test]
    fn each_preference_chooses_another_vendor() {
        let catalogue = Catalogue::default();
        assert_eq!(chosen(&catalogue, "720p", 5.0, Prefer::Cheapest), "sandbox-swift");
        assert_eq!(chosen(&catalogue, "720p", 5.0, Prefer::Balanced), "sandbox-studio");
        assert_eq!(chosen(&catalogue, "720p", 5.0, Prefer::Smartest), "sandbox-cinema");
    }

    #[test]
    fn resolution_and_duration_gate_the_vendors() {
        let catalogue = Catalogue::default();
        assert_eq!(chosen(&catalogue, "4k", 5.0, Prefer::Cheapest), "sandbox-cinema");
        assert_eq!(chosen(&catalogue, "720p", 20.0, Prefer::Cheapest), "sandbox-studio");
        let refused = catalogue.quote(&order("4k", 61.0, Prefer::Cheapest)).expect_err("too long");
        assert_eq!(refused.code, "UNSUPPORTED_REQUEST");
        assert!(refused.message.starts_with("`duration_seconds`"));
        assert!(refused.hint.contains("60 seconds"));
        let refused = catalogue.quote(&order("8k", 5.0, Prefer::Cheapest)).expect_err("unknown");
        assert_eq!(refused.hint, "use one of 720p, 1080p, 4k");
    }

    #[test]
    fn a_job_goes_to_the_next_vendor_when_one_is_down() {
        let catalogue = Catalogue::default().with_vendor_down("sandbox-swift");
        assert_eq!(chosen(&catalogue, "720p", 5.0, Prefer::Cheapest), "sandbox-studio");
        let none = catalogue.with_vendor_down("sandbox-cinema");
        let refused = none.quote(&order("4k", 5.0, Prefer::Balanced)).expect_err("no vendor is up");
        assert_eq!((refused.code.as_str(), refused.retryable), ("UNAVAILABLE", true));
    }

    #[test]
    fn an_invalid_catalogue_is_rejected_with_the_name_of_the_vendor() {
        let text = Catalogue::default_toml().replace("quality = 95", "quality = 101");
        let error = Catalogue::from_toml(&text).expect_err("out of range").to_string();
        assert_eq!(error, "vendor sandbox-cinema: quality must lie between 0 and 100");
        let refused = |text: &str| Catalogue::from_toml(text).expect_err("wrong").to_string();
        assert_eq!(refused(""), "the catalogue: it has no vendor: add one to the list `vendor`");
        assert!(
            refused("colour = 1").starts_with("the catalogue (line 1): the field `colour` does not exist")
        );
    }
}
