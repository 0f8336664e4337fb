use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::common::{Bench, SMALL};

/// Starts a wait that cannot end, sends it a signal, and answers its exit code, its job and the rest of stderr.
fn interrupted(bench: &Bench, signal: &str, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = bench.command(SMALL.iter().chain(options));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    // Signals are caught before the request is sent, so that the first line about the job means that they are.
    let mut line = String::new();
    while !line.starts_with("queued ") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).expect("stderr is text"), 0, "the command ended by itself");
    }
    let id = bench.sandbox.jobs()[0].job_id.clone();
    assert!(
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .expect("kill is there")
            .success()
    );
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("stderr is text");
    (child.wait().expect("the command ends").code(), id, rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_is_130_and_says_how_to_go_on() {
    let bench = Bench::still().await;
    let (code, id, rest) = interrupted(&bench, "-INT", &[]);
    assert_eq!(code, Some(130), "{rest}");
    assert_eq!(
        rest,
        format!("detached   job {id} goes on and is billed\nnext       infrai-video wait {id}\n")
    );
    assert_eq!(bench.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_wait_is_143() {
    let bench = Bench::still().await;
    let (code, _, rest) = interrupted(&bench, "-TERM", &["--on-interrupt", "detach"]);
    assert_eq!(code, Some(143), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_can_cancel_the_job() {
    let bench = Bench::still().await;
    let (code, id, rest) = interrupted(&bench, "-INT", &["--on-interrupt", "cancel"]);
    assert_eq!(code, Some(9), "{rest}");
    assert!(rest.contains(&id));
    assert_eq!(bench.sandbox.ledger().refunds().count(), 1);
}
