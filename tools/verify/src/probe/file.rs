//! Links to clips, and the files behind them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{Probe, Reply};
use crate::exchange::{Auth, Body, Request};
use crate::rules;

impl Probe<'_> {
    /// Judges a response of `download_url`, and what one byte behind the link says. Returns the link if it works.
    pub(super) fn link(&mut self, reply: &Reply) -> anyhow::Result<Option<String>> {
        if !reply.is_accepted() {
            return Ok(None);
        }
        self.expect_member(reply, "url", "DownloadLink.url");
        let expires = reply.data()["expires_at"]
            .as_str()
            .and_then(|text| Some((text, text.parse::<Timestamp>().ok()?)));
        let date = reply.response.header("date").and_then(|date| rfc2822::parse(date).ok());
        if let (Some((text, expires)), Some(date)) = (expires, date) {
            let holds = text.ends_with('Z') && expires > date.timestamp();
            let found = format!("a link that is issued at {} expires at {text}", date.timestamp());
            self.judge.findings.rule(rules::LINK_EXPIRY, reply.number, holds, found);
            let lifetime = expires.as_second() - date.timestamp().as_second();
            self.judge.findings.observe("lifetime of a link", format!("{lifetime} s"));
        }
        let Some(url) = reply.data()["url"].as_str().map(str::to_owned) else { return Ok(None) };

        let byte = self.ask(
            "the first byte of the clip, without the API key",
            file(&url).with_header("range", "bytes=0-0"),
        )?;
        let is_served = byte.response.is_success();
        let found = format!("a new link is {} without the API key", byte.status());
        self.judge.findings.rule(rules::LINK_AUTHORIZATION, byte.number, is_served, found);
        if !is_served {
            return Ok(None);
        }
        self.first_byte(&byte, &url)?;
        Ok(Some(url))
    }

    /// Judges ranges by the response to a request for one byte.
    fn first_byte(&mut self, byte: &Reply, url: &str) -> anyhow::Result<()> {
        let range = byte.response.header("content-range").unwrap_or_default();
        let is_part = byte.status() == 206 && range.starts_with("bytes 0-0/");
        let found = format!("the file host responds {} to a range", byte.status());
        self.judge.findings.rule(rules::RANGES, byte.number, is_part, found);
        if !is_part {
            return Ok(());
        }
        let Some(etag) = byte.response.header("etag").filter(|etag| !etag.starts_with("W/")) else {
            self.judge.findings.contradict(
                rules::RANGES.name,
                byte.number,
                "a file has no strong ETag for `If-Range`",
            );
            return Ok(());
        };
        for (purpose, validator, expected) in
            [("the ETag of the file", etag, 206), ("another ETag", "\"another-file\"", 200)]
        {
            let request = file(url).with_header("range", "bytes=0-0").with_header("if-range", validator);
            let reply = self.ask(&format!("one byte with `If-Range`: {purpose}"), request)?;
            let found = format!("`If-Range` with {purpose} is {}", reply.status());
            self.judge.findings.rule(rules::RANGES, reply.number, reply.status() == expected, found);
        }
        Ok(())
    }

    /// Downloads a whole clip that was made as `9:16`.
    pub(super) fn download(&mut self, url: &str) -> anyhow::Result<()> {
        let reply = self.ask("the whole clip", file(url))?;
        let Body::Binary(clip) = &reply.response.body else {
            let found = format!("a link responds {} with a body that is no file", reply.status());
            self.judge.findings.contradict(rules::RANGES.name, reply.number, found);
            return Ok(());
        };
        let findings = &mut self.judge.findings;
        findings.rule(rules::RANGES, reply.number, clip.is_mp4, "a link leads to a file that is no MP4");
        if let Some((width, height)) = clip.picture {
            let statement = "GenerateRequest.aspect_ratio";
            match width < height {
                true => findings.confirm(statement, reply.number),
                false => findings.contradict(
                    statement,
                    reply.number,
                    format!("a clip of 9:16 has {width} x {height} pixels"),
                ),
            }
        }
        Ok(())
    }
}

fn file(url: &str) -> Request {
    Request::get(url).with_auth(Auth::Nothing)
}
