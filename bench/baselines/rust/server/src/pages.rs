//! A long list, page by page, made from the sandbox's page with one job.

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::recorded::Recorded;
use crate::{Body, Failure, failed};

/// The number of characters at the end of a cursor that encode its page.
const DIGITS: usize = 8;

pub(crate) struct Pages {
    head: Recorded,
    limit: usize,
    pages: Vec<Bytes>,
}

impl Pages {
    pub(crate) fn of(sample: &Recorded, jobs: usize, limit: usize) -> Result<Self, Failure> {
        let mut envelope: Value = serde_json::from_slice(&sample.body)?;
        let job = envelope["data"]["items"][0].take();
        let (id, cursor) = (job["job_id"].as_str(), envelope["data"]["next_cursor"].as_str());
        let stem = |text: Option<&str>| {
            let stem = text.and_then(|text| text.get(..text.len().checked_sub(DIGITS)?));
            stem.map(str::to_owned).ok_or("the page has no job, or no cursor, or a short one")
        };
        let (id, cursor) = (stem(id)?, stem(cursor)?);
        let count = jobs.div_ceil(limit);
        let pages = (0..count).map(|page| {
            let numbers = page * limit..jobs.min((page + 1) * limit);
            let items = numbers.map(|number| {
                let mut job = job.clone();
                job["job_id"] = json!(format!("{id}{number:0DIGITS$}"));
                job
            });
            envelope["data"]["items"] = items.collect();
            let next = page + 1;
            envelope["data"]["next_cursor"] =
                if next < count { json!(format!("{cursor}{next:0DIGITS$}")) } else { Value::Null };
            Bytes::from(envelope.to_string())
        });
        Ok(Self { pages: pages.collect(), head: sample.head(), limit })
    }

    pub(crate) fn response(&self, query: &str) -> Response<Body> {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |cursor: &str| cursor.get(cursor.len().checked_sub(DIGITS)?..)?.parse().ok();
        let page = value("cursor").map_or(Some(0), number).and_then(|number: usize| self.pages.get(number));
        let limit = value("limit").and_then(|limit| limit.parse().ok());
        match page.filter(|_| limit == Some(self.limit)) {
            Some(page) => self.head.response(page.clone()),
            None => failed(StatusCode::BAD_REQUEST),
        }
    }
}
