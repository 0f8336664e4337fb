//! What a command left is finished by `resume`, and paid once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};
use sqlx::Connection as _;

use crate::common::{Bench, KEY, Run, SMALL, way_to};

/// What a bench's ledger holds is changed, as if time had passed.
async fn rewrite(bench: &Bench, sql: &'static str) {
    let file = bench.state.path().join("ledger.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    assert_eq!(sqlx::query(sql).execute(&mut db).await.unwrap().rows_affected(), 1);
    db.close().await.unwrap();
}

/// A request whose answer was lost: there is a job, and the command does not know it. Says the key.
async fn lost(bench: &Bench) -> String {
    bench.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let run = bench.run(SMALL.iter().chain(&["-o", "a.mp4"]));
    bench.sandbox.set_faults([]);
    let (_, key) = run.failed(11).trim_end().rsplit_once("infrai-video resume ").unwrap();
    key.to_owned()
}

fn charges(bench: &Bench) -> usize {
    bench.sandbox.ledger().charges().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_was_left_is_finished_where_the_clip_was_to_go() {
    let clock = Clock::manual();
    let bench = Bench::with(Sandbox::builder().clock(clock)).await;
    assert_eq!(bench.run(SMALL.iter().chain(&["--timeout=0", "-o", "a.mp4"])).code, Some(8));
    let left = bench.run(["resume", "--timeout=0"]);
    let id = bench.sandbox.jobs()[0].job_id.clone();
    assert!(left.failed(8).contains(&format!("next       infrai-video resume {id}\n")), "{}", left.stderr);

    bench.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    let elsewhere = tempfile::tempdir().unwrap();
    let run = Run::from(bench.command(["resume"]).current_dir(elsewhere.path()).output().unwrap());
    let path = bench.path("a.mp4");
    assert_eq!((run.code, run.text()), (Some(0), format!("{}\n", path.display()).as_str()), "{}", run.stderr);
    assert_eq!(std::fs::read(&path).unwrap(), bench.sandbox.clip_bytes(&id).await.unwrap());
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (1, 1));

    // What is finished is left alone, also where the file is gone, until it is named.
    let requests = bench.sandbox.journal().len();
    assert_eq!(bench.run(["resume", &id, "--drop"]).code, Some(0));
    assert_eq!(bench.run(["resume", &id]).text(), format!("{}\n", path.display()), "it is not forgotten");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(bench.run(["resume"]).text(), "");
    assert_eq!(bench.sandbox.journal().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_under_its_own_key_and_body() {
    let bench = Bench::instant().await;
    let key = lost(&bench).await;
    let shown = bench.run(["resume", "--dry-run"]);
    assert_eq!(shown.text(), format!("{key}\tsent\tsend again under its key\ta lighthouse in a storm\n"));
    let run = bench.run(["resume", "--json"]);
    let json = run.json();
    assert_eq!((run.code, &json["state"], &json["idempotency_key"]), (Some(0), &"saved".into(), &key.into()));
    assert_eq!(json["job_id"], bench.sandbox.jobs()[0].job_id.as_str());
    let journal = bench.sandbox.journal();
    let sent: Vec<_> = journal.iter().filter(|seen| seen.operation == Some(Operation::Generate)).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].header("idempotency-key"), sent[1].header("idempotency-key"));
    assert_eq!(sent[0].body, sent[1].body);
    assert_eq!((charges(&bench), bench.sandbox.ledger().double_charges()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_older_than_its_key_is_not_sent_again_unless_asked_for() {
    let bench = Bench::instant().await;
    let key = lost(&bench).await;
    rewrite(
        &bench,
        "UPDATE items SET submission = json_set(submission, '$.prepared_at', '2020-01-01T00:00:00Z')",
    )
    .await;
    let run = bench.run(["resume"]);
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
    assert_eq!(bench.calls(Operation::Generate), 1);

    let again = bench.run(["resume", &key, "--again"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (2, 2));
    assert_eq!(bench.run(["resume"]).text(), "");
}

/// The sandbox's clock is far from this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn the_services_clock_decides_whether_a_key_is_too_old() {
    let day = std::time::Duration::from_secs(24 * 3600);
    for (passed, code, calls) in [(day * 23 / 24, 0, 2), (day * 25 / 24, 11, 1), (day * 400, 11, 1)] {
        let bench = Bench::with(Sandbox::builder().clock(Clock::manual())).await;
        let key = lost(&bench).await;
        bench.sandbox.clock().advance(passed);
        let run = bench.run(["resume"]);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (calls, 1), "{}", run.stderr);
        if code == 11 {
            assert!(run.stderr.contains(&format!("resume {key} --again")), "{}", run.stderr);
        }
    }
    // Stamped by a clock that was ahead.
    let bench = Bench::instant().await;
    lost(&bench).await;
    rewrite(
        &bench,
        "UPDATE items SET submission = json_set(submission, '$.prepared_at', '2126-01-01T00:00:00Z')",
    )
    .await;
    let run = bench.run(["resume"]);
    assert!(run.failed(11).contains("after the service's time"), "{}", run.stderr);
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_finished_job_is_not_paid_again_by_the_same_command() {
    let bench = Bench::with(Sandbox::builder().clock(Clock::scaled(100_000.0))).await;
    let args = |name| [&SMALL[..], &["--idempotency-key", "skyline-1", "-q", "-o", name]].concat();
    assert_eq!(bench.run(args("a.mp4")).code, Some(0));
    bench.sandbox.clock().advance(std::time::Duration::from_secs(25 * 3600));
    let again = bench.run(args("b.mp4"));
    assert!(again.failed(7).contains("use another --idempotency-key"), "{}", again.stderr);
    assert_eq!(charges(&bench), 1);
    assert_eq!(bench.run(["resume"]).code, Some(0), "what is saved stays saved");
    assert_eq!(charges(&bench), 1);
}

/// A repetition under a used key that fails, or is interrupted, must not make the command forget the job.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_that_fails_leaves_the_job_of_its_key_known() {
    for failure in [Action::status(503), Action::accept_then_status(504), Action::status(409)] {
        let bench = Bench::still().await;
        let args = [&SMALL[..], &["--no-wait", "-o", "a.mp4", "--idempotency-key=k1"]].concat();
        let id = bench.run(&args).text().trim_end().to_owned();
        bench.sandbox.set_faults([Fault::on(Operation::Generate, failure)]);
        assert_ne!(bench.run(args.iter().chain(&["--no-check", "--timeout=2s"])).code, Some(0));
        bench.sandbox.set_faults([]);
        bench.sandbox.clock().advance(std::time::Duration::from_secs(25 * 3600));
        let run = bench.run(["resume", &id, "--again"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!((bench.files(), charges(&bench)), (vec!["a.mp4".to_owned()], 1));
    }
}

/// What stopped the others is shown beside what befell one of them.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_ended_a_resume_is_shown() {
    let bench = Bench::still().await;
    let args = ["generate", "a city [fail]", "--duration=0.5", "--no-wait", "-o", "city.mp4"];
    assert_eq!(bench.run(args).code, Some(0));
    let key = lost(&bench).await;
    bench.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    bench.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(401))]);
    let run = bench.run(["resume", "--jobs=1"]);
    assert_eq!(run.code, Some(11), "{}", run.stderr);
    for part in ["CONTENT_REJECTED", "check INFRAI_API_KEY", &key] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_api_key_is_named_first() {
    let bench = Bench::instant().await;
    let key = lost(&bench).await;
    bench.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(401))]);
    let run = bench.run(["resume"]);
    let stderr = run.failed(11);
    assert!(stderr.contains("\nnext       check INFRAI_API_KEY"), "{stderr}");
    assert!(stderr.contains(&format!("under the idempotency key {key}")), "{stderr}");
    bench.sandbox.set_faults([]);
    assert_eq!((bench.run(["resume"]).code, charges(&bench)), (Some(0), 1));
}

