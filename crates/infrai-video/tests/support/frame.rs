//! The smallest real clip.

use std::sync::LazyLock;

use infrai_video::transport::TowerTransport;
use infrai_video_sandbox::Sandbox;

use super::client_of;

/// A whole MP4 of one frame, rendered once for all tests of a process.
pub(crate) fn frame() -> &'static [u8] {
    static FRAME: LazyLock<Vec<u8>> = LazyLock::new(|| {
        // On a thread of its own: the caller may be inside a runtime with a paused clock.
        std::thread::spawn(render).join().expect("the frame can be rendered")
    });
    &FRAME
}

fn render() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime can be built").block_on(async {
        let sandbox = Sandbox::builder().instant_jobs().router();
        let client = client_of(sandbox.base_url()).with_transport(TowerTransport::new(sandbox.clone()));
        let client = client.build().expect("the settings are valid");
        let job = client.generate("a frame").duration_seconds(0.04).submit().await;
        let job = job.expect("this sandbox has no faults");
        sandbox.clip_bytes(job.id()).await.expect("a frame can be rendered").to_vec()
    })
}
