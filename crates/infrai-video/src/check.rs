//! Pre-flight: a request against the vendors' own capabilities, before any money is spent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use infrai_video_client::Resolution;
use infrai_video_client::types::{GenerateRequest, VendorCapabilities, VideoCapabilities};
use tokio::time::Instant;

use crate::client::Client;
use crate::error::{Error, ErrorKind};

const KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// The capabilities as they were read last, and when.
pub(crate) type CapabilitiesCache = Mutex<Option<(Instant, Arc<VideoCapabilities>)>>;

/// What the vendors say about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fit {
    /// The vendors that can make the clip, or that do not say that they cannot.
    pub vendors: Vec<String>,
    /// How many vendors there are.
    pub of: usize,
    /// What could not be compared. Not a reason to stop.
    pub warnings: Vec<String>,
}

impl Client {
    pub(crate) async fn cached_capabilities(&self) -> Result<Arc<VideoCapabilities>, Error> {
        let cache = || self.shared.capabilities.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = cache()
            .as_ref()
            .filter(|(read_at, _)| read_at.elapsed() < KEPT_FOR)
            .map(|(_, kept)| Arc::clone(kept));
        if let Some(kept) = kept {
            return Ok(kept);
        }
        // The lock is not held meanwhile: checks at the same time may read twice, but none waits for another's retries.
        let capabilities = Arc::new(self.capabilities().await?.into_inner());
        *cache() = Some((Instant::now(), Arc::clone(&capabilities)));
        Ok(capabilities)
    }
}

/// Compares; an unknown value warns and never blocks.
pub(crate) fn fit(request: &GenerateRequest, capabilities: &VideoCapabilities) -> Result<Fit, Error> {
    let vendors = capabilities.vendors.as_deref().unwrap_or_default();
    let mut warnings = Vec::new();
    if vendors.is_empty() {
        warnings.push("the service lists no vendors, so nothing could be compared".to_owned());
        return Ok(Fit { vendors: Vec::new(), of: 0, warnings });
    }
    if let Some(resolution @ Resolution::Unknown(_)) = &request.resolution {
        warnings.push(format!("the resolution {resolution} is not known to this version"));
    }
    let fitting: Vec<&VendorCapabilities> = vendors
        .iter()
        .filter(|vendor| makes_size(vendor, request) && makes_length(vendor, request))
        .collect();
    if fitting.is_empty() {
        return Err(nobody(request, vendors));
    }
    let silent =
        fitting.iter().filter(|vendor| vendor.resolutions.is_none() || vendor.max_duration_seconds.is_none());
    warnings.extend(silent.map(|vendor| format!("{} does not say everything about itself", name(vendor))));
    Ok(Fit { vendors: fitting.into_iter().map(name).collect(), of: vendors.len(), warnings })
}

fn name(vendor: &VendorCapabilities) -> String {
    vendor.vendor.clone().unwrap_or_else(|| "a vendor without a name".to_owned())
}

/// A name that this version does not know, on either side, may be another word for the same size.
fn makes_size(vendor: &VendorCapabilities, request: &GenerateRequest) -> bool {
    let unknown = |size: &Resolution| matches!(size, Resolution::Unknown(_));
    match (&request.resolution, &vendor.resolutions) {
        (Some(wanted), Some(sizes)) => {
            sizes.contains(wanted) || sizes.is_empty() || unknown(wanted) || sizes.iter().any(unknown)
        }
        _ => true,
    }
}

fn makes_length(vendor: &VendorCapabilities, request: &GenerateRequest) -> bool {
    match (request.duration_seconds, vendor.max_duration_seconds) {
        (Some(wanted), Some(longest)) => wanted <= longest,
        _ => true,
    }
}

/// Says which field stands in the way, and what would fit.
fn nobody(request: &GenerateRequest, vendors: &[VendorCapabilities]) -> Error {
    let of_size: Vec<&VendorCapabilities> =
        vendors.iter().filter(|vendor| makes_size(vendor, request)).collect();
    if of_size.is_empty() {
        let wanted = request.resolution.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut sizes: Vec<String> = vendors
            .iter()
            .flat_map(|vendor| vendor.resolutions.iter().flatten())
            .map(ToString::to_string)
            .collect();
        sizes.sort();
        sizes.dedup();
        return Error::new(ErrorKind::Unsupported, format!("no vendor makes {wanted} clips (`resolution`)"))
            .with_field("resolution")
            .with_hint(format!("choose one of {}", sizes.join(", ")));
    }
    let longest = of_size.iter().filter_map(|vendor| vendor.max_duration_seconds).fold(0.0_f64, f64::max);
    let wanted = request.duration_seconds.unwrap_or_default();
    let size = request.resolution.as_ref().map(|size| format!("{size} ")).unwrap_or_default();
    Error::new(
        ErrorKind::Unsupported,
        format!("no vendor makes {size}clips of {wanted} s (`duration_seconds`)"),
    )
    .with_field("duration_seconds")
    .with_hint(format!("{size}clips can be up to {longest} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> VideoCapabilities {
        let vendor = |name: &str, sizes: &[&str], longest| VendorCapabilities {
            vendor: Some(name.to_owned()),
            resolutions: Some(sizes.iter().map(|size| Resolution::from(*size)).collect()),
            max_duration_seconds: Some(longest),
            ..VendorCapabilities::default()
        };
        VideoCapabilities {
            vendors: Some(vec![vendor("small", &["720p"], 60.0), vendor("large", &["720p", "1080p"], 10.0)]),
        }
    }

    fn request(resolution: &str, seconds: f64) -> GenerateRequest {
        let body = serde_json::json!({"prompt": "x", "resolution": resolution, "duration_seconds": seconds});
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn the_vendors_that_can_are_named() {
        assert_eq!(fit(&request("720p", 5.0), &capabilities()).unwrap().vendors, ["small", "large"]);
        assert_eq!(fit(&request("1080p", 5.0), &capabilities()).unwrap().vendors, ["large"]);
        assert_eq!(fit(&request("720p", 30.0), &capabilities()).unwrap().vendors, ["small"]);
    }

    #[test]
    fn what_nobody_can_make_is_refused_with_what_would_fit() {
        let error = fit(&request("1080p", 30.0), &capabilities()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "no vendor makes 1080p clips of 30 s (`duration_seconds`); 1080p clips can be up to 10 s"
        );
        let error = fit(&request("4k", 5.0), &capabilities()).unwrap_err();
        assert_eq!(error.to_string(), "no vendor makes 4k clips (`resolution`); choose one of 1080p, 720p");
    }

    #[test]
    fn what_is_not_known_warns_and_does_not_block() {
        let silent = VideoCapabilities { vendors: Some(vec![VendorCapabilities::default()]) };
        let fitting = fit(&request("8k", 5.0), &silent).unwrap();
        assert_eq!((fitting.vendors.len(), fitting.warnings.len()), (1, 2));
        assert_eq!(fit(&request("8k", 5.0), &VideoCapabilities::default()).unwrap().of, 0);
        assert_eq!(fit(&request("8k", 5.0), &capabilities()).unwrap().vendors.len(), 2);
        let other_words = VendorCapabilities {
            resolutions: Some(vec![Resolution::from("1920x1080")]),
            ..VendorCapabilities::default()
        };
        let capabilities = VideoCapabilities { vendors: Some(vec![other_words]) };
        assert_eq!(fit(&request("1080p", 5.0), &capabilities).unwrap().vendors.len(), 1);
    }
}
