//! Pictures of the page, for people who have not started it yet.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::json;

use crate::browser::{Visit, builder, visit};

/// Where pictures go, if anybody wants them: `docs` for those of the README.
const FOLDER: &str = "INFRAI_VIDEO_PICTURES";

pub(crate) async fn fill(page: &Visit) {
    let jobs = [
        ("neon street in the rain", "720p", "16:9", 5.0),
        ("snow falling on a mountain village at night", "720p", "9:16", 4.0),
        ("a paper boat on a slow river [fail]", "720p", "16:9", 3.0),
        ("a timelapse of a city skyline at dusk", "1080p", "16:9", 5.0),
        ("a lighthouse in a storm, waves over the rocks", "720p", "16:9", 4.0),
    ];
    for (prompt, resolution, aspect, seconds) in jobs {
        page.submit(json!({"prompt": prompt, "resolution": resolution, "aspect_ratio": aspect, "duration_seconds": seconds})).await;
        page.sandbox.clock().advance(Duration::from_secs(12));
    }
    page.submit(json!({"prompt": "the desert under a sky full of stars", "resolution": "1080p", "duration_seconds": 8})).await;
    page.sandbox.clock().advance(Duration::from_secs(6));
}

/// Takes a picture of the window, and keeps it below `target`, and among those of the README if somebody wants that.
pub(crate) async fn picture(page: &Visit, name: &str) -> Vec<u8> {
    page.command("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
    // Pictures far below are fetched when somebody gets near them.
    page.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })").await;
    page.until("[...document.querySelectorAll('.play img')].every((image) => image.naturalWidth > 0)").await;
    page.value("document.querySelector('#news')?.classList.remove('shown')").await;
    let shot = page.command("Page.captureScreenshot", json!({"format": "png"})).await;
    let picture = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme =
        std::env::var_os(FOLDER).filter(|_| name.starts_with("sandbox-")).map(|folder| root.join(folder));
    for folder in [Some(root.join("target/pictures")), readme].into_iter().flatten() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), &picture).unwrap();
    }
    picture
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_page_looks_different_in_light_and_dark_and_shows_its_pictures() {
    let rule = Fault::on(Operation::Generate, Action::AcceptThenDrop).times(1);
    visit(builder(), async |page| {
        fill(page).await;
        page.sandbox.set_faults([rule]);
        page.open_page().await;
        page.shows_itself(1280, "light").await;
        page.until("document.querySelectorAll('#job-list > li').length === 6").await;
        let mut pictures = Vec::new();
        for scheme in ["light", "dark"] {
            page.shows_itself(1280, scheme).await;
            pictures.push(picture(page, &format!("sandbox-{scheme}")).await);
        }
        assert_ne!(pictures[0], pictures[1]);
    })
    .await;
}
