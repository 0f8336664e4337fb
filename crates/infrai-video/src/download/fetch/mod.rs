//! Fetches the bytes of a clip in order, over as many connections and links as necessary.

mod headers;
mod link;
mod ranges;
mod request;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::sleep;

use crate::error::{Error, ErrorKind};
use crate::operations::Job;
use crate::retry::retry_after;
use headers::{content_length, content_range, is_page, unsatisfied_total, validator};
use link::Link;
use ranges::Ranges;
use request::{Rest, get};

use crate::transport::{Body, Incoming, encoding};

/// The next part of a download.
pub(super) enum Chunk {
    /// More bytes.
    Data(Bytes),
    /// All bytes so far are invalid for this reason: the clip follows again from its start.
    Restart(Error),
    /// The clip is complete: it has the length that the server sent.
    End,
    /// The body ended, and the server does not say whether the clip is complete.
    EndUnproven,
}

/// How many new links are rejected with 401 before the download fails: another link does not help then.
const MAX_UNAUTHORIZED: u32 = 2;

/// The identity of a version of the clip on the server.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Version {
    /// A strong `ETag`, or else `Last-Modified`, for `If-Range`.
    pub(super) validator: String,
    /// The size in bytes, if the server sent it.
    pub(super) total: Option<u64>,
}

pub(super) struct Fetch {
    job: Job,
    stall: Duration,
    link_timeout: Option<Duration>,
    max_failures: u32,
    link: Option<Link>,
    body: Option<Body>,
    offset: u64,
    /// The largest offset so far. Only bytes beyond it are progress.
    max_offset: u64,
    /// The number of bytes to skip in the current body, since the server sends the clip from its start again.
    skip: u64,
    total: Option<u64>,
    validator: Option<String>,
    /// The offset at which a body without a length ended. The next request asks whether the clip ends there too.
    ended_at: Option<u64>,
    ranges: Ranges,
    failures: u32,
    /// How often a new link was rejected with 401.
    unauthorized: u32,
    restarted: bool,
    /// The first bytes of the current body, read ahead by [`Fetch::whole`].
    first: Option<Bytes>,
}

impl Fetch {
    pub(super) fn new(job: &Job, stall: Duration, link_timeout: Option<Duration>, max_failures: u32) -> Self {
        Self {
            job: job.clone(),
            stall,
            link_timeout,
            max_failures,
            link: None,
            body: None,
            offset: 0,
            max_offset: 0,
            skip: 0,
            total: None,
            validator: None,
            ended_at: None,
            ranges: Ranges::default(),
            failures: 0,
            unauthorized: 0,
            restarted: false,
            first: None,
        }
    }

    /// Resumes after the first `offset` bytes of this version.
    pub(super) fn resume(&mut self, version: Version, offset: u64) {
        self.total = version.total;
        self.validator = Some(version.validator);
        (self.offset, self.max_offset) = (offset, offset);
    }

