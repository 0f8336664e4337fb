//! Comparison of a request with the vendors' capabilities.

use infrai_video_client::Resolution;
use infrai_video_client::types::{GenerateRequest, VendorCapabilities, VideoCapabilities};

use crate::error::{Error, ErrorKind};
use crate::resolution;

/// The vendors that support a request, according to their capabilities.
///
/// A vendor that lists values supports only those. A vendor whose list is missing, null or empty may support any value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapabilityMatch {
    /// The vendors that list all values of the request.
    pub vendors: Vec<String>,
    /// The vendors that may support the request, but do not list values of every field.
    pub unchecked: Vec<String>,
    /// The number of vendors; 0 if the capabilities could not be read.
    pub of: usize,
    /// The values that were not checked, and why, one line each. They are not a reason to stop.
    pub warnings: Vec<String>,
}

impl CapabilityMatch {
    pub(super) fn not_checked(why: &str) -> Self {
        Self { warnings: vec![format!("not checked: {why}")], ..Self::default() }
    }
}

/// Whether a vendor supports a value of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    Yes,
    No,
    /// The vendor does not list values of this field.
    Unknown,
}

/// Compares a request with the vendors' capabilities.
pub(super) fn match_capabilities(
    request: &GenerateRequest,
    capabilities: &VideoCapabilities,
) -> Result<CapabilityMatch, Error> {
    let vendors = capabilities.vendors.as_deref().unwrap_or_default();
    if vendors.is_empty() {
        return Ok(CapabilityMatch::not_checked("the service lists no vendors"));
    }
    let mut result = CapabilityMatch { of: vendors.len(), ..CapabilityMatch::default() };
    let (mut without_resolutions, mut without_durations) = (Vec::new(), Vec::new());
    for vendor in vendors {
        let (resolution, duration) =
            (supports_resolution(vendor, request), supports_duration(vendor, request));
        if resolution == Support::No || duration == Support::No {
            continue;
        }
        match (resolution, duration) {
            (Support::Yes, Support::Yes) => result.vendors.push(name(vendor)),
            _ => result.unchecked.push(name(vendor)),
        }
        if resolution == Support::Unknown {
            without_resolutions.push(name(vendor));
        }
        if duration == Support::Unknown {
            without_durations.push(name(vendor));
        }
    }
    if result.vendors.is_empty() && result.unchecked.is_empty() {
        return Err(unsupported(request, vendors));
    }
    let mut warn = |what: &str, vendors: Vec<String>, list: &str| {
        if !vendors.is_empty() {
            let verb = if vendors.len() == 1 { "lists" } else { "list" };
            result.warnings.push(format!("{what} not checked: {} {verb} no {list}", vendors.join(", ")));
        }
    };
    if let Some(resolution) = &request.resolution {
        warn(&format!("resolution {resolution}"), without_resolutions, "resolutions");
    }
    if let Some(seconds) = request.duration_seconds {
        warn(&format!("duration {seconds} s"), without_durations, "maximum duration");
    }
    Ok(result)
}

fn name(vendor: &VendorCapabilities) -> String {
    let name = vendor.vendor.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or("a vendor without a name").to_owned()
}

/// The resolutions that a vendor lists.
fn resolutions(vendor: &VendorCapabilities) -> impl Iterator<Item = &Resolution> {
    let listed = vendor.resolutions.iter().flatten();
    listed.filter(|size| !size.as_str().trim().is_empty())
}

/// The maximum duration that a vendor lists, in seconds.
fn max_duration(vendor: &VendorCapabilities) -> Option<f64> {
    vendor.max_duration_seconds.filter(|seconds| *seconds > 0.0)
}

fn supports_resolution(vendor: &VendorCapabilities, request: &GenerateRequest) -> Support {
    let Some(wanted) = &request.resolution else { return Support::Yes };
    if resolutions(vendor).any(|listed| resolution::is_same(listed, wanted)) {
        return Support::Yes;
    }
    if resolutions(vendor).next().is_some() { Support::No } else { Support::Unknown }
}

fn supports_duration(vendor: &VendorCapabilities, request: &GenerateRequest) -> Support {
    match (request.duration_seconds, max_duration(vendor)) {
        (Some(wanted), Some(max)) if wanted > max => Support::No,
        (Some(_), None) => Support::Unknown,
        _ => Support::Yes,
    }
}

