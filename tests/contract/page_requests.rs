//! The page's own curl examples, word for word but for the host, the key and the job's id.

use contract_tests::{KEY, contract, quick_sandbox};
use openapi_checks::json_schema::{Response, Validators};
use serde_json::Value;
use tokio::process::Command;

/// The operation, the path and the body of each example. `ID` and the `...` of `job_id` stand for a job's id, as the page
/// means them; `days` is 0 there, a placeholder that the contract refuses.
const EXAMPLES: [(&str, &str, Option<&str>); 10] = [
    (
        "POST",
        "/v1/video/generate",
        Some(
            r#"{"prompt": "a timelapse of a city skyline at dusk", "prefer": "balanced", "resolution": "1080p", "duration_seconds": 5, "aspect_ratio": "16:9"}"#,
        ),
    ),
    ("GET", "/v1/video/status/ID", None),
    ("POST", "/v1/video/cancel/ID", Some(r#"{"job_id": "..."}"#)),
    ("GET", "/v1/video/get/ID", None),
    ("GET", "/v1/video/list", None),
    ("GET", "/v1/video/download_url/ID", None),
    ("POST", "/v1/video/set_retention/ID", Some(r#"{"job_id": "...", "days": 0}"#)),
    ("GET", "/v1/video/capabilities", None),
    ("DELETE", "/v1/video/delete/ID", None),
    ("POST", "/v1/video/delete_all", Some("{}")),
];

#[tokio::test]
async fn the_pages_curl_examples_work_as_written() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is missing; install it");
        eprintln!("skipped: curl is not there to run the page's examples; install it");
        return;
    }
    let sandbox = quick_sandbox().start().await.unwrap();
    let validators = Validators::new(&contract().value).unwrap();
    let mut id = "ID".to_owned();
    for (method, path, body) in EXAMPLES {
        let url = format!("{}{}", sandbox.base_url(), path.replace("ID", &id));
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "--noproxy",
            "*",
            "-X",
            method,
            &url,
            "-H",
            &format!("Authorization: Bearer {KEY}"),
        ]);
        if let Some(body) = body {
            curl.args(["-H", "Content-Type: application/json", "-d", &body.replace("...", &id)]);
        }
        let output = curl.args(["-w", "\n%{http_code}"]).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (response, status) = text.rsplit_once('\n').unwrap();
        // The two refusals are the contract's: a job that is done cannot be cancelled, and 0 days are none.
        let expected = match path {
            "/v1/video/cancel/ID" => "409",
            "/v1/video/set_retention/ID" => "422",
            _ => "200",
        };
        assert_eq!(status, expected, "{method} {path}: {response}");
        let checked = validators.validate_response(&Response {
            method,
            path: &path.replace("ID", &id),
            status: status.parse().unwrap(),
            content_type: Some("application/json"),
            headers: &[],
            body: response.as_bytes(),
        });
        checked.unwrap_or_else(|mismatch| panic!("{method} {path}: {mismatch}"));
        if path == "/v1/video/generate" {
            let response: Value = serde_json::from_str(response).unwrap();
            id = response["data"]["job_id"].as_str().unwrap().to_owned();
        }
    }
}
