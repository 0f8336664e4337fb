//! The dimensions of a frame and a moment of a clip, which all parts of a scene share.

use crate::spec::FRAMES_PER_SECOND;

/// The dimensions of the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Width in pixels.
    pub(crate) width: f32,
    /// Height in pixels.
    pub(crate) height: f32,
    /// A pixel of a frame of 720 lines, in pixels of this frame: all sizes and speeds are given in it.
    pub(crate) unit: f32,
    /// Where the sky ends, in pixels from the top.
    pub(crate) horizon: f32,
}

/// A speed near the wanted one, in pixels each second, of which a frame sees whole pixels or quarters of them: the
/// encoder can describe such a motion exactly.
pub(crate) fn even_speed(wanted: f32) -> f32 {
    let frames = FRAMES_PER_SECOND as f32;
    let step = if wanted.abs() < frames { 4.0 } else { 1.0 };
    let steps = (wanted / frames * step).round();
    if steps == 0.0 { wanted } else { steps / step * frames }
}

/// A moment of the clip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Seconds from the start.
    pub(crate) seconds: f32,
    /// How far the light has moved on, from 0 to 1.
    pub(crate) progress: f32,
}
