//! The clip that is served without the renderer: a small one that was rendered in advance, played at the speed that gives
//! it the requested length.
//!
//! It is made by `cargo run -p infrai-video-render --example render`, see there.

use std::ops::Range;
use std::time::Duration;

use super::source::{ClipFiles, ClipRequest};

const CLIP: &[u8] = include_bytes!("stock/clip.mp4");
const THUMBNAIL: &[u8] = include_bytes!("stock/clip.jpg");

/// The number of frames of the clip.
const FRAMES: u32 = 24;

/// Frames per second of the clips that the renderer makes. Durations are rounded to such frames.
const FRAMES_PER_SECOND: u32 = 24;

/// The files of a request. Different requests give different bytes.
pub(crate) fn files(request: &ClipRequest) -> ClipFiles {
    let name = request.name();
    let mut mp4 = CLIP.to_vec();
    set_duration(&mut mp4, request.duration);
    // Players skip a `free` box.
    let size = u32::try_from(8 + name.len()).expect("a hash has 64 digits");
    mp4.extend(size.to_be_bytes());
    mp4.extend(b"free");
    mp4.extend(name.as_bytes());
    // Data after the end-of-image marker is not part of the picture.
    let thumbnail_jpeg = [THUMBNAIL, name.as_bytes()].concat();
    ClipFiles { mp4, thumbnail_jpeg }
}

/// Sets the duration of the clip in its four places: movie, track, media, and each sample.
fn set_duration(mp4: &mut [u8], duration: Duration) {
    let frames = (duration.as_secs_f64() * f64::from(FRAMES_PER_SECOND)).round().clamp(1.0, 1e6) as u32;
    // With this timescale, the same whole number of ticks per sample adds up to exactly the duration.
    let timescale = FRAMES * FRAMES_PER_SECOND;
    let moov = child(mp4, 0..mp4.len(), b"moov");
    let trak = child(mp4, moov.clone(), b"trak");
    let mdia = child(mp4, trak.clone(), b"mdia");
    let minf = child(mp4, mdia.clone(), b"minf");
    let stbl = child(mp4, minf, b"stbl");
    let header = |mp4: &[u8], parent: Range<usize>, kind| {
        let content = child(mp4, parent, kind);
        // Version 1 has times of 64 bits.
        (content.start, mp4[content.start] == 1)
    };
    for (parent, kind) in [(moov.clone(), b"mvhd"), (mdia, b"mdhd")] {
        match header(mp4, parent, kind) {
            (at, false) => {
                put(mp4, at + 12, timescale);
                put(mp4, at + 16, frames * FRAMES);
            }
            (at, true) => {
                put(mp4, at + 20, timescale);
                put(mp4, at + 28, frames * FRAMES);
            }
        }
    }
    match header(mp4, trak, b"tkhd") {
        (at, false) => put(mp4, at + 20, frames * FRAMES),
        (at, true) => put(mp4, at + 32, frames * FRAMES),
    }
    // Its only entry holds for all samples.
    let stts = child(mp4, stbl, b"stts");
    put(mp4, stts.start + 12, frames);
}

/// The content of the first box of this kind within a range.
fn child(mp4: &[u8], parent: Range<usize>, kind: &[u8; 4]) -> Range<usize> {
    let mut at = parent.start;
    while at < parent.end {
        let size = number(mp4, at) as usize;
        if &mp4[at + 4..at + 8] == kind {
            return at + 8..at + size;
        }
        at += size;
    }
    unreachable!("the embedded clip is read by a test")
}

fn number(mp4: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([mp4[at], mp4[at + 1], mp4[at + 2], mp4[at + 3]])
}

fn put(mp4: &mut [u8], at: usize, number: u32) {
    mp4[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(prompt: &str, seconds: f64) -> ClipRequest {
        let duration = Duration::from_secs_f64(seconds);
        ClipRequest { prompt: prompt.to_owned(), seed: 7, width: 1280, height: 720, duration }
    }

    fn seconds(mp4: &[u8], timescale_at: usize, duration_at: usize) -> f64 {
        f64::from(number(mp4, duration_at)) / f64::from(number(mp4, timescale_at))
    }

    #[test]
    fn the_clip_has_the_requested_length_in_every_header() {
        for (wanted, rounded) in [(0.001, 1.0 / 24.0), (0.25, 0.25), (5.0, 5.0), (600.0, 600.0)] {
            let mp4 = files(&request("a", wanted)).mp4;
            let moov = child(&mp4, 0..mp4.len(), b"moov");
            let mvhd = child(&mp4, moov.clone(), b"mvhd").start;
            let trak = child(&mp4, moov, b"trak");
            let tkhd = child(&mp4, trak.clone(), b"tkhd").start;
            let mdia = child(&mp4, trak, b"mdia");
            let mdhd = child(&mp4, mdia.clone(), b"mdhd").start;
            let stbl = child(&mp4, child(&mp4, mdia, b"minf"), b"stbl");
            let stts = child(&mp4, stbl, b"stts").start;
            assert_eq!([mp4[mvhd], mp4[tkhd], mp4[mdhd]], [0; 3], "versions without 64-bit times");
            let lengths = [
                seconds(&mp4, mvhd + 12, mvhd + 16),
                seconds(&mp4, mvhd + 12, tkhd + 20),
                seconds(&mp4, mdhd + 12, mdhd + 16),
                f64::from(number(&mp4, stts + 8) * number(&mp4, stts + 12))
                    / f64::from(number(&mp4, mdhd + 12)),
            ];
            assert_eq!(lengths, [rounded; 4]);
            assert_eq!((number(&mp4, stts + 4), number(&mp4, stts + 8)), (1, FRAMES));
        }
    }

    #[test]
    fn different_requests_give_different_files_and_equal_requests_equal_ones() {
        let (one, other) = (files(&request("a", 1.0)), files(&request("b", 1.0)));
        assert_ne!((&one.mp4, &one.thumbnail_jpeg), (&other.mp4, &other.thumbnail_jpeg));
        assert_eq!(one, files(&request("a", 1.0)));
        assert_eq!((&one.mp4[4..8], &one.thumbnail_jpeg[..2]), (&b"ftyp"[..], &[0xff, 0xd8][..]));
    }
}
