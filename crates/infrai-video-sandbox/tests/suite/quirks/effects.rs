//! What quirks do beyond one response.

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Quirk, Scenario};
use serde_json::{Value, json};

use super::{download, generate, prepared, status, with, with_header};
use crate::common::{KEY, builder, call, get};

#[tokio::test]
async fn a_scenario_names_quirks() {
    let text = "[settings]\nquirks = ['id_member', 'state_capitals']";
    let scenario = Scenario::from_toml(text).expect("a scenario");
    let sandbox = builder().quirk(Quirk::NoOk).scenario(scenario).router();
    let job = generate(json!({})).send(&sandbox).await.data();
    assert_eq!((&job["state"], job["id"].is_string()), (&json!("QUEUED"), true));
    sandbox.play(&Scenario::from_toml("").expect("a scenario"));
    let job = generate(json!({})).send(&sandbox).await.json();
    assert_eq!((&job["ok"], &job["data"]["state"]), (&Value::Null, &json!("queued")), "the builder's quirks");

    let wrong = Scenario::from_toml("[settings]\nquirks = ['id_members']").expect_err("unknown").to_string();
    let expected = "settings, quirk 1 (line 2): `id_members` does not exist: did you mean `id_member`? Use one of bare_results,";
    assert!(wrong.starts_with(expected), "{wrong}");
}

#[tokio::test]
async fn fault_rules_work_with_quirks() {
    let sandbox = builder()
        .quirk(Quirk::IntegerIds)
        .quirk(Quirk::StateCapitals)
        .fault(Fault::on(Operation::Status, Action::UnknownState { state: "odd".to_owned() }).for_nth_job(1))
        .router();
    generate(json!({})).send(&sandbox).await;
    let job = status("1").send(&sandbox).await.data();
    assert_eq!((&job["job_id"], &job["state"]), (&json!(1), &json!("ODD")));
}

#[tokio::test]
async fn a_first_call_that_is_too_early_makes_no_job() {
    let sandbox = with(Some(Quirk::NoRetryAfter));
    assert_eq!(with_header(json!({})).send(&sandbox).await.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert!(sandbox.jobs().is_empty());
    assert_eq!(with_header(json!({})).send(&sandbox).await.status, 200);
    sandbox.reset();
    assert_eq!(with_header(json!({})).send(&sandbox).await.status, 429);
}

#[tokio::test]
async fn integers_name_the_jobs_of_the_account_also_deleted_ones() {
    let sandbox = with(Some(Quirk::IntegerIds));
    with_header(json!({})).send(&sandbox).await;
    let delete = |key| call("DELETE", "/v1/video/delete/1").key(key);
    assert_eq!(delete("ifr_pk_other").send(&sandbox).await.refusal(), (404, "NOT_FOUND".to_owned()));
    for _ in 0..2 {
        assert_eq!(delete(KEY).send(&sandbox).await.data(), json!({"ok": true}));
    }
    assert_eq!(with_header(json!({})).send(&sandbox).await.data()["job_id"], json!(1), "a replay");
    let journal = sandbox.journal();
    assert_eq!((journal[1].path.as_str(), &journal[2].job_id), ("/v1/video/delete/1", &journal[0].job_id));
}

#[tokio::test]
async fn an_ignored_aspect_ratio_leaves_the_aspect() {
    let sandbox = with(Some(Quirk::AspectRatioIgnored));
    for (members, expected) in [
        (json!({"aspect_ratio": "9:16"}), "16:9"),
        (json!({"aspect_ratio": "9:16", "aspect": "9:16"}), "9:16"),
    ] {
        generate(members).send(&sandbox).await;
        assert_eq!(sandbox.jobs().last().map(|job| job.aspect_ratio.clone()).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn cursors_lead_from_the_oldest_job_to_the_newest() {
    let sandbox = builder().quirk(Quirk::OldestFirst).quirk(Quirk::NumericCursors).router();
    for _ in 0..3 {
        generate(json!({})).send(&sandbox).await;
    }
    let (mut query, mut seen) = ("limit=2".to_owned(), Vec::new());
    loop {
        let page = get(&format!("/v1/video/list?{query}")).send(&sandbox).await.data();
        seen.extend(page["items"].as_array().expect("items").iter().map(|job| job["job_id"].clone()));
        match page["next_cursor"].as_u64() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, sandbox.jobs().iter().map(|job| json!(job.job_id)).collect::<Vec<_>>());
    let last = get(&format!("/v1/video/list?cursor={}", u64::MAX)).send(&sandbox).await;
    assert_eq!(last.data()["items"], json!([]));
}

#[tokio::test]
async fn short_links_work_for_a_second() {
    let sandbox = with(Some(Quirk::ShortLinks));
    let jobs = prepared(&sandbox, Some(Quirk::ShortLinks)).await;
    assert_eq!(download(&jobs).send(&sandbox).await.status, 200);
    sandbox.clock().advance(Duration::from_secs(1));
    assert_eq!(download(&jobs).send(&sandbox).await.status, 403);
}

#[tokio::test]
async fn all_quirks_together_break_nothing() {
    let all = Quirk::ALL.iter().fold(builder(), |builder, quirk| builder.quirk(*quirk)).router();
    for _ in 0..2 {
        generate(json!({})).send(&all).await;
        for path in ["list?limit=1&cursor=1", "capabilities", "status/1", "get/1", "download_url/1"] {
            assert_eq!(get(&format!("/v1/video/{path}")).send(&all).await.status, 200, "{path}");
        }
    }
    assert_eq!(get("/healthz").send(&all).await.header("x-ratelimit-limit"), None);
    let journal = get("/__sandbox/journal").send(&all).await.json();
    assert_eq!(journal["requests"].as_array().map(Vec::len), Some(12));
}
