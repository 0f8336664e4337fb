//! The published reference in a headless Chromium: it shows every operation, and requests nothing from another host.

use std::fs;
use std::path::Path;

use contract_tests::root;
use external_tools::Process;
use external_tools::programs::{CHROMIUM, require};
use external_tools::skip::{available, summarize};
use openapi_tools::value::entries;
use openapi_tools::{DOCUMENT, Document};
use serde_json::Value;

use crate::published;

/// A page that does request something from another host: if the log does not show that, it proves nothing about the reference.
const CONTROL: &str = "<!doctype html><img src=\"https://outside.invalid/picture.png\">";

#[test]
#[ignore = "needs Chromium: cargo xtask test --only publish"]
fn the_reference_shows_every_operation_and_requests_nothing() {
    if available("reference", require(&[CHROMIUM]).map_err(Into::into)).is_none() {
        return;
    }
    let Some(published) = published() else { return };
    let document = Document::load(&root().join(DOCUMENT)).unwrap();
    let control = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    fs::write(control.path(), CONTROL).unwrap();
    let control = View::of(control.path());
    assert_eq!(
        control.requests,
        ["https://outside.invalid/picture.png"],
        "read chromium's log in another way"
    );
    let reference = View::of(&published.join("reference.html"));
    assert_eq!(reference.requests, Vec::<String>::new());
    let summaries: Vec<&str> =
        document.operations().filter_map(|operation| operation.value.get("summary")?.as_str()).collect();
    assert!(!summaries.is_empty());
    assert_eq!(absent(&reference.page, &summaries), Vec::<&str>::new());
    summarize(&format!("reference: {} operations shown, no other host asked", summaries.len()));
}

/// The summaries that are no heading of an operation on the page. The page contains the document too, so that a summary alone
/// proves nothing.
fn absent<'a>(page: &str, summaries: &[&'a str]) -> Vec<&'a str> {
    let page = page.replace(" </h2>", "</h2>");
    summaries.iter().copied().filter(|summary| !page.contains(&format!(">{summary}</h2>"))).collect()
}

/// A page as the browser shows it.
struct View {
    /// The page's elements, once its program has run.
    page: String,
    /// The URLs that the page requested over the network, successfully or not.
    requests: Vec<String>,
}

impl View {
    fn of(page: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let log = profile.path().join("net.json");
        let chromium = Process::new("chromium", &root())
            // The sandbox of Chromium does not work for root, and the page is our own.
            .args("--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking")
            .args(
                "--disable-component-update --disable-sync --disable-extensions --virtual-time-budget=15000",
            )
            .arg("--host-resolver-rules=MAP * ~NOTFOUND")
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .arg(format!("--log-net-log={}", log.display()))
            .arg("--dump-dom")
            .arg(format!("file://{}", page.display()));
        let page = chromium.named("chromium").read().unwrap();
        let log = fs::read(&log).expect("chromium writes its log");
        Self { page, requests: requests(&log).unwrap() }
    }
}

/// The requests of pages in the browser's log of the network. Its own requests have no page's origin.
fn requests(log: &[u8]) -> Result<Vec<String>, String> {
    let log: Value = serde_json::from_slice(log).map_err(|error| error.to_string())?;
    let start = entries(log.pointer("/constants/logEventTypes"))
        .find_map(|(name, number)| (name == "URL_REQUEST_START_JOB").then_some(number))
        .ok_or("chromium's log has no type for requests; read it in another way")?;
    let events = log["events"].as_array().map_or(&[][..], Vec::as_slice);
    let started = events.iter().filter(|event| event.get("type") == Some(start));
    let by_pages = started
        .filter_map(|event| event.get("params"))
        .filter(|request| request.get("initiator").is_some_and(|initiator| initiator != "not an origin"));
    let mut urls: Vec<String> =
        by_pages.filter_map(|request| Some(request.get("url")?.as_str()?.to_owned())).collect();
    urls.dedup();
    Ok(urls)
}

#[test]
fn a_summary_that_is_no_heading_is_absent() {
    let page = "<h2><a href=\"#\"></a>Stop a job </h2><script>{\"summary\": \"Read a job\"}</script>";
    assert_eq!(absent(page, &["Stop a job", "Read a job"]), ["Read a job"]);
}

#[test]
fn requests_of_a_page_are_distinguished_from_those_of_the_browser() {
    let log = br#"{
        "constants": {"logEventTypes": {"OTHER": 1, "URL_REQUEST_START_JOB": 2}},
        "events": [
            {"type": 1, "params": {"url": "https://a.invalid/", "initiator": "null"}},
            {"type": 2, "params": {"url": "https://b.invalid/", "initiator": "not an origin"}},
            {"type": 2, "params": {"url": "https://c.invalid/", "initiator": "null"}},
            {"type": 2}
        ]
    }"#;
    assert_eq!(requests(log).unwrap(), ["https://c.invalid/"]);
    assert!(requests(b"{}").is_err());
}
