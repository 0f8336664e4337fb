//! The reference in a browser.

use crate::browser::{builder, visit};

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_reference_shows_every_operation_and_fits_on_a_phone() {
    visit(builder(), async |page| {
        page.open("/docs").await;
        assert_eq!(page.value("document.querySelectorAll('main article .route').length").await, 10);
        let font = page.value("getComputedStyle(document.querySelector('article')).borderRadius").await;
        assert_eq!(font, "12px", "the style is let through");
        for scheme in ["light", "dark"] {
            page.shows_itself(360, scheme).await;
            let overflow = page.value("document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_i64().unwrap() <= 0, "{overflow} px too wide");
        }
        page.click("nav a[href=\"#schema-jobstate\"]").await;
        page.until("document.querySelector('#schema-jobstate').getBoundingClientRect().top < innerHeight")
            .await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_page_leads_to_the_reference_and_back() {
    visit(builder(), async |page| {
        page.open_page().await;
        page.click("header a[href=\"/docs\"]").await;
        page.until("location.pathname === '/docs' && document.querySelector('#video_generate')").await;
        page.click("header a[href=\"/\"]").await;
        page.until("location.pathname === '/' && document.querySelector('#link').dataset.state === 'on'")
            .await;
    })
    .await;
}
