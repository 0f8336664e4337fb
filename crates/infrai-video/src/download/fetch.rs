//! Brings the bytes of a clip in order, over as many connections and links as it takes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION,
    RANGE, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::sleep;

use super::link::{Link, checked};
use crate::error::{Error, ErrorKind};
use crate::job::Job;
use crate::retry::retry_after;
use crate::transport::{Body, Incoming, TransportError};

const MAX_REDIRECTS: u32 = 5;

/// How often a clip may change under way before that is taken for an error.
const MAX_RESTARTS: u32 = 3;

/// What comes next.
pub(super) enum Piece {
    /// More bytes.
    Data(Bytes),
    /// What came so far is void: the clip is another one now, and comes from its start.
    Restart,
    /// The clip is complete.
    End,
}

/// What identifies one version of the clip on the server.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Version {
    /// A strong `ETag` or else `Last-Modified`, as `If-Range` takes it.
    pub(super) validator: String,
    /// The size in bytes, where the server said it.
    pub(super) total: Option<u64>,
}

pub(super) struct Fetch {
    job: Job,
    stall: Duration,
    max_failures: u32,
    link: Option<Link>,
    body: Option<Body>,
    offset: u64,
    /// Bytes of the current body that are there already, since the server sent the clip from its start again.
    skip: u64,
    total: Option<u64>,
    version: Option<Version>,
    ranges: bool,
    failures: u32,
    restarts: u32,
}

/// What an answer means for the download.
enum Opened {
    /// The body goes on where it should.
    Ready,
    /// The body is another version, from its start.
    Restarted,
    /// There is no body; try again.
    Again,
}

impl Fetch {
    pub(super) fn new(job: &Job, stall: Duration, max_failures: u32) -> Self {
        Self {
            job: job.clone(),
            stall,
            max_failures,
            link: None,
            body: None,
            offset: 0,
            skip: 0,
            total: None,
            version: None,
            ranges: true,
            failures: 0,
            restarts: 0,
        }
    }

    /// Goes on after the first `offset` bytes of that version.
    pub(super) fn resume(&mut self, version: Version, offset: u64) {
        self.total = version.total;
        self.version = Some(version);
        self.offset = offset;
    }

    /// Throws away what came, to fetch the clip once more.
    pub(super) fn start_over(&mut self) {
        (self.body, self.offset, self.skip, self.version, self.total) = (None, 0, 0, None, None);
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    pub(super) async fn next(&mut self) -> Result<Piece, Error> {
        loop {
            if self.body.is_none() {
                if self.total.is_some_and(|total| total == self.offset && self.offset > 0) {
                    return Ok(Piece::End);
                }
                match self.open().await? {
                    Opened::Ready => {}
                    Opened::Again => continue,
                    Opened::Restarted => return Ok(Piece::Restart),
                }
            }
            let Some(body) = &mut self.body else { continue };
            match body.chunk(self.stall).await {
                Ok(Some(bytes)) => {
                    if let Some(bytes) = self.take(bytes)? {
                        return Ok(Piece::Data(bytes));
                    }
                }
                Ok(None) if self.total.is_none_or(|total| total == self.offset) && self.skip == 0 => {
                    self.total = Some(self.offset);
                    return Ok(Piece::End);
                }
                Ok(None) => {
                    self.body = None;
                    self.failed(Error::new(ErrorKind::ConnectionLost, "the clip was cut short"), None)
                        .await?;
                }
                Err(error) => {
                    self.body = None;
                    self.failed(error.into(), None).await?;
                }
            }
        }
    }

    /// What is new in a piece of the body.
    fn take(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, Error> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let fresh = bytes.split_off(known);
        self.skip -= known as u64;
        if fresh.is_empty() {
            return Ok(None);
        }
        self.offset += fresh.len() as u64;
        if self.total.is_some_and(|total| self.offset > total) {
            return Err(Error::new(ErrorKind::Download, "the server sent more than the clip's length"));
        }
        self.failures = 0;
        Ok(Some(fresh))
    }

    /// Counts a failure, and waits before the next try.
    async fn failed(&mut self, error: Error, retry_after: Option<Duration>) -> Result<(), Error> {
        self.failures += 1;
        tracing::debug!(job_id = self.job.id(), failures = self.failures, offset = self.offset, %error, "the download broke off");
        if self.failures >= self.max_failures {
            let message = format!("the clip could not be downloaded: {}", error.message());
            return Err(Error::new(ErrorKind::Download, message)
                .with_attempts(self.failures, None)
                .with_retryable(true)
                .with_source(error));
        }
        let client = self.job.client();
        sleep(client.shared.retry.delay(self.failures, client.random_share(), retry_after)).await;
        Ok(())
    }

    /// Makes a request and looks at its head.
    async fn open(&mut self) -> Result<Opened, Error> {
        if self.offset > 0 && self.version.is_none() {
            // Nothing says that the rest would belong to what is there.
            self.restart()?;
            return Ok(Opened::Restarted);
        }
        if self.link.as_ref().is_none_or(Link::is_about_to_expire) {
            self.link = Some(Link::fresh(&self.job).await?);
        }
        let incoming = match self.request().await? {
            Ok(incoming) => incoming,
            Err(error) => {
                self.failed(error.into(), None).await?;
                return Ok(Opened::Again);
            }
        };
        match incoming.status {
            StatusCode::OK => self.whole(incoming).await,
            StatusCode::PARTIAL_CONTENT => self.part(incoming).await,
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.restart()?;
                Ok(Opened::Restarted)
            }
            status => self.refused(status, &incoming.headers).await,
        }
    }

