//! Pre-flight: compares a request with the capabilities that the vendors list, before any money is spent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use infrai_video_client::Resolution;
use infrai_video_client::types::{GenerateRequest, VendorCapabilities, VideoCapabilities};
use tokio::time::Instant;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::size;

/// How long capabilities are cached.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// How long a failed read of the capabilities is cached, so that many checks in a row fail once.
const FAILURE_KEPT_FOR: Duration = Duration::from_secs(30);

/// The longest time that a check may delay a request.
const MAX_ELAPSED: Duration = Duration::from_secs(8);

/// The most attempts to read the capabilities for a check.
const MAX_ATTEMPTS: u32 = 2;

/// The last read of the capabilities.
pub(crate) type CapabilitiesCache = Mutex<Option<CachedRead>>;

#[derive(Clone)]
pub(crate) struct CachedRead {
    at: Instant,
    result: Result<Arc<VideoCapabilities>, Error>,
}

/// What the vendors' capabilities say about a request.
///
/// A vendor that lists values makes only those. A vendor whose list is missing, null or empty may make anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fit {
    /// The vendors that can make the clip, by the values that they list.
    pub vendors: Vec<String>,
    /// The vendors that may be able to make the clip, but do not list every value that the request asks for.
    pub unchecked: Vec<String>,
    /// How many vendors there are; 0 where the capabilities could not be read.
    pub of: usize,
    /// What was not checked, and why: one line each. Not a reason to stop.
    pub warnings: Vec<String>,
}

impl Fit {
    fn not_checked(why: &str) -> Self {
        Self { warnings: vec![format!("not checked: {why}")], ..Self::default() }
    }
}

impl Client {
    /// Compares the request with the capabilities. A check that cannot be made says so and never blocks the request, except
    /// where the request itself would meet the same refusal.
    pub(crate) async fn check(&self, request: &GenerateRequest) -> Result<Fit, Error> {
        match self.cached_capabilities().await {
            Ok(capabilities) => fit(request, &capabilities),
            Err(error) if concerns_every_call(&error) => Err(error),
            Err(error) => {
                let status = error.status().map(|status| format!(" (status {status})")).unwrap_or_default();
                let why = format!("the vendors' capabilities could not be read: {}{status}", error.message());
                Ok(Fit::not_checked(&why))
            }
        }
    }

    async fn cached_capabilities(&self) -> Result<Arc<VideoCapabilities>, Error> {
        let cache = || self.shared.capabilities.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache()
            .clone()
            .filter(|read| read.at.elapsed() < if read.result.is_ok() { KEPT_FOR } else { FAILURE_KEPT_FOR });
        if let Some(read) = cached {
            return read.result;
        }
        let policy = &self.shared.retry;
        let policy = policy.clone().with_max_attempts(policy.max_attempts().min(MAX_ATTEMPTS));
        let max_elapsed = policy.max_elapsed().min(MAX_ELAPSED);
        // The lock is not held meanwhile: concurrent checks may read twice, but none waits for the retries of another.
        let read = self.capabilities().with_retry_policy(policy.with_max_elapsed(max_elapsed)).await;
        let result = read.map(|capabilities| Arc::new(capabilities.into_inner()));
        if !result.as_ref().is_err_and(concerns_every_call) {
            *cache() = Some(CachedRead { at: Instant::now(), result: result.clone() });
        }
        result
    }
}

/// Whether any other call would fail in the same way, so that going on is no use.
fn concerns_every_call(error: &Error) -> bool {
    match error.kind() {
        // A key may be allowed to start jobs and not to read capabilities (403).
        ErrorKind::Authentication => error.status() != Some(403),
        ErrorKind::InsufficientCredit | ErrorKind::Config | ErrorKind::InvalidInput => true,
        // No connection, and none for a later request: an untrusted certificate, or a proxy that refuses.
        ErrorKind::Unreachable => !error.is_retryable(),
        _ => false,
    }
}

/// What one vendor says about one value of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// The vendor does not list such values.
    Unknown,
}

