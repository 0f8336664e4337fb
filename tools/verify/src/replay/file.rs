//! The files behind links.

use http::header::{CONTENT_RANGE, HeaderValue};

use super::{Replay, text_of, with_body};
use crate::exchange::{Body, Request, Response};

impl Replay {
    /// The clip behind a link, or a part of it.
    pub(super) fn file(&self, live: &Request) -> Option<http::Response<Vec<u8>>> {
        let recorded: Vec<_> = self.matching(live).into_iter().map(|index| &self.exchanges[index]).collect();
        let with = |range: bool, if_range: &dyn Fn(Option<&str>) -> bool| {
            recorded.iter().find(|exchange| {
                let header = |name: &str| exchange.request.headers.get(name).map(String::as_str);
                header("range").is_some() == range && if_range(header("if-range"))
            })
        };
        let etag = recorded.iter().find_map(|exchange| exchange.response.header("etag"));
        let part = with(true, &|validator| validator.is_none());
        let found = match (live.headers.get("range"), live.headers.get("if-range").map(String::as_str)) {
            (None, _) => with(false, &|_| true),
            (Some(_), None) => part,
            (Some(_), Some(validator)) if Some(validator) == etag => {
                with(true, &|known| known.is_some() && known == etag)
            }
            (Some(_), Some(_)) => with(true, &|known| known.is_some() && known != etag),
        };
        // A host that ignores `Range`, or rejects every request, was not asked more.
        let found = found.or_else(|| {
            let status = part?.response.status;
            part.filter(|_| {
                !(200..300).contains(&status) || status == 200 && live.headers.contains_key("range")
            })
        });
        let response = &found?.response;
        match (response.status, &response.body) {
            (206, _) => {
                Some(self.slice(response, live.headers.get("range").map_or("bytes=0-", String::as_str)))
            }
            (_, Body::Binary(_)) => Some(with_body(response, self.clip.clone())),
            (_, body) => Some(with_body(response, text_of(body))),
        }
    }

    /// A part of the clip for `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-LENGTH`.
    fn slice(&self, recorded: &Response, range: &str) -> http::Response<Vec<u8>> {
        let length = self.clip.len();
        let bounds = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let bounds = bounds.and_then(|(first, last)| match (first, last) {
            ("", last) => Some((length.saturating_sub(last.parse().ok()?), length)),
            (first, "") => Some((first.parse().ok()?, length)),
            (first, last) => {
                Some((first.parse().ok()?, last.parse::<usize>().ok()?.saturating_add(1).min(length)))
            }
        });
        let (status, part, range) = match bounds.filter(|(first, end)| first < end) {
            Some((first, end)) => (recorded.status, &self.clip[first..end], format!("{first}-{}", end - 1)),
            None => (416, &[][..], "*".to_owned()),
        };
        let mut response = with_body(&Response { status, ..recorded.clone() }, part.to_vec());
        let range = HeaderValue::try_from(format!("bytes {range}/{length}"));
        response.headers_mut().extend(range.map(|range| (CONTENT_RANGE, range)));
        response
    }
}
