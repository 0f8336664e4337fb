//! `resume` finishes what another command left, and it is charged once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};
use rusqlite::Connection;

use crate::common::{Harness, KEY, Run, SMALL, intercept};

/// Changes the ledger as if time had passed.
fn rewrite(harness: &Harness, sql: &str) {
    let db = Connection::open(harness.state.path().join("ledger.db")).unwrap();
    assert_eq!(db.execute(sql, ()).unwrap(), 1);
}

/// A request whose response was lost: there is a job, and the command does not know it. Returns the key.
async fn lost(harness: &Harness) -> String {
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let run = harness.run(SMALL.iter().chain(&["-o", "a.mp4"]));
    harness.sandbox.set_faults([]);
    let (_, key) = run.failed(11).trim_end().rsplit_once("infrai-video resume ").unwrap();
    key.to_owned()
}

fn charges(harness: &Harness) -> usize {
    harness.sandbox.ledger().charges().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_wait_is_finished_at_its_destination() {
    let clock = Clock::manual();
    let harness = Harness::with(Sandbox::builder().clock(clock)).await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--timeout=0", "-o", "a.mp4"])).code, Some(8));
    let left = harness.run(["resume", "--timeout=0"]);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert!(left.failed(8).contains(&format!("next       infrai-video resume {id}\n")), "{}", left.stderr);

    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    let elsewhere = tempfile::tempdir().unwrap();
    let run = Run::from(harness.command(["resume"]).current_dir(elsewhere.path()).output().unwrap());
    let path = harness.path("a.mp4");
    assert_eq!((run.code, run.text()), (Some(0), format!("{}\n", path.display()).as_str()), "{}", run.stderr);
    assert_eq!(std::fs::read(&path).unwrap(), harness.sandbox.clip_bytes(&id).await.unwrap());
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (1, 1));

    // A finished item is not processed until it is named, even if its file is gone.
    let requests = harness.sandbox.journal().len();
    assert_eq!(harness.run(["resume", &id, "--drop"]).code, Some(0));
    assert_eq!(harness.run(["resume", &id]).text(), format!("{}\n", path.display()), "it is not forgotten");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(harness.run(["resume"]).text(), "");
    assert_eq!(harness.sandbox.journal().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_is_sent_again_under_the_same_key_and_body() {
    let harness = Harness::instant().await;
    let key = lost(&harness).await;
    let shown = harness.run(["resume", "--dry-run"]);
    assert_eq!(shown.text(), format!("{key}\tsent\tsend again under its key\ta lighthouse in a storm\n"));
    let run = harness.run(["resume", "--json"]);
    let json = run.json();
    assert_eq!((run.code, &json["state"], &json["idempotency_key"]), (Some(0), &"saved".into(), &key.into()));
    assert_eq!(json["job_id"], harness.sandbox.jobs()[0].job_id.as_str());
    let journal = harness.sandbox.journal();
    let sent: Vec<_> = journal.iter().filter(|seen| seen.operation == Some(Operation::Generate)).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].header("idempotency-key"), sent[1].header("idempotency-key"));
    assert_eq!(sent[0].body, sent[1].body);
    assert_eq!((charges(&harness), harness.sandbox.ledger().double_charges()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_an_expired_key_is_sent_again_only_on_demand() {
    let harness = Harness::instant().await;
    let key = lost(&harness).await;
    rewrite(
        &harness,
        "UPDATE items SET submission = json_set(submission, '$.prepared_at', '2020-01-01T00:00:00Z')",
    );
    let run = harness.run(["resume"]);
    let stderr = run.failed(11);
    assert!(stderr.contains("old by the service's clock, and a key is remembered for 24h"), "{stderr}");
    assert!(stderr.contains(&format!("under the idempotency key {key}")), "{stderr}");
    for next in [
        "infrai-video list  (",
        &format!("infrai-video resume {key} --again  ("),
        &format!("resume {key} --drop  ("),
    ] {
        assert!(stderr.contains(next), "{stderr}");
    }
    assert_eq!(harness.calls(Operation::Generate), 1);

    let again = harness.run(["resume", &key, "--again"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (2, 2));
    assert_eq!(harness.run(["resume"]).text(), "");
}

/// The sandbox's clock differs from this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn the_services_clock_decides_whether_a_key_is_too_old() {
    let day = std::time::Duration::from_secs(24 * 3600);
    for (passed, code, calls) in [(day * 23 / 24, 0, 2), (day * 25 / 24, 11, 1), (day * 400, 11, 1)] {
        let harness = Harness::with(Sandbox::builder().clock(Clock::manual())).await;
        let key = lost(&harness).await;
        harness.sandbox.clock().advance(passed);
        let run = harness.run(["resume"]);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (calls, 1), "{}", run.stderr);
        if code == 11 {
            assert!(run.stderr.contains(&format!("resume {key} --again")), "{}", run.stderr);
        }
    }
    // Prepared by a clock that was ahead.
    let harness = Harness::instant().await;
    lost(&harness).await;
    rewrite(
        &harness,
        "UPDATE items SET submission = json_set(submission, '$.prepared_at', '2126-01-01T00:00:00Z')",
    );
    let run = harness.run(["resume"]);
    assert!(run.failed(11).contains("after the service's time"), "{}", run.stderr);
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_of_a_finished_job_is_not_charged_again() {
    let harness = Harness::with(Sandbox::builder().clock(Clock::scaled(100_000.0))).await;
    let args = |name| [&SMALL[..], &["--idempotency-key", "skyline-1", "-q", "-o", name]].concat();
    assert_eq!(harness.run(args("a.mp4")).code, Some(0));
    harness.sandbox.clock().advance(std::time::Duration::from_secs(25 * 3600));
    let again = harness.run(args("b.mp4"));
    assert!(again.failed(7).contains("use another --idempotency-key"), "{}", again.stderr);
    assert_eq!(charges(&harness), 1);
    assert_eq!(harness.run(["resume"]).code, Some(0), "what is saved stays saved");
    assert_eq!(charges(&harness), 1);
}

/// A failed repetition under a used key must not remove the job from the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_repetition_keeps_the_job_of_its_key() {
    for failure in [Action::status(503), Action::accept_then_status(504), Action::status(409)] {
        let harness = Harness::still().await;
        let args = [&SMALL[..], &["--no-wait", "-o", "a.mp4", "--idempotency-key=k1"]].concat();
        let id = harness.run(&args).text().trim_end().to_owned();
        harness.sandbox.set_faults([Fault::on(Operation::Generate, failure)]);
        assert_ne!(harness.run(args.iter().chain(&["--no-check", "--timeout=2s"])).code, Some(0));
        harness.sandbox.set_faults([]);
        harness.sandbox.clock().advance(std::time::Duration::from_secs(25 * 3600));
        let run = harness.run(["resume", &id, "--again"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!((harness.files(), charges(&harness)), (vec!["a.mp4".to_owned()], 1));
    }
}

/// The failure that stopped the run is shown in addition to that of an item.
#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_a_resume_is_shown() {
    let harness = Harness::still().await;
    let args = ["generate", "a city [fail]", "--duration=0.5", "--no-wait", "-o", "city.mp4"];
    assert_eq!(harness.run(args).code, Some(0));
    let key = lost(&harness).await;
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(401))]);
    let run = harness.run(["resume", "--jobs=1"]);
    assert_eq!(run.code, Some(11), "{}", run.stderr);
    for part in ["CONTENT_REJECTED", "check INFRAI_API_KEY", &key] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_api_key_is_the_first_advice() {
    let harness = Harness::instant().await;
    let key = lost(&harness).await;
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(401))]);
    let run = harness.run(["resume"]);
    let stderr = run.failed(11);
    assert!(stderr.contains("\nnext       check INFRAI_API_KEY"), "{stderr}");
    assert!(stderr.contains(&format!("under the idempotency key {key}")), "{stderr}");
    harness.sandbox.set_faults([]);
    assert_eq!((harness.run(["resume"]).code, charges(&harness)), (Some(0), 1));
}

