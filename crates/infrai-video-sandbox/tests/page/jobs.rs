//! Jobs are started, found, paged through, cancelled and deleted on the page.

use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::json;

use crate::browser::{Visit, builder, card, shows, visit};

const LIST: &str = "[...document.querySelectorAll('#job-list .head .soft')].map(({ textContent }) => textContent.slice(1)).join()";

async fn fill_in(page: &Visit, field: &str, text: &str) {
    let field = page.find(field).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_empty_page_is_a_form_that_starts_a_job() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.until("!document.querySelector('#empty').hidden").await;
        fill_in(page, "#prompt", "a boat; it's \"small\"").await;
        page.click("#aspect option:nth-child(2)").await;
        fill_in(page, "#duration", "3").await;
        fill_in(page, "#key", "ifr_pk_mine").await;
        page.click("#start-job").await;
        page.until("document.querySelectorAll('#job-list > li').length === 1").await;
        let job = page.sandbox.jobs().remove(0);
        assert_eq!(
            (job.prompt.as_str(), job.aspect_ratio.as_str(), job.duration_seconds, job.resolution.as_str()),
            ("a boat; it's \"small\"", "9:16", 3.0, "720p")
        );
        assert_eq!(page.sandbox.ledger().balance_usd("ifr_pk_mine"), Some(50.0 - job.cost_usd));
        page.until("document.querySelector('#news').textContent.includes('vj_')").await;
        assert_eq!(page.value("document.querySelector('#prompt').value").await, "");
        assert_eq!(page.value("document.querySelector('#empty').hidden").await, true);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn an_error_of_the_api_is_shown_where_it_belongs() {
    visit(builder().starting_balance(0.1), async |page| {
        page.open_page().await;
        for (field, text, shown) in [
            ("#prompt", "", "#prompt-error"),
            ("#duration", "61", "#duration-error"),
            ("#key", "another key", "#key-error"),
        ] {
            fill_in(page, "#prompt", "a boat").await;
            let before = page.value(&format!("document.querySelector('{field}').value")).await;
            fill_in(page, field, text).await;
            page.click("#start-job").await;
            page.until(&format!("!document.querySelector('{shown}').hidden")).await;
            page.until(&format!("document.activeElement.matches('{field}[aria-invalid=true]')")).await;
            assert_eq!(page.value("document.querySelectorAll('.field-error:not([hidden])').length").await, 1);
            fill_in(page, field, before.as_str().unwrap()).await;
        }
        fill_in(page, "#prompt", "a boat").await;
        fill_in(page, "#duration", "60").await;
        page.click("#start-job").await;
        page.until("document.querySelector('#form-error').textContent.startsWith('INSUFFICIENT_CREDIT')")
            .await;
        assert!(page.sandbox.jobs().is_empty());
        // The browser logs each error status.
        page.complaints().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_second_try_after_a_lost_response_starts_no_second_job() {
    // Chromium itself repeats a request on a connection that is closed, so that one loss would not be enough.
    let lost = Fault::on(Operation::Generate, Action::AcceptThenDrop);
    visit(builder().fault(lost), async |page| {
        page.open_page().await;
        fill_in(page, "#prompt", "a boat").await;
        page.click("#start-job").await;
        page.until("document.querySelector('#form-error').textContent.includes('may be charged')").await;
        page.sandbox.set_faults([]);
        page.click("#start-job").await;
        page.until(
            "document.querySelector('#form-error').hidden && document.querySelector('#prompt').value === ''",
        )
        .await;
        assert_eq!((page.sandbox.jobs().len(), page.sandbox.ledger().double_charges()), (1, 0));
        page.complaints().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn jobs_are_paged_and_a_page_stays_while_jobs_arrive() {
    visit(builder(), async |page| {
        for number in 1..=45 {
            page.submit(json!({"prompt": format!("boat {number}"), "duration_seconds": 1})).await;
        }
        page.open_page().await;
        let numbers =
            |from: u64, to: u64| (to..=from).rev().map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        page.until(&format!("{LIST} === '{}'", numbers(45, 26))).await;
        page.click("#older-jobs").await;
        page.until(&format!("{LIST} === '{}'", numbers(25, 6))).await;
        page.submit(json!({"prompt": "a ship", "duration_seconds": 1})).await;
        page.until("document.querySelector('#job-range').textContent.startsWith('22–41 of 46')").await;
        assert_eq!(page.value(LIST).await, numbers(25, 6));
        page.click("#older-jobs").await;
        page.until(&format!("{LIST} === '{}'", numbers(5, 1))).await;
        assert_eq!(page.value("document.querySelector('#older-jobs').disabled").await, true);
        assert_eq!(
            page.value("document.activeElement.id").await,
            "newer-jobs",
            "the focus is on a button that works"
        );
        for _ in 0..3 {
            page.click("#newer-jobs").await;
        }
        page.until(&format!("{LIST} === '{}'", numbers(46, 27))).await;
        page.submit(json!({"prompt": "a ship", "duration_seconds": 1})).await;
        page.until(&format!("{LIST} === '{}'", numbers(47, 28))).await;

        fill_in(page, "#job-search", "SHIP").await;
        page.until(&format!("{LIST} === '47,46'")).await;
        let id = page.sandbox.jobs().remove(2).job_id;
        fill_in(page, "#job-search", &id).await;
        page.until(&format!("{LIST} === '3'")).await;
        page.click("#job-state option:nth-child(4)").await;
        page.until("!document.querySelector('#no-match').hidden").await;
        page.click("#all-jobs").await;
        page.until(&format!("{LIST} === '{}'", numbers(47, 28))).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_clip_that_plays_stays_while_jobs_arrive() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.submit(json!({"prompt": "a boat", "duration_seconds": 1, "resolution": "720p"})).await;
        page.sandbox.clock().advance(std::time::Duration::from_secs(60));
        page.until("document.querySelector('.play')").await;
        page.click(".play").await;
        page.until("document.querySelector('video').readyState >= 1").await;
        page.value("(window.player = document.querySelector('video'), null)").await;
        for _ in 0..21 {
            page.submit(json!({"prompt": "a ship", "duration_seconds": 1})).await;
        }
        page.until("document.querySelector('#job-range').textContent.includes('of 22')").await;
        assert_eq!(page.value("window.player.isConnected").await, true);
        fill_in(page, "#job-search", "ship").await;
        page.until("!window.player.isConnected").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_job_of_any_account_is_cancelled_and_its_clip_opened() {
    visit(builder(), async |page| {
        page.open_page().await;
        let first = page.submit_as("ifr_pk_other", json!({"prompt": "a boat", "duration_seconds": 1})).await;
        page.until(&shows(&first, "queued")).await;
        page.click(&format!("{} [aria-label=\"Cancel job 1\"]", card(&first))).await;
        page.until(&shows(&first, "cancelled")).await;
        page.until("document.querySelector('[aria-label=\"Cancel job 1\"]').hidden").await;
        page.until(&format!("document.activeElement.matches('{}')", card(&first))).await;
        let second =
            page.submit(json!({"prompt": "a boat", "duration_seconds": 1, "resolution": "720p"})).await;
        page.until(&shows(&second, "queued")).await;
        page.click("[data-advance=\"60\"]").await;
        page.until(&shows(&second, "succeeded")).await;
        let link = page.value(&format!("document.querySelector('{} .button').href", card(&second))).await;
        let clip = reqwest::get(link.as_str().unwrap()).await.unwrap();
        assert_eq!(
            (clip.status().as_u16(), &clip.headers()["content-type"]),
            (200, &"video/mp4".parse().unwrap())
        );
        page.click(&format!("{} .button", card(&second))).await;
        page.other_window_shows(&format!("/clips/{second}.mp4")).await;
        page.click(&format!("{} [aria-label=\"Copy id of job 2\"]", card(&second))).await;
        page.until("/job id (copied|selected)/.test(document.querySelector('#news').textContent)").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn what_cannot_be_sent_is_an_error_at_its_field_and_starts_nothing() {
    visit(builder(), async |page| {
        page.open_page().await;
        fill_in(page, "#prompt", "a boat").await;
        for (field, text, good, message) in [
            ("#duration", "9e", "4", "The length is not a number. Enter"),
            ("#duration", "", "4", "The length is missing. Enter"),
            ("#key", "ifr_pk_ключ", "ifr_pk_mine", "This is not an API key. Enter"),
            ("#key", "ifr_pk_a b", "ifr_pk_mine", "This is not an API key. Enter"),
            ("#key", "ifr_pk_", "ifr_pk_mine", "This is not an API key. Enter"),
        ] {
            fill_in(page, field, text).await;
            page.click("#start-job").await;
            page.until(&format!("document.activeElement.matches('{field}[aria-invalid=true]')")).await;
            page.until(&format!(
                "document.querySelector('{field}-error').textContent.startsWith('{message}')"
            ))
            .await;
            assert_eq!(page.value("document.querySelector('#form-error').hidden").await, true);
            fill_in(page, field, good).await;
        }
        assert_eq!(page.sandbox.journal().len(), 0, "nothing was sent");
        fill_in(page, "#key", " ifr_pk_mine ").await;
        page.click("#start-job").await;
        page.until("document.querySelectorAll('#job-list > li').length === 1").await;
        let job = page.sandbox.jobs().remove(0);
        assert_eq!(page.sandbox.ledger().balance_usd("ifr_pk_mine"), Some(50.0 - job.cost_usd));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn what_is_typed_while_a_job_is_being_started_is_kept() {
    visit(builder(), async |page| {
        page.open_page().await;
        // The request leaves when the test says so.
        page.value(
            "(() => {
                const send = fetch;
                window.fetch = (path, ...rest) => path === '/v1/video/generate'
                    ? new Promise((resolve) => { window.go = () => resolve(send(path, ...rest)); })
                    : send(path, ...rest);
            })()",
        )
        .await;
        fill_in(page, "#prompt", "a boat").await;
        page.click("#start-job").await;
        page.until("window.go && document.querySelector('#start-job').ariaBusy === 'true'").await;
        fill_in(page, "#prompt", "a ship").await;
        page.click("#start-job").await;
        page.value("window.go()").await;
        page.until("document.querySelector('#start-job').ariaBusy === null").await;
        assert_eq!(page.value("document.querySelector('#prompt').value").await, "a ship");
        let prompts = || page.sandbox.jobs().into_iter().map(|job| job.prompt).collect::<Vec<_>>();
        assert_eq!(prompts(), ["a boat"], "the second press started nothing");
        page.click("#start-job").await;
        page.until("document.querySelector('#start-job').ariaBusy === 'true'").await;
        page.value("window.go()").await;
        page.until("document.querySelector('#prompt').value === ''").await;
        assert_eq!(prompts(), ["a boat", "a ship"]);
    })
    .await;
}
