//! Quirks: plausible ways in which the real service may differ from the contract.
//!
//! A request is changed before its handler, the outcome of the handler before it is wrapped into the envelope, and the
//! envelope before it is sent. Only where that is impossible does a handler look at the quirks of its call.

pub(crate) mod first_calls;
pub(crate) mod ids;
mod members;
pub(crate) mod outcome;
pub(crate) mod request;
pub(crate) mod response;
mod set;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use self::set::Quirks;
use crate::input::unknown;

/// Declares the enum, and what must be known of each variant: its summary is the first line of its documentation.
macro_rules! quirks {
    ($(#[doc = $summary:literal] $(#[doc = $more:literal])* $variant:ident = $name:literal,)+) => {
        /// A plausible way in which the real service may differ from the contract, or do what the contract allows and the sandbox
        /// does not do.
        ///
        /// Quirks apply to the API and the file host, not to the admin API and the pages. Jobs and charges are as always, except
        /// with [`Quirk::KeysIgnored`].
        ///
        /// ```
        /// use infrai_video_sandbox::{Quirk, Sandbox};
        ///
        /// let sandbox = Sandbox::builder().quirk(Quirk::IntegerIds).quirk(Quirk::Created).router();
        /// # let _ = sandbox;
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Quirk {
            $(#[doc = $summary] $(#[doc = $more])* #[serde(rename = $name)] $variant,)+
        }

        impl Quirk {
            /// Every quirk.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name, such as `integer_ids`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What the server does, in one line.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary.trim_start(),)+
                }
            }
        }
    };
}

