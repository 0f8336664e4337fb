//! Ctrl-C, signals and closed terminals.

use std::time::Duration;

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox, When};

use crate::common::{Harness, KEY, SMALL};
use crate::pty::{CTRL_C, Terminal};

const HOUR: Duration = Duration::from_secs(3600);

/// Starts a wait that never finishes, with stdout in a pipe. Returns the job's id too.
async fn waiting(harness: &Harness, options: &[&str]) -> (Terminal, String) {
    let mut terminal = Terminal::start_piped(harness.command(SMALL.iter().chain(options)), 120);
    terminal.shows("queued").await;
    let id = harness.sandbox.jobs().last().expect("there is a job").job_id.clone();
    (terminal, id)
}

/// An interrupted wait that asks its question.
async fn asked(harness: &Harness, options: &[&str]) -> (Terminal, String) {
    let (mut terminal, id) = waiting(harness, options).await;
    terminal.types(CTRL_C).await;
    terminal.shows(QUESTION).await;
    (terminal, id)
}

const QUESTION: &str = "Stop waiting? [k]eep it running (default) or [c]ancel:";

/// Lets the sandbox's tasks run until the condition holds.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

fn stuck() -> Fault {
    Fault::on(Operation::Status, Action::Stuck)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_interrupt_asks_and_k_keeps_the_job() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &[]).await;
    terminal.types("k\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (130, ""));
    assert_eq!(
        end.screen[4..],
        [
            format!("{QUESTION} k"),
            format!("detached   job {id} keeps running and is billed"),
            format!("next       infrai-video resume {id}"),
        ]
    );
    assert_eq!(harness.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_reply_keeps_the_job() {
    let harness = Harness::still().await;
    for nothing in ["\n", "\u{4}", "keep\n"] {
        let mut terminal = Terminal::start_piped(harness.command(SMALL), 120);
        terminal.shows("queued").await;
        terminal.types(CTRL_C).await;
        terminal.shows(QUESTION).await;
        terminal.types(nothing).await;
        let end = terminal.end().await;
        assert_eq!(end.code, 130, "{:?}: {:#?}", nothing, end.screen);
    }
    assert_eq!(harness.calls(Operation::Cancel), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reply_asks_again() {
    let harness = Harness::still().await;
    let (mut terminal, _) = asked(&harness, &[]).await;
    let is_question = |line: &&String| line.starts_with(QUESTION) || line.starts_with("Please type k ");
    let questions = |screen: &[String]| screen.iter().filter(is_question).count();
    for (index, reply) in ["x\n", "yes\n", "cc\n", "?\n"].into_iter().enumerate() {
        terminal.types(reply).await;
        terminal.until(|screen| questions(screen) == index + 2).await;
    }
    assert_eq!(harness.calls(Operation::Cancel), 0);
    terminal.types("C\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 9, "{:#?}", end.screen);
    assert_eq!(harness.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_interrupt_exits_at_once() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &[]).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130);
    assert!(end.screen.contains(&format!("next       infrai-video resume {id}")), "{:#?}", end.screen);
    assert_eq!(harness.calls(Operation::Cancel), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_cancels_the_job_and_refunds_it() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &["--json"]).await;
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 9, "{:#?}", end.screen);
    assert!(
        end.screen.concat().contains(&format!("\"message\":\"cancelled: job {id}\"")),
        "{:#?}",
        end.screen
    );
    let json: serde_json::Value = serde_json::from_str(&end.stdout).expect("it is JSON");
    assert_eq!(json["job"]["state"], "cancelled");
    assert_eq!(harness.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_finished_before_its_cancellation_is_saved() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &["-o", "skyline.mp4"]).await;
    harness.sandbox.clock().advance(HOUR);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (0, "skyline.mp4\n"), "{:#?}", end.screen);
    let note = format!("note       job {id} had succeeded before it could be cancelled");
    assert!(end.screen.contains(&note), "{:#?}", end.screen);
    assert_eq!(
        std::fs::read(harness.path("skyline.mp4")).unwrap(),
        harness.sandbox.clip_bytes(&id).await.unwrap()
    );
    assert_eq!(harness.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_clip_is_saved_also_without_a_question() {
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual()).fault(stuck())).await;
    let mut terminal = Terminal::start_piped(
        harness.command(SMALL.iter().chain(&["--on-interrupt=cancel", "-o=a.mp4"])),
        120,
    );
    // Each poll reports it as running.
    terminal.shows("queued").await;
    harness.sandbox.clock().advance(HOUR);
    terminal.shows("running").await;
    terminal.types(CTRL_C).await;
    until(|| harness.calls(Operation::Cancel) == 1).await;
    harness.sandbox.set_faults([]);
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (0, "a.mp4\n"), "{:#?}", end.screen);
    assert!(harness.path("a.mp4").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_polled_until_the_job_finishes() {
    let harness = Harness::still().await;
    let (mut terminal, _) = asked(&harness, &[]).await;
    harness.sandbox.set_faults([stuck().times(1)]);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 9, "{:#?}", end.screen);
    assert_eq!(harness.sandbox.faults()[0].acted, 1);
    assert_eq!(harness.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_cancellation_is_reported_as_not_confirmed() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &[]).await;
    harness.sandbox.set_faults([stuck()]);
    terminal.types("c\n").await;
    terminal.shows("running").await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    let last = [
        format!("error      cancellation of job {id} was requested but not confirmed"),
        format!("next       infrai-video status {id}"),
    ];
    assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_cancellation_leaves_the_job_unchanged() {
    let harness = Harness::still().await;
    let (mut terminal, id) = asked(&harness, &[]).await;
    harness.sandbox.set_faults([Fault::on(Operation::Cancel, Action::status(403))]);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    assert!(end.screen.contains(&format!("next       infrai-video cancel {id}")), "{:#?}", end.screen);
    assert_eq!(harness.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_during_the_submission_names_the_key() {
    let hang = Action::Hang { delay: None, when: When::AfterAccepting };
    let harness = Harness::with(Sandbox::builder().fault(Fault::on(Operation::Generate, hang))).await;
    let mut terminal = Terminal::start(harness.command(SMALL.iter().chain(&["--idempotency-key=k1"])), 120);
    terminal.shows("checked").await;
    until(|| harness.sandbox.faults()[0].acted == 1).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    assert!(end.written.contains("the job may exist, under the idempotency key k1"), "{}", end.written);
    assert!(end.written.contains("infrai-video resume k1"), "{}", end.written);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_download_is_resumed_later() {
    let slow = Action::SlowBytes { chunk: 1000, pause: Duration::from_millis(50) };
    let harness =
        Harness::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, slow))).await;
    let mut terminal = Terminal::start_piped(harness.command(SMALL.iter().chain(&["-o", "a.mp4"])), 120);
    terminal.until(|screen| screen.iter().any(|line| line.starts_with("saving     [="))).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (130, ""), "{:#?}", end.screen);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let last = [
        format!("error      interrupted while the clip of job {id} was being saved; nothing is lost"),
        format!("next       infrai-video resume {id}"),
    ];
    assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
    harness.sandbox.set_faults([]);
    assert_eq!(harness.run(["resume", &id]).text(), format!("{}\n", harness.path("a.mp4").display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_requires_confirmation() {
    let harness = Harness::instant().await;
    let id = harness.job();
    for (keys, code) in [(CTRL_C, 130), ("n\n", 1), ("\u{4}", 1)] {
        let mut terminal = Terminal::start(harness.command(["delete", &id]), 80);
        terminal.shows("Permanently delete 1 job and its clip? [y/N]").await;
        terminal.types(keys).await;
        let end = terminal.end().await;
        assert_eq!(end.code, code, "{:#?}", end.screen);
        assert!(end.screen.ends_with(&["stopped    nothing was deleted".to_owned()]), "{:#?}", end.screen);
    }
    assert_eq!(harness.calls(Operation::Delete), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_jobs_are_deleted_after_their_number_is_typed() {
    let harness = Harness::instant().await;
    let none = Terminal::start(harness.command(["delete-all"]), 200).end().await;
    assert_eq!((none.code, none.screen.last().map(String::as_str)), (0, Some("0")), "{:#?}", none.screen);
    for _ in 0..12 {
        harness.job();
    }
    let question = format!(
        "Permanently delete all 12 jobs of the API key ending in 9d2c at {}, with their clips? Type 12 to confirm, or anything else to stop:",
        harness.sandbox.base_url()
    );
    for (keys, code) in [(CTRL_C, 130), ("y\n", 1), ("yes\n", 1), ("1\n", 1), ("\n", 1)] {
        let mut terminal = Terminal::start(harness.command(["delete-all"]), 200);
        terminal.shows(&question).await;
        terminal.types(keys).await;
        let end = terminal.end().await;
        assert_eq!(end.code, code, "{:#?}", end.screen);
        assert!(end.screen.contains(&"stopped    nothing was deleted".to_owned()), "{:#?}", end.screen);
        assert!(!end.written.contains(KEY), "{}", end.written);
    }
    assert_eq!(harness.calls(Operation::DeleteAll), 0);

    let mut terminal = Terminal::start(harness.command(["delete-all"]), 200);
    terminal.shows(&question).await;
    terminal.types("12\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, end.screen.last().map(String::as_str)), (0, Some("12")), "{:#?}", end.screen);
    assert_eq!(harness.calls(Operation::DeleteAll), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn termination_restores_the_terminal() {
    let harness = Harness::still().await;
    let (terminal, id) = waiting(&harness, &[]).await;
    terminal.signal("-TERM");
    let end = terminal.end().await;
    assert_eq!(end.code, 143);
    assert_eq!(end.screen.last(), Some(&format!("next       infrai-video resume {id}")), "{:#?}", end.screen);
    let (terminal, _) = asked(&harness, &[]).await;
    terminal.signal("-TERM");
    assert_eq!(terminal.end().await.code, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_terminal_detaches() {
    let harness = Harness::still().await;
    let (terminal, id) = waiting(&harness, &["--on-interrupt=cancel"]).await;
    assert_eq!(terminal.close().await, 129);
    let (terminal, _) = asked(&harness, &[]).await;
    assert_eq!(terminal.close().await, 129);
    assert_eq!((harness.calls(Operation::Cancel), harness.sandbox.ledger().refunds().count()), (0, 0));
    harness.sandbox.clock().advance(HOUR);
    assert_eq!(harness.run(["download", &id, "-o", "a.mp4"]).text(), "a.mp4\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_for_several_jobs_names_the_unfinished_ones() {
    let harness = Harness::still().await;
    let (a, b) = (harness.job(), harness.job());
    let mut terminal = Terminal::start(harness.command(["wait", &a, &b]), 120);
    terminal.until(|screen| screen.iter().filter(|line| line.starts_with("queued")).count() == 2).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130);
    assert_eq!(
        end.screen,
        [
            "detached   2 jobs not finished; waiting again costs nothing".to_owned(),
            format!("next       infrai-video wait {a} {b}"),
        ]
    );
}
