//! The smallest real clip.

use std::sync::LazyLock;

use crate::transports::RouterTransport;
use crate::{client_of, quick_sandbox};

/// A whole MP4 of one frame, rendered once for all tests of a process.
pub fn frame() -> &'static [u8] {
    static FRAME: LazyLock<Vec<u8>> = LazyLock::new(|| {
        // On a thread of its own, since the caller may be inside a runtime with a simulated clock.
        std::thread::spawn(render).join().expect("the frame can be made")
    });
    &FRAME
}

fn render() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime can be built").block_on(async {
        let sandbox = quick_sandbox().router();
        let client = client_of(sandbox.base_url()).with_transport(RouterTransport(sandbox.clone()));
        let client = client.build().expect("the settings are valid");
        let job = client.generate("a frame").duration_seconds(0.04).submit().await;
        let job = job.expect("nothing goes wrong in this sandbox");
        sandbox.clip_bytes(job.id()).await.expect("a frame can be rendered").to_vec()
    })
}