fn fit(request: &GenerateRequest, capabilities: &VideoCapabilities) -> Result<Fit, Error> {
    let vendors = capabilities.vendors.as_deref().unwrap_or_default();
    if vendors.is_empty() {
        return Ok(Fit::not_checked("the service lists no vendors"));
    }
    let mut fit = Fit { of: vendors.len(), ..Fit::default() };
    let (mut no_sizes, mut no_lengths) = (Vec::new(), Vec::new());
    for vendor in vendors {
        let (size, length) = (makes_size(vendor, request), makes_length(vendor, request));
        if size == Answer::No || length == Answer::No {
            continue;
        }
        match (size, length) {
            (Answer::Yes, Answer::Yes) => fit.vendors.push(name(vendor)),
            _ => fit.unchecked.push(name(vendor)),
        }
        if size == Answer::Unknown {
            no_sizes.push(name(vendor));
        }
        if length == Answer::Unknown {
            no_lengths.push(name(vendor));
        }
    }
    if fit.vendors.is_empty() && fit.unchecked.is_empty() {
        return Err(unsupported(request, vendors));
    }
    let mut warn = |what: &str, vendors: Vec<String>, list: &str| {
        if !vendors.is_empty() {
            let verb = if vendors.len() == 1 { "lists" } else { "list" };
            fit.warnings.push(format!("{what} not checked: {} {verb} no {list}", vendors.join(", ")));
        }
    };
    if let Some(size) = &request.resolution {
        warn(&format!("resolution {size}"), no_sizes, "resolutions");
    }
    if let Some(seconds) = request.duration_seconds {
        warn(&format!("duration {seconds} s"), no_lengths, "maximum duration");
    }
    Ok(fit)
}

fn name(vendor: &VendorCapabilities) -> String {
    let name = vendor.vendor.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or("a vendor without a name").to_owned()
}

/// The sizes that a vendor lists.
fn sizes(vendor: &VendorCapabilities) -> impl Iterator<Item = &Resolution> {
    let listed = vendor.resolutions.iter().flatten();
    listed.filter(|size| !size.as_str().trim().is_empty())
}

/// The longest clip that a vendor makes, in seconds, where it says so.
fn longest(vendor: &VendorCapabilities) -> Option<f64> {
    vendor.max_duration_seconds.filter(|seconds| *seconds > 0.0)
}

fn makes_size(vendor: &VendorCapabilities, request: &GenerateRequest) -> Answer {
    let Some(wanted) = &request.resolution else { return Answer::Yes };
    if sizes(vendor).any(|size| size::is_same(size, wanted)) {
        return Answer::Yes;
    }
    if sizes(vendor).next().is_some() { Answer::No } else { Answer::Unknown }
}

fn makes_length(vendor: &VendorCapabilities, request: &GenerateRequest) -> Answer {
    match (request.duration_seconds, longest(vendor)) {
        (Some(wanted), Some(longest)) if wanted > longest => Answer::No,
        (Some(_), None) => Answer::Unknown,
        _ => Answer::Yes,
    }
}

