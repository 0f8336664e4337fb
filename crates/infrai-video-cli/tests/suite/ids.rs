//! Ids that a service may give out, and what it may quote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::{Arc, Mutex};

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use serde_json::{Value, json};

use crate::common::{Bench, KEY, SMALL, way_to};

type Seen = Arc<Mutex<Vec<String>>>;

/// A service whose one job has that id, and the clip of a job of the sandbox. Notes the paths that it is asked for.
async fn with_id(bench: &Bench, id: Value) -> (String, Seen) {
    let real = bench.job();
    let link = bench.run(["download-url", &real]).text().trim_end().to_owned();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let url = way_to(&bench.sandbox, move |path, _, answer| {
        if answer.is_some() || path.ends_with("/capabilities") {
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
        let bench = Bench::instant().await;
        let (url, seen) = with_id(&bench, id.clone()).await;
        let args = [&SMALL[..], &["--base-url", &url, "--idempotency-key=k1"]].concat();
        let run = bench.run(&args);
        assert_eq!((run.code, run.text()), (Some(0), format!("{file}\n").as_str()), "{}", run.stderr);
        assert!(bench.path(file).exists());
        let requests = seen.lock().unwrap().len();
        let again = bench.run(&args);
        assert_eq!((again.code, again.text()), (run.code, run.text()), "{}", again.stderr);
        assert_eq!(seen.lock().unwrap().len(), requests, "it was saved before");
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        for command in [&["status"][..], &["cancel"], &["delete", "--yes"]] {
            let run = bench.run(command.iter().chain(&["--base-url", url.as_str(), "--", text.as_str()]));
            assert_eq!(run.code, Some(0), "{command:?}: {}", run.stderr);
        }
        let paths = seen.lock().unwrap().clone();
        let of_the_job = paths.iter().filter(|path| !path.ends_with("/generate") && !path.ends_with("/list"));
        assert!(of_the_job.clone().count() >= 5, "{paths:?}");
        assert!(of_the_job.into_iter().all(|path| path.ends_with(&format!("/{segment}"))), "{paths:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_request_can_name_is_said_to_be_paid() {
    for id in ["", ".", ".."] {
        let bench = Bench::instant().await;
        let (url, seen) = with_id(&bench, json!(id)).await;
        let run = bench.run(SMALL.iter().chain(&["--base-url", &url]));
        assert!(run.failed(1).contains("paid"), "{}", run.stderr);
        let resumed = bench.run(["--base-url", &url, "resume"]);
        assert!(resumed.failed(1).contains("paid"), "{}", resumed.stderr);
        assert_eq!(seen.lock().unwrap().len(), 1, "only the request itself");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_quotes_of_secrets_is_neither_printed_nor_kept() {
    const SECRET: &str = "s3cr3t4f9d2c";
    let message = format!("no {KEY} at https://files.example/c.mp4?signature={SECRET}");
    let clean = |text: &str| assert!(!text.contains(KEY) && !text.contains(SECRET), "{text}");
    let fail =
        Fault::on(Operation::Generate, Action::FailJob { code: KEY.to_owned(), message: message.clone() });
    let bench = Bench::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    // The sandbox itself shows no key, so it comes on the way.
    let quoted = message.clone();
    let url = way_to(&bench.sandbox, move |path, _, answer| {
        let (status, body) = answer?;
        let mut body: Value = serde_json::from_str(&body).ok()?;
        body["metadata"]["request_id"] = quoted.as_str().into();
        if path.contains("/status/") {
            body["data"]["error"] = json!({"code": quoted, "message": quoted});
        }
        Some((status, body.to_string()))
    })
    .await;
    for options in [&["-vv"][..], &["--json"]] {
        let run = bench.run(SMALL.iter().chain(options).chain(&["--base-url", &url]));
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stderr.contains("[redacted]"), "{}", run.stderr);
        clean(&run.stderr);
        clean(run.text());
    }
    bench.sandbox.set_faults([]);
    let quoted = message.clone();
    let refused = way_to(&bench.sandbox, move |path, _, _| {
        let error = json!({"code": quoted, "message": quoted, "hint": quoted, "retryable": false});
        path.ends_with("/generate").then(|| (501, json!({"ok": false, "error": error}).to_string()))
    })
    .await;
    for options in [&["-vv"][..], &["--json"]] {
        let run = bench.run(SMALL.iter().chain(options).chain(&["--base-url", &refused]));
        assert_eq!(run.code, Some(11), "{}", run.stderr);
        clean(&run.stderr);
        clean(run.text());
        assert!(run.stderr.contains("[redacted]"), "{}", run.stderr);
    }
    for entry in bench.state.path().read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        clean(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()));
    }
}
