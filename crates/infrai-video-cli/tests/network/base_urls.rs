//! Base URLs with and without the start of the routes.

use crate::common::{Harness, Run, SMALL};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_url_may_end_in_v1() {
    let harness = Harness::instant().await;
    for end in ["/v1", "/v1/", "/v1/video", "/V1/video/", "//"] {
        let url = format!("{}{end}", harness.sandbox.base_url());
        let run: Run = harness.command(["list"]).env("INFRAI_BASE_URL", &url).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{end}: {run:?}");
        let run = harness.run(["--base-url", &url, "list"]);
        assert_eq!(run.code, Some(0), "{end}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_finds_items_that_were_submitted_with_another_spelling_of_the_base_url() {
    let harness = Harness::still().await;
    let url = format!("{}/v1/", harness.sandbox.base_url());
    let args = SMALL.iter().chain(&["-o", "clip.mp4", "--timeout", "0"]);
    let run: Run = harness.command(args).env("INFRAI_BASE_URL", &url).output().unwrap().into();
    assert_eq!(run.code, Some(8), "{run:?}");
    harness.sandbox.clock().advance(std::time::Duration::from_secs(600));
    let run = harness.run(["resume"]);
    assert_eq!((run.code, harness.files()), (Some(0), vec!["clip.mp4".to_owned()]), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_step_after_a_wrong_base_url_is_not_the_same_command() {
    let harness = Harness::instant().await;
    let url = format!("{}/wrong", harness.sandbox.base_url());
    for args in [&["list"][..], &["capabilities"]] {
        let run: Run = harness.command(args).env("INFRAI_BASE_URL", &url).output().unwrap().into();
        assert_ne!(run.code, Some(0));
        assert!(run.stderr.contains(&format!("check that {url} is the API's base URL")), "{}", run.stderr);
        assert!(!run.stderr.contains(&format!("next       infrai-video {}", args[0])), "{}", run.stderr);
    }
    let run = harness.run(["--base-url", "https://api.infrai.cc/v1/video/generate", "list"]);
    assert!(run.failed(7).contains("must end before /v1/video"), "{}", run.stderr);
}
