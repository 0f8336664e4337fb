//! Errors of the renderer.

use std::time::Duration;

/// Why a scene could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The encoder cannot encode frames of this size.
    #[error(
        "a clip of {width}x{height} cannot be encoded; use even numbers from 16 to 3840 for the longer side and up \
         to 2160 for the shorter"
    )]
    Size {
        /// The requested width, in pixels.
        width: u32,
        /// The requested height, in pixels.
        height: u32,
    },
    /// The clip would have no frame, or far too many.
    #[error("a clip of {0:?} cannot be rendered; use a duration above 0 and up to 600 seconds")]
    Duration(Duration),
    /// The H.264 encoder failed.
    #[error("the video encoder failed: {0}; try a smaller resolution, and report it if it stays")]
    Encode(String),
    /// The encoded frames could not be written as a file.
    #[error("the clip could not be written as mp4: {0}; try a shorter duration, and report it if it stays")]
    Mux(String),
    /// The thumbnail could not be encoded.
    #[error("the thumbnail could not be made: {0}; report it with the size of the clip")]
    Thumbnail(String),
}
