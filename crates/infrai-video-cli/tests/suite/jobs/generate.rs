use std::io::Write as _;
use std::process::Stdio;

use infrai_video_sandbox::Operation;
use serde_json::Value;

use crate::common::{Harness, KEY, Run, SMALL};

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_saved_and_only_its_path_goes_to_stdout() {
    let harness = Harness::instant().await;
    let run = harness.run(SMALL.iter().chain(&["--resolution", "720p", "-o", "skyline.mp4"]));
    assert_eq!((run.code, run.text()), (Some(0), "skyline.mp4\n"), "{}", run.stderr);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert_eq!(
        std::fs::read(harness.path("skyline.mp4")).unwrap(),
        harness.sandbox.clip_bytes(&id).await.unwrap()
    );
    assert_eq!(harness.files(), ["skyline.mp4"]);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines[0], "checked    3 of 3 vendors make 720p clips of 0.5 s");
    assert_eq!(lines[1], "cost       not known: this ledger has no such clip yet");
    assert_eq!(lines[2], format!("submitted  job {id}, 0.01 USD"));
    assert_eq!(lines[3], format!("resume     infrai-video resume {id}"));
    assert!(lines[4].starts_with("done       00:0") && lines[4].contains("saved skyline.mp4"), "{lines:?}");
    assert!(lines[5].starts_with("sha256     "), "{lines:?}");
    assert_eq!(lines.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_prints_the_path_and_the_id_of_the_paid_job() {
    let harness = Harness::instant().await;
    let run = harness.run(SMALL.iter().chain(&["-q"]));
    let id = &harness.sandbox.jobs()[0].job_id;
    assert_eq!((run.code, run.text()), (Some(0), format!("{id}.mp4\n").as_str()));
    assert_eq!(run.stderr.lines().count(), 1);
    assert!(run.stderr.contains(id.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_everything_that_a_program_needs() {
    let harness = Harness::instant().await;
    std::fs::create_dir(harness.path("clips")).unwrap();
    let run =
        harness.run(SMALL.iter().chain(&["--json", "-o", "clips", "--idempotency-key", "lighthouse-1"]));
    let json = run.json();
    let path = json["path"].as_str().unwrap();
    assert_eq!(json["job"]["state"], "succeeded");
    assert_eq!(path, format!("clips/{}.mp4", json["job"]["job_id"].as_str().unwrap()));
    assert_eq!(json["bytes"], std::fs::metadata(harness.path(path)).unwrap().len());
    assert_eq!(json["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(json["idempotency_key"], "lighthouse-1");
    assert_eq!(json["cost_usd"], 0.01);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dash_reads_the_prompt_from_stdin_and_writes_the_clip_to_stdout() {
    let harness = Harness::instant().await;
    let mut child = harness
        .command(["generate", "-", "--duration=0.5", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("ein Leuchtturm im Sturm\n".as_bytes()).unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert_eq!(run.stdout, harness.sandbox.clip_bytes(&id).await.unwrap(), "{}", run.stderr);
    assert!(harness.files().is_empty());
    let sent = harness
        .sandbox
        .journal()
        .into_iter()
        .find(|seen| seen.operation == Some(Operation::Generate))
        .unwrap();
    let sent: Value = serde_json::from_str(&sent.body.unwrap()).unwrap();
    assert_eq!(sent["prompt"], "ein Leuchtturm im Sturm");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_creates_one_job_and_one_charge() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("prompt.txt"), "a lighthouse\n").unwrap();
    let order = ["generate", "--prompt-file", "prompt.txt", "--no-wait", "-q", "--idempotency-key", "k1"];
    let (first, second) = (harness.run(order), harness.run(order));
    assert_eq!((first.code, &first.stdout), (Some(0), &second.stdout), "{}", second.stderr);
    assert_eq!(harness.sandbox.ledger().charges().count(), 1);

    let other = harness.run(["generate", "another", "--no-wait", "--idempotency-key", "k1"]);
    assert!(other.failed(7).contains("the key k1 was used for another request"), "{}", other.stderr);
    assert_eq!(harness.calls(Operation::Generate), 2, "it is known before anything is sent");
    let other = ["generate", "another", "--no-wait", "--idempotency-key", "k1", "--ledger", "none"];
    assert!(harness.run(other).failed(11).contains("infrai-video --ledger none list"));
    assert_eq!(harness.sandbox.ledger().charges().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_sends_nothing() {
    let harness = Harness::instant().await;
    let run =
        harness.run(SMALL.iter().chain(&["--dry-run", "--aspect-ratio", "9:16", "--prefer", "cheapest"]));
    let json = run.json();
    assert_eq!((&json["aspect_ratio"], &json["prefer"]), (&Value::from("9:16"), &Value::from("cheapest")));
    assert_eq!((harness.calls(Operation::Capabilities), harness.calls(Operation::Generate)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_key_is_never_printed() {
    let harness = Harness::instant().await;
    let run = harness.run(SMALL.iter().chain(&["-vv", "--json"]));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.lines().any(|line| line.starts_with("log ")), "{}", run.stderr);
    assert!(!run.stderr.contains(KEY) && !run.text().contains(KEY));
    assert!(!run.stderr.contains("signature"), "a signed link was logged: {}", run.stderr);
}
