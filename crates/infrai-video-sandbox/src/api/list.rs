//! `list`: pages of jobs, newest first.

use axum::Extension;
use axum::extract::{RawQuery, State};
use serde_json::json;

use super::{Shared, view};
use crate::call::Call;
use crate::envelope::Reply;
use crate::extract::Caller;
use crate::faults::Action;
use crate::problem::Problem;

const DEFAULT_LIMIT: usize = 20;
const MOST: usize = 100;
const MAX_CURSOR: usize = 1024;

pub(crate) async fn list(
    State(app): Shared,
    Extension(call): Extension<Call>,
    Caller(account): Caller,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let limit = limit(value("limit").as_deref())?;
    let before = match value("cursor") {
        None => u64::MAX,
        Some(cursor) if cursor.len() > MAX_CURSOR => return Err(Problem::invalid_cursor()),
        Some(cursor) => app.cursors.open(&account, &cursor).ok_or_else(Problem::invalid_cursor)?,
    };

    let now = app.now();
    app.store.read(now, &account, |records| {
        let mut left = records.jobs_before(&account, before);
        let page: Vec<_> = left.by_ref().take(limit).collect();
        let mut items: Vec<_> = page.iter().map(|job| view::video_job(&app, job, now)).collect();
        let mut after = page.last().map(|job| job.number).filter(|_| left.next().is_some());
        match &call.fault {
            // A page starts below the number of its cursor: one more than the first job's leads here again.
            Some(Action::CursorLoop) => after = page.first().map(|job| job.number + 1),
            Some(Action::RepeatItem) => items.extend(items.first().cloned()),
            _ => {}
        }
        let next_cursor = after.map(|number| app.cursors.seal(&account, number));
        Ok(Reply::new(json!({"items": items, "next_cursor": next_cursor})))
    })
}

fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    // i32 is what the contract's integer holds. A sign is no part of it.
    let number = text.parse::<i32>().ok().filter(|number| *number >= 1 && !text.starts_with('+'));
    match number.and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Ok(number.min(MOST)),
        None => Err(Problem::invalid_request(
            format!("`limit` must be a whole number of at least 1, not {text:?}"),
            "send a number from 1 to 100, or leave it out for 20",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::clock::Clock;
    use crate::router::SandboxRouter;
    use crate::server::Sandbox;
    use crate::store::LOOKED_AT;

    async fn answer(sandbox: &SandboxRouter, request: http::request::Builder, body: &'static str) -> Value {
        let request = request
            .header("authorization", "Bearer ifr_pk_a")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request");
        let answer = sandbox.clone().oneshot(request).await.expect("an answer");
        let bytes = axum::body::to_bytes(answer.into_body(), 100_000).await.expect("a body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn a_page_costs_the_same_however_deep_it_is() {
        let sandbox = Sandbox::builder().clock(Clock::manual()).starting_balance(1e6).router();
        let body = r#"{"prompt": "a", "prefer": "cheapest", "duration_seconds": 1}"#;
        for _ in 0..10_000 {
            answer(&sandbox, http::Request::post("/v1/video/generate"), body).await;
        }
        let mut cursor = String::new();
        for page in 1..=500 {
            LOOKED_AT.set(0);
            let path = format!("/v1/video/list?limit=20{cursor}");
            let page_of = answer(&sandbox, http::Request::get(path), "").await;
            assert_eq!(page_of["data"]["items"].as_array().map(Vec::len), Some(20));
            // One more than it shows tells whether there is a next page.
            assert_eq!(LOOKED_AT.get(), if page < 500 { 21 } else { 20 }, "page {page}");
            cursor = format!("&cursor={}", page_of["data"]["next_cursor"].as_str().unwrap_or_default());
        }
        assert_eq!(cursor, "&cursor=", "all were shown");
    }

    #[test]
    fn a_limit_is_a_whole_number_and_large_ones_are_cut() {
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
