//! All can be done without a mouse.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::browser::{Visit, builder, shows, visit};

async fn focused(page: &Visit) -> Value {
    page.value("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id").await
}

/// Presses Tab until the focus is there, and says how often that was.
async fn tab_to(page: &Visit, selector: &str) -> usize {
    for count in 1..200 {
        page.press(Key::Tab + "").await;
        if page.value(&format!("document.activeElement.matches('{selector}')")).await == true {
            let outline = page.value("getComputedStyle(document.activeElement).outlineStyle").await;
            assert_ne!(outline, "none", "the focus can be seen on {selector}");
            return count;
        }
    }
    panic!("no key leads to {selector}");
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_job_is_followed_and_its_clip_played_by_keyboard() {
    visit(builder(), async |page| {
        page.open_page().await;
        let id =
            page.submit(json!({"prompt": "a lighthouse", "duration_seconds": 1, "resolution": "720p"})).await;
        page.until(&shows(&id, "queued")).await;
        assert_eq!(tab_to(page, ".skip").await, 1, "the first stop leads past the rest");
        tab_to(page, "[data-advance=\"60\"]").await;
        page.press(Key::Enter + "").await;
        page.until(&shows(&id, "succeeded")).await;
        assert_eq!(page.value("document.activeElement.dataset.advance").await, "60", "the focus stays");
        tab_to(page, ".play").await;
        assert_eq!(focused(page).await, "Play the clip of job 1");
        page.press(Key::Enter + "").await;
        page.until("document.activeElement.tagName === 'VIDEO' && document.activeElement.readyState >= 1")
            .await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_switch_keeps_the_focus_when_toggled() {
    visit(builder(), async |page| {
        page.open("/#faults").await;
        page.until("document.querySelector('[role=switch]')").await;
        tab_to(page, "[role=\"switch\"]").await;
        for state in ["true", "false"] {
            page.press(Key::Space + "").await;
            page.until(&format!("document.activeElement.getAttribute('aria-checked') === '{state}'")).await;
        }
        assert_eq!(page.sandbox.faults(), []);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn arrow_keys_choose_a_tab_which_the_address_keeps() {
    visit(builder(), async |page| {
        page.open_page().await;
        let shown = "[...document.querySelectorAll('[role=tabpanel]')].filter((panel) => !panel.hidden).map(({ id }) => id).join()";
        tab_to(page, "[role=\"tab\"]").await;
        for (key, name) in [
            (Key::Right, "requests"),
            (Key::End, "scenarios"),
            (Key::Right, "jobs"),
            (Key::Left, "scenarios"),
            (Key::Left, "faults"),
            (Key::Home, "jobs"),
            (Key::Right, "requests"),
            (Key::Right, "ledger"),
        ] {
            page.press(key + "").await;
            page.until(&format!("{shown} === 'panel-{name}' && location.hash === '#{name}'")).await;
            assert_eq!(page.value("document.activeElement.dataset.tab").await, name);
            assert_eq!(page.value("document.querySelectorAll('[role=tab][tabindex=\"0\"]').length").await, 1);
        }
        page.value("location.reload()").await;
        page.until(&format!("{shown} === 'panel-ledger' && document.querySelector('#link').dataset.state === 'on'")).await;
        page.value("history.back()").await;
        page.until(&format!("{shown} === 'panel-requests'")).await;
        // From anywhere the second skip link leads into the tab.
        page.value("document.activeElement.blur()").await;
        tab_to(page, ".skip[href=\"#content\"]").await;
        page.press(Key::Enter + "").await;
        assert_eq!(focused(page).await, "panel-requests");
        assert_eq!(page.value("location.hash").await, "#requests");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn everything_that_can_be_used_has_a_name() {
    visit(builder(), async |page| {
        page.submit(json!({"prompt": "a lighthouse", "duration_seconds": 1})).await;
        page.sandbox.clock().advance(std::time::Duration::from_secs(60));
        page.open_page().await;
        page.until("document.querySelector('.play')").await;
        let tree = page.command("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap();
        let role = |node: &Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
        let named = ["button", "link", "switch", "tab", "textbox", "combobox", "progressbar", "region"];
        let mut seen = 0;
        for node in
            nodes.iter().filter(|node| named.contains(&role(node).as_str()) && node["ignored"] == false)
        {
            assert_ne!(node["name"]["value"].as_str().unwrap_or_default(), "", "{node}");
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
        for landmark in ["banner", "main", "navigation"] {
            assert!(nodes.iter().any(|node| role(node) == landmark), "{landmark}");
        }
    })
    .await;
}
