//! Clips for simulations: whole MP4s that are made in no time and differ from prompt to prompt.

use std::sync::LazyLock;

use infrai_video_sandbox::{ClipFiles, ClipRequest};

use crate::transports::RouterTransport;
use crate::{client_of, quick_sandbox};

/// One rendered frame, made once for all runs, on a thread that has no clock of a simulation.
static FRAME: LazyLock<Vec<u8>> = LazyLock::new(|| {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime can be built").block_on(async {
            let sandbox = quick_sandbox().router();
            let client = client_of(sandbox.base_url()).with_transport(RouterTransport(sandbox.clone()));
            let client = client.build().expect("the settings are valid");
            let job = client
                .generate("simulation")
                .duration_seconds(0.04)
                .submit()
                .await
                .expect("nothing goes wrong");
            sandbox.clip_bytes(job.id()).await.expect("a frame can be rendered").to_vec()
        })
    })
    .join()
    .expect("the frame can be made")
});

/// The frame, with a `free` box after the first box that holds what only this prompt gives.
pub(super) fn of_prompt(request: &ClipRequest) -> ClipFiles {
    let mut random = fastrand::Rng::with_seed(
        request.prompt.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))),
    );
    let length = random.usize(2_000..40_000);
    let filler: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    let first = u32::from_be_bytes(FRAME[..4].try_into().expect("four bytes")) as usize;
    let mut mp4 = FRAME[..first].to_vec();
    mp4.extend(u32::try_from(filler.len() + 8).expect("a small box").to_be_bytes());
    mp4.extend(b"free");
    mp4.extend(filler);
    mp4.extend(&FRAME[first..]);
    ClipFiles { mp4, thumbnail_jpeg: Vec::new() }
}
