//! Links to clips, and the files behind them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{Probe, Reply};
use crate::exchange::{Auth, Body, Request, Size};
use crate::recorder::date;
use crate::rules;

/// How many redirects of a link are followed.
const REDIRECTS: usize = 5;

/// Whose clip it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This run has made it.
    Run,
    /// It was there already, and may be large.
    Other,
}

impl Probe<'_> {
    /// Judges a response of `download_url`, and what one byte behind the link says. Returns the link if it works.
    pub(super) fn link(&mut self, reply: &Reply, owner: Owner) -> anyhow::Result<Option<String>> {
        if !reply.is_accepted() {
            return Ok(None);
        }
        self.expect_member(reply, "url", "DownloadLink.url");
        let text = reply.data()["expires_at"].as_str().unwrap_or_default();
        let expires = text.parse::<Timestamp>().ok();
        if let (Some(expires), Some(date)) = (expires, date(&reply.response)) {
            let found = format!("a link that is issued at {date} expires at {text}");
            self.rule(rules::LINK_EXPIRY, reply, expires > date, found);
            let lifetime = format!("{} s", expires.as_second() - date.as_second());
            self.judge.findings.observe("lifetime of a link", lifetime);
        }
        let Some(url) = reply.data()["url"].as_str().map(str::to_owned) else { return Ok(None) };

        let purpose = "the first byte of the clip, without the API key";
        let (url, byte) = self.follow_redirects(purpose, &url)?;
        let is_served = byte.response.is_success();
        let is_late = expires.zip(date(&byte.response)).is_some_and(|(expires, date)| date >= expires);
        if !is_served && is_late {
            self.leave_out(
                "the file behind a link: it has expired since it was issued, in a run that was interrupted",
            );
            return Ok(None);
        }
        let found = format!("a new link is {} without the API key", byte.status());
        self.rule(rules::LINK_AUTHORIZATION, &byte, is_served, found);
        if !is_served {
            return Ok(None);
        }
        for name in ["cache-control", "expires"] {
            let value = byte.response.header(name).unwrap_or("none").to_owned();
            let is_date = rfc2822::parse(&value).is_ok();
            self.judge
                .findings
                .observe(&format!("{name} of a clip"), if is_date { "a date".to_owned() } else { value });
        }
        self.first_byte(&byte, &url, owner)?;
        Ok(Some(url))
    }

    fn follow_redirects(&mut self, purpose: &str, url: &str) -> anyhow::Result<(String, Reply)> {
        let mut url = url.to_owned();
        for _ in 0..REDIRECTS {
            let reply = self.ask(purpose, byte(&url))?;
            let target = reply.response.header("location").filter(|_| (300..400).contains(&reply.status()));
            match target.filter(|target| target.contains("://")) {
                Some(target) => url = target.to_owned(),
                None => return Ok((url, reply)),
            }
        }
        let reply = self.ask(purpose, byte(&url))?;
        Ok((url, reply))
    }

    /// Judges ranges by the response to a request for one byte.
    fn first_byte(&mut self, reply: &Reply, url: &str, owner: Owner) -> anyhow::Result<()> {
        let range = reply.response.header("content-range").unwrap_or_default();
        let is_part = reply.status() == 206 && range.starts_with("bytes 0-0/");
        let found = format!("the file host responds {} to a range", reply.status());
        self.rule(rules::RANGES, reply, is_part, found);
        if !is_part {
            return Ok(());
        }
        let Some(etag) = reply.response.header("etag").filter(|etag| !etag.starts_with("W/")) else {
            self.rule(rules::RANGES, reply, false, "a file has no strong ETag for `If-Range`");
            return Ok(());
        };
        let validators = [("the ETag of the file", etag, 206), ("another ETag", "\"another-file\"", 200)];
        // Another ETag gets the whole file.
        let validators = validators.iter().take(if owner == Owner::Run { 2 } else { 1 });
        for (purpose, validator, expected) in validators {
            let request = byte(url).with_header("if-range", *validator);
            let reply = self.ask(&format!("one byte with `If-Range`: {purpose}"), request)?;
            let found = format!("`If-Range` with {purpose} is {}", reply.status());
            self.rule(rules::RANGES, &reply, reply.status() == *expected, found);
        }
        Ok(())
    }

    /// Downloads a whole clip, which was requested as `9:16` by this member of the request.
    pub(super) fn download(&mut self, url: &str, shape: Option<&str>) -> anyhow::Result<()> {
        let reply = self.ask("the whole clip", Request::get(url).with_auth(Auth::Nothing))?;
        if reply.is_outage() {
            return Ok(());
        }
        let Body::Binary(clip) = &reply.response.body else {
            let found = format!("a link responds {} with a body that is no file", reply.status());
            self.rule(rules::RANGES, &reply, false, found);
            return Ok(());
        };
        self.rule(rules::RANGES, &reply, clip.is_mp4, "a link leads to a file that is no MP4");
        if let (Some((width, height)), Some(shape)) = (clip.picture, shape) {
            let statement = format!("GenerateRequest.{shape}");
            let found = format!("a clip of 9:16 has {width} x {height} pixels");
            match width < height {
                true => self.judge.findings.confirm(&statement, reply.number),
                false => self.judge.findings.contradict(&statement, reply.number, found),
            }
        }
        Ok(())
    }
}

/// A request for one byte of a file. A host without ranges sends all of it.
fn byte(url: &str) -> Request {
    Request::get(url).with_auth(Auth::Nothing).with_header("range", "bytes=0-0").expecting(Size::Small)
}
