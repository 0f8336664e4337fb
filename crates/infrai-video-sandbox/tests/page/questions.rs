//! Nothing is deleted without a question, and nothing can be pressed without a connection.

use serde_json::json;
use thirtyfour::Key;

use crate::browser::{Visit, builder, card, shows, visit};

/// The question, once it is asked, with the focus on its safe choice.
async fn asked(page: &Visit) -> String {
    page.until("document.querySelector('#question').open && document.activeElement.id === 'question-no'")
        .await;
    page.find("#question").await.text().await.unwrap()
}

async fn is_closed(page: &Visit, opener: &str) {
    let focus = format!("document.activeElement.matches('{opener}')");
    page.until(&format!("!document.querySelector('#question').open && {focus}")).await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn whatever_deletes_says_how_much_and_does_nothing_unless_confirmed() {
    let rule = infrai_video_sandbox::Fault::on(
        infrai_video_sandbox::Operation::List,
        infrai_video_sandbox::Action::status(500),
    );
    visit(builder().fault(rule), async |page| {
        for number in 0..3 {
            page.submit_as(
                &format!("ifr_pk_{}", number % 2),
                json!({"prompt": "a boat", "duration_seconds": 1}),
            )
            .await;
        }
        page.open_page().await;
        page.until("document.querySelectorAll('#job-list > li').length === 3").await;
        let id = page.sandbox.jobs().remove(2).job_id;
        let delete = format!("{} [aria-label=\"Delete job 3\"]", card(&id));
        for (tab, button, words) in [
            ("jobs", delete.as_str(), &["Delete job 3?", "a boat"][..]),
            ("faults", "#clear-faults", &["Remove 1 fault rule?"]),
            ("scenarios", "#reset", &["Delete 3 jobs and 2 accounts?", "3 requests"]),
            ("scenarios", "#own-settings", &["3 jobs, 2 accounts and 3 requests", "1 fault rule"]),
        ] {
            page.tab(tab).await;
            for refuse in [Key::Escape, Key::Enter] {
                page.click(button).await;
                let question = asked(page).await;
                for word in words {
                    assert!(question.contains(word), "{button}: {question}");
                }
                page.press(refuse + "").await;
                is_closed(page, button).await;
            }
        }
        assert_eq!((page.sandbox.jobs().len(), page.sandbox.faults().len()), (3, 1));

        page.tab("jobs").await;
        page.click(&delete).await;
        page.confirm().await;
        page.until("document.querySelectorAll('#job-list > li').length === 2").await;
        page.until("document.querySelector('#news').textContent === 'job 3 was deleted'").await;
        assert_ne!(page.value("document.activeElement.tagName").await, "BODY", "the focus is not lost");
        page.tab("scenarios").await;
        page.click("#reset").await;
        page.confirm().await;
        page.until(
            "document.querySelector('#news').textContent === '2 jobs, 2 accounts and 3 requests deleted'",
        )
        .await;
        assert!(page.sandbox.jobs().is_empty());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn without_a_connection_no_button_changes_anything() {
    let sandbox = builder().port(0);
    visit(sandbox, async |page| {
        let id = page.submit(json!({"prompt": "a boat", "duration_seconds": 1})).await;
        page.open_page().await;
        page.until(&shows(&id, "queued")).await;
        // Each of these needs the sandbox, and most change it.
        let live = "[...document.querySelectorAll('#clock button, #account, #request-status, #request-list button, #start-job, #own-settings, #reset, #clear-faults, \
                    [role=switch], #scenario-list details > button, [aria-label^=Delete], [aria-label^=Cancel]')]";
        assert!(page.value(&format!("{live}.filter(({{ disabled }}) => !disabled).length")).await.as_u64() > Some(18));
        page.command("Network.enable", json!({})).await;
        let offline = |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        // The stream that is open stays open when the network is cut: a new one is needed.
        page.command("Network.emulateNetworkConditions", offline(true)).await;
        page.value("document.querySelector('#account').dispatchEvent(new Event('change'))").await;
        page.until("document.querySelector('#link').textContent === 'not connected'").await;
        page.until(&format!("{live}.every(({{ disabled }}) => disabled)")).await;
        page.command("Network.emulateNetworkConditions", offline(false)).await;
        page.until("document.querySelector('#link').textContent === 'live'").await;
        page.until(&format!("!document.querySelector('{} [aria-label^=Cancel]').disabled", card(&id))).await;
        // The browser logs each attempt to connect.
        page.complaints().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn an_open_question_keeps_up_with_what_it_would_delete() {
    visit(builder(), async |page| {
        page.submit(json!({"prompt": "a boat", "duration_seconds": 1})).await;
        page.open_page().await;
        page.tab("scenarios").await;
        page.click("#own-settings").await;
        let question = asked(page).await;
        assert!(
            question.contains("This deletes 1 job, 1 account and 1 request, and replaces the settings."),
            "{question}"
        );
        page.press(Key::Escape + "").await;
        page.click("#reset").await;
        assert!(asked(page).await.contains("Delete 1 job and 1 account?"));
        page.submit_as("ifr_pk_other", json!({"prompt": "a boat", "duration_seconds": 1})).await;
        let text = "document.querySelector('#question').textContent";
        page.until(&format!(
            "{text}.includes('Delete 2 jobs and 2 accounts?') && {text}.includes('and 2 requests;')"
        ))
        .await;
        page.confirm().await;
        page.until(
            "document.querySelector('#news').textContent === '2 jobs, 2 accounts and 2 requests deleted'",
        )
        .await;
        assert!(page.sandbox.jobs().is_empty());
    })
    .await;
}