/// A URL of the sandbox on which `generate` is carried out but these statuses are returned with `retryable: true`.
async fn in_progress(sandbox: &Sandbox, mut statuses: Vec<u16>) -> String {
    statuses.reverse();
    let statuses = std::sync::Mutex::new(statuses);
    intercept(sandbox, move |path, _, response| {
        response.filter(|_| path.ends_with("/generate"))?;
        let body = r#"{"ok":false,"error":{"code":"BUSY","message":"wait","retryable":true}}"#;
        Some((statuses.lock().unwrap().pop()?, body.to_owned()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_progress_leads_to_its_clip_or_names_its_key() {
    let harness = Harness::instant().await;
    let url = in_progress(&harness.sandbox, vec![504, 409, 423, 425]).await;
    let run = harness.run(SMALL.iter().chain(&["-o", "a.mp4", "--base-url", &url]));
    assert_eq!((run.code, run.text()), (Some(0), "a.mp4\n"), "{}", run.stderr);
    assert_eq!(charges(&harness), 1);

    let url = in_progress(&harness.sandbox, [504].into_iter().chain([409; 9]).collect()).await;
    let run = harness.run(SMALL.iter().chain(&["-o", "b.mp4", "--base-url", &url]));
    let stderr = run.failed(11);
    let (_, key) = stderr.trim_end().rsplit_once(" resume ").unwrap();
    assert!(stderr.contains(&format!("the job may exist, under the idempotency key {key}\n")), "{stderr}");
    let resumed = harness.run(["--base-url", &url, "resume", key]);
    assert!(resumed.failed(11).contains(&format!("resume {key}\n")), "{}", resumed.stderr);
    let resumed = harness.run(["--base-url", &url, "resume", key]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(harness.path("b.mp4").exists());
    assert_eq!(charges(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_another_api_key_is_not_sent_and_can_be_dropped() {
    let harness = Harness::instant().await;
    let key = lost(&harness).await;
    let other =
        Run::from(harness.command(["resume"]).env("INFRAI_API_KEY", "ifr_pk_proj_other").output().unwrap());
    assert!(other.failed(11).contains("another API key"), "{}", other.stderr);
    assert_eq!(harness.calls(Operation::Generate), 1);
    assert_eq!(harness.run(["resume", &key, "--drop"]).code, Some(0));
    assert_eq!(harness.run(["resume"]).text(), "");
    assert_eq!(harness.calls(Operation::Generate), 1);
}

/// As if the process had been killed after it had renamed the clip.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_clip_is_recognized_by_its_checksum() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["-o", "a.mp4"])).code, Some(0));
    rewrite(&harness, "UPDATE items SET stage = 'fetched'");
    let requests = harness.sandbox.journal().len();
    let path = harness.path("a.mp4");
    assert_eq!(harness.run(["resume"]).text(), format!("{}\n", path.display()));
    assert_eq!(harness.sandbox.journal().len(), requests, "what is there is not fetched again");

    rewrite(&harness, "UPDATE items SET stage = 'fetched'");
    std::fs::write(&path, "somebody else's").unwrap();
    assert!(harness.run(["resume"]).failed(12).contains("already exists"));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(harness.run(["resume"]).code, Some(0));
    let id = &harness.sandbox.jobs()[0].job_id;
    assert_eq!(std::fs::read(&path).unwrap(), harness.sandbox.clip_bytes(id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_not_requested_again_automatically() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(["generate", "a city [fail]", "--duration=0.5"]).code, Some(3));
    assert_eq!(harness.run(["resume"]).text(), "");
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let run = harness.run(["resume", &id]);
    assert!(run.failed(3).contains(&format!("infrai-video resume {id} --again")), "{}", run.stderr);
    assert_eq!(harness.calls(Operation::Generate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_in_the_ledger_is_5() {
    let harness = Harness::instant().await;
    let run = harness.run(["resume", "vj_nowhere"]);
    assert!(run.failed(5).contains("infrai-video wait vj_nowhere"), "{}", run.stderr);
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_destination_is_downloaded_only_when_it_is_named() {
    let harness = Harness::instant().await;
    let id = harness.job();
    assert_eq!(harness.run(["resume"]).text(), "");
    let run = harness.run(["resume", &id]);
    assert_eq!(run.text(), format!("{}\n", harness.path(format!("{id}.mp4")).display()), "{}", run.stderr);
}

/// A live process keeps its leases.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_another_process_is_left_to_it() {
    let harness = Harness::still().await;
    let mut child = harness.command(SMALL).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().starts_with("queued ")), "the command ended by itself");
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let run = harness.run(["resume", &id]);
    assert!(run.failed(1).contains("another process is working on it"), "{}", run.stderr);
    let all = harness.run(["resume"]);
    assert_eq!((all.code, all.text()), (Some(0), ""), "{}", all.stderr);
    assert!(all.stderr.contains("another process is working on it"), "{}", all.stderr);

    child.kill().unwrap();
    child.wait().unwrap();
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(harness.run(["resume", &id]).code, Some(0), "its death is known at once");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_private_and_contains_no_api_key_and_no_signed_link() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL).code, Some(0));
    lost(&harness).await;
    for entry in harness.state.path().read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        let bytes = std::fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY) && !text.contains("signature="), "{:?}", entry.path());
    }
}

/// As if a script had started several in the background.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_create_one_ledger() {
    let harness = Harness::instant().await;
    for round in 0..5 {
        let state = harness.path(format!("state {round}"));
        let start = |number: usize| {
            let mut command = harness.command([
                "generate",
                &format!("scene {round} {number}"),
                "--duration=0.5",
                "--no-wait",
                "-q",
            ]);
            command.env("INFRAI_STATE_DIR", &state).stdout(std::process::Stdio::piped());
            command.stderr(std::process::Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..8).map(start).collect();
        for child in children {
            let run = Run::from(child.wait_with_output().unwrap());
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        }
    }
    assert_eq!(charges(&harness), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_charged_that_cannot_be_recorded() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("file"), "").unwrap();
    let mut command = harness.command(SMALL);
    let run = Run::from(command.env("INFRAI_STATE_DIR", harness.path("file/state")).output().unwrap());
    let stderr = run.failed(7);
    assert!(stderr.contains("INFRAI_STATE_DIR") && stderr.contains("--ledger none"), "{stderr}");
    assert_eq!(harness.calls(Operation::Generate), 0);
    let without = harness.run(SMALL.iter().chain(&["--ledger", "none"]));
    assert_eq!(without.code, Some(0), "{}", without.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_on_a_job_are_recorded() {
    let harness = Harness::still().await;
    let args = |name: &'static str| [&SMALL[..], &["--timeout=0", "-o", name]].concat();
    assert_eq!(harness.run(args("a.mp4")).code, Some(8));
    assert_eq!(harness.run(args("b.mp4")).code, Some(8));
    assert_eq!(harness.run(args("c.mp4")).code, Some(8));
    let shown = harness.run(["resume", "--dry-run"]);
    let ids: Vec<&str> = shown.text().lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(harness.run(["cancel", ids[0]]).code, Some(0));
    assert_eq!(harness.run(["delete", ids[1], "--yes"]).code, Some(0));
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(harness.run(["download", ids[2], "-o", "mine.mp4"]).code, Some(0));
    assert_eq!(harness.run(["resume"]).text(), "");
    assert_eq!(harness.run(["resume", ids[2]]).text(), format!("{}\n", harness.path("mine.mp4").display()));
}
