//! The client that openapi-generator makes for Rust: `generated BASE_URL ID WARM_UP MEASURED IN_FLIGHT`.

use harness::{Arguments, Calls, Counter, Failure, calls};
use infrai_video_openapi::apis::configuration::Configuration;
use infrai_video_openapi::apis::jobs_api::video_status;
use serde_json::{Value, json};

/// Runs the task of the command line and returns its report.
///
/// # Errors
///
/// If the command line is wrong, or a call fails.
pub async fn run(counter: Counter) -> Result<Value, Failure> {
    let mut arguments = Arguments::new();
    let base_path: String = arguments.next("a base URL")?;
    let id: String = arguments.next("an id")?;
    let plan = Calls::read(&mut arguments)?;
    let configuration = &Configuration {
        base_path,
        bearer_access_token: Some("ifr_pk_bench".to_owned()),
        // As by default, but without the proxy of the environment.
        client: reqwest::Client::builder().no_proxy().build()?,
        ..Configuration::default()
    };
    let id = id.as_str();
    let call = || async move { Ok(video_status(configuration, id).await?.data) };
    calls(plan, counter, call, |job| Ok(json!(job))).await
}