/// Names the value that no vendor can make, and what would fit.
fn unsupported(request: &GenerateRequest, vendors: &[VendorCapabilities]) -> Error {
    let of_size: Vec<_> = vendors.iter().filter(|vendor| makes_size(vendor, request) != Answer::No).collect();
    let (Some(wanted), true) = (&request.resolution, of_size.is_empty()) else {
        let longest = of_size.iter().filter_map(|vendor| longest(vendor)).fold(0.0_f64, f64::max);
        let wanted = request.duration_seconds.unwrap_or_default();
        let size = request.resolution.as_ref().map(|size| format!("{size} ")).unwrap_or_default();
        let message = format!("no vendor makes {size}clips of {wanted} s (`duration_seconds`)");
        return Error::new(ErrorKind::Unsupported, message)
            .with_field("duration_seconds")
            .with_hint(format!("{size}clips can be up to {longest} s"));
    };
    let of_length = vendors.iter().filter(|vendor| makes_length(vendor, request) != Answer::No);
    let mut listed: Vec<_> = of_length.flat_map(sizes).collect();
    if listed.is_empty() {
        listed = vendors.iter().flat_map(sizes).collect();
    }
    let meant =
        size::nearest(wanted, &listed).map(|size| format!("did you mean {size}? ")).unwrap_or_default();
    Error::new(ErrorKind::Unsupported, format!("no vendor makes {wanted} clips (`resolution`)"))
        .with_field("resolution")
        .with_hint(format!("{meant}choose one of {}", size::list(&listed)))
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

    fn refused(resolution: &str, seconds: f64, capabilities: &VideoCapabilities) -> String {
        let error = fit(&request(resolution, seconds), capabilities).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        error.to_string()
    }

    #[test]
    fn the_vendors_that_can_make_the_clip_are_named() {
        let vendors = |size, seconds| fit(&request(size, seconds), &two_vendors()).unwrap().vendors;
        assert_eq!(vendors("720p", 5.0), ["small", "large"]);
        assert_eq!(vendors("1080P", 10.0), ["large"]);
        assert_eq!(vendors("1080", 5.0), ["large"]);
        assert_eq!(vendors("720p", 30.0), ["small"]);
    }

    #[test]
    fn a_request_that_no_vendor_can_make_is_refused_with_what_would_fit() {
        assert_eq!(
            refused("1080p", 30.0, &two_vendors()),
            "no vendor makes 1080p clips of 30 s (`duration_seconds`); 1080p clips can be up to 10 s"
        );
        assert_eq!(
            refused("fullhd", 5.0, &two_vendors()),
            "no vendor makes fullhd clips (`resolution`); did you mean 1080p? choose one of 720p, 1080p"
        );
        assert_eq!(
            refused("HD", 5.0, &two_vendors()),
            "no vendor makes HD clips (`resolution`); did you mean 720p? choose one of 720p, 1080p"
        );
        assert_eq!(
            refused("fullhd", 30.0, &two_vendors()),
            "no vendor makes fullhd clips (`resolution`); did you mean 720p? choose one of 720p"
        );
        assert_eq!(
            refused("large", 90.0, &two_vendors()),
            "no vendor makes large clips (`resolution`); choose one of 720p, 1080p"
        );
    }

    #[test]
    fn one_vendor_must_make_both_the_size_and_the_length() {
        let apart = capabilities(json!([
            {"vendor": "a", "resolutions": ["1080p"], "max_duration_seconds": 5},
            {"vendor": "b", "resolutions": ["720p"], "max_duration_seconds": 60},
        ]));
        assert!(refused("1080p", 20.0, &apart).contains("1080p clips can be up to 5 s"));
    }

    #[test]
    fn a_vendor_that_lists_nothing_says_nothing() {
        for silent in [
            json!({"vendor": "a"}),
            json!({"vendor": "a", "resolutions": null, "max_duration_seconds": null}),
            json!({"vendor": "a", "resolutions": [], "max_duration_seconds": 0}),
            json!({"vendor": "a", "resolutions": [""], "max_duration_seconds": -1}),
        ] {
            let fitting = fit(&request("8k", 5.0), &capabilities(json!([silent]))).unwrap();
            assert_eq!((fitting.vendors.len(), fitting.unchecked, fitting.of), (0, vec!["a".to_owned()], 1));
            assert_eq!(
                fitting.warnings,
                [
                    "resolution 8k not checked: a lists no resolutions",
                    "duration 5 s not checked: a lists no maximum duration"
                ]
            );
        }
    }

    #[test]
    fn a_vendor_that_lists_nothing_keeps_a_request_that_the_others_cannot_make() {
        let mixed = capabilities(json!([
            {"vendor": "strict", "resolutions": ["720p"], "max_duration_seconds": 10},
            {"vendor": "silent", "max_duration_seconds": 10},
        ]));
        let fitting = fit(&request("8k", 5.0), &mixed).unwrap();
        assert_eq!((fitting.vendors.len(), fitting.unchecked.as_slice()), (0, &["silent".to_owned()][..]));
        assert!(refused("8k", 20.0, &mixed).contains("8k clips can be up to 10 s"));
    }

    #[test]
    fn sizes_that_only_the_vendors_know_are_compared_as_they_list_them() {
        let other = capabilities(json!([{"resolutions": ["768P", "1920x1080"], "max_duration_seconds": 10}]));
        assert_eq!(fit(&request("768p", 5.0), &other).unwrap().vendors, ["a vendor without a name"]);
        assert_eq!(
            refused("1080p", 5.0, &other),
            "no vendor makes 1080p clips (`resolution`); did you mean 1920x1080? choose one of 768P, 1920x1080"
        );
    }

    #[test]
    fn a_service_that_lists_no_vendors_is_not_checked() {
        for capabilities in [VideoCapabilities::default(), capabilities(json!([]))] {
            let fitting = fit(&request("8k", 5.0), &capabilities).unwrap();
            assert_eq!((fitting.of, fitting.warnings.len()), (0, 1));
        }
    }
}
