//! Signed links.

use std::time::Duration;

use http::Uri;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::operations::Job;
use crate::retry::RetryPolicy;
use crate::url::{self, UrlError};
use crate::wait::without_clip;

/// A link is not used if it expires within this time.
const MARGIN: Duration = Duration::from_secs(10);

/// A signed link and its expiry. It is never displayed.
pub(super) struct Link {
    pub(super) url: Uri,
    expires: Option<Instant>,
}

impl Link {
    /// Requests a link. `max_elapsed` limits the call with its retries.
    pub(super) async fn request(job: &Job, max_elapsed: Option<Duration>) -> Result<Self, Error> {
        let requested = Instant::now();
        let policy = job.client().shared.retry.clone();
        let max_elapsed = max_elapsed.unwrap_or(Duration::MAX).min(policy.max_elapsed());
        let response = job.download_url().with_retry_policy(policy.with_max_elapsed(max_elapsed)).await;
        let response = match response {
            Ok(response) => response,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                return Err(no_clip(job, max_elapsed).await.unwrap_or(error));
            }
            Err(error) => return Err(error),
        };
        let Some(url) = response.url.as_deref().filter(|url| !url.trim().is_empty()) else {
            let no_link = Error::new(ErrorKind::Download, "the service returned no link");
            return Err(no_clip(job, max_elapsed).await.unwrap_or(no_link));
        };
        let expires = response.expires_at.and_then(|expires_at| {
            // If a wrong clock makes the link look expired, the file host decides.
            let left = expires_at.checked_duration_since(job.client().shared.clocks.wall())?;
            requested.checked_add(left)
        });
        let url = checked(resolved(job.client().base_url(), url), "the service's link")?;
        Ok(Self { url, expires })
    }

    pub(super) fn is_about_to_expire(&self) -> bool {
        self.expires.is_some_and(|expires| Instant::now() + MARGIN >= expires)
    }
}

/// The URL of a link. A path without a host is one of the API's host, although the contract says that links are complete.
fn resolved(base_url: &str, link: &str) -> Result<Uri, UrlError> {
    if link.starts_with('/') { url::join(&url::parse(base_url)?, link) } else { url::parse(link) }
}

/// The error of a job that succeeded without a clip, for which there will never be a link.
async fn no_clip(job: &Job, max_elapsed: Duration) -> Option<Error> {
    let policy = RetryPolicy::never().with_max_elapsed(max_elapsed);
    let job = job.status().with_retry_policy(policy).await.ok()?.into_inner();
    job.is_without_clip().then(|| without_clip(job))
}

/// Checks that a link or a redirect, `subject`, is https, or http to a loopback host.
pub(super) fn checked(url: Result<Uri, UrlError>, subject: &str) -> Result<Uri, Error> {
    let rejected = |what: &str| Error::new(ErrorKind::Download, format!("{subject} {what}"));
    match url {
        Ok(url) if url.scheme_str() == Some("https") || url::is_loopback(&url) => Ok(url),
        Ok(_) => Err(rejected("is plain http to another machine, which is not safe")),
        Err(UrlError::Scheme) => Err(rejected("is not https")),
        Err(error) => Err(rejected(error.what())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_link_to_the_host_of_the_api() {
        let resolved = |link| resolved("https://api.example.com/video", link).map(|url| url.to_string());
        assert_eq!(resolved("/clips/a.mp4?s=1").as_deref(), Ok("https://api.example.com/clips/a.mp4?s=1"));
        assert_eq!(resolved("//files.example.com/a").as_deref(), Ok("https://files.example.com/a"));
        assert_eq!(resolved("https://files.example.com/a").as_deref(), Ok("https://files.example.com/a"));
        assert_eq!(resolved("clips/a.mp4"), Err(UrlError::Invalid));
    }

    #[test]
    fn only_safe_links_are_followed_and_none_is_displayed() {
        let checked = |text: &str| checked(url::parse(text), "the service's link");
        assert!(checked("https://files.example.com/a.mp4?signature=secret").is_ok());
        assert!(checked("http://127.0.0.1:8788/a.mp4").is_ok());
        for url in [
            "http://files.example.com/a.mp4?signature=secret",
            "file:///etc/passwd?secret",
            "secret",
            "https://user:secret@files.example.com",
            "https://secrét.example",
        ] {
            let error = checked(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
