//! What happens in the sandbox is seen on the page, without a question from the page.

use serde_json::json;

use crate::browser::{KEY, builder, card, shows, visit};

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_job_appears_goes_through_its_states_and_its_clip_plays() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.until("!document.querySelector('#empty').hidden").await;
        page.requests().await;
        let id =
            page.submit(json!({"prompt": "a lighthouse", "duration_seconds": 2, "resolution": "720p"})).await;
        page.until(&shows(&id, "queued")).await;
        page.click("#next-change").await;
        page.until(&shows(&id, "running")).await;
        page.click("#next-change").await;
        page.until(&shows(&id, "succeeded")).await;
        page.until("document.querySelector('#changes').textContent.includes('succeeded')").await;

        let job = page.sandbox.jobs().remove(0);
        let text = page.find(&card(&id)).await.text().await.unwrap();
        for part in [&job.prompt, &job.job_id, &job.request_id, &job.vendor, "$0."] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(page.sandbox.journal()[0].request_id, job.request_id);

        page.until(&format!("document.querySelector('{} img').naturalWidth > 0", card(&id))).await;
        page.click(&format!("{} .play", card(&id))).await;
        page.until("document.querySelector('video').readyState >= 2").await;
        let duration = page.value("document.querySelector('video').duration").await.as_f64().unwrap();
        assert!((duration - 2.0).abs() < 0.1, "{duration}");
        let size =
            "[document.querySelector('video').videoWidth, document.querySelector('video').videoHeight]";
        assert_eq!(page.value(size).await, json!([1280, 720]));
        page.until("document.querySelector('video').ended").await;

        let asked = page.requests().await;
        let questions: Vec<_> =
            asked.iter().filter(|url| url.path().starts_with("/__sandbox/")).map(|url| url.path()).collect();
        assert_eq!(
            questions,
            ["/__sandbox/clock", "/__sandbox/clock"],
            "nothing but the two pushes of the button"
        );
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn failed_and_cancelled_jobs_show_reason_and_refund() {
    visit(builder(), async |page| {
        page.open_page().await;
        let failed = page.submit(json!({"prompt": "a boat [fail]"})).await;
        let stopped = page.submit(json!({"prompt": "a train"})).await;
        let url = format!("{}/v1/video/cancel/{stopped}", page.sandbox.base_url());
        reqwest::Client::new().post(url).bearer_auth(KEY).send().await.unwrap().error_for_status().unwrap();
        page.until(&shows(&stopped, "cancelled")).await;
        page.click("[data-advance=\"3600\"]").await;
        page.until(&shows(&failed, "failed")).await;
        let text = page.find(&card(&failed)).await.text().await.unwrap();
        assert!(text.contains("CONTENT_REJECTED") && text.contains("refunded"), "{text}");
        page.tab("ledger").await;
        page.until("document.querySelectorAll('#entries tr').length === 5").await;
        let kinds = "[...document.querySelectorAll('#entries tr td:nth-child(2)')].map((cell) => cell.textContent).sort()";
        assert_eq!(page.value(kinds).await, json!(["charge", "charge", "opening", "refund", "refund"]));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_page_shows_one_account_alone_or_all() {
    visit(builder(), async |page| {
        let mine = page.submit(json!({"prompt": "mine"})).await;
        let other = page.submit_as("ifr_pk_other", json!({"prompt": "another's"})).await;
        // The time is local, and that of the sandbox for a pointer and a screen reader.
        page.command("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Kolkata"})).await;
        page.open_page().await;
        page.until("document.querySelectorAll('#job-list > li').length === 2").await;
        for time in ["#now", "#job-list time"] {
            let texts = format!("(({{ innerText, textContent, title }}) => [innerText, textContent, title])(document.querySelector('{time}'))");
            let texts = page.value(&texts).await;
            assert!(texts[0].as_str().unwrap().contains("05:30:00"), "{texts}");
            for place in [1, 2] {
                assert!(texts[place].as_str().unwrap().contains("2026-01-01 00:00:00 UTC"), "{texts}");
            }
        }
        let account = page.sandbox.jobs().remove(1).account;
        page.click(&format!("#account option[value=\"{account}\"]")).await;
        page.until("document.querySelectorAll('#job-list > li').length === 1").await;
        page.find(&card(&other)).await;
        page.click("#account option[value=\"\"]").await;
        page.until(&shows(&mine, "queued")).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn deleted_jobs_disappear_from_the_page() {
    visit(builder(), async |page| {
        page.open_page().await;
        let first = page.submit(json!({"prompt": "the first"})).await;
        page.until(&shows(&first, "queued")).await;
        page.tab("scenarios").await;
        page.click("#reset").await;
        assert!(page.confirm().await.starts_with("Delete 1 job and 1 account?"));
        page.tab("jobs").await;
        page.until("!document.querySelector('#empty').hidden && !document.querySelector('#job-list li')")
            .await;
        let again = page.submit(json!({"prompt": "the first of all again"})).await;
        page.until(&format!("document.querySelector('{}').innerText.includes('of all again')", card(&again)))
            .await;
        assert_eq!(page.value("document.querySelectorAll('#job-list > li').length").await, 1);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn each_curl_command_runs_as_shown() {
    visit(builder(), async |page| {
        page.open_page().await;
        let id = page.submit(json!({"prompt": "a lighthouse"})).await;
        page.until(&format!("document.querySelector('{}')", card(&id))).await;
        page.tab("requests").await;
        page.click("#commands summary").await;
        let read = "[...document.querySelector('#operation').options].map(({ value }) => {
            const select = document.querySelector('#operation');
            select.value = value;
            select.dispatchEvent(new Event('change'));
            return document.querySelector('#command').textContent;
        })";
        let lines = page.value(read).await;
        assert!(lines.to_string().contains(&id), "{lines}");
        let mut codes = Vec::new();
        for line in lines.as_array().unwrap() {
            let output = tokio::process::Command::new("sh").args(["-c", line.as_str().unwrap()]).output();
            let output = output.await.unwrap();
            let response: serde_json::Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|_| panic!("{line}: {}", String::from_utf8_lossy(&output.stderr)));
            codes.push(response["error"]["code"].as_str().unwrap_or("fine").to_owned());
        }
        // After the lines before them: a deleted job has no clip, and nothing to set.
        let fine = "fine".to_owned();
        assert_eq!(codes.len(), 10);
        assert_eq!(codes.iter().filter(|code| **code == fine).count(), 8, "{codes:?}");
        assert!(codes.iter().all(|code| ["fine", "NOT_FOUND"].contains(&code.as_str())), "{codes:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_connection_that_is_silent_for_too_long_is_made_again() {
    visit(builder(), async |page| {
        page.open_page().await;
        // The 40 seconds are a moment here: a sandbox in which nothing happens is silent for longer.
        let hasten = "(() => { const later = window.setTimeout;
            window.setTimeout = (run, time) => later(run, time === 40000 ? 300 : time); })()";
        page.value(hasten).await;
        page.value("document.querySelector('#account').dispatchEvent(new Event('change'))").await;
        for state in ["not connected", "live", "not connected", "live"] {
            page.until(&format!("document.querySelector('#link').textContent === '{state}'")).await;
        }
    })
    .await;
}
