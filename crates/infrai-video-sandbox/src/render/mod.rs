//! Makes the clip of a finished job: a real MP4 with a calm scene that is drawn from the prompt.
//!
//! The way of a clip is short: [`theme`] reads the prompt and picks what to show, [`picture`] paints one frame after
//! the other into the planes of [`frame`], [`video`] turns each into H.264, and [`mp4`] puts the result into a file
//! that players can start before they have all of it. Only one raw frame is held at a time.
//!
//! The same scene gives the same bytes. There is no clock and no function of the platform's maths library
//! ([`chance::wave`] stands in for the sine). A clip is cut into groups of frames that depend on nothing but their
//! number, so it does not matter how many threads share them.

mod caption;
mod chance;
mod color;
mod frame;
mod land;
mod mp4;
mod palette;
mod picture;
mod shapes;
mod silhouette;
mod sky;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod thumbnail;
mod video;
mod weather;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use frame::Frame;
use picture::Picture;
use video::{EncodedVideo, VideoEncoder};

/// Frames in each second of a clip.
pub(crate) const FRAMES_PER_SECOND: u32 = 24;

/// The longest clip that is rendered.
const MAX_DURATION: Duration = Duration::from_secs(600);

/// The most frames from one key frame to the next: a player can jump to each key frame.
const LONGEST_GROUP: u32 = 2 * FRAMES_PER_SECOND;

/// The most threads for one clip. Each holds one raw frame and an encoder.
const MAX_THREADS: usize = 4;

/// The limits of the encoder, in pixels: the longer side, the shorter side, and the least of both.
const MAX_LONG_SIDE: u32 = 3840;
const MAX_SHORT_SIDE: u32 = 2160;
const MIN_SIDE: u32 = 16;

/// What a clip shows, how large it is and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scene {
    /// The text that chooses the scene and is written on it. Any text is taken, an empty one too.
    pub(crate) prompt: String,
    /// Varies the scene for one prompt.
    pub(crate) seed: u64,
    /// Width in pixels: an even number of at least 16.
    pub(crate) width: u32,
    /// Height in pixels: an even number of at least 16. The longer side is at most 3840, the shorter at most 2160.
    pub(crate) height: u32,
    /// Length of the clip, above 0 and at most ten minutes. It is rounded to whole frames of 1/24 second.
    pub(crate) duration: Duration,
}

/// A finished clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clip {
    /// The file: H.264 in MP4, with its index in front so that it plays while it loads.
    pub(crate) mp4: Vec<u8>,
    /// The frame in the middle as JPEG, 320 pixels on its longer side (or less for a smaller clip).
    pub(crate) thumbnail_jpeg: Vec<u8>,
}

/// Why a scene could not be rendered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    /// The encoder cannot make frames of this size.
    #[error(
        "a clip of {width}x{height} cannot be encoded; use even numbers from 16 to 3840 for the longer side and up \
         to 2160 for the shorter"
    )]
    Size {
        /// The width asked for, in pixels.
        width: u32,
        /// The height asked for, in pixels.
        height: u32,
    },
    /// The clip would have no frame, or far too many.
    #[error("a clip of {0:?} cannot be rendered; use a duration above 0 and up to 600 seconds")]
    Duration(Duration),
    /// The H.264 encoder failed.
    #[error("the video encoder failed: {0}; try a smaller resolution, and report it if it stays")]
    Encode(String),
    /// The encoded frames could not be put into a file.
    #[error("the clip could not be written as mp4: {0}; try a shorter duration, and report it if it stays")]
    Mux(String),
    /// The still picture could not be made.
    #[error("the thumbnail could not be made: {0}; report it with the size of the clip")]
    Thumbnail(String),
}

