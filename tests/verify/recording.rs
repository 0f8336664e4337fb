//! The recording of the sandbox, which is not evidence of the service.

use std::time::Duration;

use infrai_video_sandbox::{Quirk, Sandbox};
use verify::{Evidence, Findings, Options, Request, Server as _};

use crate::local::{Local, evidence, run, spending};

const RECORDING: &str = "tests/verify/recordings/sandbox.json";

/// What a run records of a sandbox whose account has two clips already.
pub(crate) fn record(quirk: Option<Quirk>, options: Options) -> Evidence {
    let sandbox = Sandbox::builder().starting_balance(100.0);
    let mut server = Local::new(quirk.into_iter().fold(sandbox, |sandbox, quirk| sandbox.quirk(quirk)));
    for prompt in ["a lighthouse", "a windmill"] {
        let body = serde_json::json!({"prompt": prompt, "duration_seconds": 1});
        server.send(&Request::post("/v1/video/generate").with_json(&body)).unwrap();
        server.wait(Duration::from_secs(60));
    }
    evidence(&run(&mut server, options))
}

/// The recording in the repository.
pub(crate) fn recorded() -> Evidence {
    Evidence::read(&contract_tests::root().join(RECORDING)).unwrap()
}

#[test]
fn the_recording_of_the_sandbox_is_current() {
    let path = contract_tests::root().join(RECORDING);
    let mut now = record(None, spending(0.5));
    // A replay needs no verdicts, and they change whenever the judge does.
    now.findings = Findings::default();
    assert!(!now.is_service);
    // As with snapshots.
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, now.to_json()).unwrap();
    }
    // The version of the contract can change without anything else.
    now.contract = recorded().contract;
    assert!(
        std::fs::read_to_string(&path).unwrap() == now.to_json(),
        "{RECORDING} is not current: run this test with INSTA_UPDATE=always, and review"
    );
}
