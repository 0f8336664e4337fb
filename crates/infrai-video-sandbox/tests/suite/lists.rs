//! `list`: order, pages and cursors.

use infrai_video_sandbox::{Action, Fault, Operation, SandboxRouter};
use serde_json::{Value, json};

use crate::common::{KEY, OTHER_KEY, builder, call, cheap_job, get, sandbox};

async fn page(sandbox: &SandboxRouter, query: &str) -> (Vec<String>, Option<String>) {
    let data = get(&format!("/v1/video/list?{query}")).send(sandbox).await.data();
    let ids = data["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|job| job["job_id"].as_str().expect("an id").to_owned());
    (ids.collect(), data["next_cursor"].as_str().map(str::to_owned))
}

async fn jobs(sandbox: &SandboxRouter, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(cheap_job(sandbox).await);
    }
    ids.reverse();
    ids
}

#[tokio::test]
async fn pages_show_every_job_once_newest_first() {
    let sandbox = sandbox();
    let all = jobs(&sandbox, 5).await;
    let (first, cursor) = page(&sandbox, "limit=2").await;
    let (second, next) = page(&sandbox, &format!("limit=2&cursor={}", cursor.expect("a cursor"))).await;
    let (third, end) = page(&sandbox, &format!("cursor={}&limit=2", next.expect("a cursor"))).await;
    assert_eq!([first, second, third].concat(), all);
    assert_eq!(end, None);
    assert_eq!(
        page(&sandbox, "limit=5").await,
        (all, None),
        "a page that ends with the last job leads nowhere"
    );
}

#[tokio::test]
async fn a_cursor_stays_right_while_jobs_come_and_go() {
    let sandbox = sandbox();
    let all = jobs(&sandbox, 4).await;
    let (first, cursor) = page(&sandbox, "limit=2").await;
    assert_eq!(first, all[..2]);
    cheap_job(&sandbox).await;
    for id in [&all[1], &all[2]] {
        call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).send(&sandbox).await.data();
    }
    let rest = page(&sandbox, &format!("cursor={}", cursor.expect("a cursor"))).await;
    assert_eq!(rest, (all[3..].to_vec(), None));
}

#[tokio::test]
async fn a_page_has_twenty_jobs_and_a_hundred_at_most() {
    let sandbox = builder().starting_balance(100.0).router();
    jobs(&sandbox, 101).await;
    assert_eq!(page(&sandbox, "").await.0.len(), 20);
    assert_eq!(page(&sandbox, "limit=2147483647").await.0.len(), 100);
}

#[tokio::test]
async fn invalid_cursors_and_limits_are_rejected() {
    let sandbox = sandbox();
    jobs(&sandbox, 2).await;
    let (_, cursor) = page(&sandbox, "limit=1").await;
    let cursor = cursor.expect("a cursor");
    for wrong in ["", "abc", &cursor[1..], &"a".repeat(1025)] {
        let response = get(&format!("/v1/video/list?cursor={wrong}")).send(&sandbox).await;
        assert_eq!(response.refusal(), (400, "INVALID_CURSOR".to_owned()), "{wrong}");
    }
    let stolen = get(&format!("/v1/video/list?cursor={cursor}")).key(OTHER_KEY).send(&sandbox).await;
    assert_eq!(stolen.refusal(), (400, "INVALID_CURSOR".to_owned()));
    for wrong in ["0", "abc", "-1", "1.5", ""] {
        let response = get(&format!("/v1/video/list?limit={wrong}")).send(&sandbox).await;
        assert_eq!(response.refusal(), (400, "INVALID_REQUEST".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn faults_can_loop_a_cursor_and_repeat_an_item() {
    let sandbox = builder().fault(Fault::on(Operation::List, Action::CursorLoop)).router();
    let all = jobs(&sandbox, 3).await;
    let (first, cursor) = page(&sandbox, "limit=2").await;
    let cursor = cursor.expect("a cursor");
    assert_eq!(page(&sandbox, &format!("limit=2&cursor={cursor}")).await, (first, Some(cursor)));
    sandbox.set_faults([Fault::on(Operation::List, Action::RepeatItem)]);
    let (repeated, _) = page(&sandbox, "").await;
    assert_eq!(repeated, [&all[..], &all[..1]].concat());
}

#[tokio::test]
async fn items_are_short_jobs() {
    let sandbox = builder().instant_jobs().router();
    cheap_job(&sandbox).await;
    let data = get("/v1/video/list").send(&sandbox).await.data();
    let mut names: Vec<_> = data["items"][0].as_object().expect("a job").keys().cloned().collect();
    names.sort_unstable();
    assert_eq!(names, ["error", "job_id", "state", "thumbnail_url", "video_url"]);
    assert_eq!((&data["items"][0]["state"], &data["next_cursor"]), (&json!("succeeded"), &Value::Null));
}
