//! Renders a scene: paints frames, encodes them on several threads, and writes the file.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::RenderError;
use crate::frame::Frame;
use crate::scene::Picture;
use crate::spec::{FRAMES_PER_SECOND, Scene};
use crate::video::{EncodedVideo, VideoEncoder};
use crate::{mp4, thumbnail};

/// The maximum distance of two key frames. A player can seek to each key frame.
const LONGEST_GROUP: u32 = 2 * FRAMES_PER_SECOND;

/// The maximum number of threads per clip. Each holds one raw frame and an encoder.
const MAX_THREADS: usize = 4;

/// A finished clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The file: H.264 in MP4, with its index in front so that it plays while it loads.
    pub mp4: Vec<u8>,
    /// The frame in the middle as JPEG, 320 pixels on its longer side (or less for a smaller clip).
    pub thumbnail_jpeg: Vec<u8>,
}

/// Renders a scene.
///
/// This blocks for about a tenth to the whole of the clip's own length, so run it on a thread pool. Equal scenes give
/// equal bytes.
///
/// # Errors
///
/// [`RenderError::Size`] and [`RenderError::Duration`] for values out of range, the others if a stage fails.
pub fn render(scene: &Scene) -> Result<Clip, RenderError> {
    let frames = scene.frames()?;
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
pub(crate) fn encode_group(
    scene: &Scene,
    picture: &Picture,
    group: Range<u32>,
) -> Result<EncodedVideo, RenderError> {
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
pub(crate) fn groups(frames: u32) -> Vec<Range<u32>> {
    let count = match frames.div_ceil(LONGEST_GROUP) {
        1 => 1,
        count => count.next_multiple_of(2),
    };
    (0..count).map(|index| index * frames / count..(index + 1) * frames / count).collect()
}
