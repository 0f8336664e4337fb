use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

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
        format!("detached   job {id} goes on and is billed\nnext       infrai-video resume {id}\n")
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

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_was_killed_goes_on_in_another_process() {
    let slow = Action::SlowBytes { chunk: 1000, pause: Duration::from_millis(50) };
    let bench = Bench::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, slow))).await;
    let id = bench.job();
    let mut child = bench.command(["download", &id, "-o", "a.mp4"]).spawn().expect("the command starts");
    // The note beside the part says how much of it is safe.
    let kept = || {
        let note = std::fs::read(bench.path("a.mp4.part.json")).unwrap_or_default();
        let note: serde_json::Value = serde_json::from_slice(&note).unwrap_or_default();
        note["kept"].as_u64().unwrap_or_default()
    };
    while kept() == 0 {
        assert_eq!(child.try_wait().expect("the child can be asked"), None, "the download ended by itself");
        tokio::task::yield_now().await;
    }
    child.kill().expect("the child can be killed");
    child.wait().expect("the child is gone");
    assert!(!bench.path("a.mp4").exists());
    let kept = kept();

    bench.sandbox.set_faults([]);
    let run = bench.run(["download", &id, "-o", "a.mp4"]);
    assert_eq!((run.code, run.text()), (Some(0), "a.mp4\n"), "{}", run.stderr);
    assert_eq!(std::fs::read(bench.path("a.mp4")).unwrap(), bench.sandbox.clip_bytes(&id).await.unwrap());
    assert_eq!(bench.files(), ["a.mp4"]);
    let journal = bench.sandbox.journal();
    let clips = journal.iter().filter(|seen| seen.operation == Some(Operation::Clip));
    let ranges: Vec<_> = clips.map(|seen| seen.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={kept}-"))], "the second process fetches only the rest");
}