/// A way to the sandbox on which these statuses come with `retryable: true` although `generate` is carried out.
async fn in_progress(sandbox: &Sandbox, mut statuses: Vec<u16>) -> String {
    statuses.reverse();
    let statuses = std::sync::Mutex::new(statuses);
    way_to(sandbox, move |path, _, answer| {
        answer.filter(|_| path.ends_with("/generate"))?;
        let body = r#"{"ok":false,"error":{"code":"BUSY","message":"wait","retryable":true}}"#;
        Some((statuses.lock().unwrap().pop()?, body.to_owned()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_progress_brings_its_clip_or_says_its_key() {
    let bench = Bench::instant().await;
    let url = in_progress(&bench.sandbox, vec![504, 409, 423, 425]).await;
    let run = bench.run(SMALL.iter().chain(&["-o", "a.mp4", "--base-url", &url]));
    assert_eq!((run.code, run.text()), (Some(0), "a.mp4\n"), "{}", run.stderr);
    assert_eq!(charges(&bench), 1);

    let url = in_progress(&bench.sandbox, [504].into_iter().chain([409; 9]).collect()).await;
    let run = bench.run(SMALL.iter().chain(&["-o", "b.mp4", "--base-url", &url]));
    let stderr = run.failed(11);
    let (_, key) = stderr.trim_end().rsplit_once(" resume ").unwrap();
    assert!(stderr.contains(&format!("the job may exist, under the idempotency key {key}\n")), "{stderr}");
    let resumed = bench.run(["--base-url", &url, "resume", key]);
    assert!(resumed.failed(11).contains(&format!("resume {key}\n")), "{}", resumed.stderr);
    let resumed = bench.run(["--base-url", &url, "resume", key]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(bench.path("b.mp4").exists());
    assert_eq!(charges(&bench), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_another_api_key_is_not_sent_and_can_be_dropped() {
    let bench = Bench::instant().await;
    let key = lost(&bench).await;
    let other =
        Run::from(bench.command(["resume"]).env("INFRAI_API_KEY", "ifr_pk_proj_other").output().unwrap());
    assert!(other.failed(11).contains("another API key"), "{}", other.stderr);
    assert_eq!(bench.calls(Operation::Generate), 1);
    assert_eq!(bench.run(["resume", &key, "--drop"]).code, Some(0));
    assert_eq!(bench.run(["resume"]).text(), "");
    assert_eq!(bench.calls(Operation::Generate), 1);
}

/// A process that was killed between the name of the clip and the note that it has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_got_its_name_is_known_by_its_checksum() {
    let bench = Bench::instant().await;
    assert_eq!(bench.run(SMALL.iter().chain(&["-o", "a.mp4"])).code, Some(0));
    rewrite(&bench, "UPDATE items SET stage = 'fetched'").await;
    let requests = bench.sandbox.journal().len();
    let path = bench.path("a.mp4");
    assert_eq!(bench.run(["resume"]).text(), format!("{}\n", path.display()));
    assert_eq!(bench.sandbox.journal().len(), requests, "what is there is not fetched again");

    rewrite(&bench, "UPDATE items SET stage = 'fetched'").await;
    std::fs::write(&path, "somebody else's").unwrap();
    assert!(bench.run(["resume"]).failed(12).contains("is there already"));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(bench.run(["resume"]).code, Some(0));
    let id = &bench.sandbox.jobs()[0].job_id;
    assert_eq!(std::fs::read(&path).unwrap(), bench.sandbox.clip_bytes(id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_not_asked_for_anew_by_itself() {
    let bench = Bench::instant().await;
    assert_eq!(bench.run(["generate", "a city [fail]", "--duration=0.5"]).code, Some(3));
    assert_eq!(bench.run(["resume"]).text(), "");
    let id = bench.sandbox.jobs()[0].job_id.clone();
    let run = bench.run(["resume", &id]);
    assert!(run.failed(3).contains(&format!("infrai-video resume {id} --again")), "{}", run.stderr);
    assert_eq!(bench.calls(Operation::Generate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_does_not_know_is_5() {
    let bench = Bench::instant().await;
    let run = bench.run(["resume", "vj_nowhere"]);
    assert!(run.failed(5).contains("infrai-video wait vj_nowhere"), "{}", run.stderr);
    assert!(bench.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_clip_wanted_is_left_alone_until_it_is_named() {
    let bench = Bench::instant().await;
    let id = bench.job();
    assert_eq!(bench.run(["resume"]).text(), "");
    let run = bench.run(["resume", &id]);
    assert_eq!(run.text(), format!("{}\n", bench.path(format!("{id}.mp4")).display()), "{}", run.stderr);
}

/// A process that is still at work keeps what it has taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_works_on_is_left_to_it() {
    let bench = Bench::still().await;
    let mut child = bench.command(SMALL).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().starts_with("queued ")), "the command ended by itself");
    let id = bench.sandbox.jobs()[0].job_id.clone();
    let run = bench.run(["resume", &id]);
    assert!(run.failed(1).contains("another process is working on it"), "{}", run.stderr);
    let all = bench.run(["resume"]);
    assert_eq!((all.code, all.text()), (Some(0), ""), "{}", all.stderr);
    assert!(all.stderr.contains("another process is working on it"), "{}", all.stderr);

    child.kill().unwrap();
    child.wait().unwrap();
    bench.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(bench.run(["resume", &id]).code, Some(0), "its death is known at once");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_private_and_holds_no_key_and_no_signed_link() {
    use std::os::unix::fs::PermissionsExt as _;

    let bench = Bench::instant().await;
    assert_eq!(bench.run(SMALL).code, Some(0));
    lost(&bench).await;
    for entry in bench.state.path().read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        let bytes = std::fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY) && !text.contains("signature="), "{:?}", entry.path());
    }
}

/// As a script does that starts several in the background.
#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_together_make_one_ledger() {
    let bench = Bench::instant().await;
    for round in 0..5 {
        let state = bench.path(format!("state {round}"));
        let start = |number: usize| {
            let mut command = bench.command([
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
    assert_eq!(charges(&bench), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_where_it_cannot_be_written_down() {
    let bench = Bench::instant().await;
    std::fs::write(bench.path("file"), "").unwrap();
    let mut command = bench.command(SMALL);
    let run = Run::from(command.env("INFRAI_STATE_DIR", bench.path("file/state")).output().unwrap());
    let stderr = run.failed(7);
    assert!(stderr.contains("INFRAI_STATE_DIR") && stderr.contains("--ledger none"), "{stderr}");
    assert_eq!(bench.calls(Operation::Generate), 0);
    let without = bench.run(SMALL.iter().chain(&["--ledger", "none"]));
    assert_eq!(without.code, Some(0), "{}", without.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_commands_do_with_a_job_is_known_too() {
    let bench = Bench::still().await;
    let args = |name: &'static str| [&SMALL[..], &["--timeout=0", "-o", name]].concat();
    assert_eq!(bench.run(args("a.mp4")).code, Some(8));
    assert_eq!(bench.run(args("b.mp4")).code, Some(8));
    assert_eq!(bench.run(args("c.mp4")).code, Some(8));
    let shown = bench.run(["resume", "--dry-run"]);
    let ids: Vec<&str> = shown.text().lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(bench.run(["cancel", ids[0]]).code, Some(0));
    assert_eq!(bench.run(["delete", ids[1], "--yes"]).code, Some(0));
    bench.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(bench.run(["download", ids[2], "-o", "mine.mp4"]).code, Some(0));
    assert_eq!(bench.run(["resume"]).text(), "");
    assert_eq!(bench.run(["resume", ids[2]]).text(), format!("{}\n", bench.path("mine.mp4").display()));
}
