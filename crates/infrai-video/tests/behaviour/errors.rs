//! The text of each kind of error.

use std::fmt::Write as _;

use infrai_video::retry::RetryPolicy;
use infrai_video::transport::TransportErrorKind;
use infrai_video::wait::WaitError;
use infrai_video::{Client, Error, JobId, RetentionDays};
use tokio::time::Duration;

use crate::support::client_of;
use crate::support::script::Script;

fn client(script: Script) -> Client {
    client_of("https://api.infrai.cc").with_transport(script).build().unwrap()
}

fn envelope(code: &str, message: &str, hint: &str, retryable: bool) -> String {
    serde_json::json!({
        "ok": false, "data": null, "metadata": {"request_id": "req_7"},
        "error": {"code": code, "message": message, "hint": hint, "retryable": retryable},
    })
    .to_string()
}

fn job(state: &str, error: serde_json::Value) -> String {
    serde_json::json!({
        "ok": true, "data": {"job_id": "vj_1", "state": state, "error": error}, "metadata": {"request_id": "req_8"},
    })
    .to_string()
}

async fn status_error(script: Script) -> Error {
    client(script).status("vj_1").with_retry_policy(RetryPolicy::never()).await.unwrap_err()
}

async fn generate_error(script: Script) -> Error {
    client(script).generate("a city").submit().await.unwrap_err()
}

async fn wait_error(script: Script) -> WaitError {
    client(script).job("vj_1").wait().with_max_wait(Duration::from_secs(5)).await.unwrap_err()
}

/// The output of a program whose `main` returns the error.
#[tokio::test(start_paused = true)]
async fn an_error_that_ends_a_program_is_readable() {
    let unreachable = status_error(Script::default()).await;
    assert_eq!(format!("{unreachable:?}"), unreachable.to_string(), "the cause says nothing new");
    let refused =
        status_error(Script::of([(404, envelope("NOT_FOUND", "there is no job vj_1", "check", false))]))
            .await;
    assert_eq!(format!("{refused:?}"), refused.to_string());
    assert!(format!("{refused:#?}").starts_with("Error {\n    kind: NotFound,"));

    let waited = wait_error(Script::of((0..9).map(|_| (200, job("running", serde_json::Value::Null))))).await;
    assert_eq!(format!("{waited:?}"), waited.to_string());
    assert!(format!("{waited:#?}").starts_with("WaitError {"));
    let waited = Error::from(waited);
    assert_eq!(format!("{waited:?}"), waited.to_string());

    let offline = client(Script::default()).job("vj_1").download();
    let nowhere = offline.to_path("/no/such/directory/clip.mp4").await.unwrap_err();
    assert!(format!("{nowhere:?}").lines().count() <= 4, "{nowhere:?}");
    let ends =
        wait_error(Script::of([(401, envelope("UNAUTHORIZED", "the key is not known", "check it", false))]))
            .await;
    assert!(!format!("{ends:?}").contains('{'), "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_error_reads_as_reviewed() {
    let mut text = String::new();
    let mut show = |what: &str, display: String, debug: String| {
        assert!(!display.contains('\n'), "{what} is more than one line: {display}");
        writeln!(text, "## {what}\n{display}\n\n{debug}\n").unwrap();
    };
    let mut error = |what: &str, error: Error| show(what, error.to_string(), format!("{error:#?}"));

    error("no key", Client::new(" ").unwrap_err());
    error("plain http", Client::builder("ifr_pk_x").with_base_url("http://example.com").build().unwrap_err());
    error("an odd id", "..".parse::<JobId>().unwrap_err());
    error("91 days", RetentionDays::try_from(91).unwrap_err());
    let offline = client(Script::default());
    error("an empty prompt", offline.generate(" ").submit().await.unwrap_err());
    error("a duration of NaN", offline.generate("x").duration_seconds(f64::NAN).prepare().unwrap_err());
    error("a limit of 0", offline.list().limit(0).await.unwrap_err());

    let refused = |status, code, message, hint| Script::of([(status, envelope(code, message, hint, false))]);
    error("401", status_error(refused(401, "UNAUTHORIZED", "no project key was sent", "send a key")).await);
    error(
        "402",
        generate_error(refused(
            402,
            "INSUFFICIENT_CREDIT",
            "the job costs 0.20 USD",
            "POST /v1/account/topup",
        ))
        .await,
    );
    error("404", status_error(refused(404, "NOT_FOUND", "there is no job vj_1", "check the id")).await);
    error("409", status_error(refused(409, "JOB_FINISHED", "the job is succeeded", "read its state")).await);
    error(
        "422",
        generate_error(refused(422, "VALIDATION_FAILED", "`prompt` is too long", "shorten it")).await,
    );
    let slow_down = envelope("RATE_LIMITED", "too many calls", "wait", true);
    error("429", status_error(Script::default().then(429, &[("retry-after", "7")], slow_down)).await);
    error("a proxy's page", status_error(Script::of([(502, "<html>bad gateway</html>".into())])).await);
    error(
        "a redirect",
        status_error(Script::default().then(302, &[("location", "https://elsewhere.example")], "")).await,
    );
    error("a body that makes no sense", status_error(Script::of([(200, "{\"ok\":true,\"da".into())])).await);
    error(
        "another shape",
        status_error(Script::of([(200, "{\"ok\":true,\"data\":{\"id\":1}}".into())])).await,
    );
    error("never reached", generate_error(Script::default()).await);
    let lost = (0..5).fold(Script::default(), |script, _| script.then_fail(TransportErrorKind::Lost));
    error("lost after it was sent", generate_error(lost).await);
    let accepted_earlier = Script::default().then_fail(TransportErrorKind::Lost).then(
        409,
        &[],
        envelope("IDEMPOTENCY_CONFLICT", "this key was used before", "", false),
    );
    error("accepted earlier", generate_error(accepted_earlier).await);
    let loops = Script::of(["a", "b", "a"].map(|cursor| {
        (200, serde_json::json!({"ok": true, "data": {"items": [], "next_cursor": cursor}}).to_string())
    }));
    let circle = futures_util::TryStreamExt::try_collect::<Vec<_>>(client(loops).list().items()).await;
    error("a list in a circle", circle.unwrap_err());
    let link =
        serde_json::json!({"ok": true, "data": {"url": "http://files.example.com/a?signature=secret"}});
    let plain = client(Script::of([(200, link.to_string())])).job("vj_1").download();
    error("a link over plain http", plain.to_path("/nowhere.mp4").await.unwrap_err());
    let nowhere = offline.job("vj_1").download().to_path("/no/such/directory/clip.mp4").await;
    error("no such directory", nowhere.unwrap_err());

    let mut wait = |what: &str, error: WaitError| show(what, error.to_string(), format!("{error:#?}"));
    let still = (0..9).map(|_| (200, job("running", serde_json::Value::Null)));
    wait("still running", wait_error(Script::of(still)).await);
    let reason = serde_json::json!({"code": "CONTENT_REJECTED", "message": "the vendor refused the prompt"});
    wait("failed", wait_error(Script::of([(200, job("failed", reason))])).await);
    wait("cancelled", wait_error(Script::of([(200, job("canceled", serde_json::Value::Null))])).await);
    wait("refused", wait_error(refused(401, "UNAUTHORIZED", "the key is not known", "check it")).await);
    let unreachable =
        client(Script::default()).job("vj_1").wait().with_poll_failure_timeout(Duration::from_secs(60));
    wait("unreachable", unreachable.await.unwrap_err());

    insta::assert_snapshot!(text);
}
