//! Every code sample of the document runs as it stands.

use contract_tests::{KEY, contract, quick_sandbox};
use infrai_video_sandbox::Sandbox;
use serde_json::Value;
use tokio::process::Command;

#[tokio::test]
async fn every_shell_sample_runs_and_succeeds() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is missing; install it");
        eprintln!("skipped: curl is not there to run the code samples; install it");
        return;
    }
    let contract = contract();
    for operation in contract.operations() {
        let id = operation.id().unwrap();
        // Only a job that is not done can be cancelled, and only one that is done has a link.
        let builder = if id == "video_cancel" { Sandbox::builder() } else { quick_sandbox() };
        let sandbox = builder.start().await.unwrap();
        let job = start_job(sandbox.base_url()).await;
        let samples = operation.value["x-codeSamples"]
            .as_array()
            .unwrap_or_else(|| panic!("{id} has no code sample; add one for curl to openapi/video.yaml"));
        assert!(samples.iter().any(|sample| sample["lang"] == "Shell"), "{id} has no sample for curl");
        for sample in samples.iter().filter(|sample| sample["lang"] == "Shell") {
            let output = Command::new("sh")
                .args(["-c", sample["source"].as_str().unwrap()])
                .env("INFRAI_BASE_URL", sandbox.base_url())
                .env("INFRAI_API_KEY", KEY)
                .env("JOB_ID", &job)
                .env("no_proxy", "*")
                .output()
                .await
                .unwrap();
            let response: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(response["ok"], true, "{id}: {response}");
        }
    }
}

async fn start_job(base_url: &str) -> String {
    let client = contract_tests::client_of(base_url).build().unwrap();
    let job = client.generate("a city").duration_seconds(0.2).submit().await.unwrap();
    job.id().to_string()
}
