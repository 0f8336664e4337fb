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

/// The default source: the stock clip at the requested length.
#[cfg(not(feature = "render"))]
pub(crate) fn default_source() -> source::ClipSource {
    Arc::new(|request| Ok(stock::files(request)))
}
