//! The program is killed with SIGKILL in the middle of a run, and run again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use infrai_video_sandbox::Sandbox;

/// How many runs are killed.
const RUNS: usize = 20;

/// `verify` against a server, with enough money for both of its clips.
fn verify(base_url: &str, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verify"));
    command
        .args(["verify", "--spend", "0.50", "--base-url", base_url, "--out"])
        .arg(out)
        .env("INFRAI_API_KEY", "ifr_pk_proj_killed")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs `verify` to its end. Its status says whether a statement is contradicted: the clip may be one that was made in advance, in
/// another size.
fn finishes(base_url: &str, out: &Path) -> bool {
    matches!(verify(base_url, out).status().unwrap().code(), Some(0 | 3))
}

/// A sandbox whose jobs finish at once, so that no run waits. It says when each request has been carried out.
async fn sandbox(seen: Sender<()>) -> Sandbox {
    let seen = Mutex::new(seen);
    let builder = Sandbox::builder().instant_jobs();
    // Nobody counts the requests of the second run.
    builder.on_request(move |_| seen.lock().unwrap().send(()).unwrap_or_default()).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_is_finished_by_the_next_one_with_one_charge_for_each_clip() {
    let (seen, requests) = channel();
    let plain = sandbox(seen).await;
    let directory = tempfile::tempdir().unwrap();
    assert!(finishes(plain.base_url(), directory.path()));
    let total = requests.try_iter().count();
    let charges = plain.ledger().charges().count();
    assert!(total > 40 && charges == 2, "{total} requests, {charges} charges");

    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..RUNS {
        let moment = random.usize(1..=total);
        let (seen, requests) = channel();
        let sandbox = sandbox(seen).await;
        let directory = tempfile::tempdir().unwrap();
        let mut killed = verify(sandbox.base_url(), directory.path()).spawn().unwrap();
        requests.iter().take(moment).for_each(drop);
        killed.kill().unwrap();
        killed.wait().unwrap();

        assert!(finishes(sandbox.base_url(), directory.path()), "after {moment} requests");
        let keys: Vec<_> = sandbox.ledger().charges().map(|charge| charge.idempotency_key.clone()).collect();
        // The price of a clip whose first response was lost is not known, so that the second clip may be left out.
        assert!((1..=charges).contains(&keys.len()), "after {moment} requests: {keys:?}");
        assert!(keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1), "{keys:?}");
        assert!(sandbox.jobs().is_empty(), "after {moment} requests");
        let left = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 2, "the evidence and the report, and no journal");
    }
}
