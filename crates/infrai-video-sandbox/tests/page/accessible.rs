//! axe finds nothing wrong with the page, and a phone reaches everything.

use std::path::Path;

use external_tools::node;
use external_tools::skip::{available, summarize};
use serde_json::{Value, json};

use crate::browser::{Visit, builder, visit};
use crate::pictures::{fill, picture};

/// The program of axe, which a page's policy does not stop: the browser itself runs it.
fn axe() -> Option<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = node::packages(&manifest.join("../.."), "page-tests", &manifest.join("tests/page/axe"));
    let home = available("axe", installed)?;
    Some(std::fs::read_to_string(home.join("node_modules/axe-core/axe.min.js")).unwrap())
}

/// What axe finds in the page as it is, in light and dark, on a phone and a desktop. A picture of each is kept.
async fn violations(page: &Visit, axe: &str, place: &str) -> Vec<String> {
    page.command("Runtime.evaluate", json!({"expression": axe})).await;
    let mut found = Vec::new();
    for (width, scheme) in [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")] {
        page.shows_itself(width, scheme).await;
        picture(page, &format!("{place}-{width}-{scheme}")).await;
        let run = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) =>
            `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`))";
        let violations = page.resolved(run).await;
        let violations = violations.as_array().unwrap_or_else(|| panic!("{violations}"));
        found.extend(
            violations
                .iter()
                .filter_map(Value::as_str)
                .map(|one| format!("{place}, {width} {scheme}: {one}")),
        );
    }
    found
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn axe_finds_nothing_wrong_with_the_page() {
    let Some(axe) = axe() else { return };
    visit(builder(), async |page| {
        page.open_page().await;
        let mut found = violations(page, &axe, "empty").await;
        for _ in 0..7 {
            fill(page).await;
        }
        page.submit(json!({"prompt": "مدينة عند الغروب ".repeat(30)})).await;
        reqwest::get(format!("{}/v1/video/list", page.sandbox.base_url())).await.unwrap();
        page.until("document.querySelector('#job-range').textContent === '1–20 of 43 jobs'").await;
        for tab in ["jobs", "requests", "ledger", "faults", "scenarios"] {
            page.tab(tab).await;
            found.extend(violations(page, &axe, tab).await);
        }
        page.tab("jobs").await;
        page.value("document.querySelectorAll('details, .more').forEach((one) => (one.open === undefined ? one.click() : (one.open = true)))").await;
        found.extend(violations(page, &axe, "jobs-expanded").await);
        page.tab("scenarios").await;
        found.extend(violations(page, &axe, "scenarios-expanded").await);
        page.click("#reset").await;
        found.extend(violations(page, &axe, "question").await);
        page.click("#question-no").await;
        page.tab("requests").await;
        page.click("#request-list tr:nth-child(2) button").await;
        page.until("document.querySelector('#copy-curl')").await;
        found.extend(violations(page, &axe, "request").await);
        assert!(found.is_empty(), "{found:#?}");
        summarize("axe: no violation in ten places, in light and dark, at 390 and 1280 px");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn on_a_phone_every_control_is_large_enough_and_within_two_screens() {
    visit(builder(), async |page| {
        for number in 0..40 {
            page.submit(json!({"prompt": format!("boat {number}"), "duration_seconds": 1})).await;
        }
        page.sandbox.clock().advance(std::time::Duration::from_secs(60));
        page.open_page().await;
        page.shows_itself(390, "light").await;
        page.until("document.querySelectorAll('#job-list > li').length === 20").await;
        for tab in ["jobs", "requests", "ledger", "faults", "scenarios"] {
            page.tab(tab).await;
            let controls = "[...document.querySelectorAll('main button, main input, main select, main textarea, main summary, header a:not(.skip)')]
                .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest('#request-list'))
                .map((node) => { const box = node.getBoundingClientRect(); return [node.outerHTML.slice(0, 90), box.top + scrollY, box.width, box.height]; })";
            let controls = page.value(controls).await;
            for control in controls.as_array().unwrap() {
                let number = |place: usize| control[place].as_f64().unwrap();
                assert!(number(1) < 1688.0, "{tab}: {control}");
                assert!(number(2) >= 44.0 && number(3) >= 44.0, "{tab}: {control}");
            }
            let overflow = page.value("document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_i64().unwrap() <= 0, "{tab}: {overflow} px too wide");
        }
        let small = "[...document.querySelectorAll('code, time')].filter((node) => node.checkVisibility() && parseFloat(getComputedStyle(node).fontSize) < 13).length";
        assert_eq!(page.value(small).await, 0);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn axe_finds_in_the_reference_only_what_swagger_ui_nests() {
    let Some(axe) = axe() else { return };
    visit(builder(), async |page| {
        for (place, path, operation) in [
            ("docs", "/docs", "video_generate"),
            ("docs-admin", "/docs?document=sandbox", "sandbox_set_faults"),
        ] {
            page.open(path).await;
            page.until("document.querySelectorAll('.opblock').length >= 10").await;
            page.click(&format!("[id$=\"-{operation}\"] .opblock-summary-control")).await;
            page.until(&format!("document.querySelector('[id$=\"-{operation}\"] .responses-table')")).await;
            let mut found = violations(page, &axe, place).await;
            // The summary of an operation is a button with a button and a link in it.
            found.retain(|one| !one.contains(": nested-interactive: "));
            assert!(found.is_empty(), "{found:#?}");
        }
    })
    .await;
}
