//! What Ctrl-C and closed terminals do, and what is seen of it.

use std::time::Duration;

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox, When};

use crate::common::{Bench, KEY, SMALL};
use crate::pty::{CTRL_C, Terminal};

const HOUR: Duration = Duration::from_secs(3600);

/// Starts a wait that cannot end, with stdout in a pipe, and answers the job's id too.
async fn waiting(bench: &Bench, options: &[&str]) -> (Terminal, String) {
    let mut terminal = Terminal::start_piped(bench.command(SMALL.iter().chain(options)), 120);
    terminal.shows("queued").await;
    let id = bench.sandbox.jobs().last().expect("there is a job").job_id.clone();
    (terminal, id)
}

/// A wait that was interrupted, and asks.
async fn asked(bench: &Bench, options: &[&str]) -> (Terminal, String) {
    let (mut terminal, id) = waiting(bench, options).await;
    terminal.types(CTRL_C).await;
    terminal.shows(&question(&id)).await;
    (terminal, id)
}

fn question(id: &str) -> String {
    format!("job {id} still runs and is still billed: [d]etach or [c]ancel?")
}

/// Lets the sandbox's tasks run until something is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

fn stuck() -> Fault {
    Fault::on(Operation::Status, Action::Stuck)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_interrupt_asks_and_d_lets_the_job_go_on() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &[]).await;
    terminal.types("d\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (130, ""));
    assert_eq!(
        end.screen[2..],
        [
            format!("{} d", question(&id)),
            format!("detached   job {id} goes on and is billed"),
            format!("next       infrai-video resume {id}"),
        ]
    );
    assert_eq!(bench.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_nothing_lets_the_job_go_on() {
    let bench = Bench::still().await;
    for nothing in ["\n", "\u{4}", "yes\n"] {
        let mut terminal = Terminal::start_piped(bench.command(SMALL), 120);
        terminal.shows("queued").await;
        terminal.types(CTRL_C).await;
        terminal.until(|screen| screen.iter().any(|line| line.contains("[c]ancel?"))).await;
        terminal.types(nothing).await;
        let end = terminal.end().await;
        assert_eq!(end.code, 130, "{:?}: {:#?}", nothing, end.screen);
    }
    assert_eq!(bench.calls(Operation::Cancel), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_interrupt_leaves_at_once() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &[]).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130);
    assert!(end.screen.contains(&format!("next       infrai-video resume {id}")), "{:#?}", end.screen);
    assert_eq!(bench.calls(Operation::Cancel), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_cancels_the_job_and_the_money_comes_back() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &["--json"]).await;
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
    assert_eq!(bench.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_was_finished_before_its_cancel_is_saved() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &["-o", "skyline.mp4"]).await;
    bench.sandbox.clock().advance(HOUR);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (0, "skyline.mp4\n"), "{:#?}", end.screen);
    let note = format!("note       job {id} had succeeded before it could be cancelled");
    assert!(end.screen.contains(&note), "{:#?}", end.screen);
    assert_eq!(
        std::fs::read(bench.path("skyline.mp4")).unwrap(),
        bench.sandbox.clip_bytes(&id).await.unwrap()
    );
    assert_eq!(bench.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_question_too_a_finished_clip_is_saved() {
    let bench = Bench::with(Sandbox::builder().clock(Clock::manual()).fault(stuck())).await;
    let mut terminal =
        Terminal::start_piped(bench.command(SMALL.iter().chain(&["--on-interrupt=cancel", "-o=a.mp4"])), 120);
    // It is shown as running from the first poll on, whatever it is.
    terminal.shows("queued").await;
    bench.sandbox.clock().advance(HOUR);
    terminal.shows("running").await;
    terminal.types(CTRL_C).await;
    until(|| bench.calls(Operation::Cancel) == 1).await;
    bench.sandbox.set_faults([]);
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (0, "a.mp4\n"), "{:#?}", end.screen);
    assert!(bench.path("a.mp4").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_followed_until_the_job_is_over() {
    let bench = Bench::still().await;
    let (mut terminal, _) = asked(&bench, &[]).await;
    bench.sandbox.set_faults([stuck().times(1)]);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 9, "{:#?}", end.screen);
    assert_eq!(bench.sandbox.faults()[0].acted, 1);
    assert_eq!(bench.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_while_a_cancel_is_followed_is_told_what_is_not_known() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &[]).await;
    bench.sandbox.set_faults([stuck()]);
    terminal.types("c\n").await;
    terminal.shows("running").await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    let last = [
        format!("error      job {id} was asked to end; whether it did was not seen"),
        format!("next       infrai-video status {id}"),
    ];
    assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_refused_leaves_the_job_as_it_is() {
    let bench = Bench::still().await;
    let (mut terminal, id) = asked(&bench, &[]).await;
    bench.sandbox.set_faults([Fault::on(Operation::Cancel, Action::status(403))]);
    terminal.types("c\n").await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    assert!(end.screen.contains(&format!("next       infrai-video cancel {id}")), "{:#?}", end.screen);
    assert_eq!(bench.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_the_request_is_on_its_way_names_its_key() {
    let hang = Action::Hang { delay: None, when: When::AfterAccepting };
    let bench = Bench::with(Sandbox::builder().fault(Fault::on(Operation::Generate, hang))).await;
    let mut terminal = Terminal::start(bench.command(SMALL.iter().chain(&["--idempotency-key=k1"])), 120);
    terminal.shows("checked").await;
    until(|| bench.sandbox.faults()[0].acted == 1).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    assert!(end.written.contains("the job may exist, under the idempotency key k1"), "{}", end.written);
    assert!(end.written.contains("infrai-video resume k1"), "{}", end.written);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_download_goes_on_later() {
    let slow = Action::SlowBytes { chunk: 1000, pause: Duration::from_millis(50) };
    let bench = Bench::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, slow))).await;
    let mut terminal = Terminal::start_piped(bench.command(SMALL.iter().chain(&["-o", "a.mp4"])), 120);
    terminal.until(|screen| screen.iter().any(|line| line.starts_with("saving     [="))).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!((end.code, &*end.stdout), (130, ""), "{:#?}", end.screen);
    let id = bench.sandbox.jobs()[0].job_id.clone();
    let last = [
        format!("error      interrupted while the clip of job {id} was being saved; nothing is lost"),
        format!("next       infrai-video resume {id}"),
    ];
    assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
    bench.sandbox.set_faults([]);
    assert_eq!(bench.run(["resume", &id]).text(), format!("{}\n", bench.path("a.mp4").display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_before_deleting_is_answered_or_left() {
    let bench = Bench::instant().await;
    let id = bench.job();
    for (keys, code) in [(CTRL_C, 130), ("n\n", 1), ("\u{4}", 1)] {
        let mut terminal = Terminal::start(bench.command(["delete", &id]), 80);
        terminal.shows("delete 1 job and its clip, for good? [y/N]").await;
        terminal.types(keys).await;
        let end = terminal.end().await;
        assert_eq!(end.code, code, "{:#?}", end.screen);
        let last = [
            "kept       nothing was deleted".to_owned(),
            format!("next       infrai-video delete {id} --yes"),
        ];
        assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
    }
    assert_eq!(bench.calls(Operation::Delete), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_jobs_are_deleted_once_their_number_is_typed() {
    let bench = Bench::instant().await;
    let none = Terminal::start(bench.command(["delete-all"]), 200).end().await;
    assert_eq!((none.code, none.screen.last().map(String::as_str)), (0, Some("0")), "{:#?}", none.screen);
    for _ in 0..12 {
        bench.job();
    }
    let question = format!(
        "delete all 12 jobs of the API key that ends in 9d2c at {}, with their clips, for good? type 12 to delete them:",
        bench.sandbox.base_url()
    );
    for (keys, code) in [(CTRL_C, 130), ("y\n", 1), ("yes\n", 1), ("1\n", 1), ("\n", 1)] {
        let mut terminal = Terminal::start(bench.command(["delete-all"]), 200);
        terminal.shows(&question).await;
        terminal.types(keys).await;
        let end = terminal.end().await;
        assert_eq!(end.code, code, "{:#?}", end.screen);
        assert!(end.screen.contains(&"kept       nothing was deleted".to_owned()), "{:#?}", end.screen);
        assert!(!end.written.contains(KEY), "{}", end.written);
    }
    assert_eq!(bench.calls(Operation::DeleteAll), 0);

    let mut terminal = Terminal::start(bench.command(["delete-all"]), 200);
    terminal.shows(&question).await;
    terminal.types("12\n").await;
    let end = terminal.end().await;
    assert_eq!((end.code, end.screen.last().map(String::as_str)), (0, Some("12")), "{:#?}", end.screen);
    assert_eq!(bench.calls(Operation::DeleteAll), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn termination_leaves_the_terminal_in_order() {
    let bench = Bench::still().await;
    let (terminal, id) = waiting(&bench, &[]).await;
    terminal.signal("-TERM");
    let end = terminal.end().await;
    assert_eq!(end.code, 143);
    assert_eq!(end.screen.last(), Some(&format!("next       infrai-video resume {id}")), "{:#?}", end.screen);
    let (terminal, _) = asked(&bench, &[]).await;
    terminal.signal("-TERM");
    assert_eq!(terminal.end().await.code, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_terminal_lets_the_job_go_on() {
    let bench = Bench::still().await;
    let (terminal, id) = waiting(&bench, &["--on-interrupt=cancel"]).await;
    assert_eq!(terminal.close().await, 129);
    let (terminal, _) = asked(&bench, &[]).await;
    assert_eq!(terminal.close().await, 129);
    assert_eq!((bench.calls(Operation::Cancel), bench.sandbox.ledger().refunds().count()), (0, 0));
    bench.sandbox.clock().advance(HOUR);
    assert_eq!(bench.run(["download", &id, "-o", "a.mp4"]).text(), "a.mp4\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_several_jobs_names_those_that_are_left() {
    let bench = Bench::still().await;
    let (a, b) = (bench.job(), bench.job());
    let mut terminal = Terminal::start(bench.command(["wait", &a, &b]), 120);
    terminal.until(|screen| screen.iter().filter(|line| line.starts_with("queued")).count() == 2).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130);
    assert_eq!(
        end.screen,
        [
            "detached   2 jobs not over yet; waiting can be taken up again".to_owned(),
            format!("next       infrai-video wait {a} {b}"),
        ]
    );
}
