//! Whatever a prompt holds, it is text: nothing of it runs, and nothing of it breaks the page.

use serde_json::json;

use crate::browser::{FOREIGN, KEY, Visit, builder, card, shows, visit};

async fn prompt(page: &Visit, text: &str) -> String {
    let id = page.submit(json!({"prompt": text, "duration_seconds": 1})).await;
    page.until(&format!("document.querySelector('{}')", card(&id))).await;
    id
}

async fn fits(page: &Visit) {
    for width in [360, 390, 800, 1280] {
        page.shows_itself(width, "light").await;
        let overflow = page.value("document.documentElement.scrollWidth - innerWidth").await;
        assert!(overflow.as_i64().unwrap() <= 0, "at {width}: {overflow} px too wide");
    }
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn markup_in_a_prompt_is_shown_as_text_and_runs_nothing() {
    visit(builder(), async |page| {
        page.open_page().await;
        let title = page.value("document.title").await;
        for text in [
            "<img src=x onerror=\"document.title='ran'\">",
            "<script>document.title = 'ran'</script>",
            "</p></li></ol><iframe srcdoc=\"<script>parent.document.title='ran'</script>\"></iframe>",
            "\"><svg onload=document.title='ran'>",
            "{{constructor.constructor('document.title=1')()}} ${document.title}",
        ] {
            let id = prompt(page, text).await;
            let shown =
                page.value(&format!("document.querySelector('{} .prompt').textContent", card(&id))).await;
            assert_eq!(shown, text);
            let children = format!("document.querySelector('{} .prompt').childElementCount", card(&id));
            assert_eq!(page.value(&children).await, 0, "{text}");
        }
        let key = "\"><img/src=x/onerror=document.title='ran'>";
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/v1/video/generate", page.sandbox.base_url())).bearer_auth(KEY);
        let request = request.header("Idempotency-Key", key).json(&json!({"prompt": "a key of markup"}));
        request.send().await.unwrap().error_for_status().unwrap();
        page.until("document.querySelector('#job-list').textContent.includes('onerror=document')").await;
        assert_eq!(
            page.value("document.querySelectorAll('#job-list img, script:not([src]), iframe, svg').length")
                .await,
            0
        );
        assert_eq!(page.value("document.title").await, title);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn long_unbroken_and_right_to_left_prompts_fit_on_every_width() {
    visit(builder(), async |page| {
        page.open_page().await;
        prompt(page, &"w".repeat(4000)).await;
        let long = prompt(page, &"a cat at the window ".repeat(200)).await;
        let arabic = prompt(page, "مدينة عند الغروب مع طيور فوق البحر").await;
        prompt(page, "line\nafter\n\nline \u{202e}turned\u{0} \u{1f3ac}").await;
        let huge = prompt(page, &"x".repeat(32_000)).await;
        fits(page).await;
        let direction =
            format!("getComputedStyle(document.querySelector('{} .prompt')).direction", card(&arabic));
        assert_eq!(page.value(&direction).await, "rtl");
        let text =
            page.value(&format!("document.querySelector('{} .prompt').textContent", card(&huge))).await;
        assert!(text.as_str().unwrap().ends_with("(32000 characters)"));
        let height = format!("document.querySelector('{} .prompt').clientHeight", card(&long));
        page.shows_itself(1280, "light").await;
        let before = page.value(&height).await.as_i64().unwrap();
        page.click(&format!("{} .rest > button", card(&long))).await;
        page.until(&format!("{height} > {before}")).await;
        fits(page).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_page_may_run_nothing_but_its_own_script() {
    visit(builder(), async |page| {
        page.open_page().await;
        // Trusted types refuse the sinks through which text becomes code or markup.
        let refused = "(() => { try { document.createElement('div').innerHTML = '<b>x</b>'; return false; } catch { return true; } })()";
        assert_eq!(page.value(refused).await, true);
        let complaints = page.complaints().await;
        assert!(matches!(complaints.as_slice(), [one] if one.contains("TrustedHTML")), "{complaints:?}");
        let response = reqwest::get(page.sandbox.base_url()).await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_page_under_a_foreign_name_learns_nothing() {
    visit(builder(), async |page| {
        page.submit(json!({"prompt": "not for everybody"})).await;
        let port = page.sandbox.api_address().port();
        for path in ["/", "/__sandbox/state", "/openapi.json"] {
            page.open_at(&format!("http://{FOREIGN}:{port}{path}")).await;
            let text = page.value("document.documentElement.textContent").await;
            assert!(text.as_str().unwrap().contains(FOREIGN), "{path}: {text}");
            assert!(!text.as_str().unwrap().contains("not for everybody"), "{path}: {text}");
            assert_eq!(page.value("document.scripts.length").await, 0, "{path}");
        }
        let complaints = page.complaints().await;
        assert!(!complaints.is_empty());
        assert!(complaints.iter().all(|complaint| complaint.contains("421")), "{complaints:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_admin_token_opens_the_page_and_lasts_as_long_as_its_tab() {
    const TOKEN: &str = "a-token-of-this-test-only";
    visit(builder().admin_token(TOKEN), async |page| {
        let id = page.submit(json!({"prompt": "for whoever has the token"})).await;
        page.open("/").await;
        page.until("!document.querySelector('#gate').hidden && document.activeElement.id === 'token'").await;
        assert_eq!(page.value("document.querySelectorAll('#job-list > li').length").await, 0);

        let watch = "(() => { const fetch = window.fetch; window.sent = [];
            window.fetch = (path, options) => { window.sent.push(options.headers.Authorization); return fetch(path, options); }; })()";
        page.value(watch).await;
        page.press("another-token" + thirtyfour::Key::Enter).await;
        let refused = "document.querySelector('#gate-error').checkVisibility() && document.querySelector('#gate-error').textContent === 'This token is wrong.'";
        page.until(&format!("window.sent.length > 0 && {refused}")).await;
        assert_eq!(page.value("window.sent[0]").await, "Bearer another-token");
        assert_eq!(page.value("document.querySelector('#token').value").await, "");
        assert_eq!(page.value("document.querySelectorAll('#job-list > li').length").await, 0);

        page.press("ключ" + thirtyfour::Key::Enter).await;
        page.until(&format!("document.querySelector('#token').value === '' && {refused}")).await;
        assert_eq!(page.value("sessionStorage.length").await, 0, "only an accepted token is kept");

        page.press(format!(" {TOKEN} ") + thirtyfour::Key::Enter).await;
        page.until(&shows(&id, "queued")).await;
        page.open("/").await;
        page.until(&shows(&id, "queued")).await;
        assert_eq!(page.value("document.querySelector('#gate').hidden").await, true);
        let complaints = page.complaints().await;
        assert_eq!(complaints.len(), 2, "refused before the token was given: {complaints:?}");
        assert!(complaints.iter().all(|complaint| complaint.contains("401")), "{complaints:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_link_to_a_request_opens_after_the_token_was_given() {
    visit(builder().admin_token("a-token-of-this-test-only"), async |page| {
        page.submit(json!({"prompt": "a boat"})).await;
        let id = page.sandbox.journal().remove(0).request_id;
        page.open(&format!("/#requests/{id}")).await;
        page.until("!document.querySelector('#gate').hidden && document.activeElement.id === 'token'").await;
        assert_eq!(page.value("document.querySelector('#request').open").await, false);
        page.press("a-token-of-this-test-only" + thirtyfour::Key::Enter).await;
        page.until("document.querySelector('#request').open && document.querySelector('#copy-curl:enabled')")
            .await;
        page.complaints().await;
    })
    .await;
}
