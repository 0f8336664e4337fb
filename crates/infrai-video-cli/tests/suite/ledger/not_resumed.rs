//! What `resume` does not process: deleted jobs, items of other services and API keys, existing files; and what it saves later.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};

use crate::common::{Harness, KEY, Run, SMALL};

const FINISHED: &str = "note       nothing is unfinished\n";

fn charges(harness: &Harness) -> usize {
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
    harness.sandbox.ledger().charges().count()
}

/// Runs a command with another environment.
fn run_with(harness: &Harness, args: &[&str], name: &str, value: &str) -> Run {
    harness.command(args).env(name, value).output().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_jobs_are_not_resumed() {
    let harness = Harness::still().await;
    for name in ["a.mp4", "b.mp4"] {
        assert_eq!(harness.run(SMALL.iter().chain(&["--timeout=0", "-o", name])).code, Some(8));
    }
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    assert_eq!(harness.run(SMALL.iter().chain(&["-o", "c.mp4"])).code, Some(11));
    harness.sandbox.set_faults([]);
    let mut other = harness.command(SMALL.iter().chain(&["--timeout=0", "-o", "d.mp4"]));
    assert_eq!(other.env("INFRAI_API_KEY", "ifr_pk_proj_other").output().unwrap().status.code(), Some(8));

    assert_eq!(harness.run(["delete-all", "--yes"]).text(), "3\n");
    let calls = harness.sandbox.journal().len();
    let shown = harness.run(["resume", "--dry-run"]);
    assert_eq!(shown.text().lines().count(), 1, "the job of the other account was not deleted: {shown:?}");
    let ours = harness.sandbox.jobs().len();
    assert_eq!((ours, harness.sandbox.journal().len()), (1, calls));
    let resumed = run_with(&harness, &["resume", "--timeout=0"], "INFRAI_API_KEY", "ifr_pk_proj_other");
    assert_eq!(resumed.code, Some(8), "{}", resumed.stderr);
    assert_eq!(harness.calls(Operation::Generate), 4, "nothing is asked for again");
}

/// A line whose job was deleted has no clip, and its command says how to get one.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_job_was_deleted_lacks_its_clip() {
    let harness = Harness::still().await;
    fs::write(harness.path("p.jsonl"), "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}\n").unwrap();
    assert_eq!(harness.run(["batch", "run", "p.jsonl", "--timeout=0"]).code, Some(13));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert_eq!(harness.run(["delete-all", "--yes"]).code, Some(0));
    let again = harness.run(["batch", "run", "p.jsonl"]);
    assert_eq!(again.code, Some(13), "{}", again.stderr);
    assert!(again.stderr.contains(&format!("infrai-video resume {id} --again  (")), "{}", again.stderr);
    assert!(!again.stderr.contains("already finished"), "{}", again.stderr);
    assert_eq!(charges(&harness), 1);
}

