//! What the page turns.

use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::json;

use crate::browser::{KEY, builder, visit};

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_switch_adds_its_rule_and_takes_it_away_and_leaves_others_alone() {
    let other = Fault::on(Operation::List, Action::status(500));
    visit(builder().fault(other.clone()), async |page| {
        page.open_page().await;
        page.tab("faults").await;
        let list = || {
            reqwest::Client::new().get(format!("{}/v1/video/list", page.sandbox.base_url())).bearer_auth(KEY)
        };
        assert_eq!(list().send().await.unwrap().status(), 500);
        page.until("document.querySelector('#rules').textContent.includes('acted 1')").await;

        let switch = "#switches li:nth-child(2) button";
        page.click(switch).await;
        page.until(&format!("document.querySelector('{switch}').getAttribute('aria-checked') === 'true'"))
            .await;
        let refused = reqwest::Client::new().post(format!("{}/v1/video/generate", page.sandbox.base_url()));
        let refused = refused.bearer_auth(KEY).json(&json!({"prompt": "a boat"})).send().await.unwrap();
        assert_eq!(refused.status(), 503);
        page.until("document.querySelector('#rules').textContent.includes('acted 1, spent')").await;
        let counts = |faults: Vec<infrai_video_sandbox::FaultRecord>| {
            faults.iter().map(|rule| rule.acted).collect::<Vec<_>>()
        };
        assert_eq!(counts(page.sandbox.faults()), [1, 1]);

        // What acted once is off again, and on at one press.
        let is =
            |on: bool| format!("document.querySelector('{switch}').getAttribute('aria-checked') === '{on}'");
        page.until(&is(false)).await;
        page.click(switch).await;
        page.until(&is(true)).await;
        page.click(switch).await;
        page.until(&is(false)).await;
        let left = page.sandbox.faults();
        assert_eq!((left.len(), &left[0].fault, left[0].acted), (1, &other, 1));
        page.click("#clear-faults").await;
        assert!(page.confirm().await.contains("Remove 1 fault rule?"));
        page.until("document.querySelector('#clear-faults').disabled").await;
        assert_eq!(page.value("document.activeElement.id").await, "tab-faults", "the focus is not lost");
        assert_eq!(page.sandbox.faults(), []);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_scenario_can_be_played_and_left_again() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.tab("scenarios").await;
        page.click("#scenario-list details:first-child summary").await;
        page.click("#scenario-list details:first-child button").await;
        page.confirm().await;
        for width in [390, 1280] {
            page.shows_itself(width, "light").await;
            // Each line of a comment that is seen begins with #.
            let unbroken = "(() => {
                const text = document.querySelector('#scenario-list pre').firstChild;
                let at = 0;
                const lines = text.data.split('\\n').map((line) => {
                    const range = document.createRange();
                    range.setStart(text, at);
                    range.setEnd(text, at + line.length);
                    at += line.length + 1;
                    return line.startsWith('#') ? range.getClientRects().length : 1;
                });
                return lines.length > 20 && lines.every((count) => count === 1);
            })()";
            page.until(unbroken).await;
        }
        page.until("document.querySelectorAll('#rules code').length === 3").await;
        assert_eq!(page.sandbox.faults().len(), 3);
        page.click("#own-settings").await;
        page.confirm().await;
        page.until("document.querySelector('#rules').textContent === 'None.'").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn an_expired_link_is_replaced_when_the_clip_is_played() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.submit(json!({"prompt": "a lighthouse", "duration_seconds": 1, "resolution": "720p"})).await;
        page.click("[data-advance=\"60\"]").await;
        page.until("document.querySelector('.play img').naturalWidth > 0").await;
        page.sandbox.clock().advance(std::time::Duration::from_secs(3600));
        page.until("document.querySelector('#now').textContent.includes('01:01:00')").await;
        page.click(".play").await;
        page.until("document.querySelector('video').readyState >= 1").await;
        // The refusal of the old link stands in the browser's log, as it should.
        let complaints = page.complaints().await;
        assert!(
            complaints.iter().all(|complaint| complaint.contains("403")) && !complaints.is_empty(),
            "{complaints:?}"
        );
    })
    .await;
}
