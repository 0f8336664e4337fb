//! Brings the bytes of a clip in order, over as many connections and links as it takes.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::sleep;

use super::head::{content_length, content_range, is_page, unsatisfied_total, validator};
use super::link::Link;
use super::request::{Rest, get};
use crate::error::{Error, ErrorKind};
use crate::job::Job;
use crate::retry::retry_after;
use crate::transport::{Body, Incoming};

/// What comes next.
pub(super) enum Piece {
    /// More bytes.
    Data(Bytes),
    /// What came so far is void, for this reason: the clip comes again from its start.
    Restart(Error),
    /// The clip is complete: as long as the server says that it is.
    End,
    /// The body came to an end, and the server does not say whether that was the end of the clip.
    EndUnproven,
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
    /// The furthest that any try came. Only what goes beyond it is progress.
    best: u64,
    /// Bytes of the current body that are there already, since the server sent the clip from its start again.
    skip: u64,
    total: Option<u64>,
    validator: Option<String>,
    /// Where a body ended that had no length. Whether the clip ends there too is asked next.
    ended_at: Option<u64>,
    ranges: bool,
    failures: u32,
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
            best: 0,
            skip: 0,
            total: None,
            validator: None,
            ended_at: None,
            ranges: true,
            failures: 0,
        }
    }

    /// Goes on after the first `offset` bytes of that version.
    pub(super) fn resume(&mut self, version: Version, offset: u64) {
        self.total = version.total;
        self.validator = Some(version.validator);
        (self.offset, self.best) = (offset, offset);
    }

    /// Throws away what came, to fetch the clip once more.
    pub(super) fn start_over(&mut self) {
        self.forget();
        (self.best, self.failures) = (0, 0);
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn version(&self) -> Option<Version> {
        let validator = self.validator.clone()?;
        Some(Version { validator, total: self.total })
    }

    pub(super) async fn next(&mut self) -> Result<Piece, Error> {
        loop {
            let piece = if let Some(body) = &mut self.body {
                match body.chunk(self.stall).await {
                    Ok(Some(bytes)) => self.take(bytes).await?,
                    Ok(None) => self.ended().await?,
                    Err(error) => self.broke_off(error.into()).await?,
                }
            } else if self.is_complete() {
                Some(Piece::End)
            } else {
                self.open().await?
            };
            if let Some(piece) = piece {
                return Ok(piece);
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.offset > 0 && self.skip == 0 && self.total == Some(self.offset)
    }

    /// What is new in a piece of the body.
    async fn take(&mut self, mut bytes: Bytes) -> Result<Option<Piece>, Error> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        let fresh = bytes.split_off(known);
        self.skip -= known as u64;
        if fresh.is_empty() {
            return Ok(None);
        }
        self.offset += fresh.len() as u64;
        if self.total.is_some_and(|total| self.offset > total) {
            return self.too_much().await.map(Some);
        }
        if self.offset > self.best {
            (self.best, self.failures) = (self.offset, 0);
        }
        Ok(Some(Piece::Data(fresh)))
    }

    /// Where the body is longer than the clip, none of it can be trusted: it may be another part than it says.
    async fn too_much(&mut self) -> Result<Piece, Error> {
        let why = Error::new(ErrorKind::Download, "the server sent more than the clip's length");
        if !self.ranges {
            return self.restart(why).await;
        }
        self.ranges = false;
        self.forget();
        Ok(Piece::Restart(why.with_retryable(true)))
    }

    /// The body ended in good order, which proves nothing where its length was not announced.
    async fn ended(&mut self) -> Result<Option<Piece>, Error> {
        if self.offset == 0 || self.skip > 0 || self.total.is_some() {
            return self.broke_off(cut_short()).await;
        }
        self.body = None;
        if self.is_in_doubt() {
            return Ok(Some(Piece::EndUnproven));
        }
        self.ended_at = Some(self.offset);
        Ok(None)
    }

    /// Whether it is not known yet that the clip ends where the last body did.
    fn is_in_doubt(&self) -> bool {
        self.total.is_none() && self.ended_at == Some(self.offset)
    }

    async fn broke_off(&mut self, error: Error) -> Result<Option<Piece>, Error> {
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
    async fn open(&mut self) -> Result<Option<Piece>, Error> {
        self.skip = 0;
        let link = match self.link.take().filter(|link| !link.is_about_to_expire()) {
            Some(link) => link,
            None => Link::fresh(&self.job).await?,
        };
        let url = &self.link.insert(link).url;
        let rest = (self.offset > 0 && self.ranges)
            .then_some(Rest { offset: self.offset, validator: self.validator.as_deref() });
        let incoming = match get(self.job.client(), url, rest, self.stall).await? {
            Ok(incoming) => incoming,
            Err(error) => {
                self.failed(error.into(), None).await?;
                return Ok(None);
            }
        };
        match incoming.status {
            StatusCode::OK => self.whole(incoming).await,
            StatusCode::PARTIAL_CONTENT => self.part(incoming).await,
            StatusCode::RANGE_NOT_SATISFIABLE => self.past_the_end(&incoming.headers).await,
            status => self.refused(status, &incoming.headers).await,
        }
    }

    /// A 200: the clip from its start, wanted or not.
    async fn whole(&mut self, incoming: Incoming) -> Result<Option<Piece>, Error> {
        if is_page(&incoming.headers) {
            let page = Error::new(ErrorKind::Download, "the server answered with a page instead of a clip");
            self.failed(page, None).await?;
            self.link = None;
            return Ok(None);
        }
        let total = content_length(&incoming.headers);
        let validator = validator(&incoming.headers);
        if self.offset == 0 {
            (self.total, self.validator, self.body) = (total, validator, Some(incoming.body));
            return Ok(None);
        }
        let unchanged = validator == self.validator && total.is_none_or(|total| total >= self.offset);
        if unchanged && self.is_in_doubt() && total.is_none() {
            return Ok(Some(Piece::EndUnproven));
        }
        if unchanged && self.is_in_doubt() && total == Some(self.offset) {
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
        let restart = self.restart(why).await?;
        (self.total, self.validator, self.body) = (total, validator, Some(incoming.body));
        Ok(Some(restart))
    }

    /// A 206: the rest of the clip, if it is the right rest of the right clip.
    async fn part(&mut self, incoming: Incoming) -> Result<Option<Piece>, Error> {
        let now = validator(&incoming.headers);
        if now.is_some() && self.validator.is_some() && now != self.validator {
            return self.restart(changed()).await.map(Some);
        }
        let fits = |&(start, total): &(u64, Option<u64>)| {
            start == self.offset && (self.total.is_none() || total.is_none() || total == self.total)
        };
        let Some((_, total)) = content_range(&incoming.headers).filter(fits) else {
            // The server does ranges wrongly: from now on it is asked for the whole, and what is known is skipped.
            self.ranges = false;
            let what = "the server sent another range than it was asked for";
            self.failed(Error::new(ErrorKind::Download, what), None).await?;
            return Ok(None);
        };
        if self.offset == 0 {
            self.validator = now;
        } else if self.validator.is_none() {
            // There is more, and nothing says that it would belong to what is there.
            return self.restart(cannot_be_resumed(&cut_short())).await.map(Some);
        }
        self.total = self.total.or(total);
        self.body = Some(incoming.body);
        Ok(None)
    }

    /// A 416: there is nothing after what is there. That is the end, or the clip has become a shorter one.
    async fn past_the_end(&mut self, headers: &HeaderMap) -> Result<Option<Piece>, Error> {
        let total = unsatisfied_total(headers).or_else(|| self.is_in_doubt().then_some(self.offset));
        if self.offset > 0 && self.total.is_none() && total == Some(self.offset) {
            self.total = total;
            return Ok(None);
        }
        self.restart(changed()).await.map(Some)
    }

    async fn refused(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Option<Piece>, Error> {
        let error = Error::new(ErrorKind::Download, format!("the file host answered {status}"));
        match status.as_u16() {
            401 | 403 | 404 | 410 => {
                self.link = None;
                self.failed(error, None).await?;
            }
            408 | 429 | 500.. => self.failed(error, retry_after(headers)).await?,
            _ if self.is_in_doubt() => return Ok(Some(Piece::EndUnproven)),
            _ => return Err(error),
        }
        Ok(None)
    }

    /// Counts as a failure, so that a clip which never holds still comes to an end.
    async fn restart(&mut self, why: Error) -> Result<Piece, Error> {
        self.failed(why.clone(), None).await?;
        self.forget();
        Ok(Piece::Restart(why.with_retryable(true)))
    }

    fn forget(&mut self) {
        (self.body, self.offset, self.skip) = (None, 0, 0);
        (self.total, self.validator, self.ended_at) = (None, None, None);
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
    let message = format!("{what}, and the file host names no version (ETag, Last-Modified) to resume it by");
    Error::new(ErrorKind::Download, message).with_source(error.clone())
}
