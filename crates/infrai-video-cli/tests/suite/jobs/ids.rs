//! Unusual job ids, and secrets that a service quotes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::{Arc, Mutex};

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use serde_json::{Value, json};

use crate::common::{BINARY, Harness, KEY, Run, SMALL, intercept};

type Seen = Arc<Mutex<Vec<String>>>;

/// A service whose only job has this id and a clip of the sandbox. Returns its URL and the paths of its requests.
async fn with_id(harness: &Harness, id: Value) -> (String, Seen) {
    let real = harness.job();
    let link = harness.run(["download-url", &real]).text().trim_end().to_owned();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let url = intercept(&harness.sandbox, move |path, _, response| {
        if response.is_some() || path.ends_with("/capabilities") {
            return None;
        }
        noted.lock().unwrap().push(path.to_owned());
        let data = match path.strip_prefix("/v1/video/")?.split('/').next()? {
            "generate" => json!({"job_id": id, "state": "queued"}),
            "status" => json!({"job_id": id, "state": "succeeded"}),
            "list" => json!({"items": [{"job_id": id, "state": "succeeded"}]}),
            "download_url" => json!({"url": link}),
            _ => json!({"ok": true}),
        };
        Some((200, json!({"ok": true, "data": data}).to_string()))
    });
    (url.await, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_any_characters_leads_to_its_clip() {
    for (id, segment, file) in [
        (json!("operations/abc123"), "operations%2Fabc123", "operations%2Fabc123.mp4"),
        (json!("../../a b?c#d%2e"), "..%2F..%2Fa%20b%3Fc%23d%252e", "%2E.%2F..%2Fa%20b%3Fc%23d%252e.mp4"),
        (json!("ä"), "%C3%A4", "%C3%A4.mp4"),
        (json!("-Nabc"), "-Nabc", "-Nabc.mp4"),
        (json!(9_007_199_254_740_993_u64), "9007199254740993", "9007199254740993.mp4"),
    ] {
        let harness = Harness::instant().await;
        let (url, seen) = with_id(&harness, id.clone()).await;
        let args = [&SMALL[..], &["--base-url", &url, "--idempotency-key=k1"]].concat();
        let run = harness.run(&args);
        assert_eq!((run.code, run.text()), (Some(0), format!("{file}\n").as_str()), "{}", run.stderr);
        assert!(harness.path(file).exists());
        let requests = seen.lock().unwrap().len();
        let again = harness.run(&args);
        assert_eq!((again.code, again.text()), (run.code, run.text()), "{}", again.stderr);
        assert_eq!(seen.lock().unwrap().len(), requests, "it was saved before");
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        for command in [&["status"][..], &["cancel"], &["delete", "--yes"]] {
            let run = harness.run(command.iter().chain(&["--base-url", url.as_str(), "--", text.as_str()]));
            assert_eq!(run.code, Some(0), "{command:?}: {}", run.stderr);
        }
        let paths = seen.lock().unwrap().clone();
        let of_the_job = paths.iter().filter(|path| !path.ends_with("/generate") && !path.ends_with("/list"));
        assert!(of_the_job.clone().count() >= 5, "{paths:?}");
        assert!(of_the_job.into_iter().all(|path| path.ends_with(&format!("/{segment}"))), "{paths:?}");
    }
}

/// Runs the command that a failure names in a shell.
#[cfg(unix)]
#[track_caller]
fn run_next(harness: &Harness, url: &str, stderr: &str) -> Run {
    let (_, command) = stderr.trim_end().rsplit_once("next       ").unwrap();
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .envs([("INFRAI_API_KEY", KEY), ("INFRAI_BASE_URL", url)]);
    shell.env("PATH", std::path::Path::new(BINARY).parent().unwrap());
    shell.env("INFRAI_STATE_DIR", harness.state.path()).current_dir(harness.directory.path());
    shell.output().unwrap().into()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_advice_for_an_id_that_begins_with_a_dash_is_a_command_that_works() {
    let harness = Harness::instant().await;
    let (url, _) = with_id(&harness, json!("-Nabc")).await;
    let run = |args: &[&str]| -> Run {
        harness.command(args).env("INFRAI_BASE_URL", &url).output().unwrap().into()
    };
    let made = run(&[&SMALL[..], &["--no-wait", "-o", "a.mp4"]].concat());
    assert!(made.stderr.contains("resume     infrai-video resume -- -Nabc\n"), "{}", made.stderr);
    // A file at the destination stops `resume`, and its advice replaces the file.
    std::fs::write(harness.path("a.mp4"), "mine").unwrap();
    let blocked = run(&["resume"]);
    let stderr = blocked.failed(12);
    assert!(stderr.contains("infrai-video resume -o FILE -- -Nabc  ("), "{stderr}");
    let (_, force) = stderr.trim_end().rsplit_once('\n').unwrap();
    let force = force.trim().replace("  (replaces the file)", "");
    let forced = run_next(&harness, &url, &format!("next       {force}"));
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert_ne!(std::fs::read(harness.path("a.mp4")).unwrap(), b"mine");

    let unconfirmed = run(&["delete", "--", "-Nabc"]);
    let deleted = run_next(&harness, &url, unconfirmed.failed(2));
    assert_eq!((deleted.code, deleted.text()), (Some(0), "-Nabc\n"), "{}", deleted.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_part_of_a_path_is_reported_as_paid() {
    for id in ["", ".", ".."] {
        let harness = Harness::instant().await;
        let (url, seen) = with_id(&harness, json!(id)).await;
        let run = harness.run(SMALL.iter().chain(&["--base-url", &url]));
        assert!(run.failed(1).contains("paid"), "{}", run.stderr);
        let resumed = harness.run(["--base-url", &url, "resume"]);
        assert!(resumed.failed(1).contains("paid"), "{}", resumed.stderr);
        assert_eq!(seen.lock().unwrap().len(), 1, "only the request itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_a_server_quotes_are_neither_printed_nor_stored() {
    const SECRET: &str = "s3cr3t4f9d2c";
    let message = format!("no {KEY} at https://files.example/c.mp4?signature={SECRET}");
    let clean = |text: &str| assert!(!text.contains(KEY) && !text.contains(SECRET), "{text}");
    let fail =
        Fault::on(Operation::Generate, Action::FailJob { code: KEY.to_owned(), message: message.clone() });
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    // The sandbox itself never returns a key, so the proxy adds it.
    let quoted = message.clone();
    let url = intercept(&harness.sandbox, move |path, _, response| {
        let (status, body) = response?;
        let mut body: Value = serde_json::from_str(&body).ok()?;
        body["metadata"]["request_id"] = quoted.as_str().into();
        if path.contains("/status/") {
            body["data"]["error"] = json!({"code": quoted, "message": quoted});
        }
        Some((status, body.to_string()))
    })
    .await;
    for options in [&["-vv"][..], &["--json"]] {
        let run = harness.run(SMALL.iter().chain(options).chain(&["--base-url", &url]));
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stderr.contains("[redacted]"), "{}", run.stderr);
        clean(&run.stderr);
        clean(run.text());
    }
    harness.sandbox.set_faults([]);
    let quoted = message.clone();
    let refused = intercept(&harness.sandbox, move |path, _, _| {
        let error = json!({"code": quoted, "message": quoted, "hint": quoted, "retryable": false});
        path.ends_with("/generate").then(|| (501, json!({"ok": false, "error": error}).to_string()))
    })
    .await;
    for options in [&["-vv"][..], &["--json"]] {
        let run = harness.run(SMALL.iter().chain(options).chain(&["--base-url", &refused]));
        assert_eq!(run.code, Some(11), "{}", run.stderr);
        clean(&run.stderr);
        clean(run.text());
        assert!(run.stderr.contains("[redacted]"), "{}", run.stderr);
    }
    for entry in harness.state.path().read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        clean(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()));
    }
}
