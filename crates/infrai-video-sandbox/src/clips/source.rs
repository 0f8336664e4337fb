//! Where clips come from: the renderer, a function of the caller, or a clip that was made in advance.

use std::sync::Arc;
use std::time::Duration;

/// Describes a clip. Equal requests give equal files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClipRequest {
    /// The prompt of the job.
    pub prompt: String,
    /// The seed of the sandbox.
    pub seed: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The clip's length.
    pub duration: Duration,
}

/// The files of a finished job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFiles {
    /// The clip.
    pub mp4: Vec<u8>,
    /// The thumbnail.
    pub thumbnail_jpeg: Vec<u8>,
}

/// Produces the files of a request. It may block.
pub(crate) type ClipSource = Arc<dyn Fn(&ClipRequest) -> Result<ClipFiles, String> + Send + Sync>;

/// The default source: renders the prompt.
#[cfg(feature = "render")]
pub(crate) fn default_source() -> ClipSource {
    use infrai_video_render::{Scene, render};

    Arc::new(|request| {
        let ClipRequest { prompt, seed, width, height, duration } = request.clone();
        let clip =
            render(&Scene { prompt, seed, width, height, duration }).map_err(|error| error.to_string())?;
        Ok(ClipFiles { mp4: clip.mp4, thumbnail_jpeg: clip.thumbnail_jpeg })
    })
}

/// The default source: the stock clip at the requested length.
#[cfg(not(feature = "render"))]
pub(crate) fn default_source() -> ClipSource {
    Arc::new(|request| Ok(super::stock::files(request)))
}
