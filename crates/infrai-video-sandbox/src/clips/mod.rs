//! Clips: where they come from, where they are kept, and how they are addressed.

pub(crate) mod clip_cache;
#[cfg_attr(not(feature = "persist"), allow(dead_code, reason = "only a persistent sandbox stores clips"))]
pub(crate) mod clip_store;
pub(crate) mod links;
pub(crate) mod range;
pub(crate) mod source;
#[cfg(any(test, not(feature = "render")))]
mod stock;

use std::sync::Arc;

/// The default source: renders the prompt.
#[cfg(feature = "render")]
pub(crate) fn default_source() -> source::ClipSource {
    use infrai_video_render::{Scene, render};
    use source::{ClipFiles, ClipRequest};

    Arc::new(|request| {
        let ClipRequest { prompt, seed, width, height, duration } = request.clone();
        let clip =
            render(&Scene { prompt, seed, width, height, duration }).map_err(|error| error.to_string())?;
        Ok(ClipFiles { mp4: clip.mp4, thumbnail_jpeg: clip.thumbnail_jpeg })
    })
}

/// Lowers the priority of this thread, and of those that it starts, so that responses do not wait for a processor while clips
/// are rendered.
#[cfg(all(feature = "render", target_os = "linux"))]
fn yield_to_requests() {
    // A third of the share of other threads: with the lowest priority, other programs could delay a clip for very long. Without it
    // clips are rendered all the same. On other systems than Linux it would apply to the whole process.
    let _ = rustix::process::nice(5);
}

#[cfg(not(all(feature = "render", target_os = "linux")))]
fn yield_to_requests() {}

/// The default source: the stock clip at the requested length.
#[cfg(not(feature = "render"))]
pub(crate) fn default_source() -> source::ClipSource {
    Arc::new(|request| Ok(stock::files(request)))
}
