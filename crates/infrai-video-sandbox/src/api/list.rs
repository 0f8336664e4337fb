//! `list`: pages of jobs, newest first.

use axum::Extension;
use axum::extract::{RawQuery, State};
use serde_json::json;

use super::view;
use crate::api::call::Call;
use crate::api::envelope::Reply;
use crate::api::extract::Caller;
use crate::app_state::Shared;
use crate::faults::Action;
use crate::model::problem::Problem;
use crate::quirks::Quirk;
use crate::store::Job;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
const MAX_CURSOR: usize = 1024;

pub(crate) async fn list(
    State(app): Shared,
    Extension(call): Extension<Call>,
    Caller(account): Caller,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let limit = limit(value("limit").as_deref())?;
    let after = match value("cursor") {
        None => None,
        Some(cursor) if cursor.len() > MAX_CURSOR => return Err(Problem::invalid_cursor()),
        Some(cursor) => Some(app.cursors.open(&account, &cursor).ok_or_else(Problem::invalid_cursor)?),
    };

    let oldest_first = call.quirks.has(Quirk::OldestFirst);

    app.store.read(app.now(), &account, |records, now| {
        let mut left: Box<dyn Iterator<Item = &Job>> = match oldest_first {
            true => Box::new(records.jobs_after(&account, after.unwrap_or(0))),
            false => Box::new(records.jobs_before(&account, after.unwrap_or(u64::MAX))),
        };
        let page: Vec<_> = left.by_ref().take(limit).collect();
        let mut items: Vec<_> = page.iter().map(|job| view::video_job(&app, job, now)).collect();
        let mut after = page.last().map(|job| job.number).filter(|_| left.next().is_some());
        match &call.fault {
            // A page starts after the number of its cursor, so the one before that of the first job leads here again.
            Some(Action::CursorLoop) => {
                let before = |job: &&Job| if oldest_first { job.number - 1 } else { job.number + 1 };
                after = page.first().map(before);
            }
            Some(Action::RepeatItem) => items.extend(items.first().cloned()),
            _ => {}
        }
        let next_cursor = after.map(|number| app.cursors.seal(&account, number));
        Ok(Reply::new(json!({"items": items, "next_cursor": next_cursor})))
    })
}

/// The number of jobs in a page.
pub(crate) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    // The contract's integer is an i32 without a plus sign.
    let number = text.parse::<i32>().ok().filter(|number| *number >= 1 && !text.starts_with('+'));
    match number.and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Ok(number.min(MAX_LIMIT)),
        None => Err(Problem::invalid_request(
            format!("`limit` must be a whole number of at least 1, not {text:?}"),
            "send a number from 1 to 100, or leave it out for 20",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_whole_number_and_large_ones_are_clamped() {
        for (text, expected) in [(None, 20), (Some("1"), 1), (Some("100"), 100), (Some("2147483647"), 100)] {
            assert_eq!(limit(text).ok(), Some(expected));
        }
        for wrong in ["", "0", "-1", "+1", "1.0", "abc", "2147483648"] {
            assert_eq!(
                limit(Some(wrong)).err().map(|problem| problem.code),
                Some("INVALID_REQUEST".to_owned())
            );
        }
    }
}