/// An address that no request can be sent to is not one where nothing is left.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_base_url_is_refused_before_the_ledger_is_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let harness = Harness::still().await;
    harness.job();
    for url in [&b"ftp://x"[..], b"nonsense", b"http://127.0.0.1:1/\xff"] {
        for command in [&["resume"][..], &["batch", "status"]] {
            let mut run = harness.command(command);
            let run: Run = run.env("INFRAI_BASE_URL", OsStr::from_bytes(url)).output().unwrap().into();
            assert!(run.failed(7).contains("INFRAI_BASE_URL"), "{}", run.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_unknown_job_removes_it_from_resume() {
    let harness = Harness::still().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--timeout=0", "-o", "a.mp4"])).code, Some(8));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let elsewhere = harness.run(["delete", &id, "--yes", "--ledger=none"]);
    assert_eq!(elsewhere.code, Some(0), "{}", elsewhere.stderr);
    harness.sandbox.set_faults([Fault::on(Operation::Delete, Action::status(404))]);
    assert_eq!(harness.run(["delete", &id, "--yes"]).code, Some(5));
    let resumed = harness.run(["resume"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains(FINISHED), "{}", resumed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_items_at_another_service_are_reported_with_their_command() {
    let harness = Harness::instant().await;
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    assert_eq!(harness.run(SMALL).code, Some(11));
    harness.sandbox.set_faults([]);
    let other = Sandbox::builder().instant_jobs().start().await.unwrap();
    for args in [&["resume"][..], &["resume", "--dry-run"]] {
        let run = run_with(&harness, args, "INFRAI_BASE_URL", other.base_url());
        assert_eq!((run.code, run.text()), (Some(0), ""), "{}", run.stderr);
        let url = harness.sandbox.base_url();
        let note = format!("1 clip unfinished at {url}: infrai-video --base-url {url} resume\n");
        assert!(run.stderr.contains(&note) && !run.stderr.contains(FINISHED), "{}", run.stderr);
    }
    assert_eq!(run_with(&harness, &["resume"], "X", "").code, Some(0));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let named = run_with(&harness, &["resume", &id], "INFRAI_BASE_URL", other.base_url());
    let command = format!("next       infrai-video --base-url {} resume {id}\n", harness.sandbox.base_url());
    assert!(named.failed(5).contains(&command), "{}", named.stderr);
    let all = run_with(&harness, &["resume"], "INFRAI_BASE_URL", other.base_url());
    assert!(all.stderr.contains(FINISHED), "{}", all.stderr);
    assert_eq!(charges(&harness), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_items_in_the_default_ledger_are_reported_if_another_is_in_use() {
    let harness = Harness::still().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--timeout=0", "-o", "a.mp4"])).code, Some(8));
    let run = harness.run(["resume", "--ledger", "other.db"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let file = harness.state.path().join("ledger.db");
    let command = format!("--base-url {} --ledger {} resume", harness.sandbox.base_url(), file.display());
    assert!(run.stderr.contains(&command) && !run.stderr.contains(FINISHED), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_api_key_is_not_processed() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--no-wait", "-o", "a.mp4"])).code, Some(0));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let other = run_with(&harness, &["resume"], "INFRAI_API_KEY", "ifr_pk_proj_other");
    let stderr = other.failed(4);
    assert!(stderr.contains("another API key") && stderr.contains("export INFRAI_API_KEY="), "{stderr}");
    assert!(stderr.contains(&format!("then: infrai-video resume {id}\n")), "{stderr}");
    assert_eq!(harness.run(["resume"]).code, Some(0), "it was not given up");
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_submitted_now_and_saved_later_at_its_destination() {
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual())).await;
    fs::create_dir(harness.path("clips")).unwrap();
    let mut ids = Vec::new();
    for output in ["a.mp4", "clips"] {
        let run = harness.run(SMALL.iter().chain(&["--no-wait", "-o", output, "-q"]));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        ids.push(run.text().trim_end().to_owned());
    }
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    let run = harness.run(["resume"]);
    assert_eq!((run.code, run.text().lines().count()), (Some(0), 2), "{}", run.stderr);
    for (id, path) in ids.iter().zip(["a.mp4".to_owned(), format!("clips/{}.mp4", ids[1])]) {
        let bytes = harness.sandbox.clip_bytes(id).await.unwrap();
        assert_eq!(fs::read(harness.path(path)).unwrap(), bytes);
    }
    for (args, code) in [
        (&["--no-wait", "-o", "a.mp4"][..], 7),
        (&["--no-wait", "-o", "-"], 2),
        (&["--no-wait", "-o", "b.mp4", "--ledger=none"], 2),
    ] {
        let run = harness.run(SMALL.iter().chain(args));
        run.failed(code);
    }
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_with_the_same_key_prints_the_existing_clip() {
    let harness = Harness::instant().await;
    let args = [&SMALL[..], &["--idempotency-key=k1", "-o", "a.mp4"]].concat();
    let first = harness.run(&args);
    assert_eq!((first.code, first.text()), (Some(0), "a.mp4\n"), "{}", first.stderr);
    let requests = harness.sandbox.journal().len();
    let again = harness.run(&args);
    assert_eq!((again.code, again.text()), (Some(0), "a.mp4\n"), "{}", again.stderr);
    let json = harness.run(args.iter().chain(&["--json"])).json();
    assert_eq!((&json["path"], &json["idempotency_key"]), (&"a.mp4".into(), &"k1".into()));
    assert_eq!(json["job"]["job_id"], harness.sandbox.jobs()[0].job_id.as_str());
    assert_eq!(harness.sandbox.journal().len(), requests, "nothing was sent");

    // Without a path the clip is named after its job.
    let unnamed = [&SMALL[..], &["--idempotency-key=k2"]].concat();
    let path = harness.run(&unnamed).text().to_owned();
    assert_eq!(harness.run(&unnamed).text(), path);

    let other = [&["generate", "another", "--duration=0.5"], &args[3..]].concat();
    assert!(harness.run(other).failed(7).contains("a.mp4 already exists"));
    fs::write(harness.path("a.mp4"), "mine").unwrap();
    assert!(harness.run(&args).failed(7).contains("a.mp4 already exists"));
    assert_eq!(fs::read(harness.path("a.mp4")).unwrap(), b"mine");
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_compares_an_existing_file_with_the_clip() {
    let harness = Harness::still().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--timeout=0", "-o", "a.mp4"])).code, Some(8));
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    let (id, path) = (harness.sandbox.jobs()[0].job_id.clone(), harness.path("a.mp4"));
    fs::write(&path, "mine").unwrap();
    let refused = harness.run(["resume"]);
    let stderr = refused.failed(12);
    for step in [format!("infrai-video resume {id} -o FILE"), format!("infrai-video resume {id} --force")] {
        assert!(stderr.contains(&step), "{stderr}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    // As if the user had saved it.
    let bytes = harness.sandbox.clip_bytes(&id).await.unwrap();
    fs::write(&path, &bytes).unwrap();
    let run = harness.run(["resume"]);
    assert_eq!((run.code, run.text()), (Some(0), &*format!("{}\n", path.display())), "{}", run.stderr);
    assert_eq!((fs::read(&path).unwrap(), harness.files()), (bytes.to_vec(), vec!["a.mp4".to_owned()]));
    assert!(!refused.stderr.contains(KEY));
}
