//! Traces: enough to follow every call, attempt and wait, and never a secret.
//!
//! This program has one test, since the subscriber is the process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use infrai_video::retry::RetryPolicy;
use infrai_video::wait::PollBackoff;
use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox};
use support::{KEY, client_of};
use tokio::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Collects the output.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Tape {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_run_with_faults_is_traced_in_full_and_without_secrets() {
    let tape = Tape::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(tape.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let times = JobTimes { running: Duration::from_millis(20), ..JobTimes::INSTANT };
    let sandbox = Sandbox::builder().job_times(times).faults([
        Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1),
        Fault::on(Operation::Status, Action::status(503)).nth(1),
        Fault::on(Operation::Status, Action::unknown_state()).nth(2),
        Fault::on(Operation::Status, Action::unknown_state()).nth(3),
        Fault::on(Operation::DownloadUrl, Action::ExpiredLink).nth(1),
        Fault::on(Operation::Clip, Action::cut(1000)).times(2),
        Fault::on(Operation::Clip, Action::status(403)).nth(4),
    ]);
    let sandbox = sandbox.start().await.unwrap();
    let policy = RetryPolicy::default().with_base_delay(Duration::from_millis(1));
    let client = client_of(sandbox.base_url()).with_retry_policy(policy).build().unwrap();
    let directory = tempfile::tempdir().unwrap();

    let job = client.generate("a city").duration_seconds(0.2).submit().await.unwrap();
    let backoff = PollBackoff::fixed(Duration::from_millis(5));
    let finished = job.wait().with_backoff(backoff).await.unwrap();
    finished.download().to_path(directory.path()).await.unwrap();
    client.cancel(job.id()).await.unwrap_err();

    let output = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
    for fact in
        ["video_generate", "attempt=2", job.id(), "status=503", "request_id", "polls=2", "reticulating"]
    {
        assert!(output.contains(fact), "{fact} is not traced");
    }
    assert_eq!(
        output.matches("unknown state; the wait continues").count(),
        1,
        "an unknown state is reported once"
    );
    assert!(!output.contains(KEY), "the API key is traced");
    assert!(!output.contains("signature="), "a signed link is traced");
}
