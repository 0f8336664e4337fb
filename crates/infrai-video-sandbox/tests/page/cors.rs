//! A page of another port calls the API from a browser.

use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::json;

use crate::browser::{FOREIGN, KEY, builder, visit};

/// Sends a request from the page, and gives what its script can read.
fn fetch(url: &str, options: &str) -> String {
    format!(
        "fetch('{url}', {options}).then(async response => ({{
            status: response.status,
            retryAfter: response.headers.get('retry-after'),
            etag: response.headers.get('etag'),
            body: (response.headers.get('content-type') ?? '').includes('json') ? await response.json() : null,
            bytes: response.bodyUsed ? null : (await response.arrayBuffer()).byteLength,
        }}), error => ({{ error: error.name }}))"
    )
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_page_on_another_port_makes_a_job_and_downloads_its_clip() {
    let busy = Fault::on(Operation::List, Action::rate_limited(7));
    visit(builder().instant_jobs().fault(busy), async |page| {
        let api = page.sandbox.base_url().to_owned();
        // Any page of another origin will do: the file host's error has no policy of its own.
        page.open_at(&format!("{}/", page.sandbox.file_base_url())).await;
        let headers = format!(
            "{{'Authorization': 'Bearer {KEY}', 'Content-Type': 'application/json', 'Idempotency-Key': 'k1'}}"
        );
        let body = json!({"prompt": "a lighthouse", "duration_seconds": 1});
        let options = format!("{{method: 'POST', headers: {headers}, body: JSON.stringify({body})}}");
        let made = page.resolved(&fetch(&format!("{api}/v1/video/generate"), &options)).await;
        assert_eq!(made["status"], 200, "{made}");
        assert!(made["body"]["metadata"]["request_id"].is_string(), "{made}");
        let journal = page.sandbox.journal();
        assert_eq!(
            journal.iter().filter(|seen| seen.operation.is_some()).count(),
            1,
            "preflights are not in it"
        );

        let with_key = format!("{{headers: {headers}}}");
        let busy = page.resolved(&fetch(&format!("{api}/v1/video/list"), &with_key)).await;
        assert_eq!((&busy["status"], &busy["retryAfter"]), (&json!(429), &json!("7")));

        let id = made["body"]["data"]["job_id"].as_str().unwrap();
        let link = page.resolved(&fetch(&format!("{api}/v1/video/download_url/{id}"), &with_key)).await;
        let link = link["body"]["data"]["url"].as_str().unwrap().to_owned();
        // Now the API's port is the page, and the file host is another origin.
        page.open("/openapi.yaml").await;
        let range = "{headers: {'Range': 'bytes=0-99'}}";
        let part = page.resolved(&fetch(&link, range)).await;
        assert_eq!((&part["status"], &part["bytes"]), (&json!(206), &json!(100)));
        assert!(part["etag"].is_string(), "{part}");
        // The picture is cached without the headers for scripts, which a script then needs.
        let status = page.resolved(&fetch(&format!("{api}/v1/video/status/{id}"), &with_key)).await;
        let thumbnail = status["body"]["data"]["thumbnail_url"].as_str().unwrap().to_owned();
        let shown = format!(
            "new Promise(done => {{ const image = new Image(); image.onload = () => done(true); image.onerror = () => done(false); image.src = '{thumbnail}'; }})"
        );
        page.resolved(&shown).await;
        let read = page.resolved(&fetch(&thumbnail, "{}")).await;
        assert_eq!(read["status"], 200, "{read}");
        page.complaints().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn no_page_of_another_origin_reads_the_admin_api_and_no_foreign_page_the_api() {
    visit(builder(), async |page| {
        let api = page.sandbox.base_url().to_owned();
        page.open_at(&format!("{}/", page.sandbox.file_base_url())).await;
        for route in ["journal", "ledger", "nothing"] {
            let read = page.resolved(&fetch(&format!("{api}/__sandbox/{route}"), "{}")).await;
            assert_eq!(read["error"], "TypeError", "{route}: {read}");
        }
        let id = page.submit(json!({"prompt": "a lighthouse", "duration_seconds": 1})).await;
        // Without a preflight request, a browser sends these and only hides the response.
        let now = page.sandbox.clock().now();
        for (route, body) in [
            ("reset", ""),
            ("clock", "{\"advance_seconds\": 60}"),
            ("faults", "[[fault]]\\naction = 'stuck'"),
        ] {
            let simple = format!(
                "{{method: 'POST', headers: {{'Content-Type': 'text/plain'}}, body: '{}'}}",
                body.replace('\'', "\"")
            );
            let sent = page.resolved(&fetch(&format!("{api}/__sandbox/{route}"), &simple)).await;
            assert_eq!(sent["error"], "TypeError", "{route}: {sent}");
        }
        assert_eq!(page.sandbox.jobs().iter().map(|job| &job.job_id).collect::<Vec<_>>(), [&id]);
        assert_eq!((page.sandbox.clock().now(), page.sandbox.faults().len()), (now, 0));

        let port = page.sandbox.api_address().port();
        page.open_at(&format!("http://{FOREIGN}:{port}/")).await;
        let headers = format!("{{headers: {{'Authorization': 'Bearer {KEY}'}}}}");
        let read = page.resolved(&fetch(&format!("{api}/v1/video/list"), &headers)).await;
        assert_eq!(read["error"], "TypeError", "{read}");
        page.complaints().await;
    })
    .await;
}
