use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, SMALL};

/// Starts a wait that never finishes and sends it a signal. Returns its exit code, its job and the rest of stderr.
fn interrupted(harness: &Harness, signal: &str, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = harness.command(SMALL.iter().chain(options));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    // Signals are caught before the request is sent, thus before the first line about the job.
    let mut line = String::new();
    while !line.starts_with("queued ") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).expect("stderr is text"), 0, "the command ended by itself");
    }
    let id = harness.sandbox.jobs()[0].job_id.clone();
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
async fn an_interrupted_wait_is_130_and_names_the_command_that_continues() {
    let harness = Harness::still().await;
    let (code, id, rest) = interrupted(&harness, "-INT", &[]);
    assert_eq!(code, Some(130), "{rest}");
    assert_eq!(
        rest,
        format!("detached   job {id} keeps running and is billed\nnext       infrai-video resume {id}\n")
    );
    assert_eq!(harness.sandbox.ledger().refunds().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_wait_is_143() {
    let harness = Harness::still().await;
    let (code, _, rest) = interrupted(&harness, "-TERM", &["--on-interrupt", "detach"]);
    assert_eq!(code, Some(143), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_can_cancel_the_job() {
    let harness = Harness::still().await;
    let (code, id, rest) = interrupted(&harness, "-INT", &["--on-interrupt", "cancel"]);
    assert_eq!(code, Some(9), "{rest}");
    assert!(rest.contains(&id));
    assert_eq!(harness.sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_is_resumed_by_another_process() {
    let slow = Action::SlowBytes { chunk: 1000, pause: Duration::from_millis(50) };
    let harness =
        Harness::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, slow))).await;
    let id = harness.job();
    let mut child = harness.command(["download", &id, "-o", "a.mp4"]).spawn().expect("the command starts");
    // The sidecar of the part file has the number of bytes that are safe.
    let kept = || {
        let note = std::fs::read(harness.path("a.mp4.part.json")).unwrap_or_default();
        let note: serde_json::Value = serde_json::from_slice(&note).unwrap_or_default();
        note["kept"].as_u64().unwrap_or_default()
    };
    while kept() == 0 {
        assert_eq!(child.try_wait().expect("the child can be asked"), None, "the download ended by itself");
        tokio::task::yield_now().await;
    }
    child.kill().expect("the child can be killed");
    child.wait().expect("the child is gone");
    assert!(!harness.path("a.mp4").exists());
    let kept = kept();

    harness.sandbox.set_faults([]);
    let run = harness.run(["download", &id, "-o", "a.mp4"]);
    assert_eq!((run.code, run.text()), (Some(0), "a.mp4\n"), "{}", run.stderr);
    assert_eq!(std::fs::read(harness.path("a.mp4")).unwrap(), harness.sandbox.clip_bytes(&id).await.unwrap());
    assert_eq!(harness.files(), ["a.mp4"]);
    let journal = harness.sandbox.journal();
    let clips = journal.iter().filter(|seen| seen.operation == Some(Operation::Clip));
    let ranges: Vec<_> = clips.map(|seen| seen.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={kept}-"))], "the second process fetches only the rest");
}
