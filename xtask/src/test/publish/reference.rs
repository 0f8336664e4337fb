//! The published reference in a headless Chromium: it shows every operation, and asks no other host for anything.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::contract::{Contract, DOCUMENT, entries};
use crate::test::tools::Tool;
use crate::test::{Child, Context, Outcome};

/// What shows the page.
pub(super) const BROWSER: Tool = ("chromium", "--version", "chromium");

/// A page that does ask another host: what says nothing about it would say nothing about the reference either.
const TALKATIVE: &str = "<!doctype html><img src=\"https://outside.invalid/picture.png\">";

pub(super) fn run(context: &mut Context<'_>, page: &Path) -> io::Result<Outcome> {
    let contract = match Contract::load(&context.root.join(DOCUMENT)) {
        Ok(contract) => contract,
        Err(error) => return Ok(Outcome::Failed(error.to_string())),
    };
    let talkative = tempfile::Builder::new().suffix(".html").tempfile()?;
    fs::write(talkative.path(), TALKATIVE)?;
    let views = view(context, talkative.path()).and_then(|control| Ok((control, view(context, page)?)));
    let (control, shown) = match views {
        Ok(views) => views,
        Err(why) => return Ok(Outcome::Failed(why)),
    };
    if control.requests != ["https://outside.invalid/picture.png"] {
        return Ok(Outcome::Failed(format!(
            "chromium's log has {:?} for a page that asks one host; read its log in another way",
            control.requests
        )));
    }
    if !shown.requests.is_empty() {
        return Ok(Outcome::Failed(format!("the reference asked for {}", shown.requests.join(", "))));
    }
    let summaries: Vec<&str> =
        contract.operations().filter_map(|operation| operation.value.get("summary")?.as_str()).collect();
    let absent = absent(&shown.page, &summaries);
    if !absent.is_empty() || summaries.is_empty() {
        return Ok(Outcome::Failed(format!("the reference does not show {}", absent.join(", "))));
    }
    writeln!(context.out, "reference: {} operations shown, no other host asked", summaries.len())?;
    Ok(Outcome::Passed)
}

/// The summaries that are no heading of an operation on the page. The document itself is in the page too, so that a
/// summary alone says nothing.
fn absent<'a>(page: &str, summaries: &[&'a str]) -> Vec<&'a str> {
    let page = page.replace(" </h2>", "</h2>");
    summaries.iter().copied().filter(|summary| !page.contains(&format!(">{summary}</h2>"))).collect()
}

/// A page as the browser shows it.
struct View {
    /// The page's elements, once its program has run.
    page: String,
    /// What the page asked for over the network, answered or not.
    requests: Vec<String>,
}

fn view(context: &Context<'_>, page: &Path) -> Result<View, String> {
    let profile = tempfile::tempdir().map_err(|error| format!("there is no place for a profile: {error}"))?;
    let log = profile.path().join("net.json");
    let shown = Child::new(BROWSER.0, context.root)
        // The sandbox of Chromium does not work for root, and the page is our own.
        .arguments("--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking")
        .arguments(
            "--disable-component-update --disable-sync --disable-extensions --virtual-time-budget=15000",
        )
        .argument("--host-resolver-rules=MAP * ~NOTFOUND")
        .argument(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .argument(format!("--log-net-log={}", log.display()))
        .argument("--dump-dom")
        .argument(format!("file://{}", page.display()))
        .named("chromium")
        .output()?;
    let log = fs::read(&log).map_err(|error| format!("chromium wrote no log: {error}"))?;
    Ok(View { page: String::from_utf8_lossy(&shown).into_owned(), requests: requests(&log)? })
}

/// What pages asked for, by the browser's log of the network. What it asks for on its own account has no page's origin.
fn requests(log: &[u8]) -> Result<Vec<String>, String> {
    let log: Value =
        serde_json::from_slice(log).map_err(|error| format!("chromium's log cannot be read: {error}"))?;
    let start = entries(log.pointer("/constants/logEventTypes"))
        .find_map(|(name, number)| (name == "URL_REQUEST_START_JOB").then_some(number))
        .ok_or("chromium's log does not know requests; read it in another way")?;
    let events = log.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let started = events.iter().filter(|event| event.get("type") == Some(start));
    let by_pages = started
        .filter_map(|event| event.get("params"))
        .filter(|request| request.get("initiator").is_some_and(|initiator| initiator != "not an origin"));
    let mut urls: Vec<String> =
        by_pages.filter_map(|request| Some(request.get("url")?.as_str()?.to_owned())).collect();
    urls.dedup();
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_that_is_no_heading_is_not_shown() {
        let page = "<h2><a href=\"#\"></a>Stop a job </h2><script>{\"summary\": \"Read a job\"}</script>";
        assert_eq!(absent(page, &["Stop a job", "Read a job"]), ["Read a job"]);
    }

    #[test]
    fn a_pages_requests_are_told_from_the_browsers_own() {
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
}