/// The size in pixels, width first, of a resolution and an aspect as the API names them.
///
/// Known are `720p`, `1080p` and `4k` with `16:9`, `9:16` and `1:1`; anything else gives `None`.
pub(crate) fn frame_size(resolution: &str, aspect: &str) -> Option<(u32, u32)> {
    let (long, short) = match resolution {
        "720p" => (1280, 720),
        "1080p" => (1920, 1080),
        "4k" => (3840, 2160),
        _ => return None,
    };
    match aspect {
        "16:9" => Some((long, short)),
        "9:16" => Some((short, long)),
        "1:1" => Some((short, short)),
        _ => None,
    }
}

/// Renders a scene. This blocks for about a tenth to the whole of the clip's own length: run it on a pool of threads.
///
/// # Errors
///
/// [`RenderError::Size`] and [`RenderError::Duration`] for values out of range, the others if a part fails.
pub(crate) fn render(scene: &Scene) -> Result<Clip, RenderError> {
    let frames = check(scene)?;
    let picture = Picture::new(scene, frames);
    let mut frame = Frame::new(scene.width as usize, scene.height as usize);
    picture.paint(frames / 2, &mut frame);
    let thumbnail_jpeg = thumbnail::jpeg(&frame)?;
    drop(frame);
    let video = encode(scene, &picture, &groups(frames))?;
    Ok(Clip { mp4: mp4::mux(&video)?, thumbnail_jpeg })
}

/// Encodes all groups on a few threads and joins them in order.
fn encode(scene: &Scene, picture: &Picture, groups: &[Range<u32>]) -> Result<EncodedVideo, RenderError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(group) = groups.get(index) else {
                return Ok(done);
            };
            done.push((index, encode_group(scene, picture, group.clone())?));
        }
    };
    let threads =
        thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MAX_THREADS).min(groups.len());
    let mut parts = thread::scope(|scope| {
        // This thread takes part, so that a clip of one group starts none.
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut parts = work()?;
        for other in others {
            let part = other.join().map_err(|_| RenderError::Encode("a thread of it stopped".to_owned()))?;
            parts.extend(part?);
        }
        Ok(parts)
    })?;
    parts.sort_unstable_by_key(|(index, _)| *index);
    EncodedVideo::join(parts.into_iter().map(|(_, part)| part))
}

/// Encodes frames of which the first is a key frame, one raw frame at a time.
fn encode_group(scene: &Scene, picture: &Picture, group: Range<u32>) -> Result<EncodedVideo, RenderError> {
    let mut frame = Frame::new(scene.width as usize, scene.height as usize);
    let mut encoder = VideoEncoder::new(scene.width, scene.height)?;
    for index in group {
        picture.paint(index, &mut frame);
        encoder.push(&frame)?;
    }
    encoder.finish()
}

/// Cuts a number of frames into groups of nearly the same length; more than one come in an even number, so that two
/// threads have the same to do.
fn groups(frames: u32) -> Vec<Range<u32>> {
    let count = match frames.div_ceil(LONGEST_GROUP) {
        1 => 1,
        count => count.next_multiple_of(2),
    };
    (0..count).map(|index| index * frames / count..(index + 1) * frames / count).collect()
}

/// Checks the scene and gives the number of its frames.
fn check(scene: &Scene) -> Result<u32, RenderError> {
    let (width, height) = (scene.width, scene.height);
    let (long, short) = (width.max(height), width.min(height));
    let fits = (MIN_SIDE..=MAX_SHORT_SIDE).contains(&short) && long <= MAX_LONG_SIDE;
    if !fits || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
        return Err(RenderError::Size { width, height });
    }
    if scene.duration.is_zero() || scene.duration > MAX_DURATION {
        return Err(RenderError::Duration(scene.duration));
    }
    Ok(frame_count(scene.duration))
}

/// The nearest whole number of frames, and at least one.
fn frame_count(duration: Duration) -> u32 {
    let frames = (duration.as_nanos() * u128::from(FRAMES_PER_SECOND) + 500_000_000) / 1_000_000_000;
    u32::try_from(frames).unwrap_or(u32::MAX).max(1)
}