    /// Follows redirects by itself, so that each hop can be looked at. No hop sees the key.
    async fn request(&mut self) -> Result<Result<Incoming, TransportError>, Error> {
        let Some(mut url) = self.link.as_ref().map(|link| link.url.clone()) else {
            return Err(Error::new(ErrorKind::Download, "there is no link"));
        };
        let shared = Arc::clone(&self.job.client().shared);
        for _ in 0..=MAX_REDIRECTS {
            let mut request = reqwest::Request::new(Method::GET, url.clone());
            let headers = request.headers_mut();
            headers.insert(USER_AGENT, shared.user_agent.clone());
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            if let Some(version) = self.version.as_ref().filter(|_| self.offset > 0 && self.ranges)
                && let Ok(validator) = HeaderValue::from_str(&version.validator)
            {
                headers.insert(
                    RANGE,
                    HeaderValue::from_maybe_shared(format!("bytes={}-", self.offset))
                        .unwrap_or(validator.clone()),
                );
                headers.insert(IF_RANGE, validator);
            }
            let head = tokio::time::timeout(self.stall, shared.sender.send(request)).await;
            let incoming = match head {
                Ok(Ok(incoming)) => incoming,
                Ok(Err(error)) => return Ok(Err(error)),
                Err(_) => return Ok(Err(TransportError::timed_out("no answer came", self.stall))),
            };
            let location = incoming.headers.get(LOCATION).and_then(|location| location.to_str().ok());
            match (incoming.status.is_redirection(), location) {
                (true, Some(location)) => {
                    let next = url
                        .join(location)
                        .map_err(|_| Error::new(ErrorKind::Download, "the link leads nowhere"))?;
                    url = checked(next.as_str())?;
                }
                _ => return Ok(Ok(incoming)),
            }
        }
        Err(Error::new(
            ErrorKind::Download,
            format!("the link led through more than {MAX_REDIRECTS} redirects"),
        ))
    }

    /// A 200: the clip from its start, wanted or not.
    async fn whole(&mut self, incoming: Incoming) -> Result<Opened, Error> {
        if is_page(&incoming.headers) {
            self.failed(
                Error::new(ErrorKind::Download, "the server answered with a page instead of a clip"),
                None,
            )
            .await?;
            self.link = None;
            return Ok(Opened::Again);
        }
        let total = content_length(&incoming.headers);
        let version = version(&incoming.headers, total);
        let same = match (&version, &self.version) {
            (Some(now), Some(then)) => now.validator == then.validator,
            _ => false,
        };
        let again = self.offset > 0;
        if again && !same {
            self.restart()?;
        }
        self.skip = if again && same { self.offset } else { 0 };
        self.total = total.or(self.total.filter(|_| same));
        self.version = version.map(|version| Version { total: self.total, ..version });
        self.body = Some(incoming.body);
        Ok(if again && !same { Opened::Restarted } else { Opened::Ready })
    }

    /// A 206: the rest of the clip, if it is the right rest of the right clip.
    async fn part(&mut self, incoming: Incoming) -> Result<Opened, Error> {
        let range =
            incoming.headers.get(CONTENT_RANGE).and_then(|range| parse_content_range(range.to_str().ok()?));
        let fits = range.is_some_and(|(start, total)| {
            start == self.offset && self.total.is_none_or(|known| total.is_none_or(|total| total == known))
        });
        let changed = version(&incoming.headers, None)
            .is_some_and(|now| self.version.as_ref().is_some_and(|then| then.validator != now.validator));
        if changed {
            self.restart()?;
            return Ok(Opened::Restarted);
        }
        if !fits {
            // The server does ranges wrongly: from now on it is asked for the whole, and what is known is skipped.
            self.ranges = false;
            self.failed(
                Error::new(ErrorKind::Download, "the server sent another range than it was asked for"),
                None,
            )
            .await?;
            return Ok(Opened::Again);
        }
        self.total = self.total.or(range.and_then(|(_, total)| total));
        self.body = Some(incoming.body);
        Ok(Opened::Ready)
    }

    async fn refused(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Opened, Error> {
        let error = Error::new(ErrorKind::Download, format!("the file host answered {status}"));
        match status.as_u16() {
            401 | 403 | 404 | 410 => {
                self.link = None;
                self.failed(error, None).await?;
            }
            408 | 429 | 500.. => self.failed(error, retry_after(headers)).await?,
            _ => return Err(error),
        }
        Ok(Opened::Again)
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            return Err(Error::new(
                ErrorKind::Download,
                "the clip keeps changing while it is being downloaded",
            ));
        }
        self.start_over();
        Ok(())
    }
}

/// A page is no clip: the answer of a proxy or a portal, whatever its status says.
fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/") || kind.starts_with("application/json") || kind.starts_with("application/xml")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Only a strong validator can join two parts.
fn version(headers: &HeaderMap, total: Option<u64>) -> Option<Version> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let strong = text(ETAG).filter(|etag| etag.starts_with('"'));
    let validator = strong.or_else(|| text(LAST_MODIFIED))?.to_owned();
    Some(Version { validator, total })
}

/// The start and the total of `bytes START-END/TOTAL`.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((start.parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_or_refused() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for text in ["", "bytes */10", "bytes 5-9", "items 5-9/10", "bytes x-9/10"] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }

    #[test]
    fn a_weak_etag_cannot_join_two_parts() {
        let headers: HeaderMap = [(ETAG, HeaderValue::from_static("W/\"a\""))].into_iter().collect();
        assert_eq!(version(&headers, None), None);
    }
}
