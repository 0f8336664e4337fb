//! Requests for clips, and what serves them: the renderer, a function of the caller, or a clip that was made in advance.

use std::sync::Arc;
use std::time::Duration;

use crate::model::ids::sha256_hex;

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

impl ClipRequest {
    /// The name under which the clip is cached and stored. Equal requests have equal names.
    pub(crate) fn name(&self) -> String {
        let Self { prompt, seed, width, height, duration } = self;
        sha256_hex(format!("{seed} {width} {height} {} {prompt}", duration.as_nanos()).as_bytes())
    }
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
