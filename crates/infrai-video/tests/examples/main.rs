//! Every example is run as a program of its own against a sandbox: what it prints, what is charged, what is on the disk.
//!
//! An example is a module of this test program, which starts itself again with `EXAMPLE` set to run one. The binaries of the
//! examples cannot be used: `cargo test --test examples` does not build them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(unreachable_pub, reason = "`main` of an example is called from here")]
#![allow(clippy::print_stderr, reason = "an example that fails prints its error")]

mod programs;
mod proxy;
#[cfg(unix)]
mod service;
mod tls;

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox, SandboxBuilder};
use programs::{KEY, Program};

#[path = "../../examples/test_with_faults.rs"]
mod test_with_faults;

/// A sandbox whose jobs take a short time.
fn sandbox() -> SandboxBuilder {
    let moment = Duration::from_millis(100);
    Sandbox::builder().job_times(JobTimes {
        queued: moment,
        running: moment,
        per_clip_second: Duration::ZERO,
    })
}

async fn start(builder: SandboxBuilder) -> Sandbox {
    builder.start().await.expect("a sandbox can be started")
}

/// Checks that each job was charged once, and that its clip is in this file, byte for byte.
async fn assert_paid_once_and_saved(sandbox: &Sandbox, program: &Program, file: &str) {
    let ledger = sandbox.ledger();
    assert_eq!((sandbox.jobs().len(), ledger.charges().count()), (1, 1), "one job, one charge");
    let clip = sandbox.clip_bytes(&sandbox.jobs()[0].job_id).await.expect("the job has a clip");
    assert!(program.read(file) == clip, "{file} is not the clip");
    assert!(!program.files().iter().any(|name| name.ends_with(".part")), "{:?}", program.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_saves_a_clip_and_does_not_pay_for_one_that_it_cannot_save() {
    let sandbox = start(sandbox()).await;
    let program = Program::new("quickstart", &sandbox);
    let output = program.run().await.expect_success();
    let id = &sandbox.jobs()[0].job_id;
    assert!(output.contains(&format!("submitted {id}")), "{output}");
    assert!(output.contains("succeeded after ") && output.contains("saved skyline.mp4: "), "{output}");
    assert_paid_once_and_saved(&sandbox, &program, "skyline.mp4").await;

    let output = program.run().await.expect_failure();
    assert!(output.contains("Error: skyline.mp4 already exists"), "{output}");
    assert_eq!(sandbox.ledger().charges().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_api_key_the_quickstart_says_which_variable_is_missing() {
    let sandbox = start(sandbox()).await;
    let program = Program::new("quickstart", &sandbox).with("INFRAI_API_KEY", "");
    let output = program.run().await.expect_failure();
    assert!(output.contains("INFRAI_API_KEY is not set"), "{output}");
    assert!(sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_saves_all_clips_but_that_of_the_job_that_fails() {
    let fails = Action::FailJob { code: "VENDOR_ERROR".to_owned(), message: "out of memory".to_owned() };
    let sandbox = start(sandbox().fault(Fault::on(Operation::Generate, fails).nth(2))).await;
    let program = Program::new("many_jobs", &sandbox);
    let output = program.run().await.expect_failure();
    assert_eq!(output.matches(" is succeeded").count(), 2, "{output}");
    assert_eq!(output.matches("saved clips/vj_").count(), 2, "{output}");
    assert!(output.contains("no clip of: ") && output.contains("out of memory"), "{output}");
    assert!(output.contains("1 prompt has no clip"), "{output}");
    for job in sandbox.jobs().iter().filter(|job| job.state.as_str() == "succeeded") {
        let clip = sandbox.clip_bytes(&job.job_id).await.unwrap();
        assert!(program.read(&format!("clips/{}.mp4", job.job_id)) == clip);
    }
    let ledger = sandbox.ledger();
    assert_eq!((ledger.charges().count(), ledger.refunds().count()), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_crashed_after_the_charge_continues_with_the_same_job() {
    let sandbox = start(sandbox()).await;
    let program = Program::new("survive_restart", &sandbox);
    let output = Program::new("survive_restart", &sandbox).with("CRASH", "1").in_directory_of(&program);
    let output = output.run().await.expect_failure();
    assert!(output.contains("stored submission.json") && output.contains("crashing"), "{output}");
    assert_eq!(sandbox.ledger().charges().count(), 1);

    let output = program.run().await.expect_success();
    assert!(output.contains("continuing with submission.json"), "{output}");
    assert_paid_once_and_saved(&sandbox, &program, "lighthouse.mp4").await;
    assert_eq!(program.files(), ["lighthouse.mp4"]);
}

#[cfg(feature = "ring")]
#[tokio::test(flavor = "multi_thread")]
async fn a_transport_logs_every_attempt_and_no_secret() {
    let lost = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
    let sandbox = start(sandbox().fault(lost)).await;
    let program = Program::new("own_transport", &sandbox);
    let output = program.run().await.expect_success();
    assert!(output.contains("POST /v1/video/generate: no response after "), "{output}");
    assert!(output.contains("POST /v1/video/generate: 200 after "), "{output}");
    assert!(!output.contains(KEY) && !output.contains("signature="), "{output}");
    assert_paid_once_and_saved(&sandbox, &program, "river.mp4").await;
}

#[cfg(feature = "ring")]
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_if_it_is_set() {
    let sandbox = start(sandbox()).await;
    let program = Program::new("custom_tls_and_proxy", &sandbox);
    program.run().await.expect_success();
    assert_paid_once_and_saved(&sandbox, &program, "forest.mp4").await;

    let proxy = proxy::start().await;
    let program = program.with("PROXY", &proxy.url());
    program.run().await.expect_success();
    assert_eq!(proxy.hosts(), [sandbox.base_url(), sandbox.file_base_url()]);
    assert_eq!(sandbox.ledger().charges().count(), 2);
}

#[cfg(feature = "ring")]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_if_its_ca_is_in_the_file() {
    let sandbox = start(sandbox()).await;
    let server = tls::start(&sandbox).await;
    let program = Program::new("custom_tls_and_proxy", &sandbox).with("INFRAI_BASE_URL", &server.url());
    let output = program.run().await.expect_failure();
    assert!(output.contains("UnknownIssuer") || output.contains("not trusted"), "{output}");
    assert!(sandbox.journal().is_empty());

    std::fs::write(program.path().join("ca.pem"), &server.ca).unwrap();
    let program = program.with("CA_FILE", "ca.pem");
    let output = program.run().await.expect_success();
    assert!(output.contains("CA certificates in ca.pem: 1"), "{output}");
    assert_paid_once_and_saved(&sandbox, &program, "forest.mp4").await;
}

#[cfg(feature = "ring")]
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_that_is_missing_is_named() {
    let sandbox = start(sandbox()).await;
    let program = Program::new("custom_tls_and_proxy", &sandbox).with("CA_FILE", "missing.pem");
    let output = program.run().await.expect_failure();
    assert!(output.contains("cannot read missing.pem"), "{output}");
    assert!(sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_show_calls_attempts_and_retries_in_the_span_of_the_program() {
    let lost = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
    let sandbox = start(sandbox().fault(lost)).await;
    let program = Program::new("tracing", &sandbox);
    let output = program.run().await.expect_success();
    let call = r#"order{number=17}:call{operation="video_generate" idempotency_key="#;
    for part in [call, ":attempt{attempt=2}: infrai_video::call", "retrying attempt=1", "attempts=2"] {
        assert!(output.contains(part), "{part} is not in {output}");
    }
    assert!(!output.contains(KEY) && !output.contains("signature="), "{output}");
    assert_paid_once_and_saved(&sandbox, &program, "harbour.mp4").await;
}
