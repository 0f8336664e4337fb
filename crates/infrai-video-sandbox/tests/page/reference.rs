//! The reference of the API in a browser.

use infrai_video_sandbox::Operation;

use crate::browser::{builder, visit};

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_reference_shows_every_operation_and_fits_on_a_phone_and_a_desktop() {
    visit(builder(), async |page| {
        page.open("/docs").await;
        page.until("document.querySelectorAll('.opblock').length === 10").await;
        page.click("[id$=\"-video_generate\"] .opblock-summary-control").await;
        page.until("document.querySelector('[id$=\"-video_generate\"] .responses-table')").await;
        for width in [390, 1280] {
            page.shows_itself(width, "light").await;
            let overflow = page.value("document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_i64().unwrap() <= 0, "at {width}: {overflow} px too wide");
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_call_can_be_sent_from_the_reference_and_reaches_only_this_sandbox() {
    visit(builder(), async |page| {
        page.open("/docs").await;
        let operation = "[id$=\"-video_capabilities\"]";
        page.until(&format!("document.querySelector('{operation}')")).await;
        page.click(&format!("{operation} .opblock-summary-control")).await;
        page.until(&format!("document.querySelector('{operation} .btn.execute')")).await;
        page.click(&format!("{operation} .btn.execute")).await;
        page.until(&format!(
            "document.querySelector('{operation} .live-responses-table').innerText.includes('sandbox-swift')"
        ))
        .await;
        let journal = page.sandbox.journal();
        assert_eq!(journal.len(), 1, "{journal:?}");
        assert_eq!((journal[0].operation, journal[0].status), (Some(Operation::Capabilities), Some(200)));
        assert!(journal[0].authorization, "a key of the sandbox is filled in");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_admin_api_is_chosen_in_the_reference_and_can_be_called_from_it() {
    visit(builder(), async |page| {
        page.open("/docs").await;
        page.until("document.querySelectorAll('.opblock').length === 10").await;
        page.click("nav a[href=\"/docs?document=sandbox\"]").await;
        let operation = "[id$=\"-sandbox_set_faults\"]";
        page.until(&format!("document.querySelector('{operation}')")).await;
        assert_eq!(page.value("document.querySelector('nav [aria-current]').textContent").await, "Admin API");
        assert_eq!(page.value("document.querySelector('#yaml').pathname").await, "/__sandbox/openapi.yaml");
        page.click(&format!("{operation} .opblock-summary-control")).await;
        page.until(&format!("document.querySelector('{operation} .btn.execute')")).await;
        page.click(&format!("{operation} .btn.execute")).await;
        page.until(&format!("document.querySelector('{operation} .live-responses-table')")).await;
        let response = format!("document.querySelector('{operation} .live-responses-table').innerText");
        page.until(&format!("{response}.includes('accept_then_drop')")).await;
        assert_eq!(page.sandbox.faults().len(), 1, "the example of the document was sent");
        for width in [390, 1280] {
            page.shows_itself(width, "light").await;
            let overflow = page.value("document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_i64().unwrap() <= 0, "at {width}: {overflow} px too wide");
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_page_leads_to_the_reference_and_back() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.click("header a[href=\"/docs\"]").await;
        page.until("location.pathname === '/docs' && document.querySelector('[id$=\"-video_generate\"]')")
            .await;
        page.click("header a[href=\"/\"]").await;
        page.until("location.pathname === '/' && document.querySelector('#link').dataset.state === 'on'")
            .await;
    })
    .await;
}