/// An error with the value that no vendor supports, and the supported values.
fn unsupported(request: &GenerateRequest, vendors: &[VendorCapabilities]) -> Error {
    let supporting = |vendor: &&VendorCapabilities| supports_resolution(vendor, request) != Support::No;
    let supporting: Vec<_> = vendors.iter().filter(supporting).collect();
    let (Some(wanted), true) = (&request.resolution, supporting.is_empty()) else {
        let longest = supporting.iter().filter_map(|vendor| max_duration(vendor)).fold(0.0_f64, f64::max);
        let wanted = request.duration_seconds.unwrap_or_default();
        let size = request.resolution.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        let message = format!("no vendor makes {size}clips of {wanted} s (`duration_seconds`)");
        return Error::new(ErrorKind::Unsupported, message)
            .with_field("duration_seconds")
            .with_hint(format!("{size}clips can be up to {longest} s"));
    };
    let long_enough = vendors.iter().filter(|vendor| supports_duration(vendor, request) != Support::No);
    let mut listed: Vec<_> = long_enough.flat_map(resolutions).collect();
    if listed.is_empty() {
        listed = vendors.iter().flat_map(resolutions).collect();
    }
    let nearest = resolution::nearest(wanted, &listed);
    let meant = nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    Error::new(ErrorKind::Unsupported, format!("no vendor makes {wanted} clips (`resolution`)"))
        .with_field("resolution")
        .with_hint(format!("{meant}choose one of {}", resolution::list(&listed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn capabilities(vendors: Value) -> VideoCapabilities {
        serde_json::from_value(json!({"vendors": vendors})).unwrap()
    }

    fn two_vendors() -> VideoCapabilities {
        capabilities(json!([
            {"vendor": "small", "resolutions": ["720p"], "max_duration_seconds": 60},
            {"vendor": "large", "resolutions": ["720p", "1080p"], "max_duration_seconds": 10},
        ]))
    }

    fn request(resolution: &str, seconds: f64) -> GenerateRequest {
        let body = json!({"prompt": "x", "resolution": resolution, "duration_seconds": seconds});
        serde_json::from_value(body).unwrap()
    }

    fn rejected(resolution: &str, seconds: f64, capabilities: &VideoCapabilities) -> String {
        let error = match_capabilities(&request(resolution, seconds), capabilities).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        error.to_string()
    }

    #[test]
    fn the_vendors_that_support_the_request_are_named() {
        let vendors =
            |size, seconds| match_capabilities(&request(size, seconds), &two_vendors()).unwrap().vendors;
        assert_eq!(vendors("720p", 5.0), ["small", "large"]);
        assert_eq!(vendors("1080P", 10.0), ["large"]);
        assert_eq!(vendors("1080", 5.0), ["large"]);
        assert_eq!(vendors("720p", 30.0), ["small"]);
    }

    #[test]
    fn a_request_that_no_vendor_supports_is_rejected_with_the_supported_values() {
        assert_eq!(
            rejected("1080p", 30.0, &two_vendors()),
            "no vendor makes 1080p clips of 30 s (`duration_seconds`); 1080p clips can be up to 10 s"
        );
        assert_eq!(
            rejected("fullhd", 5.0, &two_vendors()),
            "no vendor makes fullhd clips (`resolution`); did you mean 1080p? choose one of 720p, 1080p"
        );
        assert_eq!(
            rejected("HD", 5.0, &two_vendors()),
            "no vendor makes HD clips (`resolution`); did you mean 720p? choose one of 720p, 1080p"
        );
        assert_eq!(
            rejected("fullhd", 30.0, &two_vendors()),
            "no vendor makes fullhd clips (`resolution`); did you mean 720p? choose one of 720p"
        );
        assert_eq!(
            rejected("large", 90.0, &two_vendors()),
            "no vendor makes large clips (`resolution`); choose one of 720p, 1080p"
        );
    }

    #[test]
    fn one_vendor_must_support_both_values() {
        let apart = capabilities(json!([
            {"vendor": "a", "resolutions": ["1080p"], "max_duration_seconds": 5},
            {"vendor": "b", "resolutions": ["720p"], "max_duration_seconds": 60},
        ]));
        assert!(rejected("1080p", 20.0, &apart).contains("1080p clips can be up to 5 s"));
    }

    #[test]
    fn a_vendor_that_lists_nothing_is_unchecked() {
        for silent in [
            json!({"vendor": "a"}),
            json!({"vendor": "a", "resolutions": null, "max_duration_seconds": null}),
            json!({"vendor": "a", "resolutions": [], "max_duration_seconds": 0}),
            json!({"vendor": "a", "resolutions": [""], "max_duration_seconds": -1}),
        ] {
            let matched = match_capabilities(&request("8k", 5.0), &capabilities(json!([silent]))).unwrap();
            assert_eq!((matched.vendors.len(), matched.unchecked, matched.of), (0, vec!["a".to_owned()], 1));
            assert_eq!(
                matched.warnings,
                [
                    "resolution 8k not checked: a lists no resolutions",
                    "duration 5 s not checked: a lists no maximum duration"
                ]
            );
        }
    }

    #[test]
    fn a_vendor_that_lists_nothing_may_support_what_the_others_do_not() {
        let mixed = capabilities(json!([
            {"vendor": "strict", "resolutions": ["720p"], "max_duration_seconds": 10},
            {"vendor": "silent", "max_duration_seconds": 10},
        ]));
        let matched = match_capabilities(&request("8k", 5.0), &mixed).unwrap();
        assert_eq!((matched.vendors.len(), matched.unchecked.as_slice()), (0, &["silent".to_owned()][..]));
        assert!(rejected("8k", 20.0, &mixed).contains("8k clips can be up to 10 s"));
    }

    #[test]
    fn resolutions_outside_the_contract_are_compared_as_listed() {
        let other = capabilities(json!([{"resolutions": ["768P", "1920x1080"], "max_duration_seconds": 10}]));
        assert_eq!(
            match_capabilities(&request("768p", 5.0), &other).unwrap().vendors,
            ["a vendor without a name"]
        );
        assert_eq!(
            rejected("1080p", 5.0, &other),
            "no vendor makes 1080p clips (`resolution`); did you mean 1920x1080? choose one of 768P, 1920x1080"
        );
    }

    #[test]
    fn a_service_that_lists_no_vendors_is_not_checked() {
        for capabilities in [VideoCapabilities::default(), capabilities(json!([]))] {
            let matched = match_capabilities(&request("8k", 5.0), &capabilities).unwrap();
            assert_eq!((matched.of, matched.warnings.len()), (0, 1));
        }
    }
}
