//! Checks of values before anything is sent.

use std::str::FromStr;

use infrai_video_client::types::GenerateRequest;

use crate::error::Error;
use crate::ids::{IdempotencyKey, JobId, RetentionDays};

/// Percent-encoded, an id of this length still fits into a URL.
const MAX_JOB_ID_BYTES: usize = 2048;

const MAX_KEY_CHARS: usize = 255;

/// The maximum length of a prompt in characters (the contract's `maxLength`).
pub const MAX_PROMPT_CHARS: usize = 32_768;

/// The maximum duration of a clip in seconds (the contract's `maximum`). Vendors have lower limits.
pub const MAX_DURATION_SECONDS: f64 = 3600.0;

const MAX_URL_CHARS: usize = 2048;
const MAX_RESOLUTION_CHARS: usize = 32;

impl FromStr for JobId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        if (1..=MAX_JOB_ID_BYTES).contains(&id.len()) && !matches!(id, "." | "..") {
            return Ok(Self(id.to_owned()));
        }
        let start: String = id.chars().take(40).collect();
        Err(Error::invalid(
            "job_id",
            format!(
                "`job_id` {start:?} cannot be one segment of a path: it must be neither empty nor . or .., and have at most \
                 {MAX_JOB_ID_BYTES} bytes; pass the job_id that generate returned"
            ),
        ))
    }
}

impl TryFrom<String> for JobId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self, Error> {
        id.parse()
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self, Error> {
        if (1..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(key.to_owned()));
        }
        Err(Error::invalid(
            "idempotency_key",
            format!(
                "`idempotency_key` must be 1 to {MAX_KEY_CHARS} visible ASCII characters without spaces; use a UUID or a name such \
                 as skyline-1"
            ),
        ))
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = Error;

    fn try_from(key: String) -> Result<Self, Error> {
        key.parse()
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = Error;

    fn try_from(days: u32) -> Result<Self, Error> {
        if (Self::MIN..=Self::MAX).contains(&days) {
            return Ok(Self(days));
        }
        Err(Error::invalid("days", format!("`days` must be a whole number from 1 to 90, not {days}")))
    }
}

/// Checks the limits of the contract.
pub(crate) fn check_request(request: &GenerateRequest) -> Result<(), Error> {
    // The contract's pattern is ECMA-262's, whose white space differs slightly from Unicode's.
    let is_space = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
    if request.prompt.chars().all(is_space) {
        return Err(Error::invalid(
            "prompt",
            "`prompt` must not be empty; describe what the clip should show".into(),
        ));
    }
    let chars = request.prompt.chars().count();
    if chars > MAX_PROMPT_CHARS {
        return Err(Error::invalid(
            "prompt",
            format!("`prompt` must have at most {MAX_PROMPT_CHARS} characters, not {chars}"),
        ));
    }
    let is_duration = |seconds: f64| seconds > 0.0 && seconds <= MAX_DURATION_SECONDS;
    if let Some(seconds) = request.duration_seconds.filter(|seconds| !is_duration(*seconds)) {
        return Err(Error::invalid(
            "duration_seconds",
            format!("`duration_seconds` must be above 0 and at most {MAX_DURATION_SECONDS}, not {seconds}"),
        ));
    }
    if let Some(url) = &request.reference_image_url {
        // The service sends the request: it decides about users and hosts.
        let is_web = url.split_once("://").is_some_and(|(scheme, rest)| {
            let is_known = ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
            is_known && !rest.is_empty() && !rest.starts_with(['/', '?', '#', ' '])
        });
        if !is_web || url.chars().count() > MAX_URL_CHARS {
            return Err(Error::invalid(
                "reference_image_url",
                format!(
                    "`reference_image_url` must be an http or https URL of at most {MAX_URL_CHARS} characters"
                ),
            ));
        }
    }
    let is_name = |name: &str| (1..=MAX_RESOLUTION_CHARS).contains(&name.chars().count());
    if request.resolution.as_ref().is_some_and(|resolution| !is_name(resolution.as_str())) {
        return Err(Error::invalid(
            "resolution",
            "`resolution` must be a name such as 720p, 1080p or 4k".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_any_text_that_can_be_a_path_segment() {
        for id in ["", ".", "..", &"a".repeat(2049)] {
            assert!(id.parse::<JobId>().is_err(), "{id:?}");
        }
        for id in [
            "vj_1",
            "operations/abc",
            "a b",
            "a%2f",
            "ä",
            "a\n",
            "../list",
            "...",
            "\u{202e}",
            &"a".repeat(2048),
        ] {
            assert!(id.parse::<JobId>().is_ok(), "{id:?}");
        }
    }

    #[test]
    fn the_service_decides_about_the_host_of_a_reference_image() {
        let with_image =
            |url: &str| check_request(&GenerateRequest::new("a city").reference_image_url(url)).is_ok();
        for url in ["https://images.example/a b.png", "HTTP://u@127.1/a", "https://b\u{fc}cher.example"] {
            assert!(with_image(url), "{url}");
        }
        for url in ["images.example/a.png", "ftp://images.example/a", "https://", "https:///a", "https://?a"]
        {
            assert!(!with_image(url), "{url}");
        }
    }

    #[test]
    fn a_retention_of_0_or_91_days_is_rejected() {
        assert!(RetentionDays::try_from(0).is_err());
        assert!(RetentionDays::try_from(91).is_err());
        assert_eq!(RetentionDays::try_from(90).unwrap().get(), 90);
        assert!(serde_json::from_str::<RetentionDays>("91").is_err());
    }
}