    /// Discards the state, to fetch the clip once more.
    pub(super) fn start_over(&mut self) {
        self.forget();
        (self.max_offset, self.failures) = (0, 0);
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn version(&self) -> Option<Version> {
        let validator = self.validator.clone()?;
        Some(Version { validator, total: self.total })
    }

    pub(super) async fn next(&mut self) -> Result<Chunk, Error> {
        loop {
            let chunk = if let Some(first) = self.first.take() {
                self.take(first).await?
            } else if let Some(body) = &mut self.body {
                match body.chunk(self.stall).await {
                    Ok(Some(bytes)) => self.take(bytes).await?,
                    Ok(None) => self.body_ended().await?,
                    Err(error) => self.interrupted(error.into()).await?,
                }
            } else if self.is_complete() {
                Some(Chunk::End)
            } else {
                self.open().await?
            };
            if let Some(chunk) = chunk {
                return Ok(chunk);
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.offset > 0 && self.skip == 0 && self.total == Some(self.offset)
    }

    /// The new bytes of a chunk of the body.
    async fn take(&mut self, mut bytes: Bytes) -> Result<Option<Chunk>, Error> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let new = bytes.split_off(known);
        self.skip -= known as u64;
        if new.is_empty() {
            return Ok(None);
        }
        self.offset += new.len() as u64;
        if self.total.is_some_and(|total| self.offset > total) {
            return self.too_much().await.map(Some);
        }
        if self.offset > self.max_offset {
            (self.max_offset, self.failures, self.ranges.failures) = (self.offset, 0, 0);
        }
        Ok(Some(Chunk::Data(new)))
    }

    /// Handles a body that is longer than the clip: it may be another range than its headers say.
    async fn too_much(&mut self) -> Result<Chunk, Error> {
        let why = Error::new(ErrorKind::Download, "the server sent more than the clip's length");
        if self.ranges.broken {
            return self.restart(why).await;
        }
        self.ranges.broken = true;
        self.forget();
        Ok(Chunk::Restart(why.with_retryable(true)))
    }

    /// Handles the regular end of a body, which proves nothing if its length was not announced.
    async fn body_ended(&mut self) -> Result<Option<Chunk>, Error> {
        if self.offset == 0 || self.skip > 0 || self.total.is_some() {
            return self.interrupted(cut_short()).await;
        }
        self.body = None;
        if self.may_be_longer() {
            return Ok(Some(Chunk::EndUnproven));
        }
        self.ended_at = Some(self.offset);
        Ok(None)
    }

    /// Whether the clip may be longer than the last body.
    fn may_be_longer(&self) -> bool {
        self.total.is_none() && self.ended_at == Some(self.offset)
    }

    async fn interrupted(&mut self, error: Error) -> Result<Option<Chunk>, Error> {
        self.body = None;
        if self.is_complete() {
            return Ok(None);
        }
        if self.offset > 0 && self.validator.is_none() {
            return self.restart(cannot_be_resumed(&error)).await.map(Some);
        }
        self.failed(error, None).await?;
        Ok(None)
    }

    /// Counts a failure, and waits before the next request.
    async fn failed(&mut self, error: Error, retry_after: Option<Duration>) -> Result<(), Error> {
        self.failures += 1;
        self.ranges.failed();
        tracing::debug!(job_id = self.job.id().as_str(), failures = self.failures, offset = self.offset, %error, "the download was interrupted");
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

    /// Sends a request, and handles the head of the response.
    async fn open(&mut self) -> Result<Option<Chunk>, Error> {
        self.skip = 0;
        let (link, is_fresh) = match self.link.take().filter(|link| !link.is_about_to_expire()) {
            Some(link) => (link, false),
            None => (Link::request(&self.job, self.link_timeout).await?, true),
        };
        let url = &self.link.insert(link).url;
        self.ranges.requested = false;
        let rest = (self.offset > 0 && self.ranges.next_request())
            .then_some(Rest { offset: self.offset, validator: self.validator.as_deref() });
        let incoming = match get(self.job.client(), url, rest, self.stall).await {
            Ok(Ok(incoming)) => incoming,
            // Such as a redirect of range requests alone that leads nowhere.
            Err(error) if self.ranges.requested => return self.without_range(error).await,
            Err(error) => return Err(error),
            Ok(Err(error)) => {
                // A request that was not sent says nothing about the host's support of ranges.
                self.ranges.requested &= error.may_have_been_sent();
                self.failed(error.into(), None).await?;
                return Ok(None);
            }
        };
        let status = incoming.status;
        if status.is_success() && is_page(&incoming.headers) {
            return self.page(is_fresh).await;
        }
        if let Some(encoding) = encoding(&incoming.headers).filter(|_| status.is_success()) {
            let message = format!(
                "the file host sent the clip with the content encoding {encoding}, which was not requested"
            );
            let hint = "the file host, or a proxy in between, must send the clip without it";
            let error = Error::new(ErrorKind::Download, message).with_hint(hint);
            return if self.ranges.requested { self.without_range(error).await } else { Err(error) };
        }
        match status {
            StatusCode::OK => {
                let total = content_length(&incoming.headers);
                self.whole(incoming, total).await
            }
            StatusCode::PARTIAL_CONTENT => self.part(incoming).await,
            StatusCode::RANGE_NOT_SATISFIABLE if self.ranges.requested => {
                self.past_the_end(&incoming.headers).await
            }
            _ => self.refused(status, &incoming.headers, is_fresh).await,
        }
    }

    async fn page(&mut self, is_fresh: bool) -> Result<Option<Chunk>, Error> {
        let page = Error::new(ErrorKind::Download, "the server responded with a page instead of a clip");
        if self.ranges.requested && is_fresh {
            return self.without_range(page).await;
        }
        self.failed(page, None).await?;
        self.link = None;
        Ok(None)
    }

    /// Handles a response with the clip from its start, to a request for the whole clip or for a range.
    async fn whole(&mut self, incoming: Incoming, total: Option<u64>) -> Result<Option<Chunk>, Error> {
        let validator = validator(&incoming.headers);
        if self.offset == 0 {
            (self.total, self.validator, self.body) = (total, validator, Some(incoming.body));
            return Ok(None);
        }
        let fits = |total| total >= self.offset && self.total.is_none_or(|known| known == total);
        let unchanged = validator == self.validator && total.is_none_or(fits);
        if unchanged && self.may_be_longer() && total.is_none() {
            return Ok(Some(Chunk::EndUnproven));
        }
        if unchanged && self.may_be_longer() && total == Some(self.offset) {
            self.total = total;
            return Ok(None);
        }
        if unchanged && validator.is_some() {
            self.skip = self.offset;
            self.total = total.or(self.total);
            self.body = Some(incoming.body);
            return Ok(None);
        }
        let why = if unchanged { cannot_be_resumed(&cut_short()) } else { changed() };
        // The part is only discarded when the first byte of its replacement is received.
        let mut body = incoming.body;
        match body.chunk(self.stall).await {
            Ok(Some(first)) => {
                let restart = self.restart(why).await?;
                (self.total, self.validator) = (total, validator);
                (self.body, self.first) = (Some(body), Some(first));
                Ok(Some(restart))
            }
            nothing => {
                let error = nothing.map_or_else(Error::from, |_| cut_short());
                self.failed(error, None).await?;
                Ok(None)
            }
        }
    }

    /// Handles a 206: the rest of the clip, if range and version are the requested ones.
    async fn part(&mut self, incoming: Incoming) -> Result<Option<Chunk>, Error> {
        let range = content_range(&incoming.headers);
        if !self.ranges.requested {
            // Some hosts send the whole clip as a 206.
            return match range {
                Some((1.., _)) => self.wrong_range().await,
                _ => self.whole(incoming, range.and_then(|(_, total)| total)).await,
            };
        }
        let fits = |&(start, total): &(u64, Option<u64>)| {
            start == self.offset && (self.total.is_none() || total.is_none() || total == self.total)
        };
        let Some((_, total)) = range.filter(fits) else { return self.wrong_range().await };
        let now = validator(&incoming.headers);
        if now.is_some() && self.validator.is_some() && now != self.validator {
            return self.without_range(changed()).await;
        }
        if self.validator.is_none() {
            // Without a version, the rest may belong to another clip.
            return self.restart(cannot_be_resumed(&cut_short())).await.map(Some);
        }
        self.total = self.total.or(total);
        self.body = Some(incoming.body);
        Ok(None)
    }

    /// Handles a wrong range: from now on the whole clip is requested, and the known bytes are skipped.
    async fn wrong_range(&mut self) -> Result<Option<Chunk>, Error> {
        self.ranges.broken = true;
        let what = "the server sent another range than the requested one";
        self.without_range(Error::new(ErrorKind::Download, what)).await
    }

    /// Sends the next request without `Range`. Counts as a failure if this one had none either.
    async fn without_range(&mut self, why: Error) -> Result<Option<Chunk>, Error> {
        if !self.ranges.requested {
            self.failed(why, None).await?;
            return Ok(None);
        }
        tracing::debug!(job_id = self.job.id().as_str(), offset = self.offset, error = %why, "the range request failed; requesting the whole clip");
        self.ranges.skip_next = true;
        Ok(None)
    }

    /// Handles a 416: the clip ends at the offset, or it has been replaced by a shorter one, or the host refuses all ranges.
    async fn past_the_end(&mut self, headers: &HeaderMap) -> Result<Option<Chunk>, Error> {
        let total = unsatisfied_total(headers).or_else(|| self.may_be_longer().then_some(self.offset));
        if self.total.is_none() && total == Some(self.offset) {
            self.total = total;
            return Ok(None);
        }
        self.without_range(changed()).await
    }

    async fn refused(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        is_fresh: bool,
    ) -> Result<Option<Chunk>, Error> {
        let about_the_link = matches!(status.as_u16(), 401 | 403 | 404 | 410);
        let transient = matches!(status.as_u16(), 408 | 429 | 502..=504);
        let error = Error::new(ErrorKind::Download, format!("the file host responded with {status}"));
        if self.ranges.requested && !transient && (is_fresh || !about_the_link) {
            return self.without_range(error).await;
        }
        match status.as_u16() {
            401 if is_fresh && self.unauthorized == MAX_UNAUTHORIZED => {
                let hint =
                    "it may require the API key, which is sent only to the host of the API: ask the service";
                return Err(error.with_hint(hint));
            }
            _ if about_the_link => {
                self.unauthorized += u32::from(status == StatusCode::UNAUTHORIZED && is_fresh);
                self.link = None;
                self.failed(error, None).await?;
            }
            408 | 429 | 500.. => self.failed(error, retry_after(headers)).await?,
            _ if self.may_be_longer() => return Ok(Some(Chunk::EndUnproven)),
            _ => return Err(error),
        }
        Ok(None)
    }

    /// Restarts the download. Counts as a failure, so that a clip that keeps changing ends it. The first restart is never fatal:
    /// otherwise a part that cannot be resumed would fail every later run too.
    async fn restart(&mut self, why: Error) -> Result<Chunk, Error> {
        let again = std::mem::replace(&mut self.restarted, true);
        if again || self.failures + 1 < self.max_failures {
            self.failed(why.clone(), None).await?;
        }
        self.forget();
        Ok(Chunk::Restart(why.with_retryable(true)))
    }

    fn forget(&mut self) {
        (self.body, self.first, self.offset, self.skip) = (None, None, 0, 0);
        (self.total, self.validator, self.ended_at) = (None, None, None);
        (self.ranges.skip_next, self.ranges.failures) = (false, 0);
    }
}

fn cut_short() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the clip was cut short")
}

fn changed() -> Error {
    Error::new(ErrorKind::Download, "the clip changed while it was being downloaded")
}

fn cannot_be_resumed(error: &Error) -> Error {
    let what = error.message();
    let message = format!("{what}, and the file host sends no version (ETag, Last-Modified) to resume with");
    Error::new(ErrorKind::Download, message).with_source(error.clone())
}
