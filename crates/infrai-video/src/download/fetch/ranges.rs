//! Range requests.

/// Whether requests for the rest of the clip have a `Range` header.
///
/// A host may refuse every `Range` and still send the whole clip, so a refused one is followed by a request without it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ranges {
    /// The host returns ranges other than the requested ones. No further request has `Range`.
    pub(super) broken: bool,
    /// The next request has none.
    pub(super) skip_next: bool,
    /// The current request has one.
    pub(super) requested: bool,
    /// Consecutive failures of requests with `Range`, without a new byte.
    pub(super) failures: u32,
}

/// After this many consecutive failures of ranged requests, whatever their reason, one request goes without `Range`.
const MAX_RANGED_FAILURES: u32 = 2;

impl Ranges {
    /// Decides whether the next request for the rest has `Range`.
    pub(super) fn next_request(&mut self) -> bool {
        self.requested = !self.broken && !std::mem::take(&mut self.skip_next);
        self.requested
    }

    /// Records that the current request returned no new byte.
    pub(super) fn failed(&mut self) {
        if std::mem::take(&mut self.requested) {
            self.failures += 1;
            self.skip_next = self.failures >= MAX_RANGED_FAILURES;
        } else {
            self.failures = 0;
        }
    }
}