quirks! {
    /// Success bodies are the bare `data`, without an envelope.
    BareResults = "bare_results",
    /// Envelopes have no `ok`.
    NoOk = "no_ok",
    /// `error` is the message as a string instead of an object.
    StringErrors = "string_errors",
    /// Error bodies are `{"code", "message"}`, without an envelope.
    BareErrors = "bare_errors",
    /// Envelopes have no `metadata`.
    NoMetadata = "no_metadata",
    /// The members of `metadata` are `costUsd`, `latencyMs`, `cacheHit`, `requestId` and `vendor`.
    CamelCaseMetadata = "camel_case_metadata",
    /// `cost_usd` is a string such as `"0.01"`.
    StringCosts = "string_costs",
    /// `generate` responds with 201.
    Created = "created",
    /// `generate` responds with 202.
    Accepted = "accepted",
    /// `cancel` and `delete` respond with 204 and no body.
    NoContent = "no_content",
    /// `data` of `cancel` and `delete` is null.
    NullResults = "null_results",
    /// Error envelopes come with the status 200.
    ErrorsWith200 = "errors_with_200",
    /// Errors are an HTML page with the right status.
    HtmlErrors = "html_errors",
    /// Errors have the content type `application/problem+json`.
    ProblemJson = "problem_json",
    /// Error codes are in lower case, such as `not_found`.
    ///
    /// That of a failed job is too.
    LowerCaseCodes = "lower_case_codes",
    /// `code` of an error is the HTTP status as a number.
    NumericCodes = "numeric_codes",
    /// An unknown job is 410 instead of 404.
    ///
    /// The code is `GONE`.
    GoneJobs = "gone_jobs",
    /// An unknown job is 403 instead of 404.
    ///
    /// The code is `FORBIDDEN`.
    ForbiddenJobs = "forbidden_jobs",
    /// A missing or malformed API key is 403 instead of 401.
    ///
    /// The code is `FORBIDDEN`, and there is no `WWW-Authenticate`.
    ForbiddenKeys = "forbidden_keys",
    /// 401 has no `WWW-Authenticate`.
    NoWwwAuthenticate = "no_www_authenticate",
    /// Errors with the status 422 have the status 400.
    Validation400 = "validation_400",
    /// The first request of each operation and account is 429 without `Retry-After`.
    NoRetryAfter = "no_retry_after",
    /// States are `pending`, `processing`, `completed`, `failed` and `canceled`.
    StateSynonyms = "state_synonyms",
    /// States are in capitals.
    StateCapitals = "state_capitals",
    /// Unfinished jobs are `waiting` or `rendering`, words that the contract does not know.
    OtherStates = "other_states",
    /// Successful jobs are `ready`, a word that the contract does not know.
    OtherFinalStates = "other_final_states",
    /// `job_id` is an integer.
    ///
    /// Paths and bodies take it, bodies also as a string.
    IntegerIds = "integer_ids",
    /// `job_id` contains a slash, such as `jobs/vj_...`; paths take it percent-encoded.
    EscapedIds = "escaped_ids",
    /// Jobs have `id` instead of `job_id`.
    IdMember = "id_member",
    /// `data` of `generate`, `status` and `get` is `{"job": {...}}`.
    JobInJob = "job_in_job",
    /// Links are paths without scheme and host. The API serves them too.
    RelativeLinks = "relative_links",
    /// `expires_at` is a number of seconds since 1970.
    EpochTimes = "epoch_times",
    /// `expires_at` has no time zone, such as `2026-01-01 00:15:00`.
    LocalTimes = "local_times",
    /// `duration_seconds`, `retention_days`, `deleted` and `max_duration_seconds` are strings.
    StringNumbers = "string_numbers",
    /// `resolution` in `get` is a size in pixels, such as `1280x720`.
    PixelResolutions = "pixel_resolutions",
    /// `vendors` is an object by the name of the vendor instead of a list.
    VendorsByName = "vendors_by_name",
    /// Every repetition of an accepted idempotency key is 409, also with the same body.
    ReplayConflict = "replay_conflict",
    /// A repetition of an idempotency key with another body gets the first result.
    ///
    /// Operation and job must be the same.
    ReplayOtherBody = "replay_other_body",
    /// The header `Idempotency-Key` is ignored.
    HeaderKeyIgnored = "header_key_ignored",
    /// The member `idempotency_key` is ignored.
    BodyKeyIgnored = "body_key_ignored",
    /// Idempotency keys are ignored: a repetition makes and charges a second job.
    KeysIgnored = "keys_ignored",
    /// A body with `aspect` is rejected with 422.
    AspectUnknown = "aspect_unknown",
    /// A body with `aspect_ratio` is rejected with 422.
    AspectRatioUnknown = "aspect_ratio_unknown",
    /// `aspect_ratio` is ignored.
    AspectRatioIgnored = "aspect_ratio_ignored",
    /// `set_retention` accepts up to 365 days.
    LongRetention = "long_retention",
    /// `cancel` of a finished job responds with 200 and changes nothing.
    CancelFinal = "cancel_final",
    /// `cancel` of a finished job responds with 200, and `ok` in its `data` is false.
    CancelNotOk = "cancel_not_ok",
    /// `list` begins with the oldest job.
    OldestFirst = "oldest_first",
    /// `list` returns at most 50 jobs a page.
    LimitCapped = "limit_capped",
    /// A `limit` above 50 is rejected with 400.
    LimitRejected = "limit_rejected",
    /// An invalid `limit` or `cursor` is ignored.
    LenientList = "lenient_list",
    /// `next_cursor` is a number.
    NumericCursors = "numeric_cursors",
    /// A page of `list` has `jobs` instead of `items`.
    ItemsNamedJobs = "items_named_jobs",
    /// `data` of `list` is the array of jobs.
    ///
    /// There is no `next_cursor`: only the first page can be read.
    ListIsArray = "list_is_array",
    /// The file host ignores `Range` and sends no `Accept-Ranges`.
    NoRanges = "no_ranges",
    /// The file host sends no `ETag` and no `Last-Modified`.
    NoValidators = "no_validators",
    /// The file host responds with 401 without the API key of the job's account.
    LinksNeedKey = "links_need_key",
    /// Links expire one second after they are issued, and `expires_at` says so.
    ///
    /// They expire at a whole second: up to two seconds after they are issued.
    ShortLinks = "short_links",
    /// Every object of a response has an additional member.
    UnknownMembers = "unknown_members",
    /// Responses of the API have `X-RateLimit-Remaining` and other headers that the contract does not know.
    UndeclaredHeaders = "undeclared_headers",
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error of a name that is not a quirk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the quirk {0}")]
pub struct UnknownQuirk(String);

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    /// Parses the name, with underscores or dashes.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wanted = name.replace('-', "_");
        Self::ALL
            .iter()
            .copied()
            .find(|quirk| quirk.name() == wanted)
            .ok_or_else(|| UnknownQuirk(unknown(name, Self::ALL.iter().map(|known| known.name()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::variants_of;

    #[test]
    fn a_quirk_has_one_name_everywhere() {
        let names: Vec<_> = variants_of::<Quirk>().map(|(name, _)| name).collect();
        assert_eq!(names, Quirk::ALL.iter().map(|quirk| quirk.name()).collect::<Vec<_>>());
        for quirk in Quirk::ALL {
            assert_eq!(quirk.name().parse(), Ok(*quirk));
            assert_eq!(quirk.to_string().replace('_', "-").parse(), Ok(*quirk));
            assert_eq!(serde_json::to_value(quirk).ok(), Some(quirk.name().into()));
        }
    }

    #[test]
    fn an_unknown_name_is_rejected_with_the_closest_one() {
        let error = "integer_id".parse::<Quirk>().expect_err("unknown").to_string();
        assert!(
            error.starts_with(
                "the quirk `integer_id` does not exist: did you mean `integer_ids`? Use one of bare_results, "
            ),
            "{error}"
        );
    }

    #[test]
    fn the_readme_describes_each_quirk() {
        let readme = include_str!("../../README.md");
        let section =
            readme.split("\n## ").find(|section| section.starts_with("Quirks\n")).unwrap_or_default();
        let rows: Vec<_> =
            section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        let expected: Vec<_> =
            Quirk::ALL.iter().map(|quirk| format!("| `{quirk}` | {} |", quirk.summary())).collect();
        assert_eq!(rows, expected, "the table in the README");
    }
}
