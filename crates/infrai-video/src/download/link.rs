use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::client::is_loopback;
use crate::error::{Error, ErrorKind};
use crate::job::Job;
use crate::retry::RetryPolicy;
use crate::wait::without_clip;

/// A link this near to its end is not used any more.
const MARGIN: Duration = Duration::from_secs(10);

/// A signed link, and until when it is worth trying. It is never shown.
pub(super) struct Link {
    pub(super) url: Url,
    expires: Option<Instant>,
}

impl Link {
    /// Asks for a link. `max_elapsed` bounds the call with its retries.
    pub(super) async fn fresh(job: &Job, max_elapsed: Option<Duration>) -> Result<Self, Error> {
        let asked = Instant::now();
        let policy = job.client().shared.retry.clone();
        let max_elapsed = max_elapsed.unwrap_or(Duration::MAX).min(policy.max_elapsed());
        let answer = job.download_url().with_retry_policy(policy.with_max_elapsed(max_elapsed)).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                return Err(no_clip(job, max_elapsed).await.unwrap_or(error));
            }
            Err(error) => return Err(error),
        };
        let Some(url) = answer.url.as_deref().filter(|url| !url.trim().is_empty()) else {
            let no_link = Error::new(ErrorKind::Download, "the service gave no link");
            return Err(no_clip(job, max_elapsed).await.unwrap_or(no_link));
        };
        let expires = answer.expires_at.and_then(|expires_at| {
            let left = expires_at.duration_since(job.client().shared.clocks.wall());
            // By a wrong clock a link can look dead that is not; then the server is the judge.
            Duration::try_from(left).ok().and_then(|left| asked.checked_add(left))
        });
        Ok(Self { url: checked(url)?, expires })
    }

    pub(super) fn is_about_to_expire(&self) -> bool {
        self.expires.is_some_and(|expires| Instant::now() + MARGIN >= expires)
    }
}

/// Why there will never be a link: the job succeeded without a clip.
async fn no_clip(job: &Job, max_elapsed: Duration) -> Option<Error> {
    let policy = RetryPolicy::never().with_max_elapsed(max_elapsed);
    let job = job.status().with_retry_policy(policy).await.ok()?.into_inner();
    job.is_without_clip().then(|| without_clip(job))
}

/// A link that may be followed: https, or anything on this machine itself.
pub(super) fn checked(text: &str) -> Result<Url, Error> {
    let refuse = |what: &str| Error::new(ErrorKind::Download, format!("the service's link {what}"));
    let url = Url::parse(text).map_err(|_| refuse("is no URL"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refuse("is plain http to another machine, which is not safe")),
        _ => Err(refuse("is not https")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_links_are_followed_and_none_is_shown() {
        assert!(checked("https://files.example.com/a.mp4?signature=secret").is_ok());
        assert!(checked("http://127.0.0.1:8788/a.mp4").is_ok());
        for url in ["http://files.example.com/a.mp4?signature=secret", "file:///etc/passwd?secret", "secret"]
        {
            let error = checked(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
