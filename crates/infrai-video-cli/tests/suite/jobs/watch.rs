//! `list --watch` in a pipe: a line for each change.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::Value;

use crate::common::{Harness, SMALL, intercept};

/// A running watch.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Watch {
    fn start(harness: &Harness, args: &[&str]) -> Self {
        let mut command = harness.command(["list", "--watch"].iter().chain(args));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        Self { child, lines, stderr }
    }

    /// The next line.
    fn line(&mut self) -> String {
        self.lines.next().expect("the watch continues").expect("it is text")
    }

    /// The first columns of the next line: id and state.
    fn change(&mut self) -> (String, String) {
        let line = self.line();
        let mut columns = line.split('\t').map(str::to_owned);
        (columns.next().expect("an id"), columns.next().expect("a state"))
    }

    /// The next line of stderr.
    fn note(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("it is text");
        line.trim_end().to_owned()
    }

    /// Interrupts it. Returns the exit code, and the rest of stdout and stderr.
    fn interrupt(mut self) -> (Option<i32>, Vec<String>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill is there").success());
        let rest = self.lines.map_while(Result::ok).collect();
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).expect("it is text");
        (self.child.wait().expect("it ends").code(), rest, stderr)
    }
}

fn pair(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_one_line_and_an_interrupt_is_no_failure() {
    let harness = Harness::still().await;
    let old = harness.job();
    let new = harness.job();
    let mut watch = Watch::start(&harness, &[]);
    // What is there, the oldest first.
    assert_eq!(watch.change(), pair(&old, "queued"));
    assert_eq!(watch.change(), pair(&new, "queued"));
    let newest = harness.job();
    assert_eq!(watch.change(), pair(&newest, "queued"));
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let mut ends = [watch.change(), watch.change(), watch.change()];
    ends.sort();
    let mut expected = [&old, &new, &newest].map(|id| pair(id, "succeeded"));
    expected.sort();
    assert_eq!(ends, expected);
    assert_eq!(watch.interrupt(), (Some(130), Vec::new(), String::new()));
    assert!(harness.calls(Operation::Status) == 0, "the list says it all");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_state_jobs_that_get_into_it_or_leave_it_have_lines() {
    let harness = Harness::still().await;
    let queued = harness.job();
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let mut watch = Watch::start(&harness, &["--state=running", "--json"]);
    let job = harness.job();
    // Until it runs, no line is due: the next lines are about this job, and not about the finished one.
    harness.sandbox.clock().advance(Duration::from_secs(3));
    let change = |watch: &mut Watch| {
        let line: Value = serde_json::from_str(&watch.line()).expect("it is JSON");
        assert_eq!(line["ledger"]["request"]["prompt"], SMALL[1], "{line}");
        (line["job_id"].as_str().expect("an id").to_owned(), line["state"].as_str().expect("it").to_owned())
    };
    assert_eq!(change(&mut watch), pair(&job, "running"));
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    assert_eq!(change(&mut watch), pair(&job, "succeeded"));
    assert_ne!(job, queued);
    assert_eq!(watch.interrupt().0, Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_respond_is_a_note_and_the_watch_continues() {
    let harness = Harness::instant().await;
    let id = harness.job();
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let url = intercept(&harness.sandbox, move |_, _, _| {
        let error =
            r#"{"ok": false, "error": {"code": "DOWN", "message": "maintenance", "retryable": false}}"#;
        down.load(Ordering::SeqCst).then(|| (503, error.to_owned()))
    })
    .await;
    let mut watch = Watch::start(&harness, &["--base-url", &url]);
    let note = watch.note();
    assert!(note.starts_with("note       maintenance") && note.ends_with("; the watch continues"), "{note}");
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(watch.note(), "resuming   the service responds again");
    assert_eq!(watch.change(), pair(&id, "succeeded"));
    assert_eq!(watch.interrupt(), (Some(130), Vec::new(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waiting_does_not_help_ends_the_watch() {
    let harness = Harness::instant().await;
    let run = harness.run(["list", "--watch", "--limit=0"]);
    assert!(run.failed(7).contains("limit"), "{}", run.stderr);
    harness.sandbox.set_faults([Fault::on(Operation::List, Action::status(401))]);
    harness.run(["list", "--watch"]).failed(4);
    for option in ["--all", "--cursor=c"] {
        assert_eq!(harness.run(["list", "--watch", option]).code, Some(2), "{option}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_read_enough_ends_the_watch() {
    let harness = Harness::instant().await;
    harness.job();
    let mut watch = Watch::start(&harness, &["-q"]);
    watch.line();
    drop(watch.lines);
    harness.job();
    assert_eq!(watch.child.wait().expect("it ends").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_created_during_the_watch_is_used() {
    let harness = Harness::instant().await;
    let none = harness.run(["list", "--ledger=new.db"]);
    let lines: Vec<&str> = none.stderr.lines().collect();
    assert_eq!(lines[0], "note       this account has no jobs", "{lines:?}");
    assert!(lines[1].starts_with("next       infrai-video ") && lines[1].contains(" generate "), "{lines:?}");
    let unknown = harness.job();
    let mut watch = Watch::start(&harness, &["--ledger=new.db"]);
    assert_eq!(watch.line(), format!("{unknown}\tsucceeded{}", "\t".repeat(7)));
    let known =
        harness.run(["generate", "a harbour", "--duration=0.5", "--no-wait", "-q", "--ledger=new.db"]);
    let line = watch.line();
    assert!(line.starts_with(known.text().trim_end()) && line.ends_with("\ta harbour"), "{line}");
    assert_eq!(watch.interrupt().0, Some(130));
}
