//! What to render, and the limits of it.

use std::time::Duration;

use crate::error::RenderError;

/// Frames per second of every clip.
pub const FRAMES_PER_SECOND: u32 = 24;

/// The longest clip that is rendered.
const MAX_DURATION: Duration = Duration::from_secs(600);

/// The limits of the encoder, in pixels: the longer side, the shorter side, and the minimum of both.
const MAX_LONG_SIDE: u32 = 3840;
const MAX_SHORT_SIDE: u32 = 2160;
const MIN_SIDE: u32 = 16;

/// What a clip shows, how large it is and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The text that selects the scene and is drawn on it. Any text is accepted, also an empty one.
    pub prompt: String,
    /// Varies the scene for one prompt.
    pub seed: u64,
    /// Width in pixels: an even number of at least 16.
    pub width: u32,
    /// Height in pixels: an even number of at least 16. The longer side is at most 3840, the shorter at most 2160.
    pub height: u32,
    /// Length of the clip, above 0 and at most ten minutes, rounded to whole frames of 1/24 second.
    pub duration: Duration,
}

impl Scene {
    /// Validates the scene and returns its number of frames.
    pub(crate) fn frames(&self) -> Result<u32, RenderError> {
        let (width, height) = (self.width, self.height);
        let (long, short) = (width.max(height), width.min(height));
        let fits = (MIN_SIDE..=MAX_SHORT_SIDE).contains(&short) && long <= MAX_LONG_SIDE;
        if !fits || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            return Err(RenderError::Size { width, height });
        }
        if self.duration.is_zero() || self.duration > MAX_DURATION {
            return Err(RenderError::Duration(self.duration));
        }
        Ok(frame_count(self.duration))
    }
}

/// The nearest whole number of frames, and at least one.
fn frame_count(duration: Duration) -> u32 {
    let frames = (duration.as_nanos() * u128::from(FRAMES_PER_SECOND) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX).max(1)
}
